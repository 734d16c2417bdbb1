"""Findings: what is odd about a vault, told so that nobody deletes the wrong archive over it."""

from datetime import UTC, datetime, timedelta

import pytest

from glaciercli.catalog import findings
from glaciercli.catalog.inventories import Entry
from glaciercli.catalog.merging import merge

DAY = datetime(2013, 5, 1, tzinfo=UTC)
HASH = bytearray.fromhex("ab" * 32)


def test_what_was_changed_and_is_deleted_is_settled(catalog, scope, archive):
    catalog.created(scope, archive("a", created=DAY, size=6, tree_hash="cd" * 32))

    def bring(day):
        when = DAY + timedelta(day)
        return merge(
            catalog, scope, "photos", [Entry("a", "", DAY, 5, HASH)], made=when, asked=when
        ).differing, findings.look(catalog, scope, "photos", "changed")[0]

    assert bring(1) == (1, 1)
    catalog.deleted(scope, "photos", "a", DAY + timedelta(2))
    assert bring(3) == (0, 0)


@pytest.mark.parametrize(("day", "count"), [(3, 0), (3.1, 1)])
def test_what_was_deleted_may_be_listed_for_three_days(catalog, scope, day, count):
    catalog.deleted(scope, "photos", "a", DAY)
    when = DAY + timedelta(day)
    merge(catalog, scope, "photos", [Entry("a", "", DAY, 5, HASH)], made=when, asked=when)

    assert findings.look(catalog, scope, "photos", "undeleted")[0] == count


@pytest.fixture
def duplicates(catalog, scope):
    def duplicates():
        count, found = findings.look(catalog, scope, "photos", "duplicates", limit=9)
        assert count == len(found)
        return [each.id for each in found]

    return duplicates


def test_the_younger_of_two_is_the_duplicate_whichever_was_recorded_first(
    catalog, scope, archive, duplicates
):
    catalog.created(scope, archive("younger", created=DAY, tree_hash=HASH.hex()))
    assert duplicates() == []

    catalog.created(scope, archive("older", created=DAY - timedelta(1), tree_hash=HASH.hex()))
    assert duplicates() == ["younger"]


@pytest.mark.parametrize("inventories", [1, 2], ids=["missing", "gone"])
def test_the_last_copy_is_no_duplicate_of_one_that_was_lost(
    catalog, scope, archive, duplicates, inventories
):
    catalog.created(scope, archive("lost", created=DAY, tree_hash=HASH.hex()))
    for day in range(4, 4 + inventories):
        when = DAY + timedelta(day)
        left = Entry("left", "", DAY + timedelta(1), 5, HASH)
        merge(catalog, scope, "photos", [left], made=when, asked=when)

    assert duplicates() == []
