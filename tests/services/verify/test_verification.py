"""Evidence: what is found, and what is not claimed."""

import errno
import os
from datetime import UTC, datetime, timedelta

import pytest
from helpers import payload

from glaciercli.catalog import findings
from glaciercli.catalog.inventories import Entry
from glaciercli.catalog.merging import merge
from glaciercli.errors import Conflict, IntegrityError, NotFound, NotReady, Partial, Refused
from glaciercli.models import Archive, Scope
from glaciercli.models.plans import agreed
from glaciercli.services.empty import deleting
from glaciercli.services.inventory import syncing
from glaciercli.services.upload import uploads
from glaciercli.services.verify import verification
from glaciercli.services.verify.audit import audit
from glaciercli.tasks.waiting import Poll
from glaciercli.units import MIB

NOW = Poll(timeout=0.0)
DAY = datetime(2013, 5, 1, tzinfo=UTC)


def sample(client, catalog, vault, count, consent=agreed, *, seed, **options):
    """Plan a sample, and read it."""
    plan = verification.plan(client, catalog, vault, count, seed=seed)
    return verification.sample(client, catalog, plan, consent, **options)


@pytest.fixture
def scope(client):
    return Scope(client.endpoint, client.engine.account, client.region)


@pytest.fixture
def put(client, vault, catalog, journals, tmp_path):
    """Upload a file of some size; return its path and archive."""

    def put(name="one", size=5, seed=0):
        path = tmp_path / name
        path.write_bytes(payload(size, seed))
        stored = uploads.start(
            client, path, vault, journals=journals, catalog=catalog, part_size=MIB
        )
        stored.told()
        return path, stored.archive

    return put


def test_a_file_that_is_the_archive(client, catalog, vault, put):
    path, stored = put(size=2 * MIB + 7)
    report = verification.archive(client, catalog, vault, "one", path)

    assert (report.archive_id, report.size, report.tree_hash, report.seen) == (
        stored.id,
        2 * MIB + 7,
        stored.tree_hash,
        None,
    )
    made = syncing.sync(client, catalog, vault, poll=NOW).inventory_date
    assert verification.archive(client, catalog, vault, "one", path).seen == made


@pytest.mark.parametrize(("size", "seed"), [(6, 0), (5, 1)])
def test_a_file_that_is_not_the_archive(client, catalog, vault, put, size, seed):
    path, _ = put()
    path.write_bytes(payload(size, seed))

    with pytest.raises(IntegrityError, match="has bytes 6" if size == 6 else "has tree hash"):
        verification.archive(client, catalog, vault, "one", path)


def test_a_file_that_cannot_be_read_is_named(client, catalog, vault, put, monkeypatch):
    path, _ = put()

    def fail(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "preadv", fail)
    with pytest.raises(Conflict, match="cannot read .*one.*Input/output error"):
        verification.archive(client, catalog, vault, "one", path)


def test_without_a_hash_there_is_nothing_to_compare(client, catalog, vault, put, scope):
    path, _ = put()
    catalog.created(scope, Archive("x", vault, name="unknown"))

    with pytest.raises(Refused, match="does not know the tree hash"):
        verification.archive(client, catalog, vault, "unknown", path)


def test_the_catalog_without_an_inventory(client, catalog, vault, put):
    put()

    with pytest.raises(NotReady, match="no inventory"):
        next(audit(client, catalog, [vault]))


