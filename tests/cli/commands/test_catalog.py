import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from helpers import payload, write

from glaciercli.catalog import states
from glaciercli.catalog.inventories import Entry
from glaciercli.catalog.merging import merge
from glaciercli.cli.options import STATES
from glaciercli.errors import Exit
from glaciercli.services import scopes


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


def test_a_vault_that_was_deleted_elsewhere_is_told_until_its_owner_names_it(
    glacier, vaults, client
):
    [gone] = glacier("archive", "list", "--vault", "docs", "--output", "json").json
    glacier("catalog", "sync")
    client.call("DeleteArchive", vaultName="docs", archiveId=gone["archiveId"])
    glacier("local", "clock", "advance", "25h")
    client.call("DeleteVault", vaultName="docs")

    for command in ("sync", "verify", "sync"):
        result = glacier("catalog", command, "--output", "json", exit=Exit.PARTIAL)
        assert [each["vaultName"] for each in result.json] == ["photos"]
        assert "known in it: 1 archive" in result.error["failures"]["docs"]["message"]
    glacier("catalog", "sync", "docs", exit=Exit.NOT_FOUND)
    glacier("catalog", "sync")
    glacier("catalog", "verify")
    shown = glacier("archive", "show", gone["archiveId"], "-V", "docs", "--output", "json").json
    assert (shown["status"], shown["deletionDate"]) == ("gone", None)
    assert shown["vaultGoneDate"]


@pytest.fixture
def lost(vaults, client, catalog):
    """An inventory of days later, in which an archive of the first vault has another hash."""
    scope = scopes.of(client, catalog)
    (known,) = catalog.archives(scope, "photos")
    later = datetime.now(UTC) + timedelta(days=9)

    def inventory(*entries):
        merge(catalog, scope, "photos", entries, made=later, asked=later)

    return known, inventory


def test_a_vault_whose_inventory_has_what_is_known_is_sound(glacier, foreign):
    glacier("catalog", "sync")
    shown = glacier("catalog", "verify", "--output", "json").json

    found = {each["vaultName"]: (each["archives"], each["foreign"]) for each in shown}
    assert found == {"docs": (1, 0), "photos": (2, 1)}
    assert glacier("catalog", "verify", "photos").lines[0].split() == [
        *("VAULT", "INVENTORY", "ARCHIVES", "MISSING"),
        *("CHANGED", "FOREIGN", "TWICE", "UNDELETED"),
    ]


def test_an_archive_that_is_missing_is_named(glacier, lost):
    _, inventory = lost
    inventory()
    result = glacier("catalog", "verify", "photos", "--output", "json", exit=Exit.INTEGRITY)

    assert [each["missing"] for each in result.json] == [1]
    assert result.error["message"] == "vault photos is not sound: 1 missing (Holiday 2015.tar)"


def test_an_archive_that_has_changed_is_named_among_many_vaults(glacier, lost):
    known, inventory = lost
    glacier("catalog", "sync", "docs")
    inventory(Entry(known.id, known.description, known.created, known.size, b"\1" * 32))
    result = glacier("catalog", "verify", "--output", "json", exit=Exit.PARTIAL)

    assert [each["changed"] for each in result.json] == [0, 1]
    assert "1 changed (Holiday 2015.tar)" in result.error["failures"]["photos"]["message"]


def test_without_an_inventory_nothing_can_be_verified(glacier, vaults):
    assert "vault inventory docs" in glacier("catalog", "verify", "docs", exit=75).stderr
    assert "not ready yet (docs, photos)" in glacier("catalog", "verify", exit=75).stderr


JOURNAL = f"B\t1367366400\tCREATED\told-id\t5\tNONE\t{'ab' * 32}\told/file.txt\n"


