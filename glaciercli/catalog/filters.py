"""Which archives are meant, and what the catalog knows of each: the conditions of its queries.

An archive is, by what is known here and by the vault's two newest full inventories:

    new      created here, in no inventory yet
    seen     in the newest inventory that could have it
    missing  absent from a full inventory whose job was created more than 72 hours after it
    gone     absent from two such inventories in a row: deleted elsewhere
    deleted  deleted here, whatever a stale inventory still lists

Nothing of this is stored: it follows from dates, so inventories may arrive in any order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from glaciercli.catalog.database import Connection, Row
from glaciercli.errors import UsageError

STATES = ("new", "seen", "missing", "gone", "deleted")
PRESENT = frozenset({"new", "seen", "missing"})  # what listings show when nothing else is asked

# An inventory may be a day old when its job hands it out, and days older than an archive that it
# should have (glacier-cli came to the same three days).
INVENTORY_LAG = timedelta(hours=72)

_FEW = 1000  # rows that are worth being fetched one by one
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LAG = INVENTORY_LAG // _MILLISECOND
_NEVER = -(1 << 62)  # before any time


@dataclass(frozen=True)
class Filter:
    """Which archives are meant; every condition that is given must hold.

    `text` is part of the name, in any ASCII case; `glob` is a shell pattern for all of it, whose
    `*` also matches `/`. Sizes are inclusive bounds; times bound the archive's creation, [after,
    before). `states` None means those that are not known to be deleted or gone.
    """

    text: str | None = None
    glob: str | None = None
    min_size: int | None = None
    max_size: int | None = None
    after: datetime | None = None
    before: datetime | None = None
    tool: str | None = None
    states: frozenset[str] | None = None

    def __post_init__(self) -> None:
        unknown = (self.states or frozenset()) - set(STATES)
        if unknown:
            raise UsageError(
                f"unknown state {', '.join(sorted(unknown))}", hint=f"one of {', '.join(STATES)}"
            )


EVERYTHING = Filter()  # what is present, of any name, size and age


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

    def conditions(self) -> tuple[dict[str, str], dict[str, int]]:
        """Return the SQL condition of each state, and its parameters."""
        missing = f"coalesce(seen, {_NEVER}) < :missing_seen AND created < :missing_created"
        gone = f"coalesce(seen, {_NEVER}) < :gone_seen AND created < :gone_created"
        there = f"deleted IS NULL AND NOT ({missing})"
        return {
            "new": f"seen IS NULL AND {there}",
            "seen": f"seen IS NOT NULL AND {there}",
            "missing": f"deleted IS NULL AND {missing} AND NOT ({gone})",
            "gone": f"deleted IS NULL AND {gone}",
            "deleted": "deleted IS NOT NULL",
        }, self._asdict()


def horizon_of(connection: Connection, vault: int) -> Horizon:
    """Return the horizon of a vault, by the key of its row."""
    rows = connection.execute(
        "SELECT made, asked FROM inventories WHERE vault = ? ORDER BY made DESC LIMIT 2", (vault,)
    )
    return Horizon.of((row["made"], row["asked"]) for row in rows)


def source(connection: Connection, vault: int, filters: Filter) -> tuple[str, dict[str, Any]]:
    """Return `FROM archives WHERE ...` for the archives of a vault that match, and its parameters.

    SQLite does not know how many rows a vault or a text has, and guesses badly; so it is told which
    index to use: that of creation times, whose order is mostly the table's, unless a look at the
    names' index, a fifth of the table, has found few rows.
    """
    states, parameters = horizon_of(connection, vault).conditions()
    wanted = PRESENT if filters.states is None else filters.states
    parts = [" OR ".join(f"({states[each]})" for each in STATES if each in wanted) or "FALSE"]
    bound: dict[str, Any] = {**parameters, "vault": vault}
    for condition, name, value in _conditions(filters):
        if value is not None:
            parts.append(condition)
            bound[name] = value
    named = [(part, name, value) for part, name, value in _names(filters) if value is not None]
    if named:
        bound |= {name: value for _, name, value in named}
        condition = " AND ".join(part for part, _, _ in named)
        rows = connection.execute(
            f"SELECT key FROM archives INDEXED BY archives_by_name WHERE vault = :vault "
            f"AND {condition} LIMIT {_FEW + 1}",
            bound,
        ).fetchall()
        if len(rows) > _FEW:
            parts.append(condition)
        else:
            keys = ",".join(str(row["key"]) for row in rows)
            return f"FROM archives WHERE key IN ({keys}) AND {_all(parts)}", bound
    return (
        f"FROM archives INDEXED BY archives_by_created WHERE vault = :vault AND {_all(parts)}",
        bound,
    )


def _conditions(filters: Filter) -> list[tuple[str, str, Any]]:
    tool = filters.tool and _escaped(filters.tool) + "%"
    return [
        ("size >= :min_size", "min_size", filters.min_size),
        ("size <= :max_size", "max_size", filters.max_size),
        ("created >= :after", "after", filters.after and milliseconds(filters.after)),
        ("created < :before", "before", filters.before and milliseconds(filters.before)),
        ("tool LIKE :tool ESCAPE '\\'", "tool", tool),
    ]


def _names(filters: Filter) -> list[tuple[str, str, Any]]:
    # The cast is for names that are not Unicode, and so are stored as bytes.
    text = None if filters.text is None else f"%{_escaped(filters.text)}%"
    return [
        ("CAST(name AS TEXT) LIKE :text ESCAPE '\\'", "text", text),
        ("CAST(name AS TEXT) GLOB :glob", "glob", filters.glob),
    ]


def _all(parts: Iterable[str]) -> str:
    return " AND ".join(f"({part})" for part in parts)


def milliseconds(moment: datetime) -> int:
    """Return a time as the catalog stores it."""
    return (moment - _EPOCH) // _MILLISECOND


def moment(stored: int) -> datetime:
    """Return the time for what the catalog stores."""
    return _EPOCH + timedelta(milliseconds=stored)


def _escaped(text: str) -> str:
    return re.sub(r"([%_\\])", r"\\\1", text)
