import pytest
from helpers import payload, write

from glaciercli.errors import Exit


@pytest.fixture
def vaults(glacier, tmp_path):
    """Two vaults with an archive each, and one in the first that was not uploaded here."""
    for vault, name in (("photos", "Holiday 2015.tar"), ("docs", "taxes.tar")):
        glacier("vault", "create", vault)
        glacier("upload", write(tmp_path / name, payload(100)), "--vault", vault)


@pytest.fixture
def foreign(vaults, client):
    client.call(
        "UploadArchive", vaultName="photos", archiveDescription="holiday.zip", body=b"theirs"
    )


def names(result):
    return [each["name"] for each in result.json]


def test_archives_of_all_vaults_are_listed_newest_first(glacier, vaults):
    assert names(glacier("catalog", "list", "--output", "json")) == [
        "taxes.tar",
        "Holiday 2015.tar",
    ]
    assert names(glacier("catalog", "list", "--limit", "1", "--output", "json")) == ["taxes.tar"]
    found = glacier("catalog", "list", "--name", "H*.tar", "--output", "json")
    assert names(found) == ["Holiday 2015.tar"]


def test_a_part_of_a_name_is_found_in_any_case(glacier, vaults):
    search = ["catalog", "search", "hOLI", "--output", "json"]

    assert names(glacier(*search)) == ["Holiday 2015.tar"]
    assert names(glacier(*search, "--min-size", "1MiB")) == []
    assert names(glacier(*search, "--before", "2012-01-01")) == []


def test_syncing_brings_what_was_uploaded_elsewhere(glacier, foreign):
    merged = glacier("catalog", "sync", "--output", "json").json

    assert sorted((each["vaultName"], each["new"]) for each in merged) == [
        ("docs", 0),
        ("photos", 1),
    ]
    assert names(glacier("catalog", "search", "zip", "--output", "json")) == ["holiday.zip"]


def test_what_is_not_ready_comes_with_the_next_run(glacier, foreign):
    glacier("vault", "inventory", "photos")
    glacier("local", "clock", "--timing", "real")

    later = glacier("catalog", "sync", "photos", "--no-wait", exit=Exit.NOT_READY)
    assert "photos" in later.stderr
    glacier("local", "clock", "advance", "6h")
    glacier("catalog", "sync", "photos", "--no-wait")


def test_a_vault_that_is_not_there_does_not_stop_the_others(glacier, vaults):
    result = glacier("catalog", "sync", "nope", "docs", "--output", "json", exit=Exit.PARTIAL)

    assert [each["vaultName"] for each in result.json] == ["docs"]
    assert list(result.error["failures"]) == ["nope"]
