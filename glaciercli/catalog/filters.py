"""Which archives are meant: conditions of the catalog's queries."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from glaciercli.catalog import _percent
from glaciercli.catalog._rows import milliseconds, to_sqlite
from glaciercli.catalog.states import PRESENT, STATES, any_of, horizon_of
from glaciercli.errors import UsageError
from glaciercli.files.database import Connection

# The casts are for names that are not Unicode, and so are stored as bytes.
_LIKE = "CAST(name AS TEXT) LIKE CAST(:{} AS TEXT) ESCAPE '\\'"
_GLOB = "CAST(name AS TEXT) GLOB CAST(:{} AS TEXT)"
_FEW = 1000  # rows that are worth being fetched one by one


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


def select_clause(
    connection: Connection, vault: int, filters: Filter
) -> tuple[str, dict[str, Any]]:
    """Return `FROM archives WHERE ...` for the archives of a vault that match, and its parameters.

    SQLite does not know how many rows a vault or a text has, and guesses badly; so it is told which
    index to use: that of creation times, whose order is mostly the table's, unless a look at the
    names' index, a fifth of the table, has found few rows.
    """
    parts = [any_of(PRESENT if filters.states is None else filters.states)]
    bound: dict[str, Any] = {**horizon_of(connection, vault)._asdict(), "vault": vault}
    for condition, name, value in _conditions(filters):
        if value is not None:
            parts.append(condition)
            bound[name] = value
    named = [
        *_named(_LIKE, "text", lambda text: f"%{_escaped(text)}%", filters.text),
        *_named(_GLOB, "glob", str, filters.glob),
    ]
    if named:
        bound |= {name: value for _, values in named for name, value in values.items()}
        condition = _all(part for part, _ in named)
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


def _named(
    condition: str, name: str, pattern: Callable[[str], str], text: str | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a condition that one of a text's spellings fulfils, with its parameters."""
    if text is not None:
        spellings = [to_sqlite(pattern(each)) for each in _percent.spellings(text)]
        values = {f"{name}{number}": each for number, each in enumerate(spellings)}
        yield " OR ".join(map(condition.format, values)), values


def _all(parts: Iterable[str]) -> str:
    return " AND ".join(f"({part})" for part in parts)


def _escaped(text: str) -> str:
    return re.sub(r"([%_\\])", r"\\\1", text)