def test_the_journal_of_another_tool_is_read(glacier, vaults, tmp_path):
    file = write(tmp_path / "photos.journal", JOURNAL.encode())
    words = ["catalog", "import", file]

    assert "add --vault NAME" in glacier(*words, exit=Exit.USAGE).stderr
    assert glacier(*words, "--vault", "photos").lines == [
        f"{file} (mt-aws-glacier): 1 archive, 1 of them new here, and 0 deletions"
    ]
    again = glacier(*words, "--vault", "photos", "--output", "json").json
    assert (again["tool"], again["archives"], again["new"]) == ("mt-aws-glacier", 1, 0)
    assert "old/file.txt" in names(glacier("catalog", "list", "--output", "json"))


def test_a_file_that_cannot_be_read_changes_nothing(glacier, vaults, tmp_path):
    torn = write(tmp_path / "torn", JOURNAL.encode() + b"B\t13673")
    glacier("catalog", "import", torn, "--vault", "photos", exit=Exit.INTEGRITY)
    nobodys = write(tmp_path / "nobodys", b"hello")
    refused = glacier("catalog", "import", nobodys, exit=Exit.REFUSED)
    glacier("catalog", "import", nobodys, "--tool", "nonsense", exit=Exit.USAGE)
    glacier("catalog", "import", tmp_path / "nowhere", exit=Exit.USAGE)

    assert "mt-aws-glacier" in refused.stderr
    assert len(names(glacier("catalog", "list", "--output", "json"))) == 2


def test_archives_are_listed_by_state(glacier, vaults):
    glacier("archive", "delete", "taxes.tar", "--vault", "docs", "--yes")
    deleted = ("--state", "deleted", "--output", "json")

    assert names(glacier("catalog", "list", *deleted)) == ["taxes.tar"]
    assert names(glacier("archive", "list", "--vault", "docs", *deleted)) == ["taxes.tar"]
    assert (
        "--state deleted"
        in glacier("archive", "show", "taxes.tar", "-V", "docs", exit=Exit.NOT_FOUND).stderr
    )
    assert STATES == states.STATES


def test_an_export_brings_the_catalog_to_another_machine(
    glacier, vaults, local_root, tmp_path, monkeypatch
):
    file = tmp_path / "catalog.jsonl"
    glacier("archive", "delete", "taxes.tar", "--vault", "docs", "--yes")
    listing = ["catalog", "list", "--output", "json"]
    known = glacier(*listing).json
    said = glacier("catalog", "export", file)
    lines = glacier("catalog", "export").stdout

    assert said.lines == [f"2 archives written to {file}"]
    assert file.read_text() == lines
    assert glacier("catalog", "export", "-", "--everywhere").stdout == lines
    monkeypatch.setenv("GLACIER_LOCAL_ROOT", str(local_root))
    monkeypatch.setenv("GLACIER_HOME", str(tmp_path / "elsewhere"))
    assert glacier(*listing).json == []
    glacier("catalog", "import", file)
    found = glacier(*listing).json
    assert [each["archiveId"] for each in found] == [each["archiveId"] for each in known]


def test_the_inventory_takes_the_place_of_a_hash_that_was_imported_wrong(
    glacier, vaults, home, local_root, tmp_path, monkeypatch
):
    """By the very command that the refused download hints at."""
    glacier("catalog", "export", tmp_path / "all.jsonl")
    known = [json.loads(each) for each in (tmp_path / "all.jsonl").read_text().splitlines()]
    wrong = [json.dumps({**each, "checksum": "ab" * 32}) for each in known]
    monkeypatch.setenv("GLACIER_HOME", str(tmp_path / "another"))
    monkeypatch.setenv("GLACIER_LOCAL_ROOT", str(local_root))
    glacier("catalog", "import", write(tmp_path / "wrong.jsonl", "\n".join(wrong).encode()))
    words = ("archive", "download", "taxes.tar", tmp_path / "taxes", "-V", "docs", "--yes")
    refused = glacier(*words, exit=Exit.INTEGRITY)
    assert "by the import of" in refused.stderr
    assert "glacier vault inventory docs" in refused.stderr
    first, second = (
        glacier("vault", "inventory", "docs", "-q", "--output", "json") for _ in range(2)
    )
    received = glacier(*words)

    assert "than an import told; the catalog has the inventory's now: 1" in first.stderr
    assert "import" not in second.stderr
    assert [each.json["importsCorrected"] for each in (first, second)] == [1, 0]
    assert "every byte is proven against the inventory of" in received.stdout
    glacier("catalog", "verify", "docs")


