"""Files into the catalog and out of it: inventories, and our own export."""

import io
import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from glaciercli.catalog import lives
from glaciercli.catalog.filters import Filter
from glaciercli.catalog.imports import export, import_file
from glaciercli.catalog.inventories import Entry
from glaciercli.catalog.merging import merge
from glaciercli.catalog.states import STATES
from glaciercli.catalog.store import Catalog
from glaciercli.errors import IntegrityError, Refused, UsageError
from glaciercli.models import Archive, Scope

HASH = "ab" * 32
DAY = datetime(2013, 5, 1, tzinfo=UTC)
EPOCH = int(DAY.timestamp())
ALL = Filter(states=frozenset(STATES))


def everything(catalog, scope):
    return {each.id: each for each in catalog.archives(scope, filters=ALL)}


def test_importing_twice_changes_nothing(catalog, scope, file):
    path = file(f"B\t{EPOCH}\tCREATED\tid1\t5\t123\t{HASH}\ta\nB\t{EPOCH}\tDELETED\tid1\ta\n")
    import_file(catalog, scope, path, vault="photos")
    before = everything(catalog, scope)
    report = import_file(catalog, scope, path, vault="photos")

    assert report.new == 0
    assert {**everything(catalog, scope)} == before


def inventory(region="eu-west-1"):
    return {
        "VaultARN": f"arn:aws:glacier:{region}:123456789012:vaults/photos",
        "InventoryDate": "2013-05-02T00:00:00Z",
        "ArchiveList": [
            {
                "ArchiveId": "id1",
                "ArchiveDescription": "a",
                "CreationDate": "2013-05-01T00:00:00Z",
                "Size": 5,
                "SHA256TreeHash": HASH,
            }
        ],
    }


def test_an_inventory_that_someone_fetched(catalog, scope, file):
    report = import_file(catalog, scope, file(json.dumps(inventory(), indent=1)))

    assert (report.tool, report.new) == ("inventory", 1)
    assert catalog.find(scope, "photos", "a").status == "seen"


def test_an_inventory_lands_in_its_own_world(catalog, scope, file):
    path = file(json.dumps(inventory("us-east-1")))
    import_file(catalog, scope, path)

    assert catalog.scopes() == [Scope("aws", "123456789012", "us-east-1")]
    with pytest.raises(Refused, match="of vault 'photos'"):
        import_file(catalog, scope, path, vault="films")


@pytest.mark.parametrize("arn", ["photos", "arn:aws:s3:::photos", inventory("")["VaultARN"]])
def test_an_inventory_of_what_is_no_vault_is_refused(catalog, scope, file, arn):
    with pytest.raises(IntegrityError, match=f"the inventory of '{arn}'"):
        import_file(catalog, scope, file(json.dumps({**inventory(), "VaultARN": arn})))


def test_a_csv_inventory_needs_its_vault(catalog, scope, file):
    header = "ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash"
    path = file(f'{header}\r\nid1,"a",2013-05-01T00:00:00Z,5,{HASH}\r\n')
    with pytest.raises(UsageError):
        import_file(catalog, scope, path)

    assert import_file(catalog, scope, path, vault="photos").new == 1
    assert catalog.find(scope, "photos", "a").seen == DAY


def test_an_export_restores_the_catalog(catalog, scope, tmp_path, file):
    other = Scope("local:/x", "0" * 12, "us-east-1")
    catalog.created(
        scope,
        Archive(
            "id1",
            "photos",
            5,
            HASH,
            os.fsdecode(b"caf\xe9"),
            "d",
            DAY,
            DAY,
            path="/p",
            location="/1/vaults/photos/archives/id1",
        ),
    )
    catalog.created(other, Archive("id2", "films", created=DAY))
    catalog.deleted(other, "films", "id2", DAY)
    catalog.add_aliases(other, "films", [("second", "id2")])
    text = io.StringIO()
    assert export(catalog, catalog.scopes(), text) == 2
    assert text.getvalue().isascii()

    fresh = Catalog.open(tmp_path / "fresh.db")
    report = import_file(fresh, scope, file(text.getvalue()))

    assert (report.tool, report.archives, report.deletions) == ("export", 2, 1)
    # The other catalog's word for a hash is an import here, whoever told it there.
    imported = {
        ident: replace(each, hash_from="import")
        for ident, each in everything(catalog, scope).items()
    }
    assert everything(fresh, scope) == imported
    assert everything(fresh, other) == everything(catalog, other)
    assert fresh.aliases(other, "films") == {"id2": ["second"]}
    fresh.close()


def test_an_unknown_tool_is_refused(catalog, scope, file):
    with pytest.raises(UsageError, match="unknown tool 'tar'"):
        import_file(catalog, scope, file(""), tool="tar")


