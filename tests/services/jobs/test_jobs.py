"""Jobs: asked for once, waited for, found by the beginning of their ids."""

import threading
import time
from datetime import timedelta

import pytest
from helpers import RecordingProgress, payload

from glaciercli.errors import AccessDenied, Conflict, NotFound, NotReady, Refused
from glaciercli.hints import render
from glaciercli.services.jobs import jobs
from glaciercli.tasks.waiting import Poll
from glaciercli.treehash import tree_hash
from glaciercli.units import MIB


@pytest.fixture
def archive(client, vault):
    """The id of an archive of 3 MiB."""
    body = payload(3 * MIB)
    reply = client.call("UploadArchive", vaultName=vault, checksum=tree_hash(body), body=body)
    return reply["archiveId"]


@pytest.mark.parametrize("description", [None, "the user's own"])
@pytest.mark.parametrize("applied", [False, True])
def test_a_lost_reply_makes_one_job(client, engine, vault, archive, description, applied):
    fault = engine.faults.drop("InitiateJob", applied=applied)
    job = jobs.start_archive(client, vault, archive, description=description)

    assert engine.faults.delivered(fault) == 1
    assert [each.id for each in jobs.listing(client, vault)] == [job.id]


def test_a_job_that_cannot_be_looked_at_is_said_to_be_started(client, engine, vault, archive):
    """Else the same command is run again, and pays again."""
    fault = engine.faults.add(
        "DescribeJob", kind="status", code="AccessDeniedException", status=403
    )
    with pytest.raises(AccessDenied) as caught:
        jobs.start_archive(client, vault, archive)

    assert engine.faults.delivered(fault) == 1
    [job] = jobs.listing(client, vault)
    assert f"started, and paid for: glacier job show {job.id}" in render(caught.value.hint)


def test_an_earlier_job_with_the_same_text_is_not_taken_for_the_new_one(
    client, engine, vault, archive
):
    first = jobs.start_archive(client, vault, archive, description="weekly")
    engine.faults.drop("InitiateJob")
    second = jobs.start_archive(client, vault, archive, description="weekly")

    assert first.id != second.id
    assert len(list(jobs.listing(client, vault))) == 2


def test_a_job_is_found_by_the_beginning_of_its_id(client, vault, archive):
    first, second = (jobs.start_archive(client, vault, archive) for _ in range(2))

    assert jobs.show(client, vault, first.id).id == first.id
    unique = next(length for length in range(1, 92) if first.id[:length] != second.id[:length])
    assert jobs.show(client, vault, f"id:{first.id[:unique]}").id == first.id
    with pytest.raises(Conflict, match="2 jobs"):
        jobs.show(client, vault, "")
    with pytest.raises(NotFound, match="no job"):
        jobs.show(client, vault, "nope~")


def test_waiting_ends_when_the_time_is_up(client, engine, vault, archive):
    engine.timing = "real"
    job = jobs.start_archive(client, vault, archive, tier="Bulk")
    progress = RecordingProgress()
    with pytest.raises(NotReady, match="bulk jobs usually take 5-12 hours"):
        jobs.wait(client, vault, job.id, poll=Poll(0.01, 0.05), progress=progress)
    assert len(progress.notes) == 1

    engine.clock.advance(timedelta(hours=13))
    assert jobs.wait(client, vault, job.id, poll=Poll(timeout=0)).succeeded


def test_a_job_that_failed_is_refused_with_its_reason(client, engine, vault, archive):
    engine.timing = "real"
    job = jobs.start_archive(client, vault, archive)
    client.call("DeleteArchive", vaultName=vault, archiveId=archive)
    engine.clock.advance(timedelta(hours=13))

    with pytest.raises(Refused, match="failed"):
        jobs.wait(client, vault, job.id, poll=Poll(timeout=0))


def test_a_signal_ends_a_long_wait(client, engine, vault, archive):
    """The handler raises in the main thread; here the event that it sets must end the sleep."""
    engine.timing = "real"
    job = jobs.start_archive(client, vault, archive)
    threading.Timer(0.2, client.pace.stop.set).start()
    started = time.monotonic()
    engine.log.clear()
    with pytest.raises(NotReady):
        jobs.wait(client, vault, job.id, poll=Poll(60, 600))

    assert time.monotonic() - started < 5
    assert engine.log.count() == 1  # and nobody asks on and on until the program has ended
