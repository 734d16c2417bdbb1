"""Trees restored from what every tool left: right names, sizes and times, and nothing outside."""

import hashlib
import json
import os
import re
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import disks
import others
import pytest
from helpers import RecordingProgress, payload

from glaciercli.catalog.descriptions import encode
from glaciercli.catalog.filters import Filter
from glaciercli.errors import Conflict, NotReady, Partial, Refused
from glaciercli.files.place import place_of
from glaciercli.files.target import PartFile
from glaciercli.files.tree import STAGING
from glaciercli.models import Archive, Billable, Scope
from glaciercli.models.plans import agreed
from glaciercli.services.inventory import syncing
from glaciercli.services.restore import restoring
from glaciercli.services.restore.selection import select
from glaciercli.tasks.waiting import Poll
from glaciercli.units import MIB

NOW = Poll(timeout=0.0)
DAY = datetime(2012, 8, 21, 17, 8, 24, tzinfo=UTC)


def fastglacier(path, lm="20120821T170824Z", extra=""):
    code = encode(path, DAY, format="fastglacier").split("<p>")[1].split("</p>")[0]
    return f"<m><v>4</v><p>{code}</p><lm>{lm}</lm>{extra}</m>"


def cloudberry(path):
    return json.dumps({"Path": path, "UTCDateModified": "20120821T170824Z", "Flags": 0})


@pytest.fixture
def put(client, vault):
    """Store an archive as another tool would; return its id."""

    def put(description, size=5, seed=0):
        return client.call(
            "UploadArchive",
            vaultName=vault,
            archiveDescription=description,
            body=payload(size, seed),
        )["archiveId"]

    return put


@pytest.fixture
def restore(client, catalog, vault, journals, tmp_path):
    """Sync, select and restore; options override."""

    def restore(*, filters=Filter(), sync=True, **options):  # noqa: B008
        if sync:
            syncing.sync(client, catalog, vault, poll=NOW)
        wanted = select(client, catalog, vault, tmp_path / "out", filters=filters)
        return carry_out(client, catalog, wanted, journals=journals, **{"poll": NOW, **options})

    return restore


def carry_out(client, catalog, wanted, consent=agreed, **options):
    """Plan what is selected, and restore it."""
    plan = restoring.plan(wanted, overwrite=options.get("overwrite", False))
    return restoring.restore(client, catalog, wanted, plan, consent, **options)


def files(root):
    return {
        str(each.relative_to(root)): each.read_bytes() for each in root.rglob("*") if each.is_file()
    }


def test_a_tree_of_every_tool_has_its_names_sizes_and_times(put, restore, tmp_path):
    put(encode("mt/директория/файл", DAY), 1, 1)
    put(fastglacier("fast/glacier-dg.pdf"), 2, 2)
    put(fastglacier("photos/2012/"), 1, 3)
    put(cloudberry("c:+AFw-my+AF8-docs+AFw-caf+AOk-.txt"), 4, 4)
    put('{"path": "/sample/1234.pdf", "type": "file"}', 5, 5)
    put("plain.tar", 6, 6)
    put("", 7, 7)
    progress = RecordingProgress()
    report = restore(progress=progress)

    assert (report.restored, report.size, report.waiting, report.failed) == (6, 25, 0, 0)
    root = tmp_path / "out"
    found = files(root)
    unnamed = next(each for each in found if each.startswith("archive-"))
    assert found == {
        "mt/директория/файл": payload(1, 1),
        "fast/glacier-dg.pdf": payload(2, 2),
        "my_docs/café.txt": payload(4, 4),
        "sample/1234.pdf": payload(5, 5),
        "plain.tar": payload(6, 6),
        unnamed: payload(7, 7),
    }
    assert (root / "photos/2012").is_dir()
    for name in ("mt/директория/файл", "fast/glacier-dg.pdf", "my_docs/café.txt"):
        assert (root / name).stat().st_mtime == DAY.timestamp()
    assert (progress.starts, progress.done) == ([(25, 0)], 25)
    assert not (root / STAGING).exists()


