"""Which archive a person means: a name, `name@date`, an id, `id:PREFIX`, or the start of an id."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from functools import partial

from glaciercli.catalog import _percent
from glaciercli.catalog._rows import archives_of, to_sqlite
from glaciercli.catalog.states import PRESENT, STATES, any_of, horizon_of
from glaciercli.errors import Conflict, NotFound
from glaciercli.evidence import words
from glaciercli.files.database import Connection, Row
from glaciercli.hints import Command
from glaciercli.models import Archive
from glaciercli.units import format_time_seconds

_BY_NAME = "name = :name"
_BY_ALIAS = "id IN (SELECT id FROM aliases WHERE aliases.vault = archives.vault AND name = :name)"
_BY_START = "id >= :start AND id < :stop"
# In SQL, for of a name that a thousand nights have used, all dates can be meant: as errors write
# them, or as `creationDate` does, with milliseconds until an inventory has cut them.
_BEGINS = "substr(strftime('{}', created / 1000.0, 'unixepoch'), 1, length(:date)) = :date"
_OF_DATE = " OR ".join(map(_BEGINS.format, ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%fZ")))
_MOST = 100  # candidates of a vault
_SHOWN = 5  # candidates that an error names
_SHORTEST_PREFIX = 4  # characters; shorter ones are names that were mistyped


def find(connection: Connection, vaults: list[Row], reference: str, vault: str | None) -> Archive:
    """Return the one archive that is meant; see `Catalog.find`.

    A name wins over `name@date`, that over an id's start. Archives known to be deleted or gone are
    found by their whole id only, so that they can be looked at.
    """
    select = partial(newest, connection, vaults)
    prefix = reference.removeprefix("id:")
    is_marked = prefix != reference
    if exact := select("id = :id", STATES, id=prefix):
        return exact[0]
    # The command line marks each word with a leading dash, which may be a name all the same.
    if not is_marked or prefix.startswith("-"):
        dated, at, date = prefix.rpartition("@")
        named = _named(connection, vaults, prefix)
        if not named and at:
            named = _named(connection, vaults, dated, date.upper())
        if named:
            return _only(reference, named)
    lost: list[Archive] = []
    if len(prefix) >= _SHORTEST_PREFIX or is_marked:
        start = {"start": prefix, "stop": prefix + "\x7f"}
        if there := select(_BY_START, **start):
            return _only(reference, there)
        lost = select(_BY_START, STATES, **start)
    raise _not_found(reference, vault, lost or select(_BY_NAME, STATES, name=reference))


def _named(connection: Connection, vaults: list[Row], name: str, date: str = "") -> list[Archive]:
    """Return the archives of a name, or else of an alias; `date` begins their creation time."""
    for spelling in _percent.spellings(name):
        for condition in (_BY_NAME, _BY_ALIAS):
            dated = f"{condition} AND ({_OF_DATE})"
            if found := newest(connection, vaults, dated, name=spelling, date=date):
                return found
    return []


def newest(
    connection: Connection,
    vaults: list[Row],
    condition: str,
    states: Collection[str] = PRESENT,
    **values: str,
) -> list[Archive]:
    """Return the newest archives of each vault that a condition holds for."""
    bound = {name: to_sqlite(value) for name, value in values.items()}
    found: list[Archive] = []
    for vault in vaults:
        horizon = horizon_of(connection, vault["key"])
        rows = connection.execute(
            f"SELECT * FROM archives WHERE vault = :vault AND {condition} AND ({any_of(states)}) "
            f"ORDER BY created DESC LIMIT {_MOST}",
            {**horizon._asdict(), **bound, "vault": vault["key"]},
        )
        found += archives_of(rows, str(vault["name"]), horizon)
    return found


def _version(archive: Archive) -> str:
    return "" if archive.created is None else format_time_seconds(archive.created)


def _words(archive: Archive) -> str:
    """Return the two words that name an archive alone, to be pasted into a shell."""
    version = f"{archive.name or ''}@{_version(archive)}"
    return shlex.join([version, f"id:{archive.id[:12]}"])


def _only(reference: str, archives: list[Archive]) -> Archive:
    if len(archives) == 1:
        return archives[0]
    shown = [_words(each) for each in archives]
    vaults = sorted({each.vault for each in archives})
    more = f", and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    others = f", or --vault ({', '.join(map(shlex.quote, vaults))})" if len(vaults) > 1 else ""
    raise Conflict(
        f"{reference!r} may be {len(archives)} archives: {', '.join(shown[:_SHOWN])}{more}",
        hint=f"say which: NAME@DATE, id:PREFIX{others}",
    )


def _not_found(reference: str, vault: str | None, lost: list[Archive]) -> NotFound:
    where = f"vault {vault!r}" if vault else "any vault that the catalog knows"
    if lost:
        return NotFound(
            words.lost(reference, lost[0]),
            hint=Command("catalog", "list", "--state", "deleted", "--state", "gone"),
        )
    return NotFound(
        f"no archive {reference!r} in {where}",
        hint=Command("archive", "list", "--vault", vault) if vault else Command("catalog", "list"),
    )