def test_the_catalog_against_its_inventory(client, catalog, vault, scope):
    hashes = {letter: bytes([number]) * 32 for number, letter in enumerate("abcdef")}

    def known(ident, letter, **fields):
        catalog.created(
            scope,
            Archive(ident, vault, 5, hashes[letter].hex(), created=DAY, **fields),
        )

    def listed(ident, letter):
        return Entry(ident, "", DAY, 5, hashes[letter])

    known("good", "a")
    known("lost", "b")
    known("other", "c")
    known("copy", "a")
    known("dead", "d")
    catalog.deleted(scope, vault, "dead", DAY)
    entries = [
        listed("good", "a"),
        listed("other", "e"),
        listed("copy", "a"),
        listed("dead", "d"),
        listed("alien", "f"),
    ]
    when = DAY + timedelta(days=9)
    merge(catalog, scope, vault, entries, made=when, asked=when)
    report = next(audit(client, catalog, [vault]))

    assert (report.inventory_date, report.archives) == (when, 5)
    assert not report.is_sound
    want = {
        "missing": "lost",
        "foreign": "alien",
        "changed": "other",
        "duplicates": "copy",
        "undeleted": "dead",
    }
    for kind, ident in want.items():
        assert getattr(report, kind) == 1
        count, found = findings.look(catalog, scope, vault, kind, limit=9)
        assert (count, [each.id for each in found]) == (1, [ident])


def test_a_sound_catalog(client, catalog, vault, put):
    put()
    syncing.sync(client, catalog, vault, poll=NOW)

    assert next(audit(client, catalog, [vault])).is_sound


def test_a_sample_is_charged_for_what_is_not_there_and_once_agreed_to(client, catalog, vault, put):
    put("one", 5)
    put("two", 6)
    plan = verification.plan(client, catalog, vault, 2, seed="s")
    asked = []

    def refuse(plan):
        asked.append(plan)
        raise Refused("no")

    with pytest.raises(Refused):
        verification.sample(client, catalog, plan, refuse, poll=NOW)
    assert asked == [plan]
    assert client.engine.log.count("InitiateJob") == 0
    verification.sample(client, catalog, plan, agreed, poll=NOW)

    assert (plan.charged, plan.charged_size) == (2, 11)
    again = verification.plan(client, catalog, vault, 2, seed="s")
    assert again.charged == again.billable.retrieved == 0
    verification.sample(client, catalog, again, refuse, poll=NOW)  # asks for nothing


def test_no_more_samples_are_charged_than_were_planned(client, catalog, vault, put):
    put("one", 5)
    sample(client, catalog, vault, 1, seed="s", poll=NOW)
    plan = verification.plan(client, catalog, vault, 1, seed="s")
    client.engine.clock.advance(timedelta(days=3))  # the retrieval has expired
    with pytest.raises(Refused, match="1 retrieval would be charged, and 0 were planned"):
        verification.sample(client, catalog, plan, agreed, poll=NOW)

    assert client.engine.log.count("InitiateJob") == 1


def test_a_sample_of_other_archives_than_planned_is_not_read(client, catalog, scope, vault, put):
    _, archive = put("one", 5)
    plan = verification.plan(client, catalog, vault, 1, seed="s")
    put("two", 6)
    deleting.delete(client, catalog, scope, vault, archive.id)
    with pytest.raises(Refused, match="not what is there now; nothing was done"):
        verification.sample(client, catalog, plan, agreed, poll=NOW)

    assert client.engine.log.count("InitiateJob") == 0


def test_samples_are_proven(client, catalog, vault, put):
    put("small", 5, 1)
    put("large", 3 * MIB + 5, 2)
    client.engine.log.clear()
    found = sample(client, catalog, vault, 9, seed="s", poll=NOW)

    whole = {each.name: each.is_whole for each in found}
    assert whole == {"small": True, "large": False}
    for call in client.engine.log.calls("InitiateJob"):
        assert call.params is not None
    again = sample(client, catalog, vault, 9, seed="s", poll=NOW)
    assert again == found
    assert client.engine.log.count("InitiateJob") == 2


def test_samples_are_random_but_the_same_for_a_seed(client, catalog, vault, put):
    for number in range(6):
        put(f"f{number}", 5, number)

    def names(seed):
        return [each.name for each in sample(client, catalog, vault, 2, seed=seed, poll=NOW)]

    assert len(names("a")) == 2
    assert names("a") == names("a")
    assert len({tuple(names(seed)) for seed in "abcdef"}) > 1


