"""Files read into the catalog: of which account they are."""

import json

import pytest

from glaciercli.catalog.store import Catalog
from glaciercli.models import Archive
from glaciercli.services import scopes
from glaciercli.services.inventory import exporting, importing


@pytest.fixture
def where(client, catalog, vault):
    scope = scopes.of(client, catalog)
    catalog.created(scope, Archive("one", vault, 5, name="one"))
    return [scope]


def test_a_file_that_names_its_account_needs_no_service(client, catalog, where, tmp_path):
    file, document = tmp_path / "out.jsonl", tmp_path / "inventory.json"
    exporting.export_to(catalog, where, file)
    arn = f"arn:aws:glacier:{client.region}:{where[0].account}:vaults/films"
    head = {"VaultARN": arn, "InventoryDate": "2020-01-01T00:00:00Z", "ArchiveList": []}
    document.write_text(json.dumps(head))
    fresh = Catalog.open(tmp_path / "fresh" / "catalog.db")
    client.engine.log.clear()
    for each in (file, document):
        importing.import_file(client, fresh, each)

    assert client.engine.log.count() == 0
    assert fresh.scopes() == where
    assert fresh.vaults(where[0]) == ["films", "photos"]
    fresh.close()