def test_the_plan_counts_and_writes_nothing(client, catalog, vault, put, restore, tmp_path):
    put("a", 3)
    put("../b", 4)
    put(fastglacier("d/"))
    put(fastglacier("packed", extra="<ce>1:1:4340ebcf79712dc5e3ef7d50bab98ba5:54687</ce>"), 9)
    syncing.sync(client, catalog, vault, poll=NOW)
    client.engine.log.clear()
    plan = restoring.plan(select(client, catalog, vault, tmp_path / "out"), tier="Bulk")

    assert (plan.archives, plan.size, plan.already, plan.folders, plan.packed) == (2, 12, 0, 1, 1)
    assert (plan.tier, plan.time) == ("Bulk", "5-12 hours")
    [reason] = plan.refused.values()
    assert reason == "'../b' leads out of the directory (..)"
    assert client.engine.log.count() == client.engine.log.count("ListJobs") == 1
    assert not (tmp_path / "out").exists()


def test_a_plan_counts_what_is_charged_apart_from_what_was_asked_for(
    client, catalog, vault, put, restore, tmp_path
):
    put("one", 5)
    restore(filters=Filter(glob="one"))
    (tmp_path / "out" / "one").unlink()
    put("two", 6)
    syncing.sync(client, catalog, vault, poll=NOW)
    plan = restoring.plan(select(client, catalog, vault, tmp_path / "out"))

    assert (plan.archives, plan.size, plan.charged, plan.charged_size) == (2, 11, 1, 6)
    assert plan.billable == Billable(retrievals=1, retrieved=6, tier="Standard")


def test_a_plan_refuses_what_has_no_place(client, catalog, vault, put, tmp_path):
    ident = put("one", 5)
    put("two", 6)
    syncing.sync(client, catalog, vault, poll=NOW)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "one").write_bytes(b"mine")
    selection = select(client, catalog, vault, tmp_path / "out")
    plan = restoring.plan(selection)

    assert (plan.charged, plan.charged_size, list(plan.refused)) == (1, 6, [ident])
    assert restoring.plan(selection, overwrite=True).charged == 2


def test_a_plan_is_carried_out_on_its_own_selection_only(
    client, catalog, vault, journals, put, tmp_path
):
    put("one", 5)
    syncing.sync(client, catalog, vault, poll=NOW)
    plan = restoring.plan(select(client, catalog, vault, tmp_path / "out"))
    put("two", 6)
    syncing.sync(client, catalog, vault, poll=NOW)
    client.engine.log.clear()
    for directory in ("out", "elsewhere"):
        other = select(client, catalog, vault, tmp_path / directory)
        with pytest.raises(Refused, match="not what is there now; nothing was done"):
            restoring.restore(client, catalog, other, plan, agreed, journals=journals)

    assert client.engine.log.count("InitiateJob") == 0
    assert not (tmp_path / "out").exists()


def test_a_retrieval_that_ends_after_the_plan_is_not_paid_for_a_second_time_unasked(
    client, catalog, vault, journals, put, tmp_path
):
    """Somebody may think for a day before agreeing; by then what was ready has expired."""
    put("one", 5, 1)
    put("two", 5, 2)
    syncing.sync(client, catalog, vault, poll=NOW)
    asked = client.engine.log.count("InitiateJob")
    selection = select(client, catalog, vault, tmp_path / "out", filters=Filter(glob="one"))
    carry_out(client, catalog, selection, journals=journals)
    (tmp_path / "out" / "one").unlink()
    selection = select(client, catalog, vault, tmp_path / "out")
    plan = restoring.plan(selection)
    client.engine.clock.advance(timedelta(days=3))
    with pytest.raises(NotReady, match="1 file restored; 1 is not ready yet") as caught:
        restoring.restore(client, catalog, selection, plan, agreed, journals=journals)

    assert (plan.charged, client.engine.log.count("InitiateJob") - asked) == (1, 2)
    assert caught.value.report.waiting == 1
    selection = select(client, catalog, vault, tmp_path / "out")
    plan = restoring.plan(selection)  # says so, and can be agreed to
    restoring.restore(client, catalog, selection, plan, agreed, journals=journals)
    assert (plan.charged, client.engine.log.count("InitiateJob") - asked) == (1, 3)


