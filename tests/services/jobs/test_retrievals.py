"""Which job brings which bytes: a second one would be paid for."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glaciercli.errors import IntegrityError, Refused
from glaciercli.models import Archive, Billable, Job
from glaciercli.services.jobs import retrievals
from glaciercli.services.jobs.retrievals import RetrievalRequest, Retrievals
from glaciercli.treehash import is_tree_hash_aligned
from glaciercli.units import MIB

SIZE = 100 * MIB + 1
ARCHIVE = Archive(id="a" * 138, vault="photos", size=SIZE)


def job(span, status="Succeeded"):
    done = status != "InProgress"
    return Job(
        "j", "photos", "ArchiveRetrieval", status, completed=done, archive_size=SIZE, range=span
    )


@given(st.tuples(st.integers(0, SIZE), st.integers(0, SIZE)).filter(lambda span: span[0] < span[1]))
def test_the_range_asked_for_has_a_checksum_and_holds_what_is_wanted(span):
    start, stop = RetrievalRequest(ARCHIVE, span).aligned

    assert start <= span[0]
    assert span[1] <= stop
    assert is_tree_hash_aligned(start, stop, SIZE)


@pytest.mark.parametrize("span", [(0, SIZE + 1), (5, 5), (7, 3), (-1, 4)])
def test_a_range_that_is_not_there_is_refused(span):
    with pytest.raises(Refused, match="is not within the 104857601 bytes"):
        _ = RetrievalRequest(ARCHIVE, span).aligned


@pytest.mark.parametrize(
    ("wanted", "found", "fits"),
    [
        (None, job(f"0-{SIZE - 1}"), True),
        (None, job(f"0-{SIZE - 1}", "InProgress"), True),
        (None, job(None), True),  # what was asked for without a range is the whole
        (None, job(f"0-{SIZE - 1}", "Failed"), False),
        (None, job("0-1048575"), False),
        ((0, MIB), job("0-1048575"), True),
        ((3, 9), job("0-1048575"), True),
        ((3, 9), job("1048576-2097151"), False),
        ((3, 9), job(None), False),
    ],
)
def test_which_job_brings_what_is_wanted(wanted, found, fits):
    assert RetrievalRequest(ARCHIVE, wanted).is_satisfied_by(found) is fits


def test_a_vault_is_asked_for_its_retrievals_once(client, vault):
    there = Retrievals(client, vault)
    found = [there.find(RetrievalRequest(Archive(id=each * 138, vault=vault))) for each in "abc"]

    assert found == [None, None, None]
    assert client.engine.log.count("ListJobs") == 1


def test_a_plan_is_of_all_that_is_retrieved_to_have_its_checksum(client, vault):
    client.engine.log.clear()
    plan = Retrievals(client, vault).plan(RetrievalRequest(ARCHIVE, (3, 9)), "Bulk")

    assert (plan.size, plan.widened, plan.tier) == (MIB, "0-1048575", "Bulk")
    assert plan.billable == Billable(retrievals=1, retrieved=MIB, tier="Bulk")
    assert client.engine.log.count() == 0


def test_a_retrieval_of_its_own_is_started_once_agreed_to(client, vault):
    asked = []

    def refuse(plan):
        asked.append(plan)
        raise Refused("no")

    with pytest.raises(Refused, match="no"):
        retrievals.start(client, ARCHIVE, refuse, range=(MIB, 2 * MIB))

    assert [(each.size, each.widened) for each in asked] == [(MIB, None)]
    assert client.engine.log.count("InitiateJob") == 0


def test_a_job_that_turns_out_to_bring_another_archive_is_an_integrity_error():
    unknown = Archive(id="b" * 138, vault="photos")  # so neither size nor hash would tell
    other = replace(job(None), archive_id=ARCHIVE.id, archive_tree_hash="0" * 64)

    assert RetrievalRequest(ARCHIVE).promised_by(other).archive.tree_hash == "0" * 64
    with pytest.raises(IntegrityError, match="brings archive aaa"):
        RetrievalRequest(unknown).promised_by(other)


@pytest.mark.parametrize(
    "wanted", [RetrievalRequest(ARCHIVE), RetrievalRequest(ARCHIVE, (MIB - 1, MIB + 1))]
)
def test_a_job_that_brings_less_than_was_asked_for_is_an_integrity_error(wanted):
    less = replace(job(f"0-{MIB - 1}"), archive_tree_hash="0" * 64, tree_hash="1" * 64)

    with pytest.raises(IntegrityError, match="were asked for"):
        wanted.promised_by(less)
