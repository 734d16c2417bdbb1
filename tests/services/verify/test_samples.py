"""Samples of stored bytes: what is charged, found, and not claimed."""

from datetime import timedelta

import pytest

from glaciercli.errors import NotFound, NotReady, Partial, Refused
from glaciercli.models.plans import agreed
from glaciercli.services.empty import deleting
from glaciercli.services.verify import samples
from glaciercli.tasks.waiting import Poll
from glaciercli.units import MIB

NOW = Poll(timeout=0.0)


def sample(client, catalog, vault, count, consent=agreed, *, seed, **options):
    """Plan a sample, and read it."""
    plan = samples.plan(client, catalog, vault, count, seed=seed)
    return samples.read(client, catalog, plan, consent, **options)


def test_a_sample_is_charged_for_what_is_not_there_and_once_agreed_to(client, catalog, vault, put):
    put("one", 5)
    put("two", 6)
    plan = samples.plan(client, catalog, vault, 2, seed="s")
    asked = []

    def refuse(plan):
        asked.append(plan)
        raise Refused("no")

    with pytest.raises(Refused):
        samples.read(client, catalog, plan, refuse, poll=NOW)
    assert asked == [plan]
    assert client.engine.log.count("InitiateJob") == 0
    samples.read(client, catalog, plan, agreed, poll=NOW)

    assert (plan.charged, plan.charged_size) == (2, 11)
    again = samples.plan(client, catalog, vault, 2, seed="s")
    assert again.charged == again.billable.retrieved == 0
    samples.read(client, catalog, again, refuse, poll=NOW)  # asks for nothing


def test_no_more_samples_are_charged_than_were_planned(client, catalog, vault, put):
    put("one", 5)
    sample(client, catalog, vault, 1, seed="s", poll=NOW)
    plan = samples.plan(client, catalog, vault, 1, seed="s")
    client.engine.clock.advance(timedelta(days=3))  # the retrieval has expired
    with pytest.raises(Refused, match="1 retrieval would be charged, and 0 were planned"):
        samples.read(client, catalog, plan, agreed, poll=NOW)

    assert client.engine.log.count("InitiateJob") == 1


def test_a_sample_of_other_archives_than_planned_is_not_read(client, catalog, scope, vault, put):
    _, archive = put("one", 5)
    plan = samples.plan(client, catalog, vault, 1, seed="s")
    put("two", 6)
    deleting.delete(client, catalog, scope, vault, archive.id)
    with pytest.raises(Refused, match="not what is there now; nothing was done"):
        samples.read(client, catalog, plan, agreed, poll=NOW)

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
