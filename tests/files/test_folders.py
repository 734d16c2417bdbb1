"""Both kinds of folders, the one for systems without `dir_fd` too: no link leads out of them."""

import errno
import os

import pytest

from glaciercli.files._folders import DescriptorFolder, PathFolder, open_folder


@pytest.fixture(params=[DescriptorFolder, PathFolder])
def folder(request, tmp_path):
    (tmp_path / "root").mkdir()
    opened = request.param.open(tmp_path / "root")
    yield opened
    opened.close()


def write(folder, name, data):
    with os.fdopen(folder.file(name, os.O_WRONLY | os.O_CREAT), "wb") as file:
        file.write(data)


def test_a_file_goes_below_and_is_synced(folder, tmp_path):
    below = folder.below("a", make=0o777)
    again = folder.below("a", make=0o777)
    write(folder, "draft", b"x")
    folder.move("draft", below, "file", replace=False)
    below.sync()
    again.close()
    below.close()

    assert (tmp_path / "root" / "a" / "file").read_bytes() == b"x"
    assert not (tmp_path / "root" / "draft").exists()


def test_a_name_that_is_taken_stays_unless_it_is_to_be_replaced(folder, tmp_path):
    write(folder, "old", b"old")
    write(folder, "draft", b"new")
    with pytest.raises(FileExistsError):
        folder.move("draft", folder, "old", replace=False)
    assert (tmp_path / "root" / "old").read_bytes() == b"old"
    folder.move("draft", folder, "old", replace=True)

    assert (tmp_path / "root" / "old").read_bytes() == b"new"


def test_where_there_are_no_links_a_name_that_is_taken_stays_too(folder, tmp_path, monkeypatch):
    """As on the exFAT of a stick: else what was paid for could not be put onto it."""
    asked = []

    def refuse(*args, **_):
        asked.append(args)
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    write(folder, "old", b"old")
    write(folder, "draft", b"new")
    with pytest.raises(FileExistsError):
        folder.move("draft", folder, "old", replace=False)
    folder.move("draft", folder, "file", replace=False)

    assert len(asked) == 2
    assert {each.name: each.read_bytes() for each in (tmp_path / "root").iterdir()} == {
        "old": b"old",
        "file": b"new",
    }


@pytest.mark.parametrize("make", [None, 0o777])
@pytest.mark.parametrize("what", ["link", "file"])
def test_a_link_or_a_file_is_no_way_down(folder, tmp_path, what, make):
    (tmp_path / "outside").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "root" / "file").touch()
    with pytest.raises(OSError, match="directory|links") as raised:
        folder.below(what, make=make)

    assert raised.value.errno in {errno.ELOOP, errno.ENOTDIR}


def test_a_link_is_not_opened_as_a_file(folder, tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "root" / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="links") as raised:
        folder.file("link", os.O_WRONLY | os.O_CREAT)

    assert raised.value.errno == errno.ELOOP
    assert (tmp_path / "secret").read_bytes() == b"secret"


def test_what_is_missing_is_said_to_be(folder):
    with pytest.raises(FileNotFoundError):
        folder.below("nothing")
    with pytest.raises(FileNotFoundError):
        folder.file("nothing", os.O_RDONLY)


def test_the_safest_kind_is_used(tmp_path):
    opened = open_folder(tmp_path)

    assert isinstance(opened, DescriptorFolder) == (os.open in os.supports_dir_fd)
    opened.close()
