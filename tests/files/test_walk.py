"""The way to a directory: links of one's own are followed, those of others never."""

import os
import stat

import others
import pytest

from glaciercli.errors import Conflict
from glaciercli.files._walk import open_directory


@pytest.fixture
def ground():
    yield from others.common_ground()


@pytest.fixture
def there(ground):
    path = ground / "there"
    path.mkdir()
    return path


def reached(path, *, make=False):
    """Return the inode of the directory that a path leads to."""
    descriptor = open_directory(path, make=make)
    try:
        return os.fstat(descriptor).st_ino
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("target", ["there", "./there/../there", "{ground}/there"])
def test_a_link_of_ones_own_is_followed(ground, there, target):
    (ground / "link").symlink_to(target.format(ground=ground))
    (there / "below").mkdir()

    assert reached(ground / "link" / "below") == (there / "below").stat().st_ino
    assert reached(ground / "link" / ".." / "there") == there.stat().st_ino


def test_links_in_a_circle_end(ground):
    (ground / "a").symlink_to("b")
    (ground / "b").symlink_to("a")

    with pytest.raises(OSError, match="symbolic links") as raised:
        reached(ground / "a")
    assert raised.value.filename == str(ground / "a")


def test_a_directory_that_may_be_gone_through_and_not_listed_is_no_obstacle(ground, there):
    (there / "below").mkdir()
    there.chmod(0o711)
    with others.acting_as("nobody"):
        assert reached(there / "below") == (there / "below").stat().st_ino


def test_what_is_missing_is_made_for_no_group_to_write(ground):
    before = os.umask(0)
    try:
        reached(ground / "a" / "b", make=True)
    finally:
        os.umask(before)

    modes = [stat.S_IMODE(each.stat().st_mode) for each in (ground / "a", ground / "a" / "b")]
    assert modes == [0o755, 0o755]


def test_what_is_missing_and_a_file_on_the_way_are_said_with_the_path(ground):
    (ground / "file").touch()
    for path, error in ((ground / "a" / "b", FileNotFoundError),
                        (ground / "file" / "b", NotADirectoryError)):  # fmt: skip
        with pytest.raises(error) as raised:
            reached(path)
        assert raised.value.filename == str(path)


def by_nobody(ground, plant, *, mode=0o755):
    """Let another user plant something in a directory of theirs, or of this mode."""
    found = others.account("nobody")
    path = ground / "theirs"
    path.mkdir()
    if mode == 0o755:
        os.chown(path, found.pw_uid, found.pw_gid)
    path.chmod(mode)
    with others.acting_as("nobody"):
        plant(path)
    return path


@pytest.mark.parametrize("mode", [0o755, 0o777, 0o1777])
def test_a_link_of_another_user_is_not_followed(ground, there, mode):
    """Not in their directory, not in one that all may write, not in one as /tmp is."""
    theirs = by_nobody(ground, lambda path: (path / "link").symlink_to(there), mode=mode)

    with pytest.raises(Conflict, match="'link' on the way .* another user can change"):
        reached(theirs / "link" / "new", make=True)
    assert list(there.iterdir()) == []


def test_behind_another_users_directory_no_link_is_followed(ground, there):
    """That user could have moved it there from elsewhere."""
    theirs = by_nobody(ground, lambda path: None)
    (theirs / "ours").mkdir()
    (theirs / "ours" / "link").symlink_to(there)

    with pytest.raises(Conflict, match="another user can change"):
        reached(theirs / "ours" / "link")
    with pytest.raises(Conflict, match="another user can change"):
        reached(theirs / "ours" / ".." / "ours")
    assert reached(theirs / "ours") == (theirs / "ours").stat().st_ino


def test_ones_own_link_beside_those_of_others_is_followed(ground, there):
    """In a directory as /tmp is, nobody else can change it."""
    ground.chmod(0o1777)
    (ground / "link").symlink_to(there)

    assert reached(ground / "link") == there.stat().st_ino
