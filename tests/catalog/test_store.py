"""The catalog's rows: what is recorded, what is found, and what stays apart."""

import os
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glaciercli.catalog.descriptions import encode
from glaciercli.catalog.filters import Filter
from glaciercli.catalog.rows import loaded, stored
from glaciercli.catalog.store import Catalog
from glaciercli.errors import Conflict, NotFound
from glaciercli.models import Archive, Scope

DAY = datetime(2013, 5, 1, tzinfo=UTC)
HASH = "ab" * 32


def ids(archives):
    return [each.id for each in archives]


def test_an_account_is_learned_and_learned_anew(catalog):
    assert catalog.account("default", "aws") is None

    catalog.learn_account("default", "aws", "1" * 12)
    assert catalog.account("default", "aws") == "1" * 12

    catalog.learn_account("default", "aws", "2" * 12)
    assert catalog.account("default", "aws") == "2" * 12
    assert catalog.account("default", "local:/x") is None


def test_everything_that_was_recorded_comes_back(catalog, scope):
    archive = Archive(
        id="a",
        vault="photos",
        size=5,
        tree_hash=HASH,
        name="dir/é.txt",
        description=encode("dir/é.txt", DAY, token="t1"),
        created=DAY,
        modified=DAY - timedelta(days=1),
        path="/home/u/dir/é.txt",
        location="/1/vaults/photos/archives/a",
    )
    before = datetime.now(UTC)

    catalog.created(scope, archive)
    found = catalog.find(scope, "photos", "a")

    assert found.recorded >= before - timedelta(milliseconds=1)
    assert (found.status, found.tool, found.seen, found.deleted) == ("new", "glacier", None, None)
    for field in ("id", "vault", "size", "tree_hash", "name", "description", "created"):
        assert getattr(found, field) == getattr(archive, field)
    assert (found.modified, found.path, found.location) == (
        archive.modified,
        archive.path,
        archive.location,
    )


def test_recording_twice_is_recording_once_and_keeps_the_fuller_word(catalog, scope, archive):
    catalog.created(scope, archive(size=5, tree_hash=HASH))
    catalog.created(scope, archive(name="later", path="/later"))

    [found] = catalog.archives(scope)
    assert (found.size, found.tree_hash, found.name, found.path) == (5, HASH, "later", "/later")


def test_a_deleted_archive_is_hidden_but_its_stone_stays(catalog, scope, archive):
    catalog.created(scope, archive())
    catalog.deleted(scope, "photos", "a", DAY)
    catalog.deleted(scope, "photos", "a", DAY + timedelta(days=9))
    catalog.created(scope, archive())  # a journal that is played again

    assert list(catalog.archives(scope)) == []
    [stone] = catalog.archives(scope, filters=Filter(states=frozenset({"deleted"})))
    assert (stone.deleted, stone.status) == (DAY, "deleted")
    assert catalog.find(scope, "photos", "a") == stone


def test_an_unknown_archive_can_be_deleted(catalog, scope):
    catalog.deleted(scope, "photos", "x", DAY)

    assert catalog.find(scope, None, "x").status == "deleted"


def test_worlds_stay_apart(catalog, scope, archive):
    other = Scope("aws", scope.account, "us-east-1")
    catalog.created(scope, archive("a"))
    catalog.created(other, archive("b"))
    catalog.created(other, archive("c", vault="films"))

    assert ids(catalog.archives(scope)) == ["a"]
    assert sorted(ids(catalog.archives(other))) == ["b", "c"]
    assert catalog.scopes() == [scope, other]
    assert catalog.vaults(other) == ["films", "photos"]
    with pytest.raises(NotFound):
        catalog.find(scope, None, "c")


def test_archives_of_all_vaults_come_newest_first(catalog, scope, archive):
    for number, vault in enumerate(["x", "y", "x", "y"]):
        catalog.created(
            scope, archive(str(number), vault=vault, created=DAY + timedelta(hours=number))
        )

    assert ids(catalog.archives(scope)) == ["3", "2", "1", "0"]
    assert ids(catalog.archives(scope, limit=2)) == ["3", "2"]
    assert ids(catalog.archives(scope, oldest_first=True)) == ["0", "1", "2", "3"]
    assert ids(catalog.archives(scope, "y")) == ["3", "1"]


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


def test_a_name_that_many_have_is_searched_as_one_that_few_have(catalog, scope, archive):
    many = [archive(f"{number:04}", name=f"{number:04} same.txt") for number in range(1001)]
    catalog.created_all(scope, many)

    def found(text):
        return len(list(catalog.archives(scope, filters=Filter(text=text))))

    assert [found(text) for text in ("same", "1000 same", "0", "nothing")] == [1001, 1, 1001, 0]


def test_an_unknown_state_is_refused():
    with pytest.raises(Exception, match="unknown state lost"):
        Filter(states=frozenset({"lost"}))


def test_totals_say_count_bytes_oldest_and_newest(catalog, scope, archive):
    catalog.created(scope, archive("a", size=3, vault="x"))
    catalog.created(scope, archive("b", size=4, created=DAY + timedelta(days=1)))
    catalog.created(scope, archive("c", size=None, created=DAY + timedelta(days=2)))

    totals = catalog.totals(scope)

    assert (totals.count, totals.size) == (3, 7)
    assert (totals.oldest, totals.newest) == (DAY, DAY + timedelta(days=2))
    assert catalog.totals(scope, "nowhere").oldest is None


