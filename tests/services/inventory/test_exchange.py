"""The catalog in a file: whole or not there, and never of a vault that nobody knows."""

import json
import resource

import pytest

from glaciercli.catalog.store import Catalog
from glaciercli.errors import Conflict, NotFound
from glaciercli.models import Archive
from glaciercli.services import scopes
from glaciercli.services.inventory import exchange


@pytest.fixture
def where(client, catalog, vault):
    scope = scopes.of(client, catalog)
    catalog.created(scope, Archive("one", vault, 5, name="one"))
    return [scope]


def test_what_was_exported_comes_back(client, catalog, vault, where, tmp_path):
    file = tmp_path / "out.jsonl"

    assert exchange.exported_scopes(client, catalog, vault) == where
    assert exchange.export_to(catalog, where, file) == 1
    read = exchange.import_file(client, catalog, file)
    assert (read.tool, read.archives, read.new) == ("export", 1, 0)


def test_a_vault_that_is_not_known_is_no_empty_export(client, catalog, where):
    with pytest.raises(NotFound, match="nothing is known here of vault 'typo'"):
        exchange.exported_scopes(client, catalog, "typo")


def test_an_export_that_fails_leaves_what_was_there(catalog, where, tmp_path):
    file = tmp_path / "out.jsonl"
    file.write_text("precious")
    with pytest.raises(Conflict, match="exists already"):
        exchange.export_to(catalog, where, file)

    def broken():
        yield from where
        raise Conflict("no more")

    with pytest.raises(Conflict, match="no more"):
        exchange.export_to(catalog, broken(), file, overwrite=True)
    assert file.read_text() == "precious"
    assert [each.name for each in tmp_path.iterdir() if "out" in each.name] == ["out.jsonl"]


def test_a_full_disk_is_said_of_the_file(catalog, where, tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        with pytest.raises(Conflict, match=r"cannot write .*out.jsonl': File too large"):
            exchange.export_to(catalog, where, tmp_path / "out.jsonl")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert not list(tmp_path.glob("out*"))


def test_a_file_that_names_its_account_needs_no_service(client, catalog, where, tmp_path):
    file, document = tmp_path / "out.jsonl", tmp_path / "inventory.json"
    exchange.export_to(catalog, where, file)
    arn = f"arn:aws:glacier:{client.region}:{where[0].account}:vaults/films"
    head = {"VaultARN": arn, "InventoryDate": "2020-01-01T00:00:00Z", "ArchiveList": []}
    document.write_text(json.dumps(head))
    fresh = Catalog.open(tmp_path / "fresh" / "catalog.db")
    client.engine.log.clear()
    for each in (file, document):
        exchange.import_file(client, fresh, each)

    assert client.engine.log.count() == 0
    assert fresh.scopes() == where
    assert fresh.vaults(where[0]) == ["films", "photos"]
    fresh.close()
