"""Dates of the future that are in the catalog: forgotten, and nothing else is touched."""

from datetime import UTC, datetime, timedelta

import pytest

from glaciercli.catalog import futures
from glaciercli.catalog.filters import Filter
from glaciercli.catalog.inventories import Entry
from glaciercli.catalog.merging import merge
from glaciercli.catalog.states import STATES

NOW = datetime(2013, 5, 1, tzinfo=UTC)
LATE = datetime(2999, 11, 28, tzinfo=UTC)
MONTH_AGO = NOW - timedelta(days=30)
ALL = Filter(states=frozenset(STATES))


def days(count):
    return timedelta(days=count)


@pytest.fixture
def bring(catalog, scope):
    def bring(*ids, made, asked, created=MONTH_AGO):
        entries = [Entry(each, "", created, 5, b"\xab" * 32) for each in ids]
        return merge(catalog, scope, "photos", entries, made=made, asked=asked)

    return bring


@pytest.mark.parametrize("member", ["made", "asked"])
def test_an_inventory_of_the_future_is_no_newer_one(catalog, scope, bring, member):
    bring("a", **{"made": NOW - days(1), "asked": NOW - days(1), member: LATE})
    futures.forget(catalog, scope, "photos", NOW)
    assert catalog.inventory(scope, "photos") is None
    assert catalog.known(scope, "photos", "a").seen <= NOW
    report = bring("b", made=NOW + days(1), asked=NOW + days(1))

    assert report.missing == 1
    assert catalog.inventory(scope, "photos").made == NOW + days(1)


def test_an_upload_of_the_future_has_the_date_when_it_was_recorded(catalog, scope, archive):
    recorded = NOW - days(9)
    catalog.created(scope, archive("a", created=LATE, recorded=recorded))
    futures.forget(catalog, scope, "photos", NOW)

    assert catalog.known(scope, "photos", "a").created == recorded


def test_dates_within_the_margin_stay(catalog, scope, bring):
    at = NOW + futures.MARGIN
    bring("a", made=at, asked=at, created=at)
    before = list(catalog.archives(scope, filters=ALL))
    futures.forget(catalog, scope, "photos", NOW)

    assert catalog.inventory(scope, "photos").made == at
    assert list(catalog.archives(scope, filters=ALL)) == before


def test_other_vaults_and_unknown_ones_are_not_touched(catalog, scope, bring):
    bring("a", made=LATE, asked=LATE)
    for other in ("films", "nowhere"):
        futures.forget(catalog, scope, other, NOW)

    assert catalog.inventory(scope, "photos").made == LATE
