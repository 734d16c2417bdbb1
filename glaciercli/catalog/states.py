"""What the catalog knows of an archive, by dates alone.

By what is known here and by the vault's two newest full inventories, an archive is:

    new      created here, in no inventory yet
    seen     in the newest inventory that could have it
    missing  absent from a full inventory whose job was created more than 72 hours after it
    gone     absent from two such inventories in a row: deleted elsewhere
    deleted  deleted here, whatever a stale inventory still lists

Nothing of this is stored: it follows from dates, so inventories may arrive in any order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import NamedTuple

from glaciercli.files.database import Connection, Row

STATES = ("new", "seen", "missing", "gone", "deleted")
PRESENT = frozenset({"new", "seen", "missing"})  # what listings show when nothing else is asked

# An inventory may be a day old when its job hands it out, and days older than an archive that it
# should have (glacier-cli came to the same three days).
INVENTORY_LAG = timedelta(hours=72)

_LAG = INVENTORY_LAG // timedelta(milliseconds=1)
_NEVER = -(1 << 62)  # before any time


class Horizon(NamedTuple):
    """What a vault's newest full inventories say: older than these, and not seen since, is lost."""

    missing_seen: int = _NEVER
    missing_created: int = _NEVER
    gone_seen: int = _NEVER
    gone_created: int = _NEVER

    @classmethod
    def of(cls, inventories: Iterable[tuple[int, int]]) -> Horizon:
        """Return the horizon of (made, asked) pairs in milliseconds, newest first."""
        newest = list(inventories)[:2]
        if not newest:
            return cls()
        (made, asked), lag = newest[0], _LAG
        if len(newest) == 1:
            return cls(made, asked - lag)
        before, asked_before = newest[1]
        return cls(made, asked - lag, before, min(asked, asked_before) - lag)

    def state(self, row: Row) -> str:
        """Return what the catalog knows of the archive in a row."""
        if row["deleted"] is not None:
            return "deleted"
        seen, created = row["seen"], row["created"]
        last = _NEVER if seen is None else seen
        if last < self.gone_seen and created < self.gone_created:
            return "gone"
        if last < self.missing_seen and created < self.missing_created:
            return "missing"
        return "new" if seen is None else "seen"


_MISSING = f"coalesce(seen, {_NEVER}) < :missing_seen AND created < :missing_created"
_GONE = f"coalesce(seen, {_NEVER}) < :gone_seen AND created < :gone_created"
_THERE = f"deleted IS NULL AND NOT ({_MISSING})"
#: What `Horizon.state` says, as SQL; the parameters are the horizon's fields.
CONDITIONS = {
    "new": f"seen IS NULL AND {_THERE}",
    "seen": f"seen IS NOT NULL AND {_THERE}",
    "missing": f"deleted IS NULL AND {_MISSING} AND NOT ({_GONE})",
    "gone": f"deleted IS NULL AND {_GONE}",
    "deleted": "deleted IS NOT NULL",
}


def any_of(states: Collection[str]) -> str:
    """Return the condition of archives that are in one of the states."""
    return " OR ".join(f"({CONDITIONS[each]})" for each in STATES if each in states) or "FALSE"


def horizon_of(connection: Connection, vault: int) -> Horizon:
    """Return the horizon of a vault, by the key of its row."""
    rows = connection.execute(
        "SELECT made, asked FROM inventories WHERE vault = ? ORDER BY made DESC LIMIT 2", (vault,)
    )
    return Horizon.of((row["made"], row["asked"]) for row in rows)
