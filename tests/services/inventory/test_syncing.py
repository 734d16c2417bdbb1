"""Inventories fetched from the engine: jobs reused, documents kept, nothing cut believed."""

import json
import os
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from helpers import RecordingProgress, heal, payload, write

from glaciercli.catalog import jobs as catalog_jobs
from glaciercli.catalog.filters import Filter
from glaciercli.catalog.inventories import Entry
from glaciercli.catalog.merging import merge
from glaciercli.catalog.states import STATES
from glaciercli.clients.glacier import Target
from glaciercli.clients.session import connect
from glaciercli.errors import IntegrityError, LostReply, NotFound, NotReady, Partial
from glaciercli.local.http.server import Server
from glaciercli.models import Archive, Scope
from glaciercli.services.empty import deleting
from glaciercli.services.inventory import syncing
from glaciercli.services.jobs import jobs
from glaciercli.services.vaults import vaults
from glaciercli.tasks.waiting import Poll
from glaciercli.treehash import tree_hash
from glaciercli.units import MIB

NOW = Poll(timeout=0.0)


@pytest.fixture
def put(client, vault):
    """Store an archive behind the catalog's back, as another tool would."""

    def put(description="one.txt", size=5, into=vault):
        body = payload(size, seed=len(description))
        reply = client.call(
            "UploadArchive", vaultName=into, archiveDescription=description, body=body
        )
        return reply["archiveId"]

    return put


@pytest.fixture
def sync(client, catalog, vault):
    def sync(**options):
        return syncing.sync(client, catalog, vault, **{"poll": NOW, **options})

    return sync


@pytest.fixture
def scope(client):
    return Scope(client.endpoint, client.engine.account, client.region)


def test_an_inventory_brings_names_sizes_and_hashes(put, sync, catalog, scope, vault):
    ident = put("dir/one.txt", 7)
    report = sync()

    assert (report.archives, report.new, report.foreign, report.size) == (1, 1, 1, 7)
    found = catalog.find(scope, vault, "dir/one.txt")
    assert (found.id, found.size, found.status) == (ident, 7, "seen")
    assert found.tree_hash == tree_hash(payload(7, seed=len("dir/one.txt")))
    assert found.seen == report.inventory_date


def test_the_account_is_learned(put, sync, catalog, client):
    put()
    sync()

    target = client.target
    assert catalog.account(target.identity, client.endpoint) == client.engine.account


def test_nothing_is_left_on_disk(put, sync, catalog):
    put()
    sync()

    left = [each for each in (catalog.directory / "inventories").rglob("*") if each.is_file()]
    assert left == []


def test_what_a_stopped_run_left_of_an_expired_job_is_removed(put, sync, client, catalog):
    put(size=3 * MIB)
    cut = client.engine.faults.drop("GetJobOutput", times=100)
    client.pace.timeout = 0.0
    with pytest.raises(LostReply):
        sync()
    assert client.engine.faults.delivered(cut)
    heal(client.engine)
    client.engine.clock.advance(timedelta(days=2))
    left = [each for each in (catalog.directory / "inventories").rglob("*") if each.is_file()]
    assert left
    sync()
    assert all(each.exists() for each in left), "a run of today may still need it"
    for each in left:
        os.utime(each, (0, 0))
    put("two.txt")
    client.engine.clock.advance(timedelta(days=2))
    sync()

    assert not any(each.exists() for each in left)


def test_what_another_run_removes_in_that_moment_is_no_error(put, sync, catalog, monkeypatch):
    put()
    sync()
    [directory] = catalog.directory.glob("inventories")
    theirs = write(directory / "theirs.json", b"[]")
    look = os.stat

    def look_and_lose(path, **options):
        found = look(path, **options)
        if path == theirs:
            theirs.unlink()
        return found

    monkeypatch.setattr(os, "stat", look_and_lose)
    sync()

    assert not os.path.lexists(theirs)