def test_samples_wait_for_their_retrievals(client, catalog, vault, put):
    put()
    client.engine.timing = "real"
    client.engine.clock.freeze()
    with pytest.raises(NotReady, match="0 samples proven; 1 is not ready yet"):
        sample(client, catalog, vault, 1, seed="s", poll=NOW)
    client.engine.clock.advance(timedelta(hours=6))

    assert len(sample(client, catalog, vault, 1, seed="s", poll=NOW)) == 1
    assert client.engine.log.count("InitiateJob") == 1


def test_samples_share_the_time_that_there_is_to_wait(client, catalog, vault, put):
    for number in range(3):
        put(f"f{number}", 5, number)
    client.engine.timing = "real"
    with pytest.raises(NotReady, match="0 samples proven; 3 are not ready yet"):
        sample(client, catalog, vault, 3, seed="s", poll=Poll(0.02, 0.1))

    looks = [each.params["jobId"] for each in client.engine.log.calls("DescribeJob")]
    _, *others = sorted(map(looks.count, set(looks)), reverse=True)
    assert others == [2, 2]  # when it is started, and when the time is up


def test_a_damaged_sample_is_named(client, catalog, vault, put):
    _, bad = put()
    fault = client.engine.faults.add("GetJobOutput", kind="corrupt", times=3)
    with pytest.raises(Partial) as caught:
        sample(client, catalog, vault, 1, seed="s", poll=NOW)

    assert client.engine.faults.delivered(fault) == 3
    assert set(caught.value.failures) == {bad.id}


def test_a_damaged_sample_is_named_while_others_are_waited_for(client, catalog, vault, put):
    for number in range(2):
        put(f"f{number}", 5, number)
    sample(client, catalog, vault, 1, seed="s", poll=NOW)
    client.engine.timing = "real"
    fault = client.engine.faults.add("GetJobOutput", kind="corrupt", times=3)
    with pytest.raises(NotReady, match="0 samples proven; 1 is not ready yet, 1 failed") as caught:
        sample(client, catalog, vault, 2, seed="s", poll=NOW)

    assert client.engine.faults.delivered(fault) == 3
    [error] = caught.value.failures.values()
    assert "arrived damaged" in error.message


def test_a_sample_that_is_gone_is_named_and_the_others_are_proven(client, catalog, vault, put):
    _, gone = put()
    _, there = put(name="two", seed=1)
    client.call("DeleteArchive", vaultName=vault, archiveId=gone.id)
    with pytest.raises(Partial) as caught:
        sample(client, catalog, vault, 2, seed="s", poll=NOW)

    assert set(caught.value.failures) == {gone.id}
    assert [each.archive_id for each in caught.value.report] == [there.id]


def test_a_retrieval_that_has_failed_is_no_end_of_its_seed(client, catalog, vault, put):
    _, stored = put()
    client.engine.timing = "real"
    client.engine.clock.freeze()
    with pytest.raises(NotReady):
        sample(client, catalog, vault, 1, seed="s", poll=NOW)
    client.call("DeleteArchive", vaultName=vault, archiveId=stored.id)
    client.engine.clock.advance(timedelta(hours=6))
    with pytest.raises(Partial) as caught:  # naming what a new retrieval says
        sample(client, catalog, vault, 1, seed="s", poll=NOW)

    assert type(caught.value.failures[stored.id]) is NotFound
    assert client.engine.log.count("InitiateJob") == 2


def test_a_hash_that_the_service_no_longer_claims(client, catalog, vault, put, scope):
    _, stored = put()
    with catalog.database.write() as connection:
        connection.execute("UPDATE archives SET tree_hash = ?", (b"\1" * 32,))

    with pytest.raises(Partial) as caught:
        sample(client, catalog, vault, 1, seed="s", poll=NOW)
    assert f"has tree hash {'01' * 32} by the upload of" in caught.value.failures[stored.id].message