def test_a_plan_that_overwrites_nothing_is_not_carried_out_otherwise(
    client, catalog, vault, journals, put, tmp_path
):
    put("one", 5)
    syncing.sync(client, catalog, vault, poll=NOW)
    selection = select(client, catalog, vault, tmp_path / "out")
    plan = restoring.plan(selection)
    options = {"journals": journals, "overwrite": True}
    with pytest.raises(Refused, match="not what is there now; nothing was done"):
        restoring.restore(client, catalog, selection, plan, agreed, **options)


def test_no_more_is_charged_than_was_planned(client, catalog, vault, journals, put, tmp_path):
    """What had no place when it was planned has one when it is run."""
    put("one", 5)
    put("two", 6)
    syncing.sync(client, catalog, vault, poll=NOW)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "one").write_bytes(b"mine")
    selection = select(client, catalog, vault, tmp_path / "out")
    plan = restoring.plan(selection)
    (tmp_path / "out" / "one").unlink()
    client.engine.log.clear()
    with pytest.raises(Refused, match="2 retrievals of 11 B would be charged, and 1 of 6 B were"):
        restoring.restore(client, catalog, selection, plan, agreed, journals=journals)

    assert client.engine.log.count("InitiateJob") == 0


def test_hostile_names_stay_inside_and_are_named(put, restore, tmp_path):
    before = {each for each in tmp_path.iterdir() if each.name != "out"}
    bad = [put(name) for name in ("../escape", "a/../../escape", "x" * 256, "d/..")]
    bad.append(put(cloudberry("..+AFw-escape")))
    bad.append(put(f"{STAGING}/x"))
    put("/etc/passwd", seed=9)
    with pytest.raises(Partial, match="1 file restored; 6 of 7 failed") as caught:
        restore()

    assert set(caught.value.failures) == set(bad)
    assert files(tmp_path / "out") == {"etc/passwd": payload(5, 9)}
    assert {each for each in tmp_path.iterdir() if each.name != "out"} == before


def test_one_wait_for_all_and_a_run_that_goes_on(client, put, restore, catalog, vault, tmp_path):
    for number in range(3):
        put(f"file{number}", 5, number)
    syncing.sync(client, catalog, vault, poll=NOW)
    client.engine.timing = "real"
    client.engine.clock.freeze()
    client.engine.log.clear()
    for _ in range(2):
        with pytest.raises(NotReady, match="3 are not ready yet"):
            restore(sync=False)
    assert client.engine.log.count("ListJobs") == 2  # a run lists them once, for all
    assert files(tmp_path / "out") == {}
    client.engine.clock.advance(timedelta(hours=5))
    report = restore(sync=False)

    assert (report.restored, report.already) == (3, 0)
    assert client.engine.log.count("InitiateJob") == 3
    assert set(files(tmp_path / "out")) == {"file0", "file1", "file2"}


def test_what_is_there_is_not_retrieved_again(client, put, restore, tmp_path):
    put("one", 5, 1)
    put("two", 5, 2)
    restore()
    (tmp_path / "out" / "two").unlink()
    client.engine.log.clear()
    report = restore()

    assert (report.restored, report.already) == (1, 1)
    initiated = [each.params for each in client.engine.log.calls("InitiateJob")]
    assert sum("ArchiveId" in str(each) for each in initiated) <= 1
    assert client.engine.log.count("GetJobOutput") == 2  # an inventory and one archive


def test_another_file_in_the_place_is_kept_unless_asked(put, restore, tmp_path):
    put("one", 5, 1)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "one").write_bytes(b"mine")
    with pytest.raises(Partial) as caught:
        restore()
    assert isinstance(next(iter(caught.value.failures.values())), Conflict)
    assert files(tmp_path / "out")["one"] == b"mine"

    assert restore(overwrite=True).restored == 1
    assert files(tmp_path / "out") == {"one": payload(5, 1)}