def test_a_job_that_takes_hours_is_started_once_and_then_used(put, sync, client, catalog, vault):
    put()
    client.engine.clock.freeze()
    client.engine.timing = "real"
    client.engine.clock.advance(timedelta(days=2))
    for _ in range(2):
        with pytest.raises(NotReady, match="in progress"):
            sync()
    client.engine.clock.advance(timedelta(hours=5))
    report = sync()

    assert report.archives == 1
    assert client.engine.log.count("InitiateJob") == 1
    [job] = catalog_jobs.jobs(catalog, Scope(client.endpoint, client.engine.account, client.region))
    assert (job.id, job.succeeded) == (report.job_id, True)


def test_a_job_of_another_tool_is_used(put, sync, client, vault):
    put()
    job = jobs.start_inventory(client, vault, description="mtijob1 eyJ0eXBlIjoiZnVsbCJ9")

    assert sync().job_id == job.id


@pytest.mark.parametrize("asked", [{"limit": 1}, {"format": "CSV"}])
def test_a_job_that_brings_less_is_not_used(put, sync, client, vault, asked):
    put("a")
    put("b")
    partial = jobs.start_inventory(client, vault, **asked)
    report = sync()

    assert report.job_id != partial.id
    assert report.archives == 2


def test_a_job_that_was_merged_is_not_merged_again(put, sync):
    put("a")
    first = sync()
    put("b")
    second = sync()

    assert second.job_id != first.job_id
    assert (second.archives, second.new) == (2, 1)


def test_a_daily_sync_gets_a_new_inventory_each_day(put, sync, client):
    """The vault changes daily, so the service always has a newer one than yesterday's job."""
    client.engine.timing = "real"
    client.engine.clock.freeze()
    put("0")
    client.engine.clock.advance(timedelta(days=2))
    with pytest.raises(NotReady):
        sync()
    counts = []
    for day in range(1, 4):
        put(str(day))
        client.engine.clock.advance(timedelta(days=1))
        progress = RecordingProgress()
        counts.append(sync(progress=progress).archives)
        assert any("has a newer inventory" in note for note in progress.notes)

    assert counts == [1, 2, 3]
    assert client.engine.log.count("InitiateJob") == 4


def test_a_newer_inventory_that_is_there_at_once_is_taken(put, sync, client, vault):
    put("a")
    jobs.start_inventory(client, vault)
    put("b")

    assert sync().archives == 2


def test_a_vault_without_an_inventory_is_not_ready(put, sync, client):
    client.engine.timing = "real"
    put()

    with pytest.raises(NotReady, match="has no inventory yet"):
        sync()


def test_a_vault_that_is_not_there(client, catalog):
    with pytest.raises(NotFound, match="vault 'nowhere' does not exist"):
        syncing.sync(client, catalog, "nowhere", poll=NOW)


def test_a_document_cut_on_the_way_is_asked_again(put, sync, client):
    put()
    fault = client.engine.faults.add("GetJobOutput", kind="truncate")

    assert sync().archives == 1
    assert client.engine.faults.delivered(fault) == 1


def test_a_damaged_document_is_refused_and_fetched_anew(put, sync, client, catalog):
    """Inventories have no checksum: what breaks their form is noticed, and that is all."""
    put()
    fault = client.engine.faults.add("GetJobOutput", kind="corrupt", at=0)
    with pytest.raises(IntegrityError):
        sync()
    assert client.engine.faults.delivered(fault) == 1
    assert [catalog.totals(each).count for each in catalog.scopes()] == [0]

    assert sync().archives == 1


def document_of(client, job):
    return client.call("GetJobOutput", vaultName=job.vault, jobId=job.id)["body"].read()


@pytest.fixture
def plant(catalog):
    """Leave a document where a run that was stopped before the merge leaves it."""

    def plant(job, content):
        path = syncing.place(catalog, job)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return path

    return plant


def test_a_run_stopped_before_the_merge_needs_no_second_download(put, sync, client, vault, plant):
    put()
    job = jobs.start_inventory(client, vault)
    path = plant(job, document_of(client, job))
    client.engine.log.clear()

    assert (sync().archives, path.exists()) == (1, False)
    assert client.engine.log.count("GetJobOutput") == 0


