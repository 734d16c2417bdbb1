"""The catalog's rows: what is recorded, what is found, and what stays apart."""

import os
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glaciercli.catalog._rows import from_sqlite, to_sqlite
from glaciercli.catalog.descriptions import encode
from glaciercli.catalog.filters import Filter
from glaciercli.catalog.inventories import Entry
from glaciercli.catalog.merging import merge
from glaciercli.catalog.store import Catalog
from glaciercli.errors import IntegrityError, NotFound, Refused
from glaciercli.models import Archive, Scope

DAY = datetime(2013, 5, 1, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
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


def test_recording_an_archive_again_keeps_what_was_known(catalog, scope, archive):
    catalog.created(scope, archive(size=5, tree_hash=HASH))
    catalog.created(scope, archive(name="later", path="/later"))
    catalog.created(scope, archive())

    [found] = catalog.archives(scope)
    assert (found.size, found.tree_hash, found.name, found.path) == (5, HASH, "later", "/later")


def test_a_deleted_archive_is_hidden_but_its_stone_stays(catalog, scope, archive):
    catalog.created(scope, archive())
    catalog.deleted(scope, "photos", "a", DAY)
    catalog.deleted(scope, "photos", "a", DAY - timedelta(days=9))  # a journal that is played again
    catalog.created(scope, archive())

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


def test_totals_say_count_bytes_oldest_and_newest(catalog, scope, archive):
    catalog.created(scope, archive("a", size=3, vault="x"))
    catalog.created(scope, archive("b", size=4, created=DAY + timedelta(days=1)))
    catalog.created(scope, archive("c", size=None, created=DAY + timedelta(days=2)))

    totals = catalog.totals(scope)

    assert (totals.count, totals.size) == (3, 7)
    assert (totals.oldest, totals.newest) == (DAY, DAY + timedelta(days=2))
    assert catalog.totals(scope, "nowhere").oldest is None


def test_an_archive_of_no_known_time_is_the_oldest(catalog, scope, archive):
    """Other tools' records have such; they count as of 1970."""
    catalog.created(scope, archive("a", vault="x", created=EPOCH))
    catalog.created(scope, archive("b", vault="y"))

    assert catalog.totals(scope).oldest == EPOCH


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
    assert from_sqlite(to_sqlite(text)) == text


def test_a_name_that_is_not_unicode_is_found(catalog, scope, archive):
    name = os.fsdecode(b"caf\xe9.txt")
    catalog.created(scope, archive(name=name, path="/" + name))

    assert catalog.find(scope, "photos", name).path == "/" + name
    for wanted in (Filter(text="caf"), Filter(text=name[:-4]), Filter(glob=name[:4] + "*")):
        assert ids(catalog.archives(scope, filters=wanted)) == ["a"]
    assert catalog.names(scope, None, name[:4]) == [name]


def test_a_vault_that_is_not_unicode_is_refused(catalog, scope, archive):
    """The command line hands on whatever bytes it was given."""
    vault = os.fsdecode(b"caf\xe9")

    for ask in (lambda: catalog.find(scope, vault, "a"), lambda: catalog.totals(scope, vault)):
        with pytest.raises(Refused, match=r"'caf\\udce9' is no text that a vault"):
            ask()
    with pytest.raises(Refused):
        catalog.created(scope, archive(vault=vault))


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


@pytest.mark.parametrize(
    "other", [{"size": 6, "tree_hash": "cd" * 32}, {"size": 5, "tree_hash": "ab" * 32}]
)
def test_an_id_that_an_upload_has_is_given_to_no_other(catalog, scope, archive, other):
    told = archive("a", name="f1", size=5, tree_hash="ab" * 32, hash_from="upload")
    catalog.created(scope, told, token="one")
    catalog.created(scope, told, token="one")

    with pytest.raises(IntegrityError, match="known as another upload"):
        catalog.created(scope, archive("a", name="f2", hash_from="upload", **other), token="two")
    (kept,) = catalog.archives(scope)
    assert (kept.name, kept.size, kept.tree_hash) == ("f1", 5, "ab" * 32)


def test_the_word_of_others_fills_gaps_and_renames_nothing(catalog, scope, archive):
    catalog.created(scope, archive("a", name="f1", size=5), token="one")
    catalog.created_all(scope, [archive("a", name="f2", location="/there")], ours=False)

    (kept,) = catalog.archives(scope)
    assert (kept.name, kept.location) == ("f1", "/there")


def test_a_deletion_counts_though_the_services_clock_is_days_ahead(catalog, scope, archive):
    """As in a rehearsal over HTTP, whose clock is the server's alone."""
    catalog.created(scope, archive("a", name="f1", size=5, tree_hash="ab" * 32))
    made = datetime(2013, 6, 1, tzinfo=UTC)
    entry = Entry("a", "", datetime(2013, 5, 1, tzinfo=UTC), 5, bytearray.fromhex("ab" * 32))
    merge(catalog, scope, "photos", [entry], made=made, asked=made)

    catalog.deleted(scope, "photos", "a", made - timedelta(30))

    assert list(catalog.archives(scope)) == []
    assert catalog.deleted_since(scope, "photos", made) == 1