def test_versions_of_a_name_are_all_there_and_the_newest_has_it(client, put, restore, tmp_path):
    client.engine.clock.freeze()
    old = put("a.txt", 5, 1)
    client.engine.clock.advance(timedelta(hours=1))
    put("a.txt", 5, 2)
    restore()

    assert files(tmp_path / "out") == {
        "a.txt": payload(5, 2),
        f"a.txt.archive-{old[:8]}": payload(5, 1),
    }


def test_filters_restore_a_part(put, restore, tmp_path):
    put("photos/a")
    put("music/b")
    restore(filters=Filter(glob="photos/*"))

    assert set(files(tmp_path / "out")) == {"photos/a"}


def test_equal_files_of_synology_are_retrieved_once(client, catalog, vault, put, restore, tmp_path):
    ident = put("", 5, 1)
    scope = Scope(client.endpoint, client.engine.account, client.region)
    catalog.created(scope, Archive(ident, vault, name="photo/a.jpg", tool="Synology"))
    catalog.add_aliases(scope, vault, [("photo/copy of a.jpg", ident), ("b.jpg", ident)])
    report = restore()

    assert report.restored == 1
    assert files(tmp_path / "out") == dict.fromkeys(
        ["photo/a.jpg", "photo/copy of a.jpg", "b.jpg"], payload(5, 1)
    )
    assert restore().already == 1
    (tmp_path / "out" / "b.jpg").unlink()  # as if the run had been stopped before it
    asked = client.engine.log.count("InitiateJob"), client.engine.log.count("GetJobOutput")
    client.engine.clock.advance(timedelta(days=3))  # the retrieval has expired
    assert restore(sync=False).restored == 1
    assert files(tmp_path / "out")["b.jpg"] == payload(5, 1)
    assert asked == (
        client.engine.log.count("InitiateJob"),
        client.engine.log.count("GetJobOutput"),
    )


def test_of_equal_archives_one_is_retrieved(client, catalog, vault, journals, put, tmp_path):
    for name, seed, modified in (("a", 1, DAY), ("b", 1, DAY + timedelta(days=1)), ("c", 2, DAY)):
        put(encode(name, modified), 5, seed)
    syncing.sync(client, catalog, vault, poll=NOW)
    client.engine.log.clear()
    told = []

    def go():
        selection = select(client, catalog, vault, tmp_path / "out")
        plan = restoring.plan(selection)
        report = restoring.restore(
            client,
            catalog,
            selection,
            plan,
            lambda plan: told.append((plan.charged, plan.charged_size)),
            journals=journals,
            poll=NOW,
        )
        return (plan.archives, plan.size, plan.copies, plan.already), report.restored

    assert go() == ((2, 10, 1, 0), 3)
    assert client.engine.log.count("InitiateJob") == 2
    assert told == [(2, 10)]
    assert files(tmp_path / "out") == {"a": payload(5, 1), "b": payload(5, 1), "c": payload(5, 2)}
    assert (tmp_path / "out" / "b").stat().st_mtime == (DAY + timedelta(days=1)).timestamp()

    (tmp_path / "out" / "a").unlink()  # its bytes are in b
    assert go() == ((0, 0, 1, 2), 1)
    assert client.engine.log.count("InitiateJob") == 2
    assert (tmp_path / "out" / "a").stat().st_mtime == DAY.timestamp()


def test_an_equal_file_is_retrieved_where_the_first_has_no_place(client, put, restore, tmp_path):
    for name in "ab":
        put(encode(name, DAY), 5, 1)
    (tmp_path / "out" / "a").mkdir(parents=True)
    with pytest.raises(Partial, match="1 file restored; 1 of 2 failed"):
        restore()

    assert (tmp_path / "out" / "b").read_bytes() == payload(5, 1)