def test_reading_goes_on_while_others_write(catalog, scope, archive):
    catalog.created_all(scope, [archive(str(number)) for number in range(300)])
    stream = catalog.archives(scope)
    first = next(stream)
    catalog.deletions(scope, "photos", [(str(number), DAY) for number in range(300)])

    assert len([first, *stream]) == 300
    assert list(catalog.archives(scope)) == []


def test_names_complete_a_prefix(catalog, scope, archive):
    for ident, name in [("1", "beta"), ("2", "alpha"), ("3", "alpine"), ("4", "alpha")]:
        catalog.created(scope, archive(ident, description=name))
    catalog.deleted(scope, "photos", "3", DAY)

    assert catalog.names(scope, "photos", "al") == ["alpha"]
    assert catalog.names(scope, None) == ["alpha", "beta"]


@given(st.text() | st.binary().map(os.fsdecode))
def test_any_text_can_be_stored(text):
    assert loaded(stored(text)) == text


def test_a_name_that_is_not_unicode_is_found(catalog, scope, archive):
    name = os.fsdecode(b"caf\xe9.txt")
    catalog.created(scope, archive(name=name, path="/" + name))

    assert catalog.find(scope, "photos", name).path == "/" + name
    assert ids(catalog.archives(scope, filters=Filter(text="caf"))) == ["a"]


def test_a_vault_that_is_deleted_takes_its_archives_along(catalog, scope, archive):
    catalog.created(scope, archive())
    catalog.vault_deleted(scope, "photos", DAY)

    assert catalog.vaults(scope) == []
    assert catalog.find(scope, None, "a").deleted == DAY

    catalog.created(scope, archive("b"))  # the name is used again
    assert catalog.vaults(scope) == ["photos"]
    assert ids(catalog.archives(scope)) == ["b"]


@pytest.fixture
def versions(catalog, scope, archive):
    for ident, name, hours in [
        ("AAAA1111", "a.txt", 0),
        ("AAAA2222", "a.txt", 24),
        ("-BBB3333", "b.txt", 0),
        ("CCCC4444", "me@home", 0),
        ("b.txt-id", "c.txt", 0),
    ]:
        born = DAY + timedelta(hours=hours)
        catalog.created(scope, archive(ident, name=name, created=born))
    return catalog


@pytest.mark.parametrize(
    ("reference", "want"),
    [
        ("b.txt", "-BBB3333"),
        ("a.txt@2013-05-01", "AAAA1111"),
        ("a.txt@2013-05-02T00:00:00Z", "AAAA2222"),
        ("me@home", "CCCC4444"),
        ("me@home@2013", "CCCC4444"),
        ("-BBB", "-BBB3333"),
        ("AAAA2222", "AAAA2222"),
        ("AAAA2", "AAAA2222"),
        ("id:C", "CCCC4444"),
        ("id:b.txt", "b.txt-id"),
    ],
)
def test_references_that_name_one_archive(versions, scope, reference, want):
    assert versions.find(scope, "photos", reference).id == want
    assert versions.find(scope, None, reference).id == want


@pytest.mark.parametrize("reference", ["a.txt", "a.txt@2013", "AAAA", "id:AAAA"])
def test_an_ambiguous_reference_names_its_candidates(versions, scope, reference):
    with pytest.raises(Conflict, match="may be 2 archives") as caught:
        versions.find(scope, "photos", reference)

    assert "a.txt@2013-05-02T00:00:00Z id:AAAA2222" in caught.value.message
    assert "a.txt@2013-05-01T00:00:00Z id:AAAA1111" in caught.value.message


def test_a_name_in_two_vaults_asks_for_the_vault(catalog, scope, archive):
    catalog.created(scope, archive("a1", name="a", vault="x"))
    catalog.created(scope, archive("a2", name="a", vault="y"))

    with pytest.raises(Conflict) as caught:
        catalog.find(scope, None, "a")
    assert "--vault (x, y)" in caught.value.hint
    assert catalog.find(scope, "y", "a").id == "a2"


@pytest.mark.parametrize(
    "reference", ["AAA", "CCCC4444x", "nothing", "", "a.txt@2014", "id:Z", "@"]
)
def test_a_reference_to_nothing(versions, scope, reference):
    with pytest.raises(NotFound, match="no archive"):
        versions.find(scope, "photos", reference)


def test_what_was_deleted_is_not_meant_by_its_name(versions, scope):
    versions.deleted(scope, "photos", "CCCC4444", DAY)

    with pytest.raises(NotFound, match="'me@home' of vault 'photos' is deleted"):
        versions.find(scope, "photos", "me@home")
    versions.deleted(scope, "photos", "AAAA1111", DAY)
    assert versions.find(scope, "photos", "a.txt").id == "AAAA2222"


def test_threads_record_at_once(catalog, scope, archive):
    def work(start):
        for number in range(start, start + 25):
            catalog.created(scope, archive(str(number)))

    threads = [threading.Thread(target=work, args=(start,)) for start in (0, 25, 50, 75)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert catalog.totals(scope).count == 100


def test_two_catalogs_of_one_file_see_each_other(tmp_path, scope, archive):
    one, two = (Catalog.open(tmp_path / "catalog.db") for _ in range(2))
    one.created(scope, archive("a"))
    two.created(scope, archive("b"))

    assert sorted(ids(one.archives(scope))) == sorted(ids(two.archives(scope))) == ["a", "b"]
    one.close()
    two.close()
