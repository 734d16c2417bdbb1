"""A file is not called stored where what is known of its archive says that it is not there."""

import json
from datetime import timedelta

import pytest
from helpers import payload, write

from glaciercli.errors import Exit
from glaciercli.units import MIB


@pytest.fixture
def file(glacier, vault, tmp_path, monkeypatch):
    monkeypatch.setenv("GLACIER_VAULT", vault)
    return write(tmp_path / "a.bin", payload(MIB + 7))


@pytest.fixture
def ident(glacier, file):
    """The whole id of the archive that the file was uploaded as, which scripts keep."""
    return glacier("upload", file, "--output", "json").json["archiveId"]


@pytest.fixture
def verify(glacier, file):
    def verify(reference, **options):
        return glacier("archive", "verify", reference, file, "--output", "json", **options)

    return verify


@pytest.fixture
def later(client, glacier):
    """Let days pass, and bring the inventory that there is then."""

    def later(days=5):
        client.engine.clock.advance(timedelta(days=days))
        return glacier("vault", "inventory", "--output", "json").json["InventoryDate"]

    return later


def test_what_no_inventory_can_have_listed_yet_is_said_to_be_so(verify, ident):
    record = verify(ident).json

    assert (record["status"], record["lastSeen"], record["InventoryDate"]) == ("new", None, None)
    assert record["provenBy"] == "upload"


def test_what_the_newest_inventory_lists_is_named_with_it(verify, ident, later, glacier, file):
    later()
    newest = later()
    record = verify("a.bin").json

    assert (record["status"], record["InventoryDate"]) == ("seen", newest)
    said = glacier("archive", "verify", ident, file).stdout
    assert said.endswith(f"; the inventory of {newest[:10]} lists it\n")


def test_deleted_archive_is_not_verified_by_its_id(verify, ident, glacier, later):
    later()
    glacier("archive", "delete", "a.bin", "--yes")

    assert "is deleted" in verify(ident, exit=Exit.NOT_FOUND).error["message"]
    verify("a.bin", exit=Exit.NOT_FOUND)


def test_archive_of_a_deleted_vault_is_not_verified(verify, ident, glacier, later):
    later()
    glacier("vault", "empty", "--yes")
    later()
    glacier("vault", "delete", "--yes")

    verify(ident, exit=Exit.NOT_FOUND)


def test_archive_that_inventories_lack_is_not_verified(verify, ident, client, vault, later):
    listed = later()
    client.call("DeleteArchive", vaultName=vault, archiveId=ident)  # by another machine
    lacks = later()

    for reference in (ident, "a.bin"):
        message = verify(reference, exit=Exit.NOT_FOUND).error["message"]
        assert lacks[:10] in message
        assert f"that of {listed[:10]} did" in message
    client.call("UploadArchive", vaultName=vault, archiveDescription="other", body=b"other")
    later()  # an inventory is taken only of a vault that has changed
    assert "is gone" in verify(ident, exit=Exit.NOT_FOUND).error["message"]


def test_young_archive_that_the_newest_inventory_lacks_is_not_verified(
    verify, ident, client, vault, later
):
    """Its inventories are too young to call it missing; the one that listed it is the older."""
    later(days=1)
    client.call("DeleteArchive", vaultName=vault, archiveId=ident)
    later(days=1)

    assert "does not list it" in verify(ident, exit=Exit.NOT_FOUND).error["message"]


@pytest.mark.parametrize("column", ["tree_hash", "size"])
def test_archive_that_an_inventory_contradicts_is_not_verified(
    verify, ident, catalog, file, glacier, later, column
):
    value = bytes(32) if column == "tree_hash" else 5
    with catalog.database.write() as connection:
        connection.execute(f"UPDATE archives SET {column} = ?", (value,))
        was = connection.execute("SELECT size, tree_hash FROM archives").fetchone()
    assert was[column] == value
    later()
    with catalog.database.write() as connection:  # the catalog's word is the file's again
        connection.execute(
            "UPDATE archives SET size = ?, tree_hash = ?",
            (file.stat().st_size, bytes.fromhex(glacier("treehash", file).stdout.split()[0])),
        )

    for reference in (ident, "a.bin"):
        assert "another" in verify(reference, exit=Exit.INTEGRITY).error["message"]


def test_deletion_that_was_imported_counts(verify, ident, glacier, tmp_path):
    known = glacier("archive", "show", "a.bin", "--output", "json").json
    exported = tmp_path / "other.jsonl"
    glacier("catalog", "export", exported)
    [line] = exported.read_text().splitlines()
    deleted = {**json.loads(line), "deletionDate": known["creationDate"]}
    exported.write_text(json.dumps(deleted))
    glacier("catalog", "import", exported)

    verify(ident, exit=Exit.NOT_FOUND)


def test_import_is_no_better_witness_than_it_is(verify, ident, glacier, file, tmp_path, home):
    exported = tmp_path / "catalog.jsonl"
    glacier("catalog", "export", exported)
    for each in (home / "data").glob("catalog.db*"):
        each.unlink()
    glacier("catalog", "import", exported)

    assert verify("a.bin").json["provenBy"] == "import"
    assert "by the import of " in glacier("archive", "verify", "a.bin", file).stdout