def test_a_document_of_another_size_is_refused_and_fetched_anew(put, sync, client, vault, plant):
    put()
    job = jobs.start_inventory(client, vault)
    plant(job, document_of(client, job)[:-1])

    with pytest.raises(IntegrityError, match="bytes, its job says"):
        sync()
    assert sync().archives == 1


def test_an_inventory_of_another_vault_is_refused(put, sync, client, vault, plant):
    """A proxy or a mistaken cache answers with another vault's document."""
    client.call("CreateVault", vaultName="filmsx")  # as long a name, so the size is the same
    put(into="filmsx")
    put()
    wrong = document_of(client, jobs.start_inventory(client, "filmsx"))
    path = plant(jobs.start_inventory(client, vault), wrong)

    with pytest.raises(IntegrityError, match="filmsx"):
        sync()
    assert not path.exists()
    assert sync().archives == 1


LATE = datetime(2999, 11, 28, tzinfo=UTC)


@pytest.mark.parametrize("member", ["InventoryDate", "CreationDate"])
def test_an_inventory_with_a_date_in_the_future_is_refused(
    put, sync, client, catalog, scope, vault, plant, member
):
    ident = put()
    job = jobs.start_inventory(client, vault)
    sound = document_of(client, job)
    dated = rb'("%s": ?")[^"]+' % member.encode()
    told, count = re.subn(dated, rb"\g<1>2999-11-28T00:00:00Z", sound)
    path = plant(job, told)
    assert (count, len(told)) == (1, len(sound))

    with pytest.raises(IntegrityError, match=f"{member} 2999-11-28T00:00:00Z"):
        sync()
    assert not path.exists()
    assert catalog.inventory(scope, vault) is None
    assert sync().archives == 1
    assert catalog.known(scope, vault, ident).created < LATE


def test_a_job_with_a_date_in_the_future_is_refused(put, sync, client, catalog, scope, vault):
    put()
    jobs.start_inventory(client, vault)
    with client.engine.store.write() as db:
        true = db.get("SELECT document FROM jobs")["document"]
        told = json.dumps({**json.loads(true), "CreationDate": "2999-11-28T00:00:00.000Z"})
        db.run("UPDATE jobs SET document = ?", told)

    with pytest.raises(IntegrityError, match="CreationDate 2999-11-28T00:00:00Z"):
        sync()
    assert catalog.inventory(scope, vault) is None
    with client.engine.store.write() as db:
        db.run("UPDATE jobs SET document = ?", true)
    assert sync().archives == 1
    assert client.engine.log.count("InitiateJob") == 1


@pytest.mark.parametrize("field", ["made", "asked"])
def test_a_merged_inventory_of_the_future_is_superseded_by_the_next(
    put, sync, client, catalog, scope, vault, field
):
    """Earlier versions merged any; then no inventory was newer, and no job was used again."""
    ident = put()
    entries = [Entry(ident, "", client.now(), 5, b"\xab" * 32)]
    dates = {"made": client.now(), "asked": client.now(), field: LATE}
    merge(catalog, scope, vault, entries, **dates)
    client.engine.clock.advance(timedelta(days=5))
    client.call("DeleteArchive", vaultName=vault, archiveId=ident)
    job = jobs.start_inventory(client, vault)
    report = sync()

    assert (report.job_id, report.missing) == (job.id, 1)
    assert catalog.inventory(scope, vault).made == report.inventory_date
    assert catalog.known(scope, vault, ident).status == "missing"


def test_an_upload_that_was_dated_in_the_future_can_be_missing(
    put, sync, client, catalog, scope, vault
):
    lost = Archive(id="a", vault=vault, size=5, tree_hash="ab" * 32, created=LATE)
    catalog.created(scope, lost)
    client.engine.clock.advance(timedelta(days=5))
    put()

    assert sync().missing == 1
    assert catalog.known(scope, vault, "a").created <= client.now()


