"""The seam to the operating system, as far as this one goes; the type checker reads the others."""

import os
import stat
import subprocess
import sys

import others
import pytest

from glaciercli import system


@pytest.fixture
def file(tmp_path):
    descriptor = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT | system.OWN, 0o600)
    yield descriptor
    os.close(descriptor)


def test_bytes_go_to_their_position_and_come_back(file):
    assert system.write_at(file, memoryview(b"world"), 6) == 5
    assert system.write_at(file, memoryview(b"hello "), 0) == 6
    system.sync(file)
    buffer = bytearray(20)

    assert system.read_into(file, memoryview(buffer), 3) == 8
    assert bytes(buffer[:8]) == b"lo world"
    assert system.read_into(file, memoryview(buffer), 11) == 0


def test_one_process_holds_a_lock(file, tmp_path):
    system.lock(file)
    asked = subprocess.run(
        [sys.executable, "-c", _LOCK, tmp_path / "file"], capture_output=True, text=True, check=True
    )

    assert asked.stdout == "BlockingIOError\n"


_LOCK = """
import os, sys
from glaciercli import system
try:
    system.lock(os.open(sys.argv[1], os.O_RDWR))
    print("locked")
except OSError as error:
    print(type(error).__name__)
"""


def test_a_locked_file_is_removed(tmp_path):
    path = tmp_path / "journal"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    system.lock(descriptor)
    system.remove_locked(path, descriptor)

    assert not path.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="rights are the directory's there")
def test_the_rights_of_others_are_seen(file):
    system.set_mode(file, 0o604)

    assert system.mode_beyond_owner(os.fstat(file)) == 0o004
    assert system.is_own(os.fstat(file))


_ACCOUNTS = """\
root:x:0:0:root:/root:/bin/sh
alice:x:1000:1000::/home/alice:/bin/sh
bob:x:1001:100::/home/bob:/bin/sh
carol:x:1002:100::/home/carol:/bin/sh
dave:x:1003:1003::/home/dave:/bin/sh
eve:x:1004:1003::/home/eve:/bin/sh
# a comment, and a line of a directory service
+::::::
"""


@pytest.mark.parametrize(
    ("account", "group", "members", "is_own"),
    [
        ("alice", 1000, [], True),
        ("alice", 1000, ["alice"], True),
        ("root", 0, [], True),
        pytest.param("alice", 1000, ["bob"], False, id="a member"),
        pytest.param("bob", 100, [], False, id="the primary group of two"),
        pytest.param("dave", 1003, ["dave"], False, id="another's primary group"),
        pytest.param("frank", 1005, [], False, id="an account out of a directory service"),
        pytest.param("alice", 100, [], False, id="a group of others"),
    ],
)
def test_a_group_is_a_users_own_where_nobody_else_is_in_it(account, group, members, is_own):
    assert system.is_own_group(account, group, members, _ACCOUNTS) is is_own


@pytest.mark.parametrize(
    ("user", "rights"),
    [
        pytest.param("games", 0o004, id="alone in a group of that name"),
        pytest.param("nobody", 0o064, id="not alone: others have that group too"),
    ],
)
def test_a_primary_group_is_trusted_where_its_user_is_alone_in_it(file, user, rights):
    found = others.account(user)
    os.fchown(file, found.pw_uid, found.pw_gid)
    os.fchmod(file, 0o664)
    with others.acting_as(user):
        assert system.mode_beyond_owner_and_own_group(os.fstat(file)) == rights


def test_directories_are_for_their_owner_alone(tmp_path):
    made = system.private_directory(tmp_path / "a" / "b")

    assert [stat.S_IMODE(each.stat().st_mode) for each in (made, made.parent)] == [0o700, 0o700]
