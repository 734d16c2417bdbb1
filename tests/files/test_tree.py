"""The directory walk: links planted before or during it lead nowhere."""

import errno
import os
import stat
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import PurePosixPath

import others
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
    staged = tree.staged("staged")
    staged.path.write_bytes(content)
    return staged


def test_a_file_gets_its_place_and_its_directories(tree):
    tree.place(stage(tree), PurePosixPath("a/b/c.txt"), overwrite=False)

    assert (tree.root / "a/b/c.txt").read_bytes() == b"content"
    assert list((tree.root / STAGING).iterdir()) == []


def test_staging_is_gone_when_it_is_empty_and_private_while_it_is_not(tmp_path):
    with Tree(tmp_path / "root") as tree:
        assert (tree.root / STAGING).stat().st_mode & 0o777 == 0o700
        stage(tree)
    assert (tmp_path / "root" / STAGING).exists()

    (tmp_path / "root" / STAGING / "staged").unlink()
    with Tree(tmp_path / "root"):
        pass
    assert list((tmp_path / "root").iterdir()) == []


def test_staging_that_cannot_be_removed_is_told_unless_something_worse_is(nobodys):
    nobodys.chmod(0o755)
    with others.acting_as("nobody"):
        with pytest.raises(Conflict, match="cannot remove .*Permission denied"), Tree(nobodys):
            nobodys.chmod(0o555)
        with pytest.raises(KeyError), Tree(nobodys):
            raise KeyError

    assert list((nobodys / STAGING).iterdir()) == []


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


def test_a_generous_umask_makes_no_directory_that_would_be_refused(tmp_path):
    before = os.umask(0)
    try:
        for _ in range(2):
            with Tree(tmp_path / "new" / "root") as tree:
                assert (tree.root / STAGING).is_dir()
    finally:
        os.umask(before)


@pytest.fixture
def ground():
    yield from others.common_ground()


@pytest.fixture
def nobodys(ground):
    """A directory of another user."""
    found = others.account("nobody")
    path = ground / "home"
    path.mkdir()
    os.chown(path, found.pw_uid, found.pw_gid)
    return path


def test_a_directory_of_another_user_is_refused_and_left_as_it_is(nobodys):
    with pytest.raises(Conflict, match="belongs to another user"), Tree(nobodys):
        pass

    assert list(nobodys.iterdir()) == []


def test_a_directory_where_all_files_are_one_users_is_ones_own(nobodys):
    """As a server has it that takes all users for one."""
    with others.mapped_to("nobody"):
        with Tree(nobodys) as tree:
            tree.place(stage(tree), PurePosixPath("a/b"), overwrite=False)

        assert [each.name for each in nobodys.iterdir()] == ["a"]
        assert (nobodys / "a/b").read_bytes() == b"content"


def test_a_new_directory_among_another_users_is_made_and_used(nobodys):
    with Tree(nobodys / "new") as tree:
        tree.place(stage(tree), PurePosixPath("a"), overwrite=False)

    assert (nobodys / "new" / "a").read_bytes() == b"content"
    assert (nobodys / "new").stat().st_uid == os.geteuid()


def test_a_link_of_another_user_on_the_way_to_the_directory_is_not_followed(nobodys, outside):
    with others.acting_as("nobody"):
        (nobodys / "way").symlink_to(outside)

    with pytest.raises(Conflict, match="link that another user can change"):
        Tree(nobodys / "way" / "new").__enter__()
    assert list(outside.iterdir()) == []


def test_a_directory_that_is_replaced_meanwhile_gets_nothing(nobodys, outside):
    """Another user has hours for it, while a retrieval runs."""
    with Tree(nobodys / "root") as tree:
        staged = stage(tree)
        with others.acting_as("nobody"):
            (nobodys / "root").rename(nobodys / "aside")
            (nobodys / "root").symlink_to(outside)
        with pytest.raises(Conflict, match="was moved or replaced"):
            tree.place(staged, PurePosixPath("a"), overwrite=False)

    assert list(outside.iterdir()) == []
    assert (nobodys / "aside" / STAGING / "staged").read_bytes() == b"content"


@pytest.mark.parametrize("mode", [0o700, 0o777])
def test_a_staging_directory_that_another_user_has_made_is_refused(ground, mode):
    ground.chmod(0o1777)
    with others.acting_as("nobody"):
        (ground / STAGING).mkdir()
        (ground / STAGING).chmod(mode)

    with pytest.raises(Conflict, match="belongs to, or can be written by, another user"):
        Tree(ground).__enter__()
    assert list((ground / STAGING).iterdir()) == []


def test_a_staging_directory_that_others_can_write_is_refused(tmp_path):
    (tmp_path / STAGING).mkdir()
    (tmp_path / STAGING).chmod(0o777)

    with pytest.raises(Conflict, match="belongs to, or can be written by, another user"):
        Tree(tmp_path).__enter__()


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
    tree.copy(PurePosixPath("a"), tree.staged("copy"), modified)
    tree.place(tree.staged("copy"), PurePosixPath("b/c"), overwrite=False)

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
        tree.copy(PurePosixPath("a"), tree.staged("copy"), None)


def test_a_copy_has_no_more_rights_than_a_new_file_and_than_its_model(tree):
    """The model may be another user's by then: a copy that root owns must not be run as root."""
    (tree.root / "a").write_bytes(b"content")
    for mode, expected in ((0o6777, 0o644), (0o600, 0o600)):
        (tree.root / "a").chmod(mode)
        copy = tree.staged("copy")
        tree.copy(PurePosixPath("a"), copy, None)

        assert stat.S_IMODE(copy.path.stat().st_mode) == expected


def test_a_copy_spoils_no_file_that_an_earlier_copy_has_become(tree):
    """A run that was killed between the two steps of naming it leaves it with both names."""
    (tree.root / "a").write_bytes(b"content")
    copy = tree.staged("copy")
    tree.copy(PurePosixPath("a"), copy, None)
    (tree.root / "b").hardlink_to(copy.path)
    (tree.root / "a").write_bytes(b"another")
    tree.copy(PurePosixPath("a"), copy, None)

    assert (tree.root / "b").read_bytes() == b"content"
    assert copy.holds(7, tree_hash(b"another"))


def test_a_pipe_that_took_the_place_of_a_file_stops_no_copy(tree):
    os.mkfifo(tree.root / "a")
    copy = tree.staged("copy")
    tree.copy(PurePosixPath("a"), copy, None)

    assert copy.path.read_bytes() == b""  # and so it is not what it should be
