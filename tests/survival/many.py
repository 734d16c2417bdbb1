"""The commands about many archives, for the same sweeps as those about one.

`run` does what the command does: plan, act, tell. Nothing is retrieved or stored twice, nothing is
deleted but what a plan has counted, and a document that was received is merged whole or not at all.
"""

import sqlite3
from contextlib import closing

from helpers import heal
from survival.scenario import Scenario
from survival.world import VAULT

from glaciercli.catalog.descriptions import encode
from glaciercli.catalog.filters import Filter
from glaciercli.catalog.findings import look
from glaciercli.errors import GlacierError, NotFound
from glaciercli.models import Scope
from glaciercli.models.plans import agreed
from glaciercli.services.empty import emptying
from glaciercli.services.inventory import syncing, synology
from glaciercli.services.jobs.jobs import Poll
from glaciercli.services.restore import restoring
from glaciercli.services.restore.selection import select
from glaciercli.units import parse_time

MODIFIED = "2012-08-21T17:08:24Z"
FILES = {"a/one.txt": b"one", "a/two.txt": b"two" * 9, "b/copy.txt": b"one", "three": b"3"}
NAS, MAPPING = "nas", "nas_mapping"
_SOON = Poll(timeout=5.0)


def _put(client, vault, name, data):
    return client.call(
        "UploadArchive",
        vaultName=vault,
        archiveDescription=encode(name, parse_time(MODIFIED)),
        body=data,
    )["archiveId"]


def _filled(world, vault=VAULT):
    """Make a vault as another tool has filled it, unknown here."""
    client = world.client()
    client.call("CreateVault", vaultName=vault)
    ids = {name: _put(client, vault, name, data) for name, data in FILES.items()}
    world.remember(vault, ids)
    client.engine.close()
    world.catalog().close()


def _known(world):
    """Make such a vault, with its inventory in the catalog."""
    _filled(world)
    client, catalog = world.client(), world.catalog()
    syncing.sync(client, catalog, VAULT, poll=_SOON)
    client.engine.close()
    catalog.close()


def _scope(client):
    return Scope(client.target.endpoint, "000000000000", client.region)


# --- restore


def _restore(world):
    client, catalog = world.client(), world.catalog()
    wanted = select(client, catalog, VAULT, world.out / "tree", filters=Filter())
    plan = restoring.plan(wanted)
    restored = restoring.restore(
        client, catalog, wanted, plan, agreed, journals=world.journals, poll=_SOON, workers=1
    )
    world.tell(f"{restored.restored + restored.already}-restored")


def _half_restored(world):
    """Leave a restore of which one file is there and the next was refused."""
    _known(world)
    client, catalog = world.client(timeout=0.1), world.catalog()
    fault = client.engine.faults.add(
        "GetJobOutput", kind="status", code="AccessDeniedException", status=403, skip=1, times=9
    )
    wanted = select(client, catalog, VAULT, world.out / "tree", filters=Filter())
    plan = restoring.plan(wanted)
    try:
        restoring.restore(client, catalog, wanted, plan, agreed, journals=world.journals, workers=1)
    except GlacierError:
        assert client.engine.faults.delivered(fault)
    else:
        raise AssertionError("the restore was not stopped")
    heal(client.engine)
    client.engine.close()
    catalog.close()


def _restored_once(world):
    tree = world.out / "tree"
    there = {str(each.relative_to(tree)): each for each in tree.rglob("*") if each.is_file()}
    assert {name: each.read_bytes() for name, each in there.items()} == FILES
    assert not (tree / ".glacier-restore").exists()
    assert [each.name for each in world.out.iterdir()] == ["tree"]
    assert world.journal_files == []
    client, ids = world.client(), world.recall(VAULT)
    jobs = [len(world.retrievals(client, each)) for each in ids.values()]
    # Two files hold the same bytes, and one of them is a copy.
    assert sum(jobs) == len(FILES) - 1
    assert max(jobs) == 1


# --- empty


def _empty(world, *, delete_vault=False):
    client, catalog = world.client(), world.catalog()
    try:
        plan = emptying.plan(client, catalog, VAULT, with_vault=delete_vault, poll=_SOON)
    except NotFound as error:
        if not delete_vault:
            raise
        emptying.require_done(client, catalog, VAULT, error)
        world.tell("emptied")
        return
    emptying.empty(client, catalog, plan, agreed, workers=1, poll=Poll(0.01, 5.0))
    world.tell("emptied")


