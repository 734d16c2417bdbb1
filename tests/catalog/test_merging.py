"""Inventories into the catalog: in any order, twice, stale or cut, nothing true is lost."""

import itertools
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from glaciercli.catalog.descriptions import TOOL, encode
from glaciercli.catalog.filters import Filter
from glaciercli.catalog.inventories import Entry
from glaciercli.catalog.merging import merge
from glaciercli.catalog.states import INVENTORY_LAG, STATES
from glaciercli.catalog.store import Catalog
from glaciercli.errors import IntegrityError
from glaciercli.models import Archive, Scope

DAY = datetime(2013, 5, 1, tzinfo=UTC)
SCOPE = Scope("aws", "1" * 12, "eu-west-1")
HASH = bytes.fromhex("ab" * 32)
ALL = Filter(states=frozenset(STATES))


def days(count):
    return timedelta(days=count)


def entry(ident, *, created=DAY, size=5, description="", tree_hash=HASH):
    return Entry(ident, description, created, size, tree_hash)


@pytest.fixture
def bring(catalog, scope):
    """Merge an inventory of archives `ids`, made and asked for some days after DAY."""

    def bring(ids, day, asked=None, **fields):
        entries = [each if isinstance(each, Entry) else entry(each, **fields) for each in ids]
        when = day if asked is None else asked
        return merge(
            catalog, scope, "photos", entries, made=DAY + days(day), asked=DAY + days(when)
        )

    return bring


def states(catalog, scope):
    return {each.id: each.status for each in catalog.archives(scope, filters=ALL)}


def test_a_first_inventory_is_all_new_and_foreign(catalog, scope, bring):
    report = bring(["a", "b"], 1, description="x.txt")

    assert (report.archives, report.size, report.new, report.foreign) == (2, 10, 2, 2)
    assert report.inventory_date == DAY + days(1)
    found = catalog.find(scope, "photos", "a")
    assert (found.name, found.size, found.tree_hash) == ("x.txt", 5, HASH.hex())
    assert (found.seen, found.recorded, found.status) == (DAY + days(1), None, "seen")


def test_a_description_is_read_into_its_columns(catalog, scope, bring):
    modified = datetime(2012, 11, 3, 6, 29, 38, tzinfo=UTC)
    told = encode("a/b.txt", modified, token="0" * 16)
    report = bring(["a"], 1, description=told)

    found = catalog.find(scope, "photos", "a")
    assert (found.name, found.modified, found.tool) == ("a/b.txt", modified, TOOL)
    assert [each.id for each in catalog.archives(scope, filters=Filter(tool=TOOL))] == ["a"]
    assert (report.vault, report.job_id) == ("photos", None)


def test_an_empty_inventory_says_so(catalog, scope, bring):
    bring(["a"], 1)
    report = bring([], 10)

    assert (report.archives, report.size, report.new, report.missing) == (0, 0, 0, 1)


def test_the_first_archives_may_come_after_an_inventory_that_lacks_them(catalog, scope, bring):
    bring([], 10)
    report = bring(["a"], 1)

    assert states(catalog, scope) == {"a": "missing"}
    assert (report.missing, report.foreign) == (1, 1)


def test_merging_twice_changes_nothing(catalog, scope, bring):
    bring(["a", "b"], 1)
    before = list(catalog.archives(scope, filters=ALL))
    report = bring(["a", "b"], 1)

    assert list(catalog.archives(scope, filters=ALL)) == before
    assert report.new == 0


def test_a_fresh_upload_is_not_dropped_by_a_stale_inventory(catalog, scope, archive, bring):
    catalog.created(scope, archive("fresh", created=DAY))
    report = bring(["old"], 2.9)

    assert states(catalog, scope) == {"fresh": "new", "old": "seen"}
    assert (report.unseen, report.missing) == (1, 0)


def test_missing_once_then_gone(catalog, scope, archive, bring):
    catalog.created(scope, archive("lost", created=DAY))

    assert bring([], 3.1).missing == 1
    assert states(catalog, scope) == {"lost": "missing"}
    assert [each.id for each in catalog.archives(scope)] == ["lost"]

    assert bring([], 4).gone == 1
    assert states(catalog, scope) == {"lost": "gone"}
    assert list(catalog.archives(scope)) == []


@pytest.mark.parametrize("order", [(4, 5), (5, 4)])
def test_an_inventory_asked_for_twice_counts_once_with_its_later_date(
    catalog, scope, archive, bring, order
):
    catalog.created(scope, archive("lost", created=DAY))
    catalog.created(scope, archive("late", created=DAY + days(1.5)))
    for asked in order:
        bring([], 4, asked=asked)

    assert states(catalog, scope) == {"lost": "missing", "late": "missing"}


