"""What of a vault goes where: told by the catalog and the directory, and paid for by nobody."""

from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

import pytest

from glaciercli.catalog.filters import Filter
from glaciercli.catalog.inventories import Entry
from glaciercli.catalog.merging import merge
from glaciercli.files.tree import STAGING
from glaciercli.models import Archive, Scope
from glaciercli.services.restore.selection import select, split_by_content
from glaciercli.treehash import tree_hash

NOW = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def scope(client):
    return Scope(client.endpoint, client.engine.account, client.region)


@pytest.fixture
def known(client, vault, catalog, scope):
    """Make an archive known, each later than the ones before."""

    def known(ident, name, content=b"x", **fields):
        moment = NOW.replace(minute=len(list(catalog.archives(scope))))
        fields = {"tree_hash": tree_hash(content), "created": moment, **fields}
        catalog.created(scope, Archive(ident, vault, size=len(content), name=name, **fields))

    return known


@pytest.fixture
def selected(client, catalog, vault, tmp_path):
    def selected(**filters):
        return select(client, catalog, vault, tmp_path / "out", filters=Filter(**filters))

    return selected


def paths(items):
    return [(each.archive.id, [str(path) for path in each.missing_paths]) for each in items]


def test_archives_get_the_paths_of_their_names_in_the_order_they_were_stored(known, selected):
    known("one", "b/x")
    known("two", "a")
    known("older", "same", b"1")
    known("newer", "same", b"2")
    wanted = selected()

    assert paths(wanted.incomplete) == [
        ("one", ["b/x"]),
        ("two", ["a"]),
        ("older", ["same.archive-older"]),
        ("newer", ["same"]),
    ]
    assert (wanted.refused, wanted.folders) == ({}, [])
    assert paths(selected(glob="b/*").incomplete) == [("one", ["b/x"])]


@pytest.mark.parametrize("name", ["../x", "a/../../x", f"{STAGING}/x", "a\n", "x" * 256])
def test_a_name_that_cannot_be_a_path_is_refused_and_holds_up_no_other(known, selected, name):
    known("bad", name)
    known("good", "good")
    wanted = selected()

    assert paths(wanted.incomplete) == [("good", ["good"])]
    assert list(wanted.refused) == ["bad"]
    assert wanted.refused["bad"].message.startswith(repr(name))


def test_further_names_are_further_places_of_the_same_bytes(known, selected, catalog, scope, vault):
    known("one", "first")
    catalog.add_aliases(scope, vault, [("d/second", "one"), ("../third", "one")])
    wanted = selected()

    assert paths(wanted.incomplete) == [("one", ["first", "d/second"])]
    assert "'../third'" in wanted.refused["one"].message


def test_what_the_directory_holds_is_lacking_no_more(known, selected, tmp_path):
    known("here", "here", b"right")
    known("other", "other", b"right!")
    known("gone", "gone")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/here").write_bytes(b"right")
    (tmp_path / "out/other").write_bytes(b"wrong!")
    (tmp_path / "out/gone").symlink_to("here")
    wanted = selected()

    assert paths(wanted.files) == [("here", []), ("other", ["other"]), ("gone", ["gone"])]
    assert [each.archive.id for each in wanted.incomplete] == ["other", "gone"]


def test_equal_bytes_are_retrieved_once_or_not_at_all(known, selected, tmp_path):
    known("held", "held", b"held")
    known("copy", "copy", b"held")
    known("first", "first", b"new")
    known("again", "again", b"new")
    known("unknown", "unknown", b"new", tree_hash=None)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/held").write_bytes(b"held")
    missing, copies = split_by_content(selected().incomplete)

    assert [each.archive.id for each in missing] == ["first", "unknown"]
    assert [(each.archive.id, each.existing_copy) for each in copies] == [
        ("copy", PurePosixPath("held")),
        ("again", PurePosixPath("first")),
    ]


def test_of_equal_archives_one_that_no_inventory_lacks_is_retrieved(
    known, selected, catalog, scope, vault
):
    """The one that is missing may be deleted; its retrieval would fail, and its twin with it."""
    known("missing", "missing", b"same")
    known("there", "there", b"same")
    later = NOW + timedelta(days=9)
    listed = Entry("there", "", NOW, 4, tree_hash(b"same"))
    merge(catalog, scope, vault, [listed], made=later, asked=later)
    missing, copies = split_by_content(selected().incomplete)

    assert [each.archive.id for each in missing] == ["there"]
    assert [(each.archive.id, each.existing_copy) for each in copies] == [
        ("missing", PurePosixPath("there")),
    ]


def test_it_asks_the_service_for_nothing_and_makes_nothing(client, known, selected, tmp_path):
    known("one", "one")
    selected()  # which asks once which account this is
    client.engine.log.clear()
    selected()

    assert client.engine.log.count() == 0
    assert not (tmp_path / "out").exists()
