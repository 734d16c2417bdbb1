"""Vaults emptied for good: what is planned is deleted, and nothing else, whatever happens."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from helpers import RecordingProgress, heal, payload

from glaciercli.catalog.filters import Filter
from glaciercli.clients.session import connect
from glaciercli.errors import (
    AccessDenied,
    NotFound,
    NotReady,
    Partial,
    Refused,
    Unavailable,
    UsedUp,
)
from glaciercli.models import Archive, Scope
from glaciercli.models.plans import agreed
from glaciercli.services.empty import emptying
from glaciercli.tasks.waiting import Poll

COUNT = 30


@pytest.fixture
def put(client):
    """Store archives behind the catalog's back, as another tool would; return their ids."""

    def put(count=1, into="photos", name="n"):
        return [
            client.call(
                "UploadArchive",
                vaultName=into,
                archiveDescription=f"{name}{number}",
                body=payload(number + 1),
            )["archiveId"]
            for number in range(count)
        ]

    return put


@pytest.fixture
def full(client, vault, put):
    """The vault with archives in it, beside one that must not be touched."""
    client.call("CreateVault", vaultName="films")
    put(3, into="films")
    return put(COUNT)


@pytest.fixture
def scope(client):
    return Scope(client.endpoint, client.engine.account, client.region)


def count(client, vault):
    return client.call("DescribeVault", vaultName=vault)["NumberOfArchives"]


def deleted_ids(client):
    return [each.params["archiveId"] for each in client.engine.log.calls("DeleteArchive")]


