import resource
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest
from helpers import payload, write

from glaciercli.catalog import descriptions
from glaciercli.errors import Exit

MIB = 1 << 20


@pytest.fixture(autouse=True)
def vault(glacier, monkeypatch):
    monkeypatch.setenv("GLACIER_VAULT", "photos")
    glacier("vault", "create")


@pytest.fixture
def big(tmp_path):
    return write(tmp_path / "big.tar", payload(3 * MIB + 7))


def archives(glacier):
    return glacier("archive", "list", "--output", "json").json


def test_an_upload_lands_in_the_catalog_under_its_name(glacier, big):
    archive = glacier("upload", big, "--part-size", "1MiB", "--output", "json").json

    (listed,) = archives(glacier)
    assert listed["archiveId"] == archive["archiveId"]
    assert (listed["name"], listed["size"]) == ("big.tar", 3 * MIB + 7)


@pytest.mark.parametrize(
    "words", [["upload", "BIG"], ["upload", "start", "BIG"], ["upload", "--workers", "2", "BIG"]]
)
def test_the_verb_may_be_left_out(glacier, big, words):
    words = [str(big) if word == "BIG" else word for word in words]

    assert glacier(*words, "--output", "json").json["size"] == 3 * MIB + 7


def test_a_file_may_have_the_name_of_a_verb(glacier, tmp_path, monkeypatch):
    write(tmp_path / "list", b"x")
    monkeypatch.chdir(tmp_path)

    assert glacier("upload", "./list", "--output", "json").json["name"] == "list"
    assert glacier("upload", "--output", "json", "--", "list").json["name"] == "list"


@pytest.mark.parametrize(
    ("form", "tool"), [("mt2", "glacier"), ("fastglacier", "FastGlacier v4"), ("plain", "plain")]
)
def test_the_name_is_written_for_another_tool(glacier, big, form, tool):
    glacier("upload", big, "--description-format", form)
    (listed,) = archives(glacier)
    decoded = descriptions.decode(listed["archiveDescription"])

    assert (decoded.name, decoded.tool) == ("big.tar", tool)


def test_stdin_is_stored_under_a_name(glacier):
    archive = glacier(
        "upload", "-", "--name", "home.tar", "--output", "json", input=payload(2 * MIB)
    ).json

    assert (archive["name"], archive["size"]) == ("home.tar", 2 * MIB)


def test_several_files_are_several_archives_and_a_failure_names_its_file(glacier, big, tmp_path):
    empty = write(tmp_path / "empty", b"")
    small = write(tmp_path / "small", b"x")

    result = glacier("upload", big, empty, small, "--output", "json", exit=Exit.PARTIAL)

    assert [each["name"] for each in result.json] == ["big.tar", "small"]
    assert list(result.error["failures"]) == [str(empty)]
    assert result.error["failures"][str(empty)]["exitCode"] == Exit.REFUSED

    # Run again, what is stored is told again and not stored again.
    again = glacier("upload", big, empty, small, "--output", "json", exit=Exit.PARTIAL)
    assert again.ids == result.ids
    assert len(archives(glacier)) == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["nope"], Exit.USAGE),
        (["EMPTY"], Exit.REFUSED),
        (["BIG", "--part-size", "3MiB"], Exit.REFUSED),
        (["BIG", "--part-size", "big"], Exit.USAGE),
        (["BIG", "--workers", "0"], Exit.USAGE),
        (["BIG", "--vault", "nope"], Exit.NOT_FOUND),
        (["BIG", "--name", "x"], Exit.USAGE),
        (["-", "--dry-run"], Exit.USAGE),
        (["-", "--single"], Exit.USAGE),
        (["-", "--again"], Exit.USAGE),
        ([], Exit.USAGE),
    ],
)
def test_what_cannot_be_uploaded_is_told_in_one_line(glacier, big, tmp_path, words, code):
    files = {"BIG": str(big), "EMPTY": str(write(tmp_path / "empty", b""))}
    result = glacier("upload", *(files.get(word, word) for word in words), exit=code)

    assert result.stdout == ""
    assert len([line for line in result.stderr.splitlines() if line.startswith("error: ")]) == 1
    assert archives(glacier) == []