def test_equal_files_wait_for_the_same_retrieval(client, catalog, vault, put, restore, tmp_path):
    for name in "ab":
        put(encode(name, DAY), 5, 1)
    syncing.sync(client, catalog, vault, poll=NOW)
    client.engine.timing = "real"
    client.engine.clock.freeze()
    with pytest.raises(NotReady, match="2 are not ready yet"):
        restore(sync=False)
    client.engine.clock.advance(timedelta(hours=5))

    assert restore(sync=False).restored == 2
    assert client.engine.log.count("GetJobOutput") == 2  # the inventory, and one of them


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda path: path.write_bytes(payload(5, 2)), "a.jpg' has changed"),
        (Path.unlink, "cannot copy .*a.jpg': No such file"),
    ],
)
def test_a_file_that_changed_after_it_was_compared_is_not_copied(
    client, catalog, vault, journals, put, restore, tmp_path, change, said
):
    ident = put("", 5, 1)
    scope = Scope(client.endpoint, client.engine.account, client.region)
    catalog.created(scope, Archive(ident, vault, name="a.jpg", tool="Synology"))
    restore()
    catalog.add_aliases(scope, vault, [("b.jpg", ident)])
    selection = select(client, catalog, vault, tmp_path / "out")
    change(tmp_path / "out" / "a.jpg")
    with pytest.raises(Partial) as caught:
        carry_out(client, catalog, selection, journals=journals)

    assert re.search(said, caught.value.failures[ident].message)
    assert not (tmp_path / "out" / "b.jpg").exists()


def test_a_name_that_cannot_be_a_path_is_told_and_the_archive_comes_by_its_other_one(
    client, catalog, vault, restore, put, tmp_path
):
    ident = put("", 5, 1)
    scope = Scope(client.endpoint, client.engine.account, client.region)
    catalog.created(scope, Archive(ident, vault, name="a.jpg", tool="Synology"))
    catalog.add_aliases(scope, vault, [("../b.jpg", ident)])
    with pytest.raises(Partial, match="1 file restored; 1 of 1 failed") as caught:
        restore()

    assert set(caught.value.failures) == {ident}
    assert files(tmp_path / "out") == {"a.jpg": payload(5, 1)}


def test_what_is_there_is_read_once(client, catalog, vault, journals, put, restore, tmp_path):
    """A tree of terabytes is read for hours: a run that goes on must not do so twice."""
    put("one", 5, 1)
    restore()
    wanted = select(client, catalog, vault, tmp_path / "out")
    (tmp_path / "out" / "one").unlink()  # who read it again would find out
    report = carry_out(client, catalog, wanted, journals=journals)

    assert (restoring.plan(wanted).already, report.already, report.restored) == (1, 1, 0)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_directory_in_the_place_is_found_before_anything_is_paid(
    client, put, restore, tmp_path, overwrite
):
    put("one/two")
    (tmp_path / "out" / "one" / "two").mkdir(parents=True)
    with pytest.raises(Partial) as caught:
        restore(overwrite=overwrite)

    [error] = caught.value.failures.values()
    assert "is a directory" in error.message
    assert client.engine.log.count("InitiateJob") == 1  # the inventory


def test_consent_is_asked_before_paying_and_for_new_retrievals_only(client, put, restore, tmp_path):
    put("one", 5)
    put("two", 6)
    told = []

    def refuse(plan):
        told.append((plan.charged, plan.charged_size))
        raise Refused("no")

    with pytest.raises(Refused):
        restore(consent=refuse)
    assert client.engine.log.count("InitiateJob") == 1  # the inventory
    restore(filters=Filter(glob="one"))
    (tmp_path / "out" / "one").unlink()
    with pytest.raises(Refused):
        restore(consent=refuse)

    assert told == [(2, 11), (1, 6)]


def test_an_archive_of_unknown_hash_is_known_when_it_is_there(
    client, catalog, vault, put, restore, tmp_path
):
    """Imports of other tools' records may tell a name and an id, and no more."""
    ident = put("", 5, 1)
    scope = Scope(client.endpoint, client.engine.account, client.region)
    catalog.created_all(scope, [Archive(ident, vault, name="a.jpg")], ours=False)
    restore(sync=False)

    assert restore(sync=False).already == 1
    [known] = catalog.archives(scope, vault)
    assert (known.size, known.recorded) == (5, None)