def test_two_inventories_prove_a_loss_only_if_both_should_list_the_archive(
    catalog, scope, archive, bring
):
    catalog.created(scope, archive("late", created=DAY + days(8.5)))
    bring([], 10)
    bring([], 11, asked=12)
    assert states(catalog, scope) == {"late": "missing"}
    bring([], 12)
    assert states(catalog, scope) == {"late": "gone"}


def test_what_was_seen_and_vanishes_is_missing_then_gone_then_back(catalog, scope, bring):
    bring(["a"], 1)
    bring([], 10)
    assert states(catalog, scope) == {"a": "missing"}
    bring([], 11)
    assert states(catalog, scope) == {"a": "gone"}
    bring(["a"], 12)
    assert states(catalog, scope) == {"a": "seen"}


def test_a_stale_inventory_does_not_bring_back_what_was_deleted_here(catalog, scope, bring):
    bring(["a"], 1)
    catalog.deleted(scope, "photos", "a", DAY + days(2))
    bring(["a"], 3)

    assert states(catalog, scope) == {"a": "deleted"}
    assert catalog.find(scope, None, "a").seen == DAY + days(3)


def test_every_order_of_arrival_ends_the_same(tmp_path):
    made = [(1, ["a", "b"]), (5, ["a"]), (9, ["a", "c"]), (10, ["b", "c"])]
    ends = set()
    for number, order in enumerate(itertools.permutations(made)):
        catalog = Catalog.open(tmp_path / f"{number}.db")
        catalog.created(SCOPE, Archive("d", "photos", created=DAY + days(8)))
        for day, ids in order:
            when = DAY + days(day)
            merge(catalog, SCOPE, "photos", map(entry, ids), made=when, asked=when)
        ends.add(tuple(sorted(states(catalog, SCOPE).items())))
        catalog.close()

    assert ends == {(("a", "missing"), ("b", "seen"), ("c", "seen"), ("d", "new"))}


def test_an_inventory_fills_what_an_import_lacked_and_keeps_what_it_knew(catalog, scope, bring):
    known = Archive("a", "photos", name="dir/full name", created=DAY, tool="journal")
    catalog.created(scope, known)
    told = encode("short", DAY - days(9))
    bring(["a"], 1, description=told, created=DAY + timedelta(hours=1))

    found = catalog.find(scope, "photos", "a")
    assert (found.name, found.description, found.tool) == ("dir/full name", told, "mt2")
    assert found.modified == DAY - days(9)
    assert (found.size, found.tree_hash) == (5, HASH.hex())
    assert found.created == DAY + timedelta(hours=1)
    assert found.recorded is not None


def test_what_is_recorded_between_matching_and_merging_is_known_too(catalog, scope, archive, bring):
    """Others wait for the merge alone, so they may record what was new a moment ago."""
    bring(["old"], 1)
    written = threading.Event()

    def another_run():
        """Begin while the inventory is read, and commit when it was matched with the catalog."""
        with closing(Catalog.open(catalog.database.path)) as other, other.database.write():
            other.created(scope, archive("a", name="dir/full name"))
            written.set()
            time.sleep(0.5)

    def entries(pool):
        yield entry("old", description="short")
        runs.append(pool.submit(another_run))
        assert written.wait(20)
        yield entry("a", description="short")

    runs = []
    with ThreadPoolExecutor(1) as pool:
        when = DAY + days(2)
        report = merge(catalog, scope, "photos", entries(pool), made=when, asked=when)
    runs[0].result()

    found = catalog.find(scope, "photos", "a")
    assert (found.name, found.description, found.status) == ("dir/full name", "short", "seen")
    assert (report.new, report.archives) == (0, 2)


@pytest.mark.parametrize("change", [{"size": 6}, {"tree_hash": b"\1" * 32}])
def test_another_size_or_hash_is_reported_and_does_not_overwrite(
    catalog, scope, archive, bring, change
):
    catalog.created(scope, archive("a", size=5, tree_hash=HASH.hex()))
    report = bring([entry("a", **change)], 1)

    assert report.differing == 1
    found = catalog.find(scope, "photos", "a")
    assert (found.size, found.tree_hash) == (5, HASH.hex())


OTHER = b"\1" * 32


@pytest.mark.parametrize("wrong", [{"size": 6}, {"tree_hash": OTHER.hex()}])
def test_the_newest_inventory_corrects_an_import_once(catalog, scope, archive, bring, wrong):
    told = {"size": 5, "tree_hash": HASH.hex(), "hash_from": "import"} | wrong
    catalog.created(scope, archive("a", **told))
    reports = [bring(["a"], day) for day in (1, 2)]

    assert [(each.corrected, each.differing) for each in reports] == [(1, 0), (0, 0)]
    found = catalog.find(scope, "photos", "a")
    assert (found.size, found.tree_hash, found.hash_from) == (5, HASH.hex(), None)


