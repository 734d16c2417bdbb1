"""Plans as a person reads them."""

from dataclasses import replace

import pytest

from glaciercli.hints import render
from glaciercli.models import (
    Archive,
    Billable,
    CapacityPlan,
    DeletePlan,
    EmptyPlan,
    RestorePlan,
    RetrievalPlan,
    SamplePlan,
    UploadPlan,
)
from glaciercli.present.plans import question, sentences

RESTORE = RestorePlan(
    "photos",
    "out",
    archives=3,
    size=975,
    charged=3,
    charged_size=975,
    copies=0,
    already=0,
    folders=0,
    packed=0,
    tier="Bulk",
    time="5-12 hours",
    refused={},
    left_out={},
    digest="",
)
RETRIEVAL = RetrievalPlan("photos", "a" * 138, None, 1 << 20, None, "Expedited")
EMPTY = EmptyPlan(
    "photos",
    "arn:photos",
    archives=0,
    size=0,
    oldest=None,
    newest=None,
    early=0,
    early_size=0,
    inventory_date=None,
    uploads=0,
    first=(),
    last=(),
    watermark=0,
    with_vault=False,
    digest="",
)


def lines(plan):
    return list(map(render, sentences(plan)))


def archives(*numbers):
    return tuple(Archive(f"{each}" * 138, "photos", name=f"{each}.tar") for each in numbers)


def emptying(count):
    """Return the plan for a vault of some archives, as it names its first and last ones."""
    numbers = range(count)
    first, last = archives(*numbers[:5]), archives(*numbers[-5:])
    return replace(EMPTY, archives=count, first=first, last=last)


def test_a_restore_tells_its_bytes_and_its_time():
    assert lines(RESTORE) == ["to retrieve into out: 3 archives, 975 B; Bulk, usually 5-12 hours"]
    assert lines(replace(RESTORE, archives=0, charged=0, size=0, charged_size=0)) == [
        "nothing is to be retrieved"
    ]


def test_a_restore_tells_what_is_not_charged_again():
    assert lines(replace(RESTORE, charged=1, charged_size=5))[1:] == [
        "of them asked for before, and not charged again: 2 archives, 970 B"
    ]
    assert question(replace(RESTORE, charged=1, charged_size=5)).text == (
        "start 1 retrieval of 5 B (Bulk), which is charged?"
    )


def test_a_restore_names_what_it_refuses():
    assert lines(replace(RESTORE, refused={"b" * 138: "no place"}))[1:] == [
        f"not {'b' * 12}…: no place"
    ]


def test_a_restore_counts_what_is_not_there_any_more():
    (told,) = lines(replace(RESTORE, left_out={"deleted": 2}))[1:]

    assert told == (
        "left out: 2 deleted; to see them: glacier archive list --state gone --state deleted"
        " --vault photos"
    )


def test_a_range_says_how_much_more_is_retrieved():
    (told,) = lines(replace(RETRIEVAL, widened="0-1048575"))

    assert told == (
        "starting an expedited retrieval of 1.0 MiB (bytes 0-1048575: the least around your range"
        " that the service gives a checksum for); it costs, and takes its time"
    )


def test_an_archive_of_unknown_size_has_no_figure():
    assert lines(replace(RETRIEVAL, size=None)) == [
        "starting an expedited retrieval of an archive; it costs, and takes its time"
    ]


@pytest.mark.parametrize("count", [0, 1, 5, 6, 10])
def test_few_archives_are_all_named(count):
    assert lines(emptying(count))[1:] == [f"  {each}.tar" for each in range(count)]


def test_of_many_archives_the_rest_is_counted():
    assert lines(emptying(50))[1:] == [
        *(f"  {each}.tar" for each in range(5)),
        "  … and 40 more: glacier archive list --vault photos",
        *(f"  {each}.tar" for each in range(45, 50)),
    ]


def test_young_archives_are_told_with_their_bytes():
    told = "younger than 90 days: 1 archive, 5 B; Glacier charges the rest of the 90 days"
    deleting = DeletePlan("photos", archives(1), early=1, early_size=5, digest="")

    assert lines(deleting) == [told]
    assert lines(replace(EMPTY, early=1, early_size=5))[1:] == [told]
    assert lines(replace(deleting, early=0, early_size=0)) == []


def test_open_uploads_stay():
    assert lines(replace(EMPTY, uploads=2))[1:] == [
        "not touched: 2 open uploads; see glacier upload list --vault photos"
    ]


def test_the_end_of_a_vault_wants_its_name():
    asked = question(replace(EMPTY, archives=2, with_vault=True))

    assert (asked.text, asked.typed) == ("this deletes 2 archives and the vault for ever", "photos")
    assert not asked.takes_silence


@pytest.mark.parametrize(
    ("plan", "billed"),
    [
        (RESTORE, Billable(retrievals=3, retrieved=975, tier="Bulk")),
        (RETRIEVAL, Billable(retrievals=1, retrieved=1 << 20, tier="Expedited")),
        (
            SamplePlan("photos", 3, "s", 2, 7, "Standard", ""),
            Billable(retrievals=2, retrieved=7, tier="Standard"),
        ),
        (DeletePlan("photos", archives(1), 1, 5, ""), Billable(early_deleted=5)),
        (replace(EMPTY, early=1, early_size=5), Billable(early_deleted=5)),
        (CapacityPlan("us-east-1", 1, ""), Billable(capacity_units=1)),
        (UploadPlan("a", 9, 1 << 20, 3, 5), Billable(upload_requests=5)),
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_plan_says_what_is_billed(plan, billed):
    assert plan.billable == billed
