import pytest
from helpers import payload, write

from glaciercli.cli.archive import _target
from glaciercli.errors import Exit, Refused
from glaciercli.models import Archive

MIB = 1 << 20


@pytest.fixture
def big(glacier, tmp_path, monkeypatch):
    """A file, stored in the vault of the environment."""
    monkeypatch.setenv("GLACIER_VAULT", "photos")
    file = write(tmp_path / "big.tar", payload(3 * MIB + 7))
    glacier("vault", "create")
    glacier("upload", file, "--part-size", "1MiB")
    return file


def test_an_archive_comes_back_the_same(glacier, big, tmp_path):
    result = glacier("archive", "download", "big.tar", tmp_path / "restored.tar")

    assert (tmp_path / "restored.tar").read_bytes() == big.read_bytes()
    assert result.lines == [f"{tmp_path / 'restored.tar'} is big.tar: every byte is proven"]


def test_an_archive_has_a_name_an_id_and_beginnings_of_it(glacier, big):
    (archive_id,) = glacier("archive", "list", "--output", "json").ids

    for reference in ("big.tar", archive_id, archive_id[:12], f"{archive_id[:12]}…"):
        shown = glacier("archive", "show", reference, "--output", "json").json
        assert shown["archiveId"] == archive_id


def test_without_a_destination_it_is_the_archives_name_here(glacier, big, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")

    glacier("archive", "download", "big.tar")
    glacier("archive", "download", "big.tar", tmp_path / "empty", exit=Exit.CONFLICT)
    glacier("archive", "download", "big.tar", tmp_path / "empty", "--overwrite")

    assert (tmp_path / "empty" / "big.tar").read_bytes() == big.read_bytes()


def test_stdout_gets_the_bytes_and_nothing_else(glacier, big):
    result = glacier("archive", "download", "big.tar", "-")

    assert result.raw == big.read_bytes()


def test_a_range_is_exactly_that(glacier, big, tmp_path):
    glacier("archive", "download", "big.tar", tmp_path / "part", "--range", "1MiB-1048580")

    assert (tmp_path / "part").read_bytes() == big.read_bytes()[MIB : MIB + 4]


def test_no_wait_ends_with_75_and_the_same_command_goes_on_later(glacier, big, tmp_path):
    glacier("local", "clock", "--timing", "real")
    words = ["archive", "download", "big.tar", tmp_path / "restored.tar"]

    later = glacier(*words, "--no-wait", exit=Exit.NOT_READY)
    assert "run the same command again" in later.stderr
    assert not (tmp_path / "restored.tar").exists()
    glacier("local", "clock", "advance", "6h")
    glacier(*words, "--no-wait")

    assert (tmp_path / "restored.tar").read_bytes() == big.read_bytes()
    assert len(glacier("job", "list", "--output", "json").json) == 1


def test_a_deleted_archive_is_gone(glacier, big):
    glacier("archive", "delete", "big.tar", exit=Exit.USAGE)
    glacier("archive", "delete", "big.tar", "--yes")

    assert glacier("archive", "list", "--output", "json").json == []
    glacier("archive", "show", "big.tar", exit=Exit.NOT_FOUND)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("big.tar", "big.tar"),
        ("/etc/passwd", "passwd"),
        ("../../x", "x"),
        ("c:\\backup\\x.zip", "x.zip"),
    ],
)
def test_a_name_from_outside_stays_in_the_directory(tmp_path, name, expected):
    assert _target(Archive("i", "v", name=name), tmp_path) == tmp_path / expected


@pytest.mark.parametrize("name", ["..", "a/..", "dir/", "\x1b[2J", "x" * 256])
def test_a_name_that_is_none_is_refused(tmp_path, name):
    with pytest.raises(Refused):
        _target(Archive("i", "v", name=name), tmp_path)
