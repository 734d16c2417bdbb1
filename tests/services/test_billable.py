"""What a plan says is billed, the engine's meter counts when it is carried out."""

from datetime import timedelta

import pytest
from helpers import payload, write

from glaciercli.local import metering
from glaciercli.models import Billable
from glaciercli.models.plans import agreed
from glaciercli.services.empty import deleting, emptying
from glaciercli.services.inventory import syncing
from glaciercli.services.restore import restoring
from glaciercli.services.restore.selection import select
from glaciercli.services.upload import plan as planning
from glaciercli.services.upload import uploads
from glaciercli.services.vaults import capacity
from glaciercli.services.verify import samples
from glaciercli.tasks.waiting import Poll
from glaciercli.units import MIB

NOW = Poll(timeout=0.0)
TIERS = ("Standard", "Bulk", "Expedited")
STORING = (
    "UploadArchive",
    "InitiateMultipartUpload",
    "UploadMultipartPart",
    "CompleteMultipartUpload",
)


@pytest.fixture
def full(client, catalog, vault):
    """Archives of two ages, the older of them past 90 days; return the younger ones' names."""
    for number in range(6):
        if number == 3:
            client.engine.clock.advance(timedelta(days=91))
        client.call(
            "UploadArchive",
            vaultName=vault,
            archiveDescription=f"{number}.bin",
            body=payload(number * MIB // 2 + 7, number),
        )
    syncing.sync(client, catalog, vault, poll=NOW)
    metering.reset(client.engine.store, client.engine.clock)
    return ["3.bin", "4.bin", "5.bin"]


def metered(client):
    """Return what was billed since the meter began, as a plan says it."""
    found = metering.read(client.engine.store)
    tier = next(iter(found.retrievals), None)
    return Billable(
        upload_requests=sum(found.requests.get(each, 0) for each in STORING),
        retrievals=sum(found.retrievals.values()),
        retrieved=sum(found.retrieved.values()),
        tier=tier,
        early_deleted=found.early_deleted,
        capacity_units=found.capacity_units,
    )


@pytest.mark.parametrize("tier", TIERS)
def test_a_restore_is_billed_as_planned_and_once(
    client, catalog, vault, journals, full, tmp_path, tier
):
    for _ in range(2):
        selection = select(client, catalog, vault, tmp_path / "out")
        plan = restoring.plan(selection, tier=tier)
        restoring.restore(client, catalog, selection, plan, agreed, journals=journals, poll=NOW)
        billed = metered(client)
        if plan.charged:
            assert billed == plan.billable
        # Gone from here, and there for a day: nothing is billed a second time.
        (tmp_path / "out" / "0.bin").unlink()
    assert billed.retrievals == 6


def test_a_sample_is_billed_as_planned(client, catalog, vault, full):
    plan = samples.plan(client, catalog, vault, 4, seed="s", tier="Bulk")
    samples.read(client, catalog, plan, agreed, poll=NOW)

    assert metered(client) == plan.billable


def test_deletions_are_billed_as_planned(client, catalog, vault, full):
    plan = deleting.plan(client, catalog, vault, ["0.bin", "4.bin"])
    list(deleting.delete_all(client, catalog, plan, agreed))

    assert plan.early == 1
    assert metered(client) == plan.billable


def test_emptying_is_billed_as_planned(client, catalog, vault, full):
    plan = emptying.plan(client, catalog, vault)
    emptying.empty(client, catalog, plan, agreed)

    assert plan.early == len(full)
    assert metered(client) == plan.billable


def test_capacity_is_billed_as_planned(client):
    plan = capacity.plan(client)
    capacity.purchase(client, plan, agreed)

    assert metered(client) == plan.billable


@pytest.mark.parametrize(("size", "single"), [(5, False), (5, True), (3 * MIB + 1, False)])
def test_an_upload_is_billed_as_planned(client, catalog, vault, journals, tmp_path, size, single):
    file = write(tmp_path / "big.tar", payload(size))
    plan = planning.plan(file, vault, MIB, single=single)
    uploads.start(
        client, file, vault, journals=journals, catalog=catalog, part_size=MIB, single=single
    )

    assert metered(client) == plan.billable