def test_a_rehearsal_whose_clock_is_far_ahead_is_no_future(put, client, catalog, vault):
    ident = put()
    client.engine.clock.advance(timedelta(days=400))
    with Server(client.engine) as server:
        ahead = connect(Target(region=client.region, endpoint_url=server.url), timeout=5.0)
        put("two.txt")
        first = syncing.sync(ahead, catalog, vault, poll=NOW)
        client.engine.clock.advance(timedelta(days=5))
        ahead.call("DeleteArchive", vaultName=vault, archiveId=ident)
        second = syncing.sync(ahead, catalog, vault, poll=NOW)

    assert (first.archives, second.archives, second.missing) == (2, 1, 1)
    assert second.inventory_date > ahead.now() + timedelta(days=400)


def test_a_count_that_is_not_the_service_s_is_told(put, sync, client, vault, plant):
    put()
    job = jobs.start_inventory(client, vault)
    sound = json.loads(document_of(client, job))
    short = json.dumps({**sound, "ArchiveList": []}).ljust(job.inventory_size)
    plant(job, short.encode())
    progress = RecordingProgress()
    sync(progress=progress)

    assert any("lists 0 archives, the service counts 1" in note for note in progress.notes)


def test_deleted_here_stays_deleted_while_the_inventory_is_stale(
    put, sync, client, catalog, scope, vault
):
    ident = put()
    client.engine.timing = "real"
    client.engine.clock.freeze()
    client.engine.clock.advance(timedelta(days=2))
    # To just behind the daily slot of the vault's inventory: the next is not within five hours.
    since = client.engine.clock.now() - vaults.show(client, vault).inventoried
    day = timedelta(days=1)
    client.engine.clock.advance(day - since % day + timedelta(minutes=1))
    with pytest.raises(NotReady):
        sync()
    deleting.delete(client, catalog, scope, vault, ident)
    client.engine.clock.advance(timedelta(hours=5))
    report = sync()

    assert report.archives == 1
    [found] = catalog.archives(scope, filters=Filter(states=frozenset(STATES)))
    assert found.status == "deleted"


@pytest.fixture
def three(client, vault, put):
    """Two vaults with archives and an inventory, and one that was never written to."""
    for name in ("films", "never"):
        client.call("CreateVault", vaultName=name)
    put("a")
    put("b", into="films")


def test_all_vaults_are_synced_and_those_without_inventory_told(client, catalog, three):
    progress = RecordingProgress()
    reports = syncing.sync_all(client, catalog, poll=NOW, progress=progress)

    assert [each.vault for each in reports] == ["films", "photos"]
    assert progress.notes == ["vault 'never' has no inventory yet"]


def test_what_was_in_a_vault_of_before_is_gone_though_the_new_one_has_no_inventory(
    client, catalog, scope, vault
):
    old = Archive("old", vault, name="old.txt", created=client.now() - timedelta(days=9))
    catalog.created(scope, replace(old, location=f"/{scope.account}/vaults/{vault}/archives/old"))
    progress = RecordingProgress()
    syncing.sync_all(client, catalog, poll=NOW, progress=progress)

    assert [each.status for each in catalog.versions(scope, vault, "old.txt")] == []
    assert "gone with it: 1 archive" in progress.notes[0]
    assert progress.notes[1:] == [f"vault {vault!r} has no inventory yet"]


def test_the_jobs_of_all_vaults_are_started_at_once(client, catalog, three):
    client.engine.timing = "real"
    client.engine.clock.freeze()
    client.engine.clock.advance(timedelta(days=2))
    with pytest.raises(NotReady, match="0 vaults synced; 2 are not ready yet .films, photos."):
        syncing.sync_all(client, catalog, poll=NOW)
    assert client.engine.log.count("InitiateJob") == 2
    client.engine.clock.advance(timedelta(hours=5))

    assert len(syncing.sync_all(client, catalog, poll=NOW)) == 2
    assert client.engine.log.count("InitiateJob") == 2


def test_a_vault_that_fails_is_named_and_the_others_are_synced(client, catalog, three, scope):
    fault = client.engine.faults.add("GetJobOutput", kind="corrupt", at=0)
    with pytest.raises(Partial, match="1 vault synced; 1 of 2 failed") as caught:
        syncing.sync_all(client, catalog, poll=NOW)

    assert client.engine.faults.delivered(fault) == 1
    assert set(caught.value.failures) == {"films"}
    assert catalog.inventory(scope, "photos") is not None
