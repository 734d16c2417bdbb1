"""Filters: which archives are meant by names, sizes, times, tools and states."""

from datetime import UTC, datetime, timedelta

import pytest

from glaciercli.catalog.descriptions import encode
from glaciercli.catalog.filters import Filter

DAY = datetime(2013, 5, 1, tzinfo=UTC)


def ids(archives):
    return [each.id for each in archives]


@pytest.mark.parametrize(
    ("filters", "want"),
    [
        (Filter(), "abc"),
        (Filter(text="TXT"), "ab"),
        (Filter(text="100%"), "c"),
        (Filter(text="_"), "b"),
        (Filter(glob="dir/*"), "ab"),
        (Filter(glob="*.TXT"), ""),
        (Filter(min_size=2), "bc"),
        (Filter(max_size=2), "ab"),
        (Filter(min_size=2, max_size=2), "b"),
        (Filter(after=DAY + timedelta(hours=1)), "bc"),
        (Filter(before=DAY + timedelta(hours=1)), "a"),
        (Filter(tool="mt2"), "b"),
        (Filter(tool="plain"), "ac"),
        (Filter(text="txt", tool="mt2", min_size=2), "b"),
        (Filter(states=frozenset({"new", "deleted"})), "abcd"),
        (Filter(states=frozenset({"deleted"})), "d"),
        (Filter(states=frozenset()), ""),
    ],
)
def test_filters(catalog, scope, archive, filters, want):
    names = {"a": "dir/one.txt", "b": encode("dir/the_two.txt", DAY), "c": "100%.tar", "d": "gone"}
    for number, (ident, description) in enumerate(names.items()):
        born = DAY + timedelta(hours=number)
        catalog.created(
            scope, archive(ident, description=description, size=number + 1, created=born)
        )
    catalog.deleted(scope, "photos", "d", DAY)

    assert sorted(ids(catalog.archives(scope, filters=filters))) == list(want)
    assert catalog.totals(scope, filters=filters).count == len(want)


@pytest.mark.parametrize(
    "filters",
    [
        Filter(text="Żółw"),
        Filter(text="%C5%BB%C3%B3%C5%82w"),
        Filter(glob="dir/Żółw*"),
        Filter(glob="dir/%C5%BB%C3%B3%C5%82w*"),
    ],
)
def test_a_name_that_boto_2_has_written_is_found_by_both_spellings(
    catalog, scope, archive, filters
):
    """Also where an earlier version has kept it as it came."""
    description = "dir/%C5%BB%C3%B3%C5%82w.txt"
    catalog.created(scope, archive("a", description=description))
    catalog.created(scope, archive("b", name=description))
    catalog.created(scope, archive("c", name="dir/Zolw.txt"))

    assert sorted(ids(catalog.archives(scope, filters=filters))) == ["a", "b"]


def test_a_name_that_many_have_is_searched_as_one_that_few_have(catalog, scope, archive):
    many = [archive(f"{number:04}", name=f"{number:04} same.txt") for number in range(1001)]
    catalog.created_all(scope, many)

    def found(text):
        return len(list(catalog.archives(scope, filters=Filter(text=text))))

    assert [found(text) for text in ("same", "1000 same", "0", "nothing")] == [1001, 1, 1001, 0]


def test_an_unknown_state_is_refused():
    with pytest.raises(Exception, match="unknown state lost"):
        Filter(states=frozenset({"lost"}))
