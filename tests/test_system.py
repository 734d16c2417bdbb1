"""The seam to the operating system, as far as this one goes; the type checker reads the others."""

import os
import stat
import subprocess
import sys

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

    assert system.rights_of_others(os.fstat(file)) == 0o004
    assert system.is_own(os.fstat(file))


def test_directories_are_for_their_owner_alone(tmp_path):
    made = system.private_directory(tmp_path / "a" / "b")

    assert [stat.S_IMODE(each.stat().st_mode) for each in (made, made.parent)] == [0o700, 0o700]
