"""The directory walk: links planted before or during it lead nowhere."""

import errno
import os
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import PurePosixPath

import pytest

from glaciercli.errors import Conflict
from glaciercli.files.tree import STAGING, Tree
from glaciercli.treehash import tree_hash


@pytest.fixture
def outside(tmp_path):
    path = tmp_path / "outside"
    path.mkdir()
    return path


@pytest.fixture
def tree(tmp_path):
    with Tree(tmp_path / "root") as tree:
        yield tree


def stage(tree, content=b"content"):
    staged = tree.staging / "staged"
    staged.write_bytes(content)
    return staged


def test_a_file_gets_its_place_and_its_directories(tree):
    tree.place(stage(tree), PurePosixPath("a/b/c.txt"), overwrite=False)

    assert (tree.root / "a/b/c.txt").read_bytes() == b"content"
    assert list(tree.staging.iterdir()) == []


def test_staging_is_gone_when_it_is_empty_and_private_while_it_is_not(tmp_path):
    with Tree(tmp_path / "root") as tree:
        assert tree.staging.stat().st_mode & 0o777 == 0o700
        stage(tree)
    assert (tmp_path / "root" / STAGING).exists()

    (tmp_path / "root" / STAGING / "staged").unlink()
    with Tree(tmp_path / "root"):
        pass
    assert list((tmp_path / "root").iterdir()) == []


def test_what_exists_is_not_replaced_unless_asked(tree):
    (tree.root / "a").write_bytes(b"mine")
    with pytest.raises(Conflict, match="exists already"):
        tree.place(stage(tree), PurePosixPath("a"), overwrite=False)
    assert (tree.root / "a").read_bytes() == b"mine"

    tree.place(stage(tree), PurePosixPath("a"), overwrite=True)
    assert (tree.root / "a").read_bytes() == b"content"


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_link_on_the_way_is_not_followed(tree, outside, overwrite):
    (tree.root / "a").symlink_to(outside)

    with pytest.raises(Conflict, match="is a link or a file"):
        tree.place(stage(tree), PurePosixPath("a/b"), overwrite=overwrite)
    with pytest.raises(Conflict), tree.directory(PurePosixPath("a/b"), make=True):
        pass
    assert not tree.holds(PurePosixPath("a/b"), 7, tree_hash(b"content"))
    assert list(outside.iterdir()) == []


def test_a_file_that_cannot_be_read_is_named_and_not_taken_for_another(tree, monkeypatch):
    (tree.root / "a").write_bytes(b"content")

    def fail(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "preadv", fail)
    with pytest.raises(Conflict, match="cannot read .*a'.*Input/output error"):
        tree.holds(PurePosixPath("a"), 7, tree_hash(b"content"))


def test_a_link_at_the_place_itself_is_not_followed(tree, outside):
    (outside / "target").write_bytes(b"theirs")
    (tree.root / "a").symlink_to(outside / "target")

    assert not tree.holds(PurePosixPath("a"), 6, tree_hash(b"theirs"))
    with pytest.raises(Conflict):
        tree.place(stage(tree), PurePosixPath("a"), overwrite=False)
    tree.place(stage(tree), PurePosixPath("a"), overwrite=True)
    assert (outside / "target").read_bytes() == b"theirs"
    assert not (tree.root / "a").is_symlink()


def test_a_file_on_the_way_is_a_conflict(tree):
    (tree.root / "a").write_bytes(b"")

    with pytest.raises(Conflict, match="is a link or a file"):
        tree.place(stage(tree), PurePosixPath("a/b"), overwrite=False)


def test_a_staging_directory_that_is_a_link_is_refused(tmp_path, outside):
    root = tmp_path / "root"
    root.mkdir()
    (root / STAGING).symlink_to(outside)

    with pytest.raises(Conflict), Tree(root):
        pass


def test_the_umask_of_users_with_a_group_of_their_own_will_do(tmp_path):
    before = os.umask(0o002)
    try:
        with Tree(tmp_path / "root") as tree:
            assert tree.staging.is_dir()
    finally:
        os.umask(before)


def test_a_directory_that_others_can_write_is_refused(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    root.chmod(0o777)

    with pytest.raises(Conflict, match="others can write"), Tree(root):
        pass


def test_holds_compares_content_and_does_not_hang_on_a_pipe(tree):
    (tree.root / "a").write_bytes(b"content")
    os.mkfifo(tree.root / "pipe")

    assert tree.holds(PurePosixPath("a"), 7, tree_hash(b"content"))
    assert not tree.holds(PurePosixPath("a"), 7, tree_hash(b"CONTENT"))
    assert not tree.holds(PurePosixPath("a"), 8, tree_hash(b"content"))
    assert not tree.holds(PurePosixPath("a"), None, None)
    assert not tree.holds(PurePosixPath("missing/x"), 0, None)
    assert not tree.holds(PurePosixPath("pipe"), 0, tree_hash(b""))


@pytest.mark.parametrize(
    ("modified", "time"), [(None, 200), (datetime(1970, 1, 2, tzinfo=UTC), 86400)]
)
def test_a_copy_has_the_content_and_its_own_time_or_the_one_of_its_model(tree, modified, time):
    tree.place(stage(tree), PurePosixPath("a"), overwrite=False)
    os.utime(tree.root / "a", (100, 200))
    tree.copy(PurePosixPath("a"), tree.staging / "copy", modified)
    tree.place(tree.staging / "copy", PurePosixPath("b/c"), overwrite=False)

    copy = tree.root / "b/c"
    assert (copy.read_bytes(), copy.stat().st_mtime) == (b"content", time)
    assert copy.stat().st_ino != (tree.root / "a").stat().st_ino


def test_a_link_that_races_with_the_walk_gains_nothing(tree, outside):
    """A directory is swapped for a link and back, as fast as it goes, while files are placed."""
    real, aside = tree.root / "d", tree.root / "aside"
    real.mkdir()
    stop = threading.Event()
    swaps = 0

    def swap():
        nonlocal swaps
        while not stop.is_set():
            for act in (
                lambda: real.rename(aside),
                lambda: real.symlink_to(outside),
                real.unlink,
                lambda: aside.rename(real),
            ):
                with suppress(OSError):  # the walk may have made the directory in between
                    act()
            swaps += 1

    attacker = threading.Thread(target=swap)
    attacker.start()
    placed = 0
    for number in range(500):
        try:
            tree.place(stage(tree), PurePosixPath(f"d/{number}"), overwrite=False)
            placed += 1
        except (Conflict, FileNotFoundError):
            pass
    stop.set()
    attacker.join()

    assert swaps > 0
    assert placed > 0
    assert list(outside.iterdir()) == []


def test_what_cannot_be_copied_is_named(tree, monkeypatch):
    tree.place(stage(tree), PurePosixPath("a"), overwrite=False)

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(Conflict, match="cannot copy .*a': No space left"):
        tree.copy(PurePosixPath("a"), tree.staging / "copy", None)