def test_an_export_of_one_vault_holds_no_other(glacier, vaults, tmp_path):
    assert len(glacier("catalog", "export", "--vault", "docs").lines) == 1
    glacier("catalog", "export", "--vault", "typo", exit=Exit.NOT_FOUND)


def test_an_export_replaces_no_file_unasked(glacier, vaults, tmp_path):
    file = write(tmp_path / "catalog.jsonl", b"precious")
    glacier("catalog", "export", file, exit=Exit.CONFLICT)
    assert file.read_bytes() == b"precious"
    glacier("catalog", "export", file, "--overwrite")

    assert len(file.read_text().splitlines()) == 2
    assert [each.name for each in tmp_path.iterdir() if "jsonl" in each.name] == ["catalog.jsonl"]


@pytest.fixture
def nas(glacier, client, tmp_path):
    """A Synology's two vaults: archives without names, and the file that names them."""
    for name in ("nas", "nas_mapping"):
        client.call("CreateVault", vaultName=name)
    ident = client.call("UploadArchive", vaultName="nas", body=payload(70))["archiveId"]
    path = tmp_path / "mapping.db"
    with closing(sqlite3.connect(path)) as mapping, mapping:
        mapping.execute(
            "CREATE TABLE file_info_tb (key, shareName, basePath, archiveID, lastBkpTime, fileSize)"
        )
        mapping.executemany(
            "INSERT INTO file_info_tb VALUES (1, 'photo', ?, ?, 1400000000, 70)",
            [("2013/a.jpg", ident), ("copy/a.jpg", ident)],
        )
    for body in (b"an older one", path.read_bytes()):
        client.call("UploadArchive", vaultName="nas_mapping", body=body)


def test_the_names_of_a_synology_come_by_one_command_run_until_it_is_done(glacier, nas, tmp_path):
    glacier("local", "clock", "--timing", "real")
    glacier("local", "clock", "advance", "2d")
    words = ["catalog", "mapping", "nas", "--tier", "bulk", "--no-wait"]
    glacier(*words, exit=Exit.NOT_READY)  # both inventories
    glacier(*words, exit=Exit.NOT_READY)
    glacier("local", "clock", "advance", "6h")
    glacier(*words, exit=Exit.NOT_READY)  # the retrieval of the newest mapping
    glacier("local", "clock", "advance", "13h")
    read = glacier(*words, "--output", "json").json
    glacier("local", "clock", "advance", "3d")
    glacier("catalog", "sync", "--no-wait", exit=None)
    glacier("local", "clock", "advance", "6h")
    glacier(*words)  # by what was retrieved already: another retrieval would not be ready

    assert (read["tool"], read["archives"], read["new"]) == ("synology", 1, 0)
    glacier("local", "clock", "--timing", "instant")
    glacier("archive", "download", "--to", tmp_path / "out", "--vault", "nas")
    assert {
        str(each.relative_to(tmp_path / "out")): each.read_bytes()
        for each in (tmp_path / "out").rglob("*.jpg")
    } == dict.fromkeys(["photo/2013/a.jpg", "photo/copy/a.jpg"], payload(70))


def test_a_vault_without_a_mapping_says_which_is_missing(glacier, vaults):
    told = glacier("catalog", "mapping", "photos", exit=Exit.NOT_FOUND).stderr
    assert "vault 'photos_mapping' does not exist" in told


def test_a_damaged_catalog_is_told_of_with_where_it_is_kept(glacier, home):
    glacier("vault", "create", "photos")
    glacier("archive", "list", "--vault", "photos")
    [path] = home.rglob("catalog.db")
    path.write_bytes(b"not a database" * 99)
    found = glacier("archive", "list", "--vault", "photos")

    [aside] = home.rglob("catalog.db.damaged-*")
    assert f"it is kept as '{aside}'" in found.stderr