def test_an_inventory_corrects_a_size_that_was_imported_without_a_hash(
    catalog, scope, archive, bring
):
    catalog.created(scope, archive("a", size=6))
    report = bring(["a"], 1)

    assert (report.corrected, report.differing) == (1, 0)
    assert catalog.find(scope, "photos", "a").size == 5


def test_an_import_that_an_inventory_has_confirmed_is_not_overwritten(
    catalog, scope, archive, bring
):
    catalog.created(scope, archive("a", size=5, tree_hash=HASH.hex(), hash_from="import"))
    bring(["a"], 1)
    report = bring(["a"], 2, tree_hash=OTHER)

    assert (report.corrected, report.differing) == (0, 1)
    assert catalog.find(scope, "photos", "a").tree_hash == HASH.hex()


def test_only_the_services_newest_inventory_corrects_an_import(catalog, scope, archive, bring):
    imported = archive("a", size=5, tree_hash=OTHER.hex(), hash_from="import")
    catalog.created(scope, imported)
    later = DAY + days(9)
    merge(catalog, scope, "photos", [entry("a", tree_hash=OTHER)], made=later, asked=None)
    older = bring(["a"], 1)
    from_file = merge(catalog, scope, "photos", [entry("a")], made=DAY + days(10), asked=None)

    assert (older.corrected, from_file.corrected) == (0, 0)
    assert (older.differing, from_file.differing) == (1, 1)
    assert bring(["a"], 11).corrected == 1


def test_vaults_and_worlds_stay_apart(catalog, scope, bring):
    bring(["a"], 1)
    other = replace(scope, region="us-east-1")
    merge(catalog, other, "photos", [entry("a")], made=DAY, asked=DAY)
    merge(catalog, scope, "films", [entry("a")], made=DAY + days(20), asked=DAY + days(20))
    merge(catalog, scope, "films", [], made=DAY + days(30), asked=DAY + days(30))

    assert catalog.find(scope, "photos", "a").status == "seen"
    assert catalog.find(other, "photos", "a").status == "seen"
    assert catalog.find(scope, "films", "a").status == "missing"


def cut_off():
    yield entry("b")
    raise IntegrityError("cut off")


@pytest.mark.parametrize("known", [[], ["a"]], ids=["the first one", "a later one"])
@pytest.mark.parametrize(
    ("entries", "message"),
    [(cut_off, "cut off"), (lambda: [entry("b")] * 2, "lists an archive twice")],
    ids=["cut off", "listed twice"],
)
def test_an_inventory_that_fails_leaves_the_catalog_as_it_was(
    catalog, scope, archive, known, entries, message
):
    catalog.created_all(scope, map(archive, known))

    def everything():
        with catalog.database.shared_connection() as connection:
            return [line for line in connection.iterdump() if 'INTO "generation"' not in line]

    before = everything()
    with pytest.raises(IntegrityError, match=message):
        merge(catalog, scope, "photos", entries(), made=DAY, asked=DAY)
    assert everything() == before
    catalog.database.check()


def test_large_merges_rebuild_the_indexes(catalog, scope, archive):
    catalog.created(scope, archive("mine", name="mine", vault="films"))
    entries = [entry(f"{number:04}", description=f"n{number}") for number in range(10_100)]
    merge(catalog, scope, "photos", entries, made=DAY, asked=DAY)

    assert catalog.find(scope, None, "n77").id == "0077"
    assert catalog.find(scope, None, "mine").vault == "films"
    catalog.database.check()
    with catalog.database.shared_connection() as connection:
        found = {row[1] for row in connection.execute("PRAGMA index_list(archives)")}
    assert {"archives_by_id", "archives_by_created", "archives_by_name"} <= found


