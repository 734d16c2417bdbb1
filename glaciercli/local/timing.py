"""How long things take: at once, or as long as in the service.

Under `instant`, the default, jobs are done when they are accepted and a vault's inventory is as new
as its last write. Under `real` jobs take their tier's time and inventories are made once a day.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum

from glaciercli.local.clock import DAY, HOUR, MINUTE, Clock
from glaciercli.local.store import Row, Store, Transaction


class Timing(StrEnum):
    """The two paces of an engine."""

    INSTANT = "instant"
    REAL = "real"


# Least and most that a job takes, as the guide has it and as inventories were seen to take.
_WINDOWS = {
    "Expedited": (1 * MINUTE, 5 * MINUTE),
    "Standard": (3 * HOUR, 5 * HOUR),
    "Bulk": (5 * HOUR, 12 * HOUR),
    "Inventory": (220 * MINUTE, 260 * MINUTE),
}


def current(db: Transaction) -> Timing:
    """Return how long things take, as the store has it."""
    return Timing(db.get("SELECT timing FROM engine")["timing"])


def choose(store: Store, timing: Timing) -> None:
    """Keep how long things take; jobs that are started from now on obey it."""
    with store.write() as db:
        db.run("UPDATE engine SET timing = ?", timing.value)


def ready_at(db: Transaction, clock: Clock, job_id: str, pace: str) -> int:
    """Return when a job that starts now is done; drawn from its id, so it can be asked again."""
    now = clock.instant(db)
    if current(db) is Timing.INSTANT:
        return now
    least, most = _WINDOWS[pace]
    return now + least + _draw(job_id, most - least)


def settle_inventory(db: Transaction, clock: Clock, vault: Row) -> Row:
    """Make the inventory that is due for a vault, in its row, and return the row.

    Called before each write to the vault and before each look at its inventory; so the counters
    are still those of the slot that has passed.
    """
    due = inventory_due(db, clock, vault)
    if due is None:
        return vault
    db.run(
        "UPDATE vaults SET inventory_at = ?, inventory_writes = writes,"
        " inventory_archives = archives, inventory_bytes = bytes WHERE number = ?",
        due,
        vault["number"],
    )
    return db.get("SELECT * FROM vaults WHERE number = ?", vault["number"])


def inventory_due(db: Transaction, clock: Clock, vault: Row) -> int | None:
    """Return when the vault's next inventory was made, if that is past and not yet in its row."""
    if vault["writes"] == vault["inventory_writes"]:
        return None  # an inventory is made only when something changed
    if current(db) is Timing.INSTANT:
        return int(vault["written_at"])
    slot = _draw(f"{vault['number']} {vault['created_at']}", DAY)
    due: int = vault["written_at"] + DAY - (vault["written_at"] - slot) % DAY
    return due if due <= clock.instant(db) else None


def _draw(seed: str, span: int) -> int:
    """Return a number from 0 to `span`, always the same for a seed."""
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8]) % span
