"""The meter: what AWS would bill, counted in the transaction that grants it.

    UploadArchive, InitiateMultipartUpload,      a request each, also one that is sent again
    UploadMultipartPart, CompleteMultipartUpload
    InitiateJob of an archive                    a retrieval of its tier, and the bytes of its range
    InitiateJob of an inventory                  apart: whether it is a paid request is not known
    InitiateJob of a select                      a request of its tier, and the archive's bytes
    DeleteArchive within 90 days                 its bytes, and those billed by the hours that lack
    PurchaseProvisionedCapacity                  a unit of a month
    GetJobOutput                                 the bytes of each reply, as if all of them arrived

All other requests are free. A refused one is not counted: one that the data retrieval policy
refuses is free by the developer guide ("Data Retrieval Policies"), and of other refusals nothing is
known. Nor are the bytes that a select returns, nor storage, which takes time and no request. That
the beginning and the end of an upload are paid is not said by AWS: as counted, it is the most.

What is served is counted without waiting for the disk: a killed process loses nothing of it, a
power failure may, and on a full disk it is served all the same, and not counted.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime

from glaciercli.local.clock import DAY, HOUR, Clock, moment
from glaciercli.local.errors import StoreError
from glaciercli.local.rules import OVERHEAD
from glaciercli.local.store import Row, Store, Transaction
from glaciercli.local.world import World

_logger = logging.getLogger(__name__)

_EARLY = 90 * DAY  # an archive that is deleted younger is billed for the rest of it


@dataclass
class Metered:
    """What was billed, of all accounts and regions of a store."""

    #: When the meter began; None for the store's beginning.
    since: datetime | None
    #: Paid requests by operation; those for inventories are apart.
    requests: dict[str, int] = field(default_factory=dict)
    #: Jobs that bring archives back or select from them, and their bytes, by tier.
    retrievals: dict[str, int] = field(default_factory=dict)
    retrieved: dict[str, int] = field(default_factory=dict)
    selects: dict[str, int] = field(default_factory=dict)
    scanned: dict[str, int] = field(default_factory=dict)
    inventories: int = 0
    served: int = 0
    #: Archives deleted within 90 days, their bytes, and the sum of billed bytes by hours left.
    early_deletions: int = 0
    early_deleted: int = 0
    early_byte_hours: int = 0
    capacity_units: int = 0


def count(
    world: World,
    db: Transaction,
    operation: str,
    *,
    action: str = "",
    tier: str = "",
    size: int = 0,
    byte_hours: int = 0,
) -> None:
    """Count a request in the transaction that grants it, under the day of the engine's clock."""
    db.run(
        "INSERT INTO meter"
        " (account, region, day, operation, action, tier, count, bytes, byte_hours)"
        " VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?) ON CONFLICT DO UPDATE SET count = count + 1,"
        " bytes = bytes + excluded.bytes, byte_hours = byte_hours + excluded.byte_hours",
        *(world.account, world.region, world.clock.instant(db) // DAY),
        *(operation, action, tier, size, byte_hours),
    )


def count_deletion(world: World, db: Transaction, archive: Row, now: int) -> None:
    """Count the deletion of an archive where it is an early one; an hour that has begun is billed.

    The 32 KiB that are stored with each archive are billed with its bytes.
    """
    left = archive["created_at"] + _EARLY - now
    if left > 0:
        hours = -(-left // HOUR)
        billed = (archive["size"] + OVERHEAD) * hours
        count(world, db, "DeleteArchive", size=archive["size"], byte_hours=billed)


def count_served(world: World, action: str, size: int) -> None:
    """Count the bytes of a job's output, before the first of them goes out."""
    try:
        with world.store.write(durable=False) as db:
            count(world, db, "GetJobOutput", action=action, size=size)
    except StoreError as error:
        # The bytes matter more than their count: there may be no room for anything but reading.
        _logger.warning("%d bytes are served, which is not metered: %s", size, error)


def read(store: Store) -> Metered:
    """Return what was counted."""
    with store.read() as db:
        return _sum(db)


def reset(store: Store, clock: Clock) -> Metered:
    """Return what was counted, and begin anew; what comes meanwhile is in the one or the other."""
    with store.write() as db:
        found = _sum(db)
        db.run("DELETE FROM meter")
        db.run("UPDATE engine SET metered_since = ?", clock.instant(db))
    return found


def _sum(db: Transaction) -> Metered:
    since = db.get("SELECT metered_since FROM engine")["metered_since"]
    metered = Metered(None if since is None else moment(since))
    rows = db.all(
        "SELECT operation, action, tier, sum(count) AS count, sum(bytes) AS bytes,"
        " sum(byte_hours) AS byte_hours FROM meter GROUP BY operation, action, tier"
    )
    for row in rows:
        _add(metered, row)
    return metered


def _add(metered: Metered, row: Row) -> None:
    operation, tier, number = row["operation"], row["tier"], row["count"]
    match operation, row["action"]:
        case "InitiateJob", "InventoryRetrieval":
            metered.inventories = number
            return
        case "InitiateJob", "ArchiveRetrieval":
            metered.retrievals[tier], metered.retrieved[tier] = number, row["bytes"]
        case "InitiateJob", _:
            metered.selects[tier], metered.scanned[tier] = number, row["bytes"]
        case "DeleteArchive", _:
            metered.early_deletions, metered.early_deleted = number, row["bytes"]
            metered.early_byte_hours = row["byte_hours"]
            return
        case "PurchaseProvisionedCapacity", _:
            metered.capacity_units = number
            return
        case "GetJobOutput", _:
            metered.served += row["bytes"]
            return
    metered.requests[operation] = metered.requests.get(operation, 0) + number