def test_an_exported_foreign_archive_is_imported_as_foreign(catalog, scope, tmp_path):
    entry = Entry("id1", "theirs", DAY, 5, bytearray.fromhex(HASH))
    merge(catalog, scope, "photos", [entry], made=DAY, asked=DAY)
    path = tmp_path / "export.jsonl"
    with path.open("w") as stream:
        export(catalog, [scope], stream)
    fresh = Catalog.open(tmp_path / "fresh.db")
    import_file(fresh, scope, path)

    assert [each.recorded for each in fresh.archives(scope)] == [None]
    fresh.close()


def test_an_export_tells_of_a_vault_that_is_gone(catalog, scope, archive, tmp_path):
    catalog.created(scope, archive("a"))
    catalog.created(scope, archive("b", vault="films"))
    lives.gone(catalog, scope, "photos", DAY)
    fresh = exported(catalog, scope, tmp_path)

    found = {each.id: (each.status, each.vault_gone) for each in fresh.archives(scope, filters=ALL)}
    assert found == {"a": ("gone", DAY), "b": ("new", None)}
    fresh.close()


def test_a_stale_export_does_not_end_a_vault_that_was_used_since(catalog, scope, archive, tmp_path):
    """What was uploaded from here after that date shows that the vault is there again."""
    old = Catalog.open(tmp_path / "old.db")
    old.created(scope, archive("a", created=DAY))
    lives.gone(old, scope, "photos", DAY + timedelta(days=1))
    path = tmp_path / "stale.jsonl"
    with path.open("w") as stream:
        export(old, [scope], stream)
    old.close()
    catalog.created(scope, archive("b", created=DAY + timedelta(days=9), location="/there"))
    import_file(catalog, scope, path)

    assert everything(catalog, scope)["b"].status == "new"


@pytest.mark.parametrize(("day", "status"), [(2, "deleted"), (9, "new")])
def test_an_export_tells_of_a_deletion_until_an_inventory_has_taken_it_back(
    catalog, scope, archive, tmp_path, day, status
):
    catalog.created(scope, archive("a"))
    catalog.deleted(scope, "photos", "a", DAY)
    when = DAY + timedelta(days=day)
    entry = Entry("a", "", DAY, 5, bytearray.fromhex(HASH))
    merge(catalog, scope, "photos", [entry], made=when, asked=when)
    fresh = exported(catalog, scope, tmp_path)

    assert [each.status for each in fresh.archives(scope, filters=ALL)] == [status]
    fresh.close()


def test_a_deletion_that_is_still_to_come_was_now(catalog, scope, file):
    """No inventory could ever take it back."""
    record = {"endpoint": "aws", "account": scope.account, "region": scope.region}
    record |= {"archiveId": "a" * 138, "vaultName": "photos"}
    line = json.dumps({**record, "deletionDate": "2999-01-01T00:00:00Z"})
    import_file(catalog, scope, file(line), now=DAY)

    assert catalog.find(scope, "photos", "a" * 138).deleted == DAY


def test_an_inventory_that_is_still_to_come_was_made_now(catalog, scope, file):
    later = {**inventory(), "InventoryDate": "2999-01-01T00:00:00Z"}
    import_file(catalog, scope, file(json.dumps(later)), now=DAY)

    assert catalog.find(scope, "photos", "a").seen == DAY


def test_an_archive_that_is_still_to_come_was_made_now(catalog, scope, file):
    """No inventory could miss one of a date that is to come."""
    journal = f"B\t{EPOCH + 86400 * 900}\tCREATED\tid0\t5\t123\t{HASH}\ta\n"
    import_file(catalog, scope, file(journal), vault="photos", now=DAY)
    listed = inventory("eu-west-1")
    listed["ArchiveList"][0]["CreationDate"] = "2999-01-01T00:00:00Z"
    import_file(catalog, scope, file(json.dumps(listed)), now=DAY)
    later = DAY + timedelta(days=9)
    merge(catalog, scope, "photos", [], made=later, asked=later)

    found = everything(catalog, scope).values()
    assert {each.id: (each.created, each.status) for each in found} == {
        "id0": (DAY, "missing"),
        "id1": (DAY, "missing"),
    }


def test_an_export_with_another_spelling_of_the_endpoint_is_imported_to_the_same_scope(
    catalog, scope, file
):
    record = {"account": scope.account, "region": scope.region, "vaultName": "photos"}
    lines = [
        json.dumps({**record, "endpoint": endpoint, "archiveId": ident * 138})
        for endpoint, ident in (("http://localhost:8480/", "a"), ("http://b:c@127.0.0.1:8480", "b"))
    ]
    import_file(catalog, scope, file("\n".join(lines)))

    assert catalog.scopes() == [Scope("http://127.0.0.1:8480", scope.account, scope.region)]


def exported(catalog, scope, tmp_path):
    """Return a fresh catalog that has read another's export."""
    path = tmp_path / "export.jsonl"
    with path.open("w") as stream:
        export(catalog, [scope], stream)
    fresh = Catalog.open(tmp_path / "fresh.db")
    import_file(fresh, scope, path)
    return fresh