class Truth(RuleBasedStateMachine):
    """A vault whose service lags by up to five days, seen through a catalog.

    What is uploaded here and not deleted is never lost from a listing, what is deleted here never
    comes back, whatever inventories come and in whatever order.
    """

    @initialize()
    def begin(self):
        Truth.number = getattr(Truth, "number", 0) + 1
        self.catalog = Catalog.open(self.directory / f"{Truth.number}.db")
        self.now = DAY
        self.there = {}
        self.history = [(DAY, set())]
        self.deleted = set()
        self.count = 0

    def remember(self):
        self.history.append((self.now, set(self.there)))

    @rule(hours=st.integers(1, 200))
    def time_passes(self, hours):
        self.now += timedelta(hours=hours)

    @rule()
    def upload(self):
        self.count += 1
        ident = f"archive{self.count}"
        self.there[ident] = self.now
        self.catalog.created(SCOPE, Archive(ident, "v", created=self.now))
        self.remember()

    @rule(data=st.data())
    def delete(self, data):
        if self.there:
            ident = data.draw(st.sampled_from(sorted(self.there)))
            del self.there[ident]
            self.deleted.add(ident)
            self.catalog.deleted(SCOPE, "v", ident, self.now)
            self.remember()

    @rule(lag=st.integers(0, 71))
    def inventory(self, lag):
        """The service tells a state that was true up to 72 hours ago."""
        made = self.now - timedelta(hours=lag)
        ids = [state for when, state in self.history if when <= made][-1:] or [set()]
        entries = [entry(each, created=self.born(each)) for each in ids[0]]
        merge(self.catalog, SCOPE, "v", entries, made=made, asked=self.now)

    def born(self, ident):
        return next(when for when, state in self.history if ident in state)

    @invariant()
    def nothing_true_is_lost(self):
        if not hasattr(self, "catalog"):
            return
        listed = {each.id for each in self.catalog.archives(SCOPE)}
        assert listed == set(self.there)

    def teardown(self):
        if hasattr(self, "catalog"):
            self.catalog.close()


def test_the_catalog_follows_a_lagging_vault(tmp_path):
    Truth.directory = tmp_path
    Truth.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
    Truth.TestCase("runTest").runTest()


def test_the_margin_is_three_days():
    assert timedelta(hours=72) == INVENTORY_LAG


_MILLION = """
import json, random, re, sys, time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from glaciercli.catalog.descriptions import encode
from glaciercli.catalog.filters import Filter
from glaciercli.catalog.inventories import Document
from glaciercli.catalog.merging import merge
from glaciercli.catalog.store import Catalog
from glaciercli.models import Scope

directory, count = Path(sys.argv[1]), int(sys.argv[2])
scope = Scope("aws", "1" * 12, "eu-west-1")
path = directory / "inventory.json"


def peak():
    # In MiB; ru_maxrss would begin with that of the process which started this one.
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024


def timed(label, work):
    start = time.perf_counter(), time.process_time()
    result = work()
    wall, cpu = time.perf_counter() - start[0], time.process_time() - start[1]
    print(f"{label}: {wall:.3f} s, {cpu:.3f} s of processor, peak {peak()} MiB", file=sys.stderr)
    return result


if not path.exists():
    dice = random.Random(1)
    born = datetime(2012, 11, 1, tzinfo=UTC)
    with path.open("w") as file:
        file.write('{"VaultARN":"arn:aws:glacier:eu-west-1:1:vaults/v",')
        file.write('"InventoryDate":"2026-01-02T03:04:05Z","ArchiveList":[')
        for number in range(count):
            when = born + timedelta(minutes=number)
            item = {
                "ArchiveId": dice.randbytes(69).hex(),
                "ArchiveDescription": encode(f"photos/{number % 97}/IMG_{number:07}.jpg", when),
                "CreationDate": f"{when:%Y-%m-%dT%H:%M:%SZ}",
                "Size": dice.randrange(1 << 32),
                "SHA256TreeHash": dice.randbytes(32).hex(),
            }
            file.write("," * (number > 0) + json.dumps(item, separators=(",", ":")))
        file.write("]}")
catalog = Catalog.open(directory / f"{count}" / "catalog.db")
for day in range(2):
    document = Document.open(path)
    made = document.made + timedelta(days=day)
    found = timed(
        f"merge {day + 1}",
        lambda: merge(catalog, scope, "v", document.entries(), made=made, asked=made),
    )
    assert (found.archives, found.new) == (count, 0 if day else count), found
ident = next(catalog.archives(scope, limit=1)).id
for label, work in {
    "by id": lambda: catalog.find(scope, "v", ident),
    "newest 50": lambda: list(catalog.archives(scope, "v", limit=50)),
    "substring": lambda: list(catalog.archives(scope, "v", filters=Filter(text="IMG_0000777"))),
    "everything": lambda: sum(1 for _ in catalog.archives(scope, "v")),
}.items():
    work()
    timed(label, work)
print(peak())
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads what Linux tells")
def test_memory_is_flat_over_a_million_archives(tmp_path, capfd):
    """Prints the figures; run with -s. Peak memory is the same for 100,000 and for 1,000,000."""
    peaks = {}
    for count in (100_000, 1_000_000):
        run = subprocess.run(
            [sys.executable, "-c", _MILLION, tmp_path, str(count)],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        peaks[count] = int(run.stdout)
        (tmp_path / "inventory.json").unlink()

    assert peaks[1_000_000] < 80
    assert peaks[1_000_000] < peaks[100_000] + 16