def test_a_damaged_archive_is_named_and_the_rest_is_restored(client, put, restore, tmp_path):
    bad = put("bad", 5, 1)
    put("good", 5, 2)
    inventory_bytes = 1  # requests of GetJobOutput before the archives'
    fault = client.engine.faults.add("GetJobOutput", kind="corrupt", times=3, skip=inventory_bytes)
    with pytest.raises(Partial) as caught:
        restore(workers=1)

    assert client.engine.faults.delivered(fault) == 3
    assert set(caught.value.failures) == {bad}
    assert set(files(tmp_path / "out")) - {"good"} <= {
        each for each in files(tmp_path / "out") if each.startswith(STAGING)
    }
    assert restore().restored == 1
    assert set(files(tmp_path / "out")) == {"good", "bad"}


def test_few_files_share_the_workers(put, restore):
    class Watching(RecordingProgress):
        most = 0

        def advance(self, count):
            super().advance(count)
            names = [each.name for each in threading.enumerate()]
            self.most = max(self.most, sum(each.startswith("worker") for each in names))

    for number in range(3):
        put(f"file{number}", 17 * MIB, number)  # two ranges
    progress = Watching()
    restore(workers=4, progress=progress)

    assert 0 < progress.most <= 4


def test_names_that_are_not_unicode_are_restored_as_bytes(put, restore, tmp_path):
    put(encode(os.fsdecode(b"caf\xe9"), DAY))
    restore()

    assert os.listdir(os.fsencode(tmp_path / "out")) == [b"caf\xe9"]  # noqa: PTH208 - bytes


@pytest.mark.parametrize("call", ["link", "unlink"])
def test_a_run_killed_while_it_names_a_file_leaves_nothing_after_the_next(
    put, restore, tmp_path, journals, monkeypatch, call
):
    """Else the file has a second name for ever, and what is written into one is in the other."""
    put(encode("a", DAY), 5, 1)
    put(encode("b", DAY), 5, 1)  # copied
    real, killed = getattr(os, call), []

    def die(*arguments, **folders):
        real(*arguments, **folders)
        if folders and arguments not in killed:
            killed.append(arguments)
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, call, die)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                restore()
    restore()

    assert len(killed) == 2
    assert files(tmp_path / "out") == {"a": payload(5, 1), "b": payload(5, 1)}
    assert (tmp_path / "out" / "a").stat().st_nlink == 1
    assert not (tmp_path / "out" / STAGING).exists()
    assert list((journals / "downloads").iterdir()) == []


def test_a_download_that_another_run_made_needless_leaves_nothing(
    client, put, restore, engine, tmp_path, journals
):
    put(encode("a", DAY), 5, 1)
    refusal = {"code": "AccessDeniedException", "status": 403}
    fault = engine.faults.add("GetJobOutput", kind="status", skip=1, **refusal)
    with pytest.raises(Partial):
        restore()  # the first output is the inventory's
    assert engine.faults.delivered(fault) == 1
    assert len(list((journals / "downloads").iterdir())) == 1
    assert len(files(tmp_path / "out")) == 1  # the part
    (tmp_path / "out" / "a").write_bytes(payload(5, 1))
    restore(sync=False)

    assert files(tmp_path / "out") == {"a": payload(5, 1)}
    assert list((journals / "downloads").iterdir()) == []


@pytest.fixture
def nobodys():
    """A directory of another user."""
    for ground in others.common_ground():
        found = others.account("nobody")
        (ground / "home").mkdir()
        os.chown(ground / "home", found.pw_uid, found.pw_gid)
        yield ground / "home"


def test_nothing_is_paid_for_a_directory_of_another_user(
    client, catalog, vault, journals, put, engine, nobodys
):
    put("a")
    syncing.sync(client, catalog, vault, poll=NOW)
    wanted = select(client, catalog, vault, nobodys)
    asked = engine.log.count("InitiateJob")
    with pytest.raises(Conflict, match="belongs to another user"):
        carry_out(client, catalog, wanted, journals=journals, poll=NOW)

    assert engine.log.count("InitiateJob") == asked
    assert list(nobodys.iterdir()) == []


