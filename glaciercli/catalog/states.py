"""What the catalog knows of an archive, by dates alone.

By what is known here and by the vault's two newest full inventories, an archive is:

    new      created here, in no inventory yet
    seen     in the newest inventory that could have it
    missing  absent from a full inventory whose job was created more than 72 hours after it
    gone     absent from two such inventories in a row, or its vault is gone, or that vault was
             an earlier one of the name: deleted elsewhere
    deleted  deleted here, whatever a stale inventory still lists

An inventory made more than 72 hours after a deletion, or after a vault was found to be gone, is
not stale: what it lists is there. Nothing of this is stored: it follows from dates, so inventories
may arrive in any order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from glaciercli.files.database import Connection, Row
from glaciercli.models import Archive

STATES = ("new", "seen", "missing", "gone", "deleted")
PRESENT = frozenset({"new", "seen", "missing"})  # what listings show when nothing else is asked

# An inventory may be a day old when its job hands it out, and days older than an archive that it
# should have (glacier-cli came to the same three days).
INVENTORY_LAG = timedelta(hours=72)

LAG = INVENTORY_LAG // timedelta(milliseconds=1)  # as the catalog stores times
_NEVER = -(1 << 62)  # before any time, and below any key
_OF_VAULT = ("known", "earlier", "since")  # columns that are null while there is nothing to tell
_SECOND = 1000  # milliseconds: inventories date archives in whole seconds


class Horizon(NamedTuple):
    """What is known of a vault that decides what its archives are.

    Its newest full inventories: archives older than these, and not seen since, are lost. Its own
    end: archives up to a key were in it when it was found to be gone. And its beginning: archives
    that are older, or were known before, were in an earlier vault of the name.
    """

    missing_seen: int = _NEVER
    missing_created: int = _NEVER
    gone_seen: int = _NEVER
    gone_created: int = _NEVER
    #: When it was found to be gone, the highest key then, what is older by the service's dates and
    #: by any clock, and until when inventories are stale.
    ended: int | None = None
    ended_key: int = _NEVER
    ended_second: int = _NEVER
    ended_old: int = _NEVER
    ended_seen: int = _NEVER
    #: When it was made, what was known of an earlier one, and what is older by our own clock.
    made: int = _NEVER
    made_second: int = _NEVER
    earlier: int = _NEVER
    since: int = _NEVER

    @classmethod
    def of(cls, inventories: Iterable[tuple[int, int]], vault: Row | None = None) -> Horizon:
        """Return the horizon of (made, asked) pairs in milliseconds, newest first, and of a vault.

        `vault` has the columns of a vault's row.
        """
        horizon = cls()
        match list(inventories)[:2]:
            case [(made, asked), *before]:
                horizon = horizon._replace(missing_seen=made, missing_created=asked - LAG)
                for made_before, asked_before in before:
                    least = min(asked, asked_before)
                    horizon = horizon._replace(gone_seen=made_before, gone_created=least - LAG)
        if vault is None:
            return horizon
        known = {name: _NEVER if vault[name] is None else vault[name] for name in _OF_VAULT}
        if (gone := vault["gone"]) is not None:
            horizon = horizon._replace(
                ended=gone,
                ended_key=known["known"],
                ended_second=gone - gone % _SECOND,
                ended_old=gone - LAG,
                ended_seen=gone + LAG,
            )
        if (made := vault["made"]) is not None:
            since, earlier = known["since"], known["earlier"]
            second = made - made % _SECOND
            horizon = horizon._replace(made=made, made_second=second, earlier=earlier, since=since)
        return horizon

    def state(self, row: Row) -> str:
        """Return what the catalog knows of the archive in a row."""
        seen, created = row["seen"], row["created"]
        last = _NEVER if seen is None else seen
        if row["deleted"] is not None and last <= row["deleted"] + LAG:
            return "deleted"
        if self._is_gone_with_its_vault(row):
            return "gone"
        if last < self.gone_seen and created < self.gone_created:
            return "gone"
        if last < self.missing_seen and created < self.missing_created:
            return "missing"
        return "new" if seen is None else "seen"

    def vault_gone(self, row: Row) -> int | None:
        """Return since when the vault that held a gone archive is not there; None if it is.

        Of an earlier vault that is not known; but when the present one of its name was made, it
        was not there any more.
        """
        if self.state(row) != "gone" or not self._is_gone_with_its_vault(row):
            return None
        return self.made if self._is_of_an_earlier_vault(row) else self.ended

    def _is_gone_with_its_vault(self, row: Row) -> bool:
        return self._is_of_a_vault_that_ended(row) or self._is_of_an_earlier_vault(row)

    def _is_of_a_vault_that_ended(self, row: Row) -> bool:
        # What a file brings later may be from before; what was uploaded later is not.
        before = self.ended_old if row["seen"] is None else self.ended_second
        is_stale = row["seen"] is None or row["seen"] <= self.ended_seen
        is_older = row["key"] <= self.ended_key or row["created"] < before
        return is_stale and bool(is_older)

    def _is_of_an_earlier_vault(self, row: Row) -> bool:
        last = _NEVER if row["seen"] is None else row["seen"]
        if last == _NEVER:
            # Dated by our own clock where it was uploaded here; of imports, nobody knows by which.
            is_older = row["location"] is not None and row["created"] < self.since
        else:
            is_older = row["created"] < self.made_second
        return last < self.made and (is_older or row["key"] <= self.earlier)


_LAST = f"coalesce(seen, {_NEVER})"
_DELETED = f"(deleted IS NOT NULL AND {_LAST} <= deleted + {LAG})"
_EARLIER = (
    f"({_LAST} < :made AND (key <= :earlier OR CASE WHEN seen IS NULL "
    "THEN location IS NOT NULL AND created < :since ELSE created < :made_second END))"
)
_ENDED = (
    f"({_LAST} <= :ended_seen AND (key <= :ended_key "
    "OR created < CASE WHEN seen IS NULL THEN :ended_old ELSE :ended_second END))"
)
_MISSING = f"({_LAST} < :missing_seen AND created < :missing_created)"
_TWICE = f"({_LAST} < :gone_seen AND created < :gone_created)"
_GONE = f"({_TWICE} OR {_ENDED} OR {_EARLIER})"
#: Not known to be deleted, neither here nor elsewhere; the parameters are the horizon's fields.
IS_PRESENT = f"NOT {_DELETED} AND NOT {_GONE}"
#: Deleted here, and listed by an inventory that should not: it is there all the same.
IS_UNDELETED = f"deleted IS NOT NULL AND NOT {_DELETED}"
#: What `Horizon.state` says, as SQL.
CONDITIONS = {
    "new": f"seen IS NULL AND {IS_PRESENT} AND NOT {_MISSING}",
    "seen": f"seen IS NOT NULL AND {IS_PRESENT} AND NOT {_MISSING}",
    "missing": f"{IS_PRESENT} AND {_MISSING}",
    "gone": f"NOT {_DELETED} AND {_GONE}",
    "deleted": _DELETED,
}


def any_of(states: Collection[str]) -> str:
    """Return the condition of archives that are in one of the states."""
    if set(states) >= PRESENT:  # what most queries ask for, and no need to tell apart
        others = [CONDITIONS[each] for each in STATES if each in states and each not in PRESENT]
        return " OR ".join(f"({each})" for each in (IS_PRESENT, *others))
    return " OR ".join(f"({CONDITIONS[each]})" for each in STATES if each in states) or "FALSE"


def horizon_of(connection: Connection, vault: int | None) -> Horizon:
    """Return the horizon of a vault, by the key of its row."""
    rows = connection.execute(
        "SELECT made, asked FROM inventories WHERE vault = ? ORDER BY made DESC LIMIT 2", (vault,)
    )
    row = connection.execute("SELECT * FROM vaults WHERE key = ?", (vault,)).fetchone()
    return Horizon.of(((row["made"], row["asked"]) for row in rows), row)


def deletion_of(archive: Archive) -> datetime | None:
    """Return when an archive was deleted; None where it was listed too late after that."""
    if archive.deleted is None or archive.seen is None:
        return archive.deleted
    return archive.deleted if archive.seen <= archive.deleted + INVENTORY_LAG else None
