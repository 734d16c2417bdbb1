"""Mounts of a process's own, in namespaces that go with it; a real file system of any size."""

import ctypes
import os
from pathlib import Path

import pytest
from survival import forks

_NEW_MOUNTS, _NEW_USER = 0x00020000, 0x10000000  # flags of unshare(2)
BIND, _PRIVATE = 0x1000, 0x40000 | 0x4000  # flags of mount(2), the second for all below


def own_mounts():
    """Leave this process alone with its mounts; raises OSError where the system forbids that."""
    libc = ctypes.CDLL(None, use_errno=True)
    flags = _NEW_MOUNTS if os.geteuid() == 0 else _NEW_MOUNTS | _NEW_USER
    user, group = os.getuid(), os.getgid()
    if libc.unshare(flags):
        raise OSError(ctypes.get_errno(), "unshare")
    if flags & _NEW_USER:
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            Path("/proc/self", name).write_text(text)
    mount("none", "/", None, _PRIVATE)


def mount(source, directory, kind, flags=0, options=""):
    libc = ctypes.CDLL(None, use_errno=True)
    texts = [None if text is None else os.fsencode(text) for text in (source, directory, kind)]
    if libc.mount(*texts, ctypes.c_ulong(flags), os.fsencode(options)):
        raise OSError(ctypes.get_errno(), f"mount on {directory}")


@pytest.fixture(scope="module")
def mounts():
    """Skip where a process cannot have mounts of its own, as in most containers."""
    ended = forks.run(own_mounts)
    if ended.code:
        pytest.skip(f"no mounts of our own here: {ended.error}")
