from datetime import UTC, datetime

import pytest
from helpers import payload, write

from glaciercli.cli.commands.archive import _target
from glaciercli.errors import Exit, Refused
from glaciercli.models import Archive

MIB = 1 << 20
LIST = ("archive", "list", "--output", "json")


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
    what = f"{tmp_path / 'restored.tar'} is big.tar"
    uploaded = f"{datetime.now(UTC):%Y-%m-%d}"
    assert result.lines == [f"{what}: every byte is proven against the upload of {uploaded}"]


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
    part = tmp_path / "part"

    result = glacier("archive", "download", "big.tar", part, "--range", "1MiB-1048580")

    assert part.read_bytes() == big.read_bytes()[MIB : MIB + 4]
    proof = "every byte is proven against the service's checksum of that range alone"
    assert result.lines == [f"{part} is 4 B of big.tar, from byte 1048576: {proof}"]


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


def test_of_many_archives_those_that_cannot_be_deleted_are_named(glacier, big, tmp_path):
    """As where a lock holds those of less than a year."""
    glacier("upload", *(write(tmp_path / name, payload(5)) for name in "abc"))
    ids = {each["name"]: each["archiveId"] for each in glacier(*LIST).json}
    glacier("local", "fault", "add", "DeleteArchive", "--status", "403", "--skip", "1")
    words = ["archive", "delete", "a", "b", "c", "-y", "--output", "json"]
    result = glacier(*words, exit=Exit.PARTIAL)

    assert result.ids == [ids["a"], ids["c"]]
    assert list(result.error["failures"]) == [ids["b"]]
    assert {each["name"] for each in glacier(*LIST).json} == {"big.tar", "b"}


def test_a_deleted_archive_is_gone(glacier, big):
    glacier("archive", "delete", "big.tar", exit=Exit.USAGE)
    glacier("archive", "delete", "big.tar", "--yes")

    assert glacier("archive", "list", "--output", "json").json == []
    glacier("archive", "show", "big.tar", exit=Exit.NOT_FOUND)


def test_a_file_is_proven_to_be_the_archive_without_a_retrieval(glacier, big):
    said = glacier("archive", "verify", "big.tar", big).stdout
    assert said.startswith(f"{big} is archive big.tar: 3.0 MiB, tree hash ")
    assert " by the upload of " in said
    assert said.endswith("no inventory has listed it yet\n")

    glacier("vault", "inventory")
    assert "lists it" in glacier("archive", "verify", "big.tar", big).stdout
    jobs = glacier("job", "list", "--output", "json").json
    assert {each["Action"] for each in jobs} == {"InventoryRetrieval"}


def test_a_file_that_is_not_the_archive_ends_with_6(glacier, big, tmp_path):
    other = write(tmp_path / "other", payload(3 * MIB + 7, seed=1))

    assert "tree hash" in glacier("archive", "verify", "big.tar", other, exit=6).stderr
    glacier("archive", "verify", "nothing", big, exit=Exit.NOT_FOUND)
    glacier("archive", "verify", "big.tar", exit=Exit.USAGE)


def test_a_sample_is_read_when_agreed_to_and_says_what_it_does_not_prove(glacier, big, tmp_path):
    glacier("upload", write(tmp_path / "small", b"all of it"))
    words = ["archive", "verify", "--sample", "9", "--output", "json"]

    asked = glacier(*words, exit=Exit.USAGE).error["message"]
    assert "start 2 retrievals of up to 1 MiB" in asked
    assert "charged" in asked
    assert glacier("job", "list", "--output", "json").json == []
    result = glacier(*words, "--yes")
    proven = {each["name"]: each["provenWhole"] for each in result.json}
    assert proven == {"big.tar": False, "small": True}
    assert "says nothing of their other bytes" in result.stderr
    glacier("archive", "verify", "big.tar", "--sample", "1", exit=Exit.USAGE)


def test_a_sample_goes_on_with_its_retrievals(glacier, big):
    glacier("local", "clock", "--timing", "real")
    words = ["archive", "verify", "--sample", "1", "--yes", "--no-wait", "--tier", "bulk"]

    assert "--seed x" in glacier(*words, "--seed", "x", exit=Exit.NOT_READY).stderr
    glacier("local", "clock", "advance", "13h")
    glacier(*words, "--seed", "x")

    assert [each["Tier"] for each in glacier("job", "list", "--output", "json").json] == ["Bulk"]


def test_where_no_hash_is_known_nothing_is_sampled(glacier, monkeypatch):
    monkeypatch.setenv("GLACIER_VAULT", "photos")
    glacier("vault", "create")

    glacier("archive", "verify", "--sample", "1", "--yes", exit=Exit.NOT_FOUND)


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


def test_an_id_that_is_marked_as_one_is_never_taken_for_a_name(glacier, tmp_path):
    glacier("vault", "create", "photos")
    ident = glacier(
        "upload", write(tmp_path / "big.tar", payload(10)), "-V", "photos", "--output", "json"
    ).json["archiveId"]
    start = ident[:5].lstrip("-")
    for name in (ident[:5], "-dashed"):
        glacier("upload", "-", "--name", name, "-V", "photos", input=b"x")

    def found(reference):
        return glacier("archive", "show", reference, "-V", "photos", "--output", "json").json[
            "name"
        ]

    assert found(ident[:5]) == ident[:5]
    assert found(f"id:{start}") == found(f"id:{ident}") == found(ident) == "big.tar"
    assert found("-dashed") == "-dashed"
    assert "is not an id" in glacier("archive", "show", "id:", "-V", "photos", exit=2).stderr
