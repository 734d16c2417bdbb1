"""What came to a vault and went since the inventory that the service counts by."""

from datetime import timedelta

import pytest
from helpers import payload

from glaciercli.services import scopes
from glaciercli.services.empty import deleting
from glaciercli.services.inventory import details, syncing
from glaciercli.services.upload import uploads
from glaciercli.services.vaults import vaults
from glaciercli.tasks.waiting import Poll


@pytest.fixture
def known(client, catalog, vault):
    """Return (uploaded, their bytes, deleted) since the vault's last inventory."""

    def count():
        found = details.of(client, catalog, vaults.show(client, vault))
        return found.uploaded, found.uploaded_size, found.deleted

    return count


@pytest.fixture
def upload(client, catalog, vault, journals, tmp_path):
    def run(name, size):
        path = tmp_path / name
        path.write_bytes(payload(size))
        stored = uploads.start(client, path, vault, journals=journals, catalog=catalog)
        stored.told()
        return stored.archive

    return run


@pytest.fixture
def delete(client, catalog, vault):
    def run(*stored):
        scope = scopes.of_vault(client, catalog, vault)
        for each in stored:
            deleting.delete(client, catalog, scope, vault, each.id)

    return run


def test_an_inventory_at_once_leaves_nothing_to_tell(known, upload):
    upload("a", 5)

    assert known() == (0, 0, 0)


def test_what_is_done_between_two_inventories_is_told(client, known, upload, delete):
    client.engine.timing = "real"
    first = upload("a", 5)
    before = known()
    client.engine.clock.advance(timedelta(days=2))
    seen = known()
    upload("b", 7)
    third = upload("c", 9)
    delete(first, third)

    assert before == (1, 5, 0)
    assert seen == (0, 0, 0)
    assert known() == (1, 7, 1)  # what came and went is neither

    client.engine.clock.advance(timedelta(days=2))
    assert known() == (0, 0, 0)


def test_what_a_merged_inventory_lists_is_counted_already(client, catalog, vault, known, upload):
    client.engine.timing = "real"
    upload("a", 5)
    client.engine.clock.advance(timedelta(days=2))
    client.engine.timing = "instant"
    syncing.sync(client, catalog, vault, poll=Poll(1, 0))
    client.engine.timing = "real"

    assert known() == (0, 0, 0)


def test_what_other_machines_do_is_not_known(client, vault, known):
    client.engine.timing = "real"
    client.call("UploadArchive", vaultName=vault, body=b"x")

    assert known() == (0, 0, 0)


def test_a_new_vault_of_the_name_begins_at_nothing(client, vault, known, upload, delete):
    client.engine.timing = "real"
    delete(upload("a", 5))
    client.engine.clock.advance(timedelta(days=2))
    vaults.delete(client, vault)
    vaults.create(client, vault)

    assert known() == (0, 0, 0)