def test_a_plan_counts_and_deletes_nothing(client, catalog, vault, full):
    plan = emptying.plan(client, catalog, vault)

    assert (plan.vault, plan.archives, plan.size) == (vault, COUNT, COUNT * (COUNT + 1) // 2)
    assert (plan.early, plan.early_size) == (plan.archives, plan.size)
    assert plan.oldest <= plan.newest
    assert [each.id for each in plan.first] == full[:5]
    assert plan.inventory_date is not None
    assert plan.uploads == 0
    assert deleted_ids(client) == []


def test_a_vault_that_was_made_anew_since_is_not_the_planned_one(client, catalog, vault, put):
    """By another machine, while the plan was read: the name and the ARN are the same."""
    (stored,) = put()
    plan = emptying.plan(client, catalog, vault, with_vault=True)
    client.call("DeleteArchive", vaultName=vault, archiveId=stored)
    client.call("DeleteVault", vaultName=vault)
    client.call("CreateVault", vaultName=vault)
    client.engine.log.clear()
    with pytest.raises(Refused, match="what was planned is not what is there now"):
        emptying.empty(client, catalog, plan, agreed)

    assert client.engine.log.count("DeleteVault") == client.engine.log.count("DeleteArchive") == 0


def test_archives_of_90_days_are_not_early(client, catalog, vault, scope):
    for ident, age in [("old", 91), ("young", 89)]:
        born = datetime.now(UTC) - timedelta(days=age)
        catalog.created(scope, Archive(ident, vault, size=age, created=born))

    plan = emptying.plan(client, catalog, vault)
    assert (plan.archives, plan.early, plan.early_size) == (2, 1, 89)
    later = Filter(after=datetime.now(UTC) - timedelta(days=1))
    assert emptying.plan(client, catalog, vault, filters=later).early == 0


def test_open_uploads_are_told(client, catalog, vault, full):
    client.call("InitiateMultipartUpload", vaultName=vault, partSize=str(1 << 20))

    assert emptying.plan(client, catalog, vault).uploads == 1


def test_an_archive_that_is_gone_already_is_as_good_as_deleted(
    client, engine, catalog, vault, full
):
    plan = emptying.plan(client, catalog, vault)
    gone = {"code": "ResourceNotFoundException", "status": 404}
    words = f"The archive ID was not found: {full[2]}"
    fault = engine.faults.add("DeleteArchive", kind="status", skip=2, message=words, **gone)
    report = emptying.empty(client, catalog, plan, agreed, workers=1)

    assert engine.faults.delivered(fault) == 1
    assert report.deleted == COUNT
    assert emptying.plan(client, catalog, vault).archives == 0


def test_emptying_and_deleting_the_vault(client, catalog, vault, full, scope):
    progress = RecordingProgress()
    plan = emptying.plan(client, catalog, vault, with_vault=True)
    report = emptying.empty(client, catalog, plan, agreed, progress=progress)

    assert (report.deleted, report.size, report.vault_deleted) == (COUNT, plan.size, True)
    assert sorted(deleted_ids(client)) == sorted(full)
    assert (progress.starts, progress.done) == ([(COUNT, 0)], COUNT)
    assert count(client, "films") == 3
    with pytest.raises(NotFound):
        count(client, vault)
    assert catalog.vaults(scope) == []


def test_filters_empty_a_part(client, catalog, vault, full):
    filters = Filter(glob="n1*")
    plan = emptying.plan(client, catalog, vault, filters=filters)
    report = emptying.empty(client, catalog, plan, agreed, filters=filters)

    assert plan.archives == report.deleted == 11
    assert count(client, vault) == COUNT - 11
    plan = emptying.plan(client, catalog, vault, filters=filters, with_vault=True)
    with pytest.raises(Refused, match="still holds 19 archives"):
        emptying.empty(client, catalog, plan, agreed, filters=filters)


def test_a_plan_of_a_part_is_not_carried_out_on_the_whole(client, catalog, vault, full):
    plan = emptying.plan(client, catalog, vault, filters=Filter(glob="n1*"))
    with pytest.raises(Refused, match="not what is there now; nothing was done"):
        emptying.empty(client, catalog, plan, agreed)

    assert deleted_ids(client) == []


def test_a_plan_that_is_refused_deletes_nothing(client, catalog, vault, full):
    plan = emptying.plan(client, catalog, vault)
    asked = []

    def refuse(plan):
        asked.append(plan)
        raise Refused("no")

    with pytest.raises(Refused):
        emptying.empty(client, catalog, plan, refuse)

    assert asked == [plan]
    assert deleted_ids(client) == []


def test_what_comes_after_the_plan_is_not_deleted(client, catalog, vault, full, put, scope):
    plan = emptying.plan(client, catalog, vault)
    put(1, name="later")
    [mine] = put(1, name="mine")
    catalog.created(scope, Archive(mine, vault, size=1))
    report = emptying.empty(client, catalog, plan, agreed)

    assert report.deleted == COUNT
    assert count(client, vault) == 2
    assert sorted(deleted_ids(client)) == sorted(full)
    # The next plan sees the newer inventory.
    assert emptying.plan(client, catalog, vault).archives == 2


def test_running_again_deletes_nothing_twice(client, catalog, vault, full):
    plan = emptying.plan(client, catalog, vault)
    emptying.empty(client, catalog, plan, agreed)

    assert emptying.empty(client, catalog, plan, agreed).deleted == 0
    assert emptying.plan(client, catalog, vault).archives == 0
    assert len(deleted_ids(client)) == COUNT


def test_lost_replies_and_throttling_are_overcome(client, catalog, vault, full):
    faults = client.engine.faults
    injected = [
        faults.drop("DeleteArchive", applied=True, times=3, skip=2),
        faults.drop("DeleteArchive", times=3, skip=9),
        faults.add("DeleteArchive", kind="throttle", times=5, skip=15),
    ]
    plan = emptying.plan(client, catalog, vault)
    report = emptying.empty(client, catalog, plan, agreed)

    assert [faults.delivered(each) for each in injected] == [3, 3, 5]
    assert (report.deleted, count(client, vault)) == (COUNT, 0)
    assert set(deleted_ids(client)) == set(full)


def test_failures_are_named_and_the_rest_is_deleted(client, catalog, vault, full):
    fault = client.engine.faults.add(
        "DeleteArchive", kind="status", code="AccessDeniedException", status=403, times=2, skip=5
    )
    plan = emptying.plan(client, catalog, vault, with_vault=True)
    with pytest.raises(Partial, match="28 archives .* deleted, 2 not") as caught:
        emptying.empty(client, catalog, plan, agreed)

    assert client.engine.faults.delivered(fault) == 2
    assert len(caught.value.failures) == 2
    left = emptying.plan(client, catalog, vault)
    assert emptying.empty(client, catalog, left, agreed).deleted == 2
    assert count(client, vault) == 0


def test_a_vault_that_forbids_it_is_not_asked_to_the_end(client, catalog, vault, full):
    client.engine.faults.add(
        "DeleteArchive", kind="status", code="AccessDeniedException", status=403, times=99
    )
    plan = emptying.plan(client, catalog, vault)
    with pytest.raises(Partial, match="0 archives"):
        # Several workers may be far ahead of the one that looks.
        emptying.empty(client, catalog, plan, agreed, workers=1)

    assert len(deleted_ids(client)) == 1


def test_a_key_that_expires_in_the_middle_ends_it(client, catalog, vault, full):
    fault = client.engine.faults.add(
        "DeleteArchive", kind="status", code="ExpiredTokenException", status=403, times=99, skip=9
    )
    plan = emptying.plan(client, catalog, vault)
    with pytest.raises(AccessDenied, match="expired|Injected"):
        emptying.empty(client, catalog, plan, agreed, workers=1)

    assert client.engine.faults.delivered(fault) == 1
    assert emptying.plan(client, catalog, vault).archives == COUNT - 9


def test_a_server_that_dies_in_the_middle_loses_nothing(client, catalog, vault, full):
    client.pace.timeout = 0.2
    fault = client.engine.faults.drop("DeleteArchive", times=99, skip=10)
    plan = emptying.plan(client, catalog, vault)
    with pytest.raises(Unavailable):
        emptying.empty(client, catalog, plan, agreed, workers=2)

    assert client.engine.faults.delivered(fault) > 0
    heal(client.engine)
    assert emptying.plan(client, catalog, vault).archives == COUNT - 10
    assert emptying.empty(client, catalog, plan, agreed).deleted == COUNT - 10


def test_a_plan_is_for_one_vault_only(client, catalog, vault, full):
    plan = emptying.plan(client, catalog, vault)
    client.engine.account = "111111111111"  # as if the credentials were another's now
    client.call("CreateVault", vaultName=vault)

    with pytest.raises(Refused, match="the plan is for"):
        emptying.empty(client, catalog, plan, agreed)
    assert deleted_ids(client) == []


OTHER = "111111111111"


class Swap(RecordingProgress):
    """Another account, which has the vault too, answers after a number of deletions."""

    def __init__(self, client, vault, after):
        super().__init__()
        self.client, self.vault, self.after = client, vault, after

    def advance(self, count):
        super().advance(count)
        if self.done == self.after:
            self.client.engine.account = OTHER
            self.client.call("CreateVault", vaultName=self.vault)


def test_deletions_that_another_account_has_taken_are_not_recorded(client, catalog, vault, full):
    plan = emptying.plan(client, catalog, vault, with_vault=True)
    swap = Swap(client, vault, after=5)
    with pytest.raises(Refused, match=f"the plan is for {plan.arn}, but this is .*:{OTHER}:"):
        emptying.empty(client, catalog, plan, agreed, workers=1, progress=swap)

    assert len(deleted_ids(client)) == COUNT
    client.engine.account = plan.arn.split(":")[4]
    again = emptying.plan(client, catalog, vault)
    assert again.archives == COUNT
    assert emptying.empty(client, catalog, again, agreed).deleted == COUNT


def test_a_vault_that_another_account_has_too_is_not_deleted_there(client, catalog, vault, full):
    plan = emptying.plan(client, catalog, vault, with_vault=True)
    swap = Swap(client, vault, after=COUNT)
    with pytest.raises(Refused, match="the plan is for"):
        emptying.empty(client, catalog, plan, agreed, workers=1, progress=swap)

    assert client.engine.log.count("DeleteVault") == 0


def test_a_run_of_few_requests_records_what_it_has_deleted(client, catalog, vault, full):
    plan = emptying.plan(client, catalog, vault)
    few = connect(client.target, max_requests=9)
    with pytest.raises(UsedUp):
        emptying.empty(few, catalog, plan, agreed, workers=1)

    assert emptying.plan(client, catalog, vault).archives == COUNT - 8


@pytest.mark.parametrize(
    ("code", "error"), [("ExpiredTokenException", AccessDenied), ("SlowDown", Unavailable)]
)
def test_what_was_deleted_is_recorded_where_nobody_answers_any_more(
    client, catalog, vault, full, code, error
):
    """Else an upload would be told that what was deleted is stored."""
    plan = emptying.plan(client, catalog, vault)
    client.pace.timeout = 0.2
    status = 403 if error is AccessDenied else 503
    for operation, skip in (("DeleteArchive", 5), ("DescribeVault", 1)):
        client.engine.faults.add(
            operation, kind="status", code=code, status=status, skip=skip, times=99
        )
    with pytest.raises(error):
        emptying.empty(client, catalog, plan, agreed, workers=1)
    heal(client.engine)

    assert emptying.plan(client, catalog, vault).archives == COUNT - 5


def test_an_inventory_that_takes_hours_is_waited_for_by_the_plan(client, catalog, vault, full):
    client.engine.timing = "real"
    client.engine.clock.freeze()
    client.engine.clock.advance(timedelta(days=2))
    with pytest.raises(NotReady, match="in progress"):
        emptying.plan(client, catalog, vault)
    client.engine.clock.advance(timedelta(hours=5))

    assert emptying.plan(client, catalog, vault).archives == COUNT


def test_the_vault_goes_when_the_inventory_has_seen_it_empty(client, catalog, vault, full):
    plan = emptying.plan(client, catalog, vault, with_vault=True)
    client.engine.timing = "real"
    client.engine.clock.freeze()
    with pytest.raises(NotReady, match="cannot be deleted yet") as caught:
        emptying.empty(client, catalog, plan, agreed)
    assert "due about" in caught.value.message

    client.engine.clock.advance(timedelta(hours=49))
    # By DescribeVault alone: no four hours' job.
    again = emptying.plan(client, catalog, vault, with_vault=True)
    assert again.archives == 0
    assert emptying.empty(client, catalog, again, agreed).vault_deleted
    with pytest.raises(NotFound):
        count(client, vault)


def test_all_times_of_a_rehearsal_are_the_engines(client, catalog, vault, full):
    """Which may be far ahead: nothing is young any more, and no inventory saw the deletions."""
    client.engine.timing = "real"
    client.engine.clock.freeze()
    client.engine.clock.advance(timedelta(days=100))
    with pytest.raises(NotReady, match="in progress"):
        emptying.plan(client, catalog, vault, with_vault=True)
    client.engine.clock.advance(timedelta(hours=5))

    plan = emptying.plan(client, catalog, vault, with_vault=True)
    assert (plan.archives, plan.early) == (COUNT, 0)
    with pytest.raises(NotReady, match="due about") as caught:
        emptying.empty(client, catalog, plan, agreed)
    assert caught.value.report.deleted == COUNT


def test_waiting_for_the_vault_to_go(client, catalog, vault, full):
    """The engine's clock runs: a day passes in two seconds."""
    plan = emptying.plan(client, catalog, vault, with_vault=True)
    client.engine.timing = "real"
    client.engine.clock.scale(50_000)
    progress = RecordingProgress()
    report = emptying.empty(client, catalog, plan, agreed, poll=Poll(0.05, 20.0), progress=progress)

    assert report.vault_deleted
    assert any("waiting" in note for note in progress.notes)


def test_archives_that_came_after_the_plan_keep_the_vault(client, catalog, vault, full, put):
    plan = emptying.plan(client, catalog, vault)
    whole = emptying.plan(client, catalog, vault, with_vault=True)
    client.engine.clock.freeze()
    emptying.empty(client, catalog, plan, agreed)
    client.engine.clock.advance(timedelta(days=2))
    put(1, name="later")

    with pytest.raises(Refused, match="holds 1 archive, by its last inventory"):
        emptying.empty(client, catalog, whole, agreed)


def test_an_empty_vault_without_inventory_can_go_at_once(client, catalog, vault):
    plan = emptying.plan(client, catalog, vault, with_vault=True)

    assert (plan.archives, plan.inventory_date) == (0, None)
    assert emptying.empty(client, catalog, plan, agreed).vault_deleted


_RUN = """
import sys
from pathlib import Path
from glaciercli.catalog.store import Catalog
from glaciercli.models.plans import agreed
from glaciercli.services.empty import emptying
from glaciercli.clients.glacier import Target
from glaciercli.clients.session import connect

catalog = Catalog.open(Path(sys.argv[2]))
client = connect(Target(local_root=Path(sys.argv[1])), timeout=30.0)
plan = emptying.plan(client, catalog, "photos", with_vault=True)
print(plan.archives, flush=True)


class Tell:
    def start(self, total, done=0): pass
    def note(self, text): pass
    def advance(self, count): print(".", flush=True)


emptying.empty(client, catalog, plan, agreed, progress=Tell())
"""


def kill_after(lines, client, catalog):
    """Run the emptying in a process and kill it when it has told so many deletions."""
    process = subprocess.Popen(
        [sys.executable, "-c", _RUN, client.target.local_root, catalog.directory / "catalog.db"],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        for number, _ in enumerate(process.stdout):
            if number == lines:
                process.kill()
                break
        process.stdout.read()
        return process.wait()
    finally:
        process.stdout.close()


def _through_kills(client, catalog, kills, step):
    faults = [
        client.engine.faults.add("DeleteArchive", kind="throttle", times=9, skip=7),
        client.engine.faults.drop("DeleteArchive", applied=True, times=9, skip=40),
    ]
    for _ in range(kills):
        assert kill_after(step, client, catalog) == -signal.SIGKILL
    assert kill_after(-1, client, catalog) == 0

    assert all(client.engine.faults.delivered(each) == 9 for each in faults)
    assert count(client, "films") == 3
    with pytest.raises(NotFound):
        count(client, "photos")
    catalog.database.check()


def test_kill_minus_nine_in_the_middle_and_again(client, catalog, vault, full, put):
    put(60, name="m")
    _through_kills(client, catalog, kills=2, step=25)


@pytest.fixture
def crowded(client, vault, full):
    """The vault with 100,000 archives more, put there without uploading them."""
    with client.engine.store.write() as db:
        row = db.get("SELECT number, writes FROM vaults WHERE name = ?", vault)
        db.run(
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers "
            "WHERE n < 100000) INSERT INTO archives (vault, born, id, description, created_at, "
            "size, tree_hash, blob) SELECT ?, ? + n, printf('%0138d', n), printf('file %d', n), ?, "
            "1, printf('%064x', n), printf('%032x', n) FROM numbers",
            *(row["number"], row["writes"], client.engine.clock.instant(db)),
        )
        db.run(
            "UPDATE vaults SET archives = archives + 100000, writes = writes + 100000, "
            "bytes = bytes + 100000, written_at = ? WHERE number = ?",
            *(client.engine.clock.instant(db), row["number"]),
        )


@pytest.mark.slow
def test_a_vault_of_100_000_archives_is_emptied_through_kills(client, catalog, vault, crowded):
    _through_kills(client, catalog, kills=5, step=15_000)