def _empty_and_delete(world):
    _empty(world, delete_vault=True)


def _nothing_held(world):
    client, catalog = world.client(), world.catalog()
    assert world.held(client) == {}
    assert list(catalog.archives(_scope(client), VAULT)) == []
    deleted = catalog.archives(_scope(client), VAULT, filters=Filter(states=frozenset({"deleted"})))
    assert {each.id for each in deleted} == set(world.recall(VAULT).values())
    catalog.close()


def _no_vault(world):
    client, catalog = world.client(), world.catalog()
    assert list(client.pages("ListVaults")) == []
    assert list(catalog.archives(_scope(client), VAULT)) == []
    catalog.close()


# --- inventories


def _sync(world):
    client, catalog = world.client(), world.catalog()
    syncing.sync(client, catalog, VAULT, poll=_SOON)
    world.tell("synced")


def _two_filled(world):
    _filled(world)
    _filled(world, "films")


def _sync_all(world):
    client, catalog = world.client(), world.catalog()
    syncing.sync_all(client, catalog, poll=_SOON)
    world.tell("synced")


def _all_known(world, vaults=(VAULT,)):
    client, catalog = world.client(), world.catalog()
    for vault in vaults:
        known = {each.id: each.name for each in catalog.archives(_scope(client), vault)}
        assert known == {ident: name for name, ident in world.recall(vault).items()}
        assert look(catalog, _scope(client), vault, "missing")[0] == 0
        # At most one more than the one job that a run which is not killed starts: a merged
        # inventory whose run died before it could say so is asked for anew.
        started = [job["Action"] for job in client.pages("ListJobs", vaultName=vault)]
        assert 1 <= started.count("InventoryRetrieval") <= 2
    catalog.close()
    # A run that stops between merging a document and removing it leaves it for a week's sweep.
    left = [each for each in (world.home / "data" / "inventories").rglob("*") if each.is_file()]
    assert {each.suffix for each in left} <= {".json", ".journal"}


def _both_known(world):
    _all_known(world, (VAULT, "films"))


# --- the mapping of a Synology


def _nas(world):
    client = world.client()
    for name in (NAS, MAPPING):
        client.call("CreateVault", vaultName=name)
    ident = client.call("UploadArchive", vaultName=NAS, body=b"a picture")["archiveId"]
    path = world.live / "mapping.db"
    with closing(sqlite3.connect(path)) as mapping, mapping:
        mapping.execute(
            "CREATE TABLE file_info_tb (key, shareName, basePath, archiveID, lastBkpTime, fileSize)"
        )
        mapping.execute(
            "INSERT INTO file_info_tb VALUES (1, 'photo', '2013/a.jpg', ?, 1400000000, 9)", (ident,)
        )
    newest = client.call("UploadArchive", vaultName=MAPPING, body=path.read_bytes())["archiveId"]
    world.remember("newest", newest)
    client.engine.close()
    world.catalog().close()


def _join_mapping(world):
    client, catalog = world.client(), world.catalog()
    synology.join_mapping(client, catalog, NAS, agreed, journals=world.journals, poll=_SOON)
    world.tell("named")


def _named(world):
    client, catalog = world.client(), world.catalog()
    assert [each.name for each in catalog.archives(_scope(client), NAS)] == ["photo/2013/a.jpg"]
    catalog.close()
    jobs = client.pages("ListJobs", vaultName=MAPPING)
    newest = world.recall("newest")
    assert [each["ArchiveId"] for each in jobs if "ArchiveId" in each] == [newest]


MANY = [
    Scenario("restore", _known, _restore, _restored_once, stride=3),
    Scenario("restore, resumed", _half_restored, _restore, _restored_once, stride=2),
    Scenario("empty", _known, _empty, _nothing_held),
    Scenario("empty, with the vault", _known, _empty_and_delete, _no_vault),
    Scenario("inventory", _filled, _sync, _all_known, stride=2),
    Scenario("inventories of all", _two_filled, _sync_all, _both_known, stride=3),
    Scenario("mapping", _nas, _join_mapping, _named, stride=3),
]
