"""Vaults come and go under one name: what was in them goes along, and comes back with proof."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from glaciercli.catalog import lives
from glaciercli.catalog.filters import Filter
from glaciercli.catalog.inventories import Entry
from glaciercli.catalog.merging import merge
from glaciercli.catalog.states import CONDITIONS, STATES, horizon_of
from glaciercli.catalog.store import Catalog
from glaciercli.errors import NotFound
from glaciercli.models import Archive, Scope

DAY = datetime(2013, 5, 1, tzinfo=UTC)
SCOPE = Scope("aws", "1" * 12, "eu-west-1")
HASH = bytes.fromhex("ab" * 32)
ALL = Filter(states=frozenset(STATES))


def days(count):
    return timedelta(days=count)


def states(catalog, scope=SCOPE):
    return {each.id: each.status for each in catalog.archives(scope, filters=ALL)}


@pytest.fixture
def scope():
    return SCOPE


@pytest.fixture
def bring(catalog):
    """Merge an inventory of some day, or a document that may be a part."""

    def bring(ids, day, *, is_whole=True, created=DAY):
        entries = [Entry(each, "", created, 5, HASH) for each in ids]
        when = DAY + days(day)
        asked = when if is_whole else None
        return merge(catalog, SCOPE, "photos", entries, made=when, asked=asked)

    return bring


@pytest.fixture
def told(catalog):
    def told(day, since=None):
        after = None if since is None else DAY + days(since)
        return lives.told(catalog, SCOPE, "photos", DAY + days(day), since=after)

    return told


def test_a_vault_that_is_gone_takes_its_archives_along_and_no_deletion_is_recorded(
    catalog, archive
):
    catalog.created(SCOPE, archive("a", name="a.bin"))
    catalog.deleted(SCOPE, "photos", "b", DAY)

    assert lives.gone(catalog, SCOPE, "photos", DAY + days(1)) == 1
    assert catalog.vaults(SCOPE) == []
    assert states(catalog) == {"a": "gone", "b": "deleted"}
    found = catalog.find(SCOPE, None, "a")
    assert (found.deleted, found.vault_gone) == (None, DAY + days(1))
    assert catalog.names(SCOPE, None) == []
    with pytest.raises(NotFound, match="is gone with its vault, by 2013-05-02T00:00:00Z"):
        catalog.find(SCOPE, None, "a.bin")


@pytest.mark.parametrize(("day", "status"), [(0.5, "gone"), (1.5, "seen")], ids=["before", "after"])
def test_what_a_document_brings_later_is_of_the_vault_of_its_date(catalog, bring, day, status):
    lives.gone(catalog, SCOPE, "photos", DAY + days(1))
    bring(["a"], 2, is_whole=False, created=DAY + days(day))

    assert states(catalog) == {"a": status}
    assert catalog.vaults(SCOPE) == (["photos"] if status == "seen" else [])


def test_the_first_word_of_an_end_stays(catalog, archive):
    catalog.created(SCOPE, archive("a"))
    lives.gone(catalog, SCOPE, "photos", DAY + days(1))

    assert lives.gone(catalog, SCOPE, "photos", DAY + days(2)) == 0
    assert catalog.find(SCOPE, None, "a").vault_gone == DAY + days(1)


def test_what_is_uploaded_into_the_next_vault_of_the_name_is_there(catalog, archive):
    catalog.created(SCOPE, archive("a"))
    lives.deleted(catalog, SCOPE, "photos", DAY + days(1))
    catalog.created(SCOPE, archive("b"))

    assert catalog.vaults(SCOPE) == ["photos"]
    assert states(catalog) == {"a": "gone", "b": "new"}


def test_the_same_vault_that_is_there_again_has_all_that_it_had(catalog, archive, told):
    told(-1)
    catalog.created(SCOPE, archive("a"))
    lives.gone(catalog, SCOPE, "photos", DAY + days(1))

    assert told(-1) == lives.Change(was_gone=True, is_another=False, back=1)
    assert states(catalog) == {"a": "new"}
    assert told(-1) is None


def test_another_vault_of_the_name_has_nothing_of_the_one_before(catalog, archive, told):
    told(-1)
    catalog.created(SCOPE, archive("a"))
    assert told(-1) is None  # after the upload, so it went into that vault
    catalog.created(SCOPE, archive("b"))  # into which of them, nobody knows

    assert told(9) == lives.Change(was_gone=False, is_another=True, lost=1)
    assert states(catalog) == {"a": "gone", "b": "new"}
    assert catalog.find(SCOPE, None, "a").vault_gone == DAY + days(9)


def test_a_vault_made_anew_after_it_was_gone_has_nothing_of_the_one_before(catalog, archive, told):
    catalog.created(SCOPE, archive("a"))
    lives.gone(catalog, SCOPE, "photos", DAY + days(1))

    assert told(2) == lives.Change(was_gone=True, is_another=True)
    assert states(catalog) == {"a": "gone"}
    assert catalog.vaults(SCOPE) == ["photos"]


def test_a_vault_that_is_older_than_its_end_was_never_gone(catalog, archive, told):
    catalog.created(SCOPE, archive("a"))
    lives.gone(catalog, SCOPE, "photos", DAY + days(1))

    assert told(-9) == lives.Change(was_gone=True, is_another=False, back=1)
    assert states(catalog) == {"a": "new"}


def test_archives_that_the_service_dates_before_the_vault_are_gone_at_once(catalog, bring, told):
    bring(["a"], 1)

    assert told(5) == lives.Change(was_gone=False, is_another=False, lost=1)
    assert states(catalog) == {"a": "gone"}


def test_an_archive_and_its_vault_of_the_same_second_are_together(catalog, bring):
    made = DAY + timedelta(milliseconds=700)
    lives.told(catalog, SCOPE, "photos", made, since=made)
    bring(["a"], 0)  # inventories have whole seconds

    assert states(catalog) == {"a": "seen"}


def test_a_vault_made_anew_in_the_second_of_its_inventory_is_another(catalog, bring):
    lives.told(catalog, SCOPE, "photos", DAY, since=DAY)
    bring(["a"], 0)
    made = DAY + timedelta(milliseconds=700)

    assert lives.told(catalog, SCOPE, "photos", made, since=made).lost == 1
    assert states(catalog) == {"a": "gone"}


def test_a_local_date_counts_beyond_any_clock_error(catalog, archive, told):
    sent = {"location": "/1/vaults/photos/archives/x"}
    catalog.created(SCOPE, archive("old", created=DAY, **sent))
    catalog.created(SCOPE, archive("young", created=DAY + days(4), **sent))
    catalog.created(SCOPE, archive("imported", created=DAY))  # by nobody knows which clock

    assert told(5, since=2).lost == 1
    assert states(catalog) == {"old": "gone", "young": "new", "imported": "new"}


def test_an_inventory_that_lists_it_brings_back_what_was_taken_for_an_earlier_vaults(
    catalog, bring, told
):
    bring(["a"], 1)
    told(5)
    bring(["a"], 6)

    assert states(catalog) == {"a": "seen"}


def test_the_inventories_of_an_earlier_vault_say_nothing_of_the_next(catalog, bring, told):
    told(-1)
    bring(["a"], 1)
    told(5)

    assert catalog.inventory(SCOPE, "photos") is None


@pytest.mark.parametrize(("day", "status"), [(3.9, "gone"), (4.1, "seen")])
def test_only_an_inventory_that_cannot_be_stale_brings_back_what_went_with_its_vault(
    catalog, archive, bring, day, status
):
    catalog.created(SCOPE, archive("a"))
    lives.gone(catalog, SCOPE, "photos", DAY + days(1))
    bring(["a"], day, is_whole=False)

    assert states(catalog) == {"a": status}


@pytest.mark.parametrize(("day", "status", "returned"), [(2.9, "deleted", 0), (3.1, "seen", 1)])
def test_only_an_inventory_that_cannot_be_stale_brings_back_what_was_deleted(
    catalog, archive, bring, day, status, returned
):
    catalog.created(SCOPE, archive("a"))
    catalog.deleted(SCOPE, "photos", "a", DAY)
    report = bring(["a"], day)

    assert (states(catalog), report.returned) == ({"a": status}, returned)
    assert bring(["a"], day + 0.1 if returned else day).returned == 0  # told once


def test_what_came_back_can_be_deleted_again(catalog, archive, bring):
    catalog.created(SCOPE, archive("a"))
    catalog.deleted(SCOPE, "photos", "a", DAY)
    bring(["a"], 4)
    catalog.deleted(SCOPE, "photos", "a", DAY + days(5))
    bring(["a"], 6)

    assert states(catalog) == {"a": "deleted"}


def test_a_part_of_a_vault_makes_nothing_missing(catalog, archive, bring):
    for ident in ("a", "b"):
        catalog.created(SCOPE, archive(ident))
    for day in (10, 20):
        bring(["a"], day, is_whole=False)

    assert states(catalog) == {"a": "seen", "b": "new"}
    assert catalog.inventory(SCOPE, "photos") is None


@pytest.mark.parametrize(
    ("act", "is_ours"),
    [(lives.deleted, True), (lives.gone, False), (lambda *_: None, False)],
    ids=["deleted here", "gone", "there"],
)
def test_a_vault_was_emptied_here_only_if_that_was_done_here(catalog, archive, act, is_ours):
    assert not lives.was_emptied_here(catalog, SCOPE, "photos")
    catalog.created(SCOPE, archive("a"))
    act(catalog, SCOPE, "photos", DAY)

    assert lives.was_emptied_here(catalog, SCOPE, "photos") == is_ours
    catalog.deleted(SCOPE, "photos", "a", DAY)
    assert lives.was_emptied_here(catalog, SCOPE, "photos")


def test_a_vaults_end_from_another_catalog_counts_until_the_service_has_told(
    catalog, archive, told
):
    catalog.created(SCOPE, archive("a"))
    lives.gone_elsewhere(catalog, SCOPE, "photos", DAY)
    assert states(catalog) == {"a": "gone"}

    told(-9)
    lives.gone_elsewhere(catalog, SCOPE, "photos", DAY)
    assert states(catalog) == {"a": "new"}


class Truth(RuleBasedStateMachine):
    """Vaults that are deleted and made anew under one name, behind a catalog's back.

    Whatever is called gone or deleted is not in the vault, whatever is told and in whatever order;
    and what the service has told twice in two days is known.
    """

    @initialize()
    def begin(self):
        Truth.number = getattr(Truth, "number", 0) + 1
        self.catalog = Catalog.open(self.directory / f"{Truth.number}.db")
        self.now = self.made = DAY
        self.there = {}
        self.count = 0

    @rule(hours=st.sampled_from([0.0001, 1, 30, 100]))
    def time_passes(self, hours):
        self.now += timedelta(hours=hours)

    @rule(skew=st.sampled_from([-48, -0.1, 0, 0.1, 48]))
    def upload(self, skew):
        """An upload from here, dated by a clock of our own."""
        if self.made is not None:
            ident = self.stored()
            dated = self.now + timedelta(hours=skew)
            place = f"/1/vaults/v/archives/{ident}"
            self.catalog.created(SCOPE, Archive(ident, "v", created=dated, location=place))

    @rule()
    def upload_elsewhere(self):
        if self.made is not None:
            self.stored()

    def stored(self):
        self.count += 1
        ident = f"archive{self.count}"
        self.there[ident] = self.now
        return ident

    @rule()
    def delete_elsewhere(self):
        self.there, self.made = {}, None

    @rule()
    def make(self):
        if self.made is None:
            self.made = self.now

    @rule()
    def describe(self):
        if self.made is None:
            lives.gone(self.catalog, SCOPE, "v", self.now)
        else:
            # By the rule of the services, for clocks that differ by less than three days.
            lives.told(self.catalog, SCOPE, "v", self.made, since=self.made - timedelta(hours=72))

    @rule()
    def inventory(self):
        if self.made is not None:
            self.describe()
            made = self.now.replace(microsecond=0)
            entries = [
                Entry(each, "", born.replace(microsecond=0), 5, HASH)
                for each, born in self.there.items()
            ]
            merge(self.catalog, SCOPE, "v", entries, made=made, asked=self.now)

    @rule()
    def part_of_an_inventory(self):
        made = self.now.replace(microsecond=0)
        entries = [
            Entry(each, "", born.replace(microsecond=0), 5, HASH)
            for each, born in list(self.there.items())[:1]
        ]
        merge(self.catalog, SCOPE, "v", entries, made=made, asked=None)

    @invariant()
    def nothing_that_is_there_is_called_gone(self):
        if hasattr(self, "catalog"):
            found = states(self.catalog)
            assert not [each for each in self.there if found.get(each) in {"gone", "deleted"}]

    @invariant()
    def sql_and_python_agree(self):
        if hasattr(self, "catalog"):
            _require_agreement(self.catalog)

    def teardown(self):
        if hasattr(self, "catalog"):
            self.catalog.close()


def _require_agreement(catalog):
    """Fail where a state that is read of rows is not the one that queries select by."""
    with catalog.database.shared_connection() as connection:
        key = catalog.vault_key(SCOPE, "v")
        horizon = horizon_of(connection, key)
        for state, condition in CONDITIONS.items():
            rows = connection.execute(
                f"SELECT id FROM archives WHERE vault = :vault AND ({condition})",
                {**horizon._asdict(), "vault": key},
            )
            by_query = {row["id"] for row in rows}
            assert by_query == {each for each, found in states(catalog).items() if found == state}


def test_nothing_that_is_there_is_called_gone_whatever_becomes_of_vaults(tmp_path):
    Truth.directory = tmp_path
    Truth.TestCase.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
    Truth.TestCase("runTest").runTest()