@pytest.mark.parametrize(
    ("description", "said"),
    [
        ("café", "'é' cannot be in a description"),
        ("a\nb", r"'\n' cannot be in a description"),
        ("\udcff", r"'\xff' cannot be in a description"),
        ("x" * 1100, "1,100 characters is too long"),
    ],
)
@pytest.mark.parametrize("words", [[], ["--single"], ["--dry-run"]])
def test_a_description_that_glacier_does_not_take_costs_no_request(
    glacier, engine, big, journals, description, said, words
):
    engine.log.clear()
    result = glacier("upload", big, "--description", description, *words, exit=Exit.REFUSED)

    assert said in result.stderr
    assert engine.log.count() == 0
    assert not list(journals.rglob("*.journal"))
    # The new command line counts, not what was refused.
    glacier("upload", big, "--description", "plain")
    assert [each["archiveDescription"] for each in archives(glacier)] == ["plain"]


def test_a_stream_whose_description_glacier_does_not_take_is_not_read(glacier):
    result = glacier("upload", "-", "--description", "é", exit=Exit.REFUSED, input=b"x")

    assert "'é' cannot be in a description" in result.stderr


def test_a_file_whose_end_is_uncertain_lets_the_next_one_pass(glacier, tmp_path):
    first, second = (write(tmp_path / name, payload(9)) for name in ("first", "second"))
    fault = ("local", "fault", "add", "CompleteMultipartUpload")
    glacier(*fault, "drop-after", "--times", "99")
    glacier("upload", first, "--timeout", "1s", exit=Exit.UNAVAILABLE)
    glacier("local", "fault", "clear")
    glacier("local", "clock", "--timing", "real")  # so that no inventory tells
    glacier(*fault, "--status", "404")
    result = glacier("upload", first, second, "--output", "json", exit=Exit.NOT_READY)

    assert [each["name"] for each in result.json] == ["second"]
    assert f"1 file uploaded; 1 is not ready yet ({first})" in result.error["message"]


@pytest.fixture
def uncertain(glacier, tmp_path):
    """A file whose completion was lost, while no inventory can tell of it."""
    file = write(tmp_path / "nightly.tar", payload(9))
    fault = ("local", "fault", "add", "CompleteMultipartUpload")
    glacier(*fault, "drop-before", "--times", "99")
    glacier("upload", file, "--timeout", "1s", exit=Exit.UNAVAILABLE)
    glacier("local", "fault", "clear")
    glacier("local", "clock", "--timing", "real")
    glacier(*fault, "--status", "404", "--times", "99")
    return file


def test_quiet_hides_an_uncertain_end_for_a_day_and_no_longer(glacier, uncertain, tmp_path):
    other = write(tmp_path / "other.tar", payload(8))
    assert glacier("upload", uncertain, "-q", exit=Exit.NOT_READY).stderr == ""
    glacier("local", "clock", "advance", "30h")
    result = glacier("upload", uncertain, "-q", exit=Exit.NOT_READY)
    assert "it is stored, or it had expired" in result.stderr
    glacier("local", "fault", "clear")
    result = glacier("upload", uncertain, other, "-q", exit=Exit.NOT_READY)
    assert "1 file uploaded; 1 is not ready yet" in result.stderr


def test_another_version_is_sent_at_once_and_the_question_is_told_also_under_quiet(
    glacier, uncertain
):
    glacier("local", "clock", "advance", "30h")
    glacier("local", "fault", "clear")
    write(uncertain, payload(10))
    result = glacier("upload", uncertain, "-q", "--output", "json")

    assert result.json["size"] == 10
    assert "what nightly.tar held before may be stored too" in result.stderr


def test_a_stream_whose_completion_failed_is_completed_by_the_hint(glacier):
    glacier("local", "fault", "add", "CompleteMultipartUpload", "--status", "403")
    words = ("upload", "-", "--name", "home.tar")
    result = glacier(*words, "-q", exit=Exit.ACCESS_DENIED, input=payload(9))
    hint = next(line for line in result.stderr.splitlines() if line.startswith("hint: "))
    said, _, command = hint.partition(": glacier ")
    assert said == "hint: all of it has arrived, so do not send it again"
    archive = glacier(*shlex.split(command), "--output", "json").json

    assert (archive["name"], archive["size"]) == ("home.tar", 9)
    assert [each["archiveId"] for each in archives(glacier)] == [archive["archiveId"]]


