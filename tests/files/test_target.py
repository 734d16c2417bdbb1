"""The file that is received: what it may replace, and what it leaves of its neighbours."""

import os
import socket
import subprocess
import sys

import pytest

from glaciercli import system
from glaciercli.errors import Busy, Conflict
from glaciercli.files.target import PartFile, require_free

CONTENT = "an archive"


def received(target, data=b"new"):
    with PartFile.open(target, CONTENT) as part:
        part.write(memoryview(data), 0)
        part.finish(len(data), None)
    return part


def fifo(path):
    os.mkfifo(path)


def unix_socket(path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def link_to_a_fifo(path):
    """As /dev/stdout is one."""
    os.mkfifo(path.with_name("named"))
    path.symlink_to("named")


@pytest.mark.parametrize("make", [fifo, unix_socket, link_to_a_fifo, os.mkdir])
@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_no_file_is_never_replaced(tmp_path, make, overwrite, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the name of a socket has to be short
    target = tmp_path / "target"
    make(target.relative_to(tmp_path))
    before = os.lstat(target)

    with pytest.raises(Conflict, match="is no file|is a directory"):
        require_free(target, overwrite=overwrite)

    assert os.lstat(target) == before


def test_a_part_file_that_is_no_file_is_in_the_way(tmp_path):
    target = tmp_path / "target"
    path = received(target).path
    path.unlink()
    os.mkfifo(path)

    with pytest.raises(Conflict, match="in the way"):
        PartFile.open(target, CONTENT)


def test_a_part_file_is_not_written_through_a_link(tmp_path):
    target, precious = tmp_path / "target", tmp_path / "precious"
    precious.write_bytes(b"old")
    path = received(target).path
    path.unlink()
    path.symlink_to(precious)

    with pytest.raises(Conflict, match="cannot write"):
        PartFile.open(target, CONTENT)
    assert precious.read_bytes() == b"old"


_WITH_UMASK = """
import os, sys
from pathlib import Path
os.umask(int(sys.argv[2]))
from glaciercli.files.target import PartFile
part, _ = (PartFile.open(Path(sys.argv[1], name), "content") for name in ("target", "other"))
part.finish(0, None)
part.place(overwrite=False)
"""


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o000])
def test_a_file_gets_the_rights_that_any_new_file_gets_and_its_part_none_of_them(tmp_path, mask):
    """In a process of its own, as its umask is read once."""
    subprocess.run(
        [sys.executable, "-c", _WITH_UMASK, tmp_path, str(mask)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=True,
    )

    modes = {each.suffix: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}
    assert modes == {"": 0o666 & ~mask, ".part": 0o600}


def test_what_the_system_takes_in_pieces_arrives_whole(tmp_path, monkeypatch):
    """Near a quota a write may be short, and says so by its count alone."""
    whole = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda number, data, at: whole(number, data[:3], at))
    part = received(tmp_path / "target", bytes(range(256)))
    part.place(overwrite=False)

    assert (tmp_path / "target").read_bytes() == bytes(range(256))


def test_a_part_file_is_one_runs_until_it_has_its_name(tmp_path, monkeypatch):
    target = tmp_path / "target"
    received(target)
    link, tried = os.link, []

    def busy(*names):
        with pytest.raises(Busy, match="another run"):
            PartFile.open(target, CONTENT)
        tried.append(names)

    def link_while_another_run_comes(*names, **options):
        busy(*names)
        link(*names, **options)
        busy(*names)

    monkeypatch.setattr(os, "link", link_while_another_run_comes)
    with PartFile.open(target, CONTENT) as part:
        part.place(overwrite=False)

    assert (len(tried), target.read_bytes()) == (2, b"new")
    assert [each.name for each in tmp_path.iterdir()] == ["target"]


def test_who_waited_at_a_part_file_that_got_its_name_begins_another(tmp_path, monkeypatch):
    target = tmp_path / "target"
    received(target)
    part, lock = PartFile.open(target, CONTENT), system.lock

    def lock_late(descriptor, **options):
        monkeypatch.undo()
        with part:
            part.place(overwrite=False)
        lock(descriptor, **options)

    monkeypatch.setattr(system, "lock", lock_late)
    other = PartFile.open(target, CONTENT)
    other.write(memoryview(b"spoiled"), 0)

    assert target.read_bytes() == b"new"
    assert other.size == len(b"spoiled")