def test_a_directory_that_another_user_swaps_while_a_run_waits_leads_nothing_elsewhere(
    client, catalog, vault, journals, put, nobodys, tmp_path
):
    """It has hours for it; root would write the archive wherever that user likes."""
    put("a")
    syncing.sync(client, catalog, vault, poll=NOW)
    precious, root = tmp_path / "precious", nobodys / "root"
    precious.mkdir()
    wanted = select(client, catalog, vault, root)

    def swap(*_):
        with others.acting_as("nobody"):
            root.rename(nobodys / "aside")
            root.symlink_to(precious)

    with pytest.raises(Partial) as raised:
        carry_out(client, catalog, wanted, journals=journals, poll=NOW, consent=swap)

    (reason,) = raised.value.failures.values()
    assert "was moved or replaced" in reason.message
    assert list(precious.iterdir()) == []
    with pytest.raises(Conflict, match="link that another user can change"):
        select(client, catalog, vault, root)


def test_a_staging_directory_that_is_swapped_while_a_run_waits_leads_nothing_elsewhere(
    client, catalog, vault, journals, put, tmp_path
):
    put("a")
    syncing.sync(client, catalog, vault, poll=NOW)
    precious, root = tmp_path / "precious", tmp_path / "root"
    precious.mkdir()
    wanted = select(client, catalog, vault, root)

    def swap(*_):
        (root / STAGING).rename(root / "aside")
        (root / STAGING).symlink_to(precious)

    with pytest.raises(Partial) as raised:
        carry_out(client, catalog, wanted, journals=journals, poll=NOW, consent=swap)

    (reason,) = raised.value.failures.values()
    assert "was moved or replaced" in reason.message
    assert list(precious.iterdir()) == []


@pytest.fixture
def disk(tmp_path):
    """A disk of 8 MiB in the place of the directory that is restored to."""
    with disks.small_disk(tmp_path / "out", 8 * MIB) as path:
        yield path


def test_nothing_is_paid_for_what_does_not_fit_and_one_that_fits_comes_by_its_name(
    engine, put, restore, disk
):
    for number in range(3):
        put(f"{number}.bin", 3 * MIB, number)
    restore(filters=Filter(glob="nothing"))
    asked = engine.log.count("InitiateJob")
    with pytest.raises(Conflict, match="needs 9.0 MiB more, and there is room for 8.0 MiB"):
        restore(sync=False)
    assert engine.log.count("InitiateJob") == asked
    assert list(disk.iterdir()) == []

    assert restore(sync=False, filters=Filter(glob="1.bin")).restored == 1
    assert files(disk) == {"1.bin": payload(3 * MIB, 1)}


def test_what_other_restores_have_left_is_told_where_there_is_no_room(put, restore, disk):
    put("a.bin", 3 * MIB)
    put("b.bin", 3 * MIB, 1)
    left = disk / STAGING / ("0" * 32 + ".12345678.part")
    left.parent.mkdir(mode=0o700)
    left.write_bytes(bytes(6 * MIB))
    with pytest.raises(Conflict, match="there is room for 2.0 MiB") as raised:
        restore()
    assert "6.0 MiB are left of other restores" in raised.value.hint
    assert raised.value.hint.endswith(f"rm -r {left.parent}")


def test_what_was_received_needs_no_room_again(put, restore, disk):
    ident = put("a.bin", 6 * MIB)
    name = hashlib.sha256(ident.encode()).hexdigest()[:32]
    (disk / STAGING).mkdir(mode=0o700)
    with place_of(disk / STAGING / name) as place, PartFile.open(place, ident) as part:
        part.write(memoryview(bytes(5 * MIB)), 0)

    assert restore().restored == 1
    assert files(disk) == {"a.bin": payload(6 * MIB)}


def test_what_is_replaced_makes_room_once_the_new_file_is_there(engine, put, restore, disk):
    for number in range(2):
        put(f"{number}.bin", 2 * MIB, number)
        (disk / f"{number}.bin").write_bytes(bytes(2 * MIB))
    (disk / "mine").write_bytes(bytes(MIB))

    assert restore(overwrite=True, workers=1).restored == 2
    (disk / "more").write_bytes(bytes(2 * MIB))
    (disk / "0.bin").write_bytes(bytes(2 * MIB))
    asked = engine.log.count("InitiateJob")
    with pytest.raises(Conflict, match="needs 2.0 MiB more"):
        restore(overwrite=True, sync=False)
    assert engine.log.count("InitiateJob") == asked