def test_a_stream_that_was_stored_twice_is_told_also_under_quiet(glacier):
    glacier("local", "fault", "add", "CompleteMultipartUpload", "drop-after", "--times", "99")
    words = ("upload", "-", "--name", "home.tar", "-q", "--timeout", "1s")
    glacier(*words, exit=Exit.UNAVAILABLE, input=payload(9))
    glacier("local", "fault", "clear")
    result = glacier(*words, "--output", "json", input=payload(9))

    [first] = {each["archiveId"] for each in archives(glacier)} - {result.json["archiveId"]}
    assert f"an earlier run had stored home.tar as {first}" in result.stderr


def test_requests_that_are_used_up_are_so_for_all_files(glacier, tmp_path):
    files = [write(tmp_path / name, payload(9)) for name in "abc"]
    words = ("--max-requests", "3", "--output", "json")
    result = glacier("upload", *files, *words, exit=Exit.REFUSED)

    assert [each["name"] for each in result.json] == ["a"]


def test_more_files_can_fail_than_may_be_open(glacier, tmp_path):
    files = [write(tmp_path / str(number), b"") for number in range(99)]
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    there = sum(1 for _ in Path("/dev/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (there + 60, limits[1]))
    try:
        result = glacier("upload", *files, "--output", "json", exit=Exit.PARTIAL)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    assert {each["exitCode"] for each in result.error["failures"].values()} == {Exit.REFUSED}


@pytest.mark.parametrize(
    ("words", "parts", "requests"), [(["--part-size", "1MiB"], 4, 6), (["--single"], 1, 1)]
)
def test_a_dry_run_tells_the_parts_and_the_requests(glacier, big, words, parts, requests):
    (plan,) = glacier("upload", big, *words, "--dry-run", "--output", "json").json

    assert (plan["parts"], plan["requests"]) == (parts, requests)
    assert archives(glacier) == []


def test_what_one_request_cannot_store_is_refused_before_anything_is_begun(
    glacier, journals, tmp_path
):
    huge = tmp_path / "huge"
    with huge.open("wb") as file:
        file.truncate((4 << 30) + 1)
    for words in ([], ["--dry-run"]):
        result = glacier("upload", huge, "--single", *words, exit=Exit.REFUSED)
        assert "at most 4 GiB" in result.stderr

    assert not list(journals.rglob("*.journal"))


@pytest.fixture
def open_upload(client, big):
    """An upload that another machine has begun: one part of it has arrived."""
    text = descriptions.encode("home/big.tar", datetime(2015, 1, 1, tzinfo=UTC))
    reply = client.call(
        "InitiateMultipartUpload",
        vaultName="photos",
        partSize=str(MIB),
        archiveDescription=text,
    )
    client.call(
        "UploadMultipartPart",
        vaultName="photos",
        uploadId=reply["uploadId"],
        range=f"bytes 0-{MIB - 1}/*",
        body=big.read_bytes()[:MIB],
    )
    return reply["uploadId"]


def test_an_open_upload_is_listed_and_shown_with_its_parts(glacier, open_upload):
    (listed,) = glacier("upload", "list", "--output", "json").json
    assert (listed["MultipartUploadId"], listed["name"]) == (open_upload, "home/big.tar")
    shown = glacier("upload", "show", open_upload[:10], "--output", "json").json
    assert [part["RangeInBytes"] for part in shown["Parts"]] == [f"0-{MIB - 1}"]


def test_an_open_upload_is_resumed_with_its_file(glacier, open_upload, big):
    archive = glacier("upload", "resume", open_upload, big, "--output", "json").json

    assert archive["checksum"] == glacier("treehash", big, "--output", "json").json[0]["checksum"]
    assert glacier("upload", "list", "--output", "json").json == []


def test_an_open_upload_is_aborted_when_confirmed(glacier, open_upload):
    glacier("upload", "abort", open_upload, exit=Exit.USAGE)
    glacier("upload", "abort", open_upload, "--yes")

    assert glacier("upload", "list", "--output", "json").json == []
    glacier("upload", "show", open_upload, exit=Exit.NOT_FOUND)
