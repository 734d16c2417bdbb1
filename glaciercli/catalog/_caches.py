"""SQLite files of other tools as what they tell: glacier-cli's cache, a Synology's mapping."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from glaciercli.catalog import _foreign
from glaciercli.catalog._events import UNKNOWN, Alias, Deleted, Event, Source, sound
from glaciercli.errors import IntegrityError, Refused
from glaciercli.models import Archive, Scope

#: By the name of its tool, the table that tells its file.
TABLES = {"synology": "file_info_tb", "glacier-cli": "archive"}

_KEYS = "SELECT DISTINCT key FROM archive"
_CACHE = "SELECT id, name, vault, created_here, last_seen_upstream, deleted_here FROM archive"
# A row without an archive's id is of what has no bytes, and there is nothing to name.
_MAPPING = (
    "SELECT shareName, basePath, archiveID, CAST(fileSize AS INTEGER) AS size, lastBkpTime "
    "FROM file_info_tb WHERE archiveID <> '' ORDER BY archiveID, key"
)


def glacier_cli(source: Source) -> Iterator[tuple[Scope, Event]]:
    """Yield glacier-cli's archives and deletions, all of one account.

    Its cache keeps accounts apart by access keys: raises Refused where it has several of them.
    """
    table = TABLES["glacier-cli"]
    keys = [row["key"] for row in _foreign.rows(source.path, table, _KEYS)]
    if len(keys) > 1:
        raise Refused(f"{str(source.path)!r} mixes the accounts of {len(keys)} access keys")
    for row in _foreign.rows(source.path, table, _CACHE):
        with _named(source.path):
            vault, ident = _text(row["vault"]), _text(row["id"])
            name = None if row["name"] is None else _text(row["name"])
            born = _time(row["created_here"] or row["last_seen_upstream"])
            archive = sound(Archive(ident, vault, name=name, created=born, tool="glacier-cli"))
            gone = row["deleted_here"] and sound(Deleted(vault, ident, _time(row["deleted_here"])))
        yield source.scope, archive
        if gone:
            yield source.scope, gone


def synology(source: Source) -> Iterator[tuple[Scope, Event]]:
    """Yield the paths of a Synology mapping; several may share one archive of the data vault."""
    vault, previous = source.the_vault, None
    for row in _foreign.rows(source.path, TABLES["synology"], _MAPPING):
        with _named(source.path):
            ident = _text(row["archiveID"])
            name = f"{_text(row['shareName'])}/{_text(row['basePath']).lstrip('/')}"
            born = _time(row["lastBkpTime"])
            event: Event = (
                sound(Alias(vault, name, ident))
                if ident == previous
                else sound(
                    Archive(ident, vault, row["size"], name=name, created=born, tool="Synology")
                )
            )
        yield source.scope, event
        previous = ident


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the file in whose row something is that cannot be."""
    try:
        yield
    except (ValueError, OverflowError) as error:
        raise IntegrityError(f"{str(path)!r} holds what cannot be: {error}") from error


def _text(value: object) -> str:
    # A column holds what its writer likes, whatever type it was declared with.
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def _time(seconds: object) -> datetime:
    """Return the time of a column of seconds since 1970; it may be null, and may be anything."""
    if not seconds:
        return UNKNOWN
    if not isinstance(seconds, int | float):
        raise ValueError(f"{seconds!r} is no time")
    return UNKNOWN + timedelta(seconds=int(seconds))
