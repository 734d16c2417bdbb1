"""Archives by name: what is listed, found, and deleted for good."""

import pytest
from helpers import payload

from glaciercli.errors import Conflict, NotFound, UsageError
from glaciercli.services import scopes
from glaciercli.services.empty import deleting
from glaciercli.services.inventory import archives, syncing
from glaciercli.services.upload import uploads
from glaciercli.tasks.waiting import Poll


@pytest.fixture
def archive(client, catalog, vault, journals, tmp_path):
    path = tmp_path / "one.txt"
    path.write_bytes(payload(5))
    stored = uploads.start(client, path, vault, journals=journals, catalog=catalog)
    stored.told()
    return stored.archive


@pytest.fixture
def delete(client, catalog, vault):
    """Delete an archive as the command does, having asked whose the vault is."""

    def delete(ident):
        scope = scopes.of_vault(client, catalog, vault)
        return deleting.delete(client, catalog, scope, vault, ident)

    return delete


def test_an_upload_is_listed_at_once(client, catalog, vault, archive):
    [found] = archives.listing(client, catalog, vault)

    assert (found.id, found.name, found.status, found.tool) == (
        archive.id,
        "one.txt",
        "new",
        "glacier",
    )
    assert list(archives.listing(client, catalog)) == [found]


def test_listing_asks_the_service_nothing(client, catalog, vault, archive):
    client.engine.log.clear()
    list(archives.listing(client, catalog, vault))

    assert client.engine.log.count() == 0


def test_a_catalog_that_knows_nothing_asks_which_account_it_is(client, catalog, vault):
    assert list(archives.listing(client, catalog, vault)) == []
    assert client.engine.log.count("ListVaults") == 1


def test_an_account_without_vaults(client, catalog):
    with pytest.raises(NotFound, match="no vaults"):
        archives.listing(client, catalog)


def test_show_takes_a_name_an_id_or_its_start(client, catalog, vault, archive):
    for reference in ("one.txt", archive.id, archive.id[:20], "id:" + archive.id[:3]):
        assert archives.show(client, catalog, vault, reference).id == archive.id


def test_a_whole_id_that_is_not_known_is_believed(client, catalog, vault, archive):
    unknown = "x" * 138

    assert archives.show(client, catalog, vault, unknown).id == unknown
    with pytest.raises(UsageError, match="does not know"):
        archives.show(client, catalog, None, unknown)
    with pytest.raises(NotFound):
        archives.show(client, catalog, vault, "x" * 63)  # a name, rather than anybody's id


def test_delete_is_recorded_and_may_be_repeated(client, catalog, vault, archive, stored, delete):
    gone = delete(archive.id)
    again = delete(archive.id)

    assert gone.deleted is not None
    assert (gone.status, again.status) == ("deleted", "deleted")
    assert stored() == {}
    assert list(archives.listing(client, catalog, vault)) == []


def test_delete_survives_a_lost_reply(client, catalog, vault, archive, delete):
    fault = client.engine.faults.drop("DeleteArchive", applied=True)
    delete(archive.id)

    assert client.engine.faults.delivered(fault) == 1
    assert syncing.sync(client, catalog, vault, poll=Poll(timeout=0.0)).archives == 0


def test_a_vault_that_is_gone_is_told_and_nothing_is_recorded(
    client, catalog, vault, archive, delete
):
    client.call("DeleteArchive", vaultName=vault, archiveId=archive.id)
    client.call("DeleteVault", vaultName=vault)

    with pytest.raises(NotFound, match="vault 'photos' does not exist"):
        delete(archive.id)
    assert archives.show(client, catalog, vault, archive.id).deleted is None


def test_a_name_stored_twice_is_ambiguous(client, catalog, vault, journals, archive, tmp_path):
    path = tmp_path / "one.txt"
    second = uploads.start(client, path, vault, journals=journals, catalog=catalog).archive

    with pytest.raises(Conflict, match="may be 2 archives"):
        archives.show(client, catalog, vault, "one.txt")
    assert archives.show(client, catalog, vault, second.id).id == second.id
