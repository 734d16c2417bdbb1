"""Another user of the machine, a real one: what is done as that user, and where both can be."""

import ctypes
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest


def account(name="nobody"):
    """Return a user's account; skip the test where it or the right to act as it is missing."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can act as another user, and on Linux alone in this way")
    try:
        return pytest.importorskip("pwd").getpwnam(name)
    except KeyError:
        pytest.skip(f"no user {name!r} on this machine")


@contextmanager
def acting_as(name="nobody"):
    """Do the block as another user, of that user's own group."""
    found, group = account(name), os.getegid()
    os.setegid(found.pw_gid)
    os.seteuid(found.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)


@contextmanager
def mapped_to(name="nobody"):
    """Do the block where all files are another user's, as on a server that takes all for one."""
    found = account(name)
    set_file_user = ctypes.CDLL(None).setfsuid  # which Linux has
    set_file_user(found.pw_uid)
    try:
        yield
    finally:
        set_file_user(0)


def common_ground():
    """Yield a directory that every user can reach, unlike pytest's own; to be made a fixture."""
    path = Path(tempfile.mkdtemp(prefix="glaciercli-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)
