"""The file that is received: what it may replace, and what it leaves of its neighbours."""

import fcntl
import os
import socket
import subprocess
import sys

import disks
import others
import pytest

from glaciercli.errors import Busy, Conflict
from glaciercli.files.place import place_of
from glaciercli.files.target import PartFile, finish_placing

CONTENT = "an archive"


def received(target, data=b"new"):
    with place_of(target) as place, PartFile.open(place, CONTENT) as part:
        part.write(memoryview(data), 0)
        part.finish(len(data), None)
    return part


@pytest.fixture
def target(tmp_path):
    return tmp_path / "target"


@pytest.fixture
def place(target):
    with place_of(target) as place:
        yield place


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

    with place_of(target) as place, pytest.raises(Conflict, match="is no file|is a directory"):
        place.require_free(overwrite=overwrite)

    assert os.lstat(target) == before


def link_to_a_file(path):
    path.with_name("precious").write_bytes(b"old")
    path.symlink_to("precious")


def socket_beside(path):
    """Bound where the name is short, as that of a socket has to be."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(path))


def file_that_all_can_write(path):
    path.write_bytes(b"theirs")
    path.chmod(0o666)


def file_of_another_user(path):
    path.write_bytes(b"theirs")
    os.chown(path, others.account().pw_uid, -1)


@pytest.mark.parametrize(
    "plant",
    [
        *(os.mkdir, fifo, link_to_a_file, socket_beside),
        *(file_that_all_can_write, file_of_another_user),
    ],
)
def test_what_has_the_name_of_a_part_file_and_is_not_this_users_alone_stays_as_it_is(
    tmp_path, target, plant
):
    path = received(target).path
    path.unlink()
    plant(path)
    before = {each: (each.lstat(), each.is_file() and each.read_bytes()) for each in listed(target)}

    first = received(target, b"one")
    assert (first.instead_of, first.size) == (path, 3)
    with place_of(target) as place, PartFile.open(place, CONTENT) as second:
        assert (second.path, second.size) == (first.path, 3)  # and so a later run goes on with it
        second.place(overwrite=False)

    assert target.read_bytes() == b"one"
    assert target.stat().st_uid == os.geteuid()
    target.unlink()
    after = {each: (each.lstat(), each.is_file() and each.read_bytes()) for each in listed(target)}
    assert without_access(after) == without_access(before)


def listed(target):
    return sorted(target.parent.iterdir())


def without_access(found):
    """Return what is there, but for when it was last read."""
    return {
        path: (status.st_ino, status.st_mode, status.st_uid, status.st_mtime_ns, content)
        for path, (status, content) in found.items()
    }


def test_the_name_of_a_part_file_always_fits(tmp_path):
    target = tmp_path / ("\u00e4" * 127)
    path = received(target).path
    assert len(os.fsencode(path.name)) <= 255
    path.unlink()
    path.mkdir()
    part = received(target)

    assert len(os.fsencode(part.path.name)) <= 255
    with place_of(target) as place, PartFile.open(place, CONTENT) as again:
        assert again.path == part.path


def test_a_part_file_that_stands_in_is_removed_with_the_rest(target, place):
    path = received(target).path
    path.chmod(0o666)
    part = received(target)
    finish_placing(place, CONTENT)

    assert not part.path.exists()
    assert path.exists()


@pytest.fixture
def ground():
    yield from others.common_ground()


def test_a_planted_part_file_that_is_held_open_is_never_filled(ground):
    """In a directory where all may write; who made it would write into it after the proof."""
    ground.chmod(0o1777)
    target = ground / "target"
    path = received(target).path
    path.unlink()
    with others.acting_as("nobody"):
        planted = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    received(target, b"secret")
    with place_of(target) as place, PartFile.open(place, CONTENT) as part:
        part.place(overwrite=False)
    os.pwrite(planted, b"EVIL", 0)
    os.close(planted)

    assert target.read_bytes() == b"secret"
    assert path.read_bytes() == b"EVIL"


def test_a_part_file_that_another_user_replaces_is_not_placed(ground):
    found = others.account("nobody")
    os.chown(ground, found.pw_uid, found.pw_gid)
    target = ground / "target"
    with place_of(target) as place, PartFile.open(place, CONTENT) as part:
        part.write(memoryview(b"proven"), 0)
        part.finish(6, None)
        with others.acting_as("nobody"):
            part.path.rename(ground / "aside")
            part.path.write_bytes(b"theirs")
        with pytest.raises(Conflict, match="was replaced by another program"):
            part.place(overwrite=False)

    assert not target.exists()


def test_a_file_is_not_said_to_be_in_a_directory_that_was_moved(tmp_path):
    target = tmp_path / "out" / "target"
    target.parent.mkdir()
    with place_of(target) as place, PartFile.open(place, CONTENT) as part:
        part.write(memoryview(b"proven"), 0)
        part.finish(6, None)
        target.parent.rename(tmp_path / "moved")
        target.parent.mkdir()
        with pytest.raises(Conflict, match="was moved or replaced"):
            part.place(overwrite=False)

    assert list(target.parent.iterdir()) == []
    assert [each.name for each in (tmp_path / "moved").iterdir()] == [part.path.name]


def test_where_all_files_are_one_users_the_part_file_is_found_again(ground):
    """As a server maps all users to one, and a stick keeps none: no file is more private there."""
    found = others.account("nobody")
    os.chown(ground, found.pw_uid, found.pw_gid)
    with others.mapped_to("nobody"):
        part = received(ground / "target", b"half")
        again = received(ground / "target", b"ha")

        assert part.path.stat().st_uid == found.pw_uid != os.geteuid()
        assert (again.path, again.instead_of) == (part.path, None)
        assert list(ground.iterdir()) == [part.path]
        (ground / "target").hardlink_to(part.path)  # as a run that is killed while it names it
        with place_of(ground / "target") as place:
            finish_placing(place, CONTENT)
        assert list(ground.iterdir()) == [ground / "target"]


_WITH_UMASK = """
import os, sys
from contextlib import ExitStack
from pathlib import Path
os.umask(int(sys.argv[2]))
from glaciercli.files.place import place_of
from glaciercli.files.target import PartFile
opened = ExitStack()
places = [opened.enter_context(place_of(Path(sys.argv[1], name))) for name in ("target", "other")]
part, _ = (PartFile.open(place, "content") for place in places)
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


def test_what_the_system_takes_in_pieces_arrives_whole(target, place, monkeypatch):
    """Near a quota a write may be short, and says so by its count alone."""
    whole = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda number, data, at: whole(number, data[:3], at))
    received(target, bytes(range(256)))
    with PartFile.open(place, CONTENT) as part:
        part.place(overwrite=False)

    assert target.read_bytes() == bytes(range(256))


def test_a_part_file_is_one_runs_until_it_has_its_name(tmp_path, target, place, monkeypatch):
    received(target)
    link, tried = os.link, []

    def busy(*names):
        with pytest.raises(Busy, match="another run"):
            PartFile.open(place, CONTENT)
        tried.append(names)

    def link_while_another_run_comes(*names, **options):
        busy(*names)
        link(*names, **options)
        busy(*names)

    monkeypatch.setattr(os, "link", link_while_another_run_comes)
    with PartFile.open(place, CONTENT) as part:
        part.place(overwrite=False)

    assert (len(tried), target.read_bytes()) == (2, b"new")
    assert [each.name for each in tmp_path.iterdir()] == ["target"]


def test_a_run_that_waited_for_a_part_file_which_was_placed_begins_another(
    target, place, monkeypatch
):
    received(target)
    part, lock = PartFile.open(place, CONTENT), fcntl.flock

    def lock_late(*given):
        monkeypatch.undo()
        with part:
            part.place(overwrite=False)
        lock(*given)

    monkeypatch.setattr(fcntl, "flock", lock_late)
    other = PartFile.open(place, CONTENT)
    other.write(memoryview(b"spoiled"), 0)

    assert target.read_bytes() == b"new"
    assert other.size == len(b"spoiled")


def test_a_disk_that_fills_up_after_it_was_looked_at_is_named_and_what_fits_is_kept(tmp_path):
    with disks.small_disk(tmp_path / "small", 64 << 10) as disk:
        with place_of(disk / "target") as place, PartFile.open(place, CONTENT) as part:
            part.write(memoryview(bytes(16 << 10)), 0)
            with pytest.raises(Conflict, match="cannot write .*part': No space left on device"):
                part.write(memoryview(bytes(64 << 10)), 16 << 10)
        with place_of(disk / "target") as place, PartFile.open(place, CONTENT) as part:
            assert part.size >= 16 << 10
