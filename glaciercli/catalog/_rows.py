"""Rows of the catalog to records and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from glaciercli.catalog.descriptions import decode
from glaciercli.catalog.states import Horizon
from glaciercli.errors import IntegrityError
from glaciercli.files.database import Connection, Row
from glaciercli.models import Archive, Scope

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def vault_key(connection: Connection, scope: Scope, vault: str) -> int:
    """Return the key of a vault's row, made new where there is none."""
    where_it_is = (scope.endpoint, scope.account, scope.region, vault)
    connection.execute(
        "INSERT OR IGNORE INTO vaults (endpoint, account, region, name) VALUES (?, ?, ?, ?)",
        where_it_is,
    )
    row = connection.execute(
        "SELECT key FROM vaults WHERE endpoint = ? AND account = ? AND region = ? AND name = ?",
        where_it_is,
    ).fetchone()
    return int(row["key"])


def newest_key(connection: Connection) -> int:
    """Return the highest key of archives; those that are recorded later are above it."""
    return int(connection.execute("SELECT max(key) FROM archives").fetchone()[0] or 0)


def to_sqlite(text: str | None) -> str | bytes | None:
    """Return a text as SQLite can hold it: names that are not Unicode become their bytes."""
    if text is None or text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:  # lone surrogates, which stand for bytes (see `descriptions`)
        return text.encode("utf-8", "surrogatepass")
    return text


def from_sqlite(value: str | bytes | None) -> str | None:
    """Return the text that `stored` was given."""
    return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value


def milliseconds(moment: datetime) -> int:
    """Return a time as the catalog stores it."""
    return (moment - _EPOCH) // _MILLISECOND


def moment(stored: int) -> datetime:
    """Return the time for what the catalog stores."""
    return _EPOCH + timedelta(milliseconds=stored)


_RECORD = """
INSERT INTO archives (vault, id, size, tree_hash, description, tool, name, modified, created,
                      recorded, token, path, location, hash_from)
VALUES (:vault, :id, :size, :tree_hash, :description, :tool, :name, :modified, :created,
        :recorded, :token, :path, :location, :hash_from)
ON CONFLICT (vault, id) DO UPDATE SET
    size = coalesce(size, excluded.size),
    tree_hash = coalesce(tree_hash, excluded.tree_hash),
    hash_from = CASE
        WHEN tree_hash IS NULL
             OR (tree_hash = excluded.tree_hash AND excluded.hash_from = 'upload')
        THEN excluded.hash_from ELSE hash_from END,
    recorded = coalesce(recorded, excluded.recorded),
"""
_TOLD = ("description", "tool", "name", "modified", "token", "path", "location")
# An upload's own word goes before what was known of it.
RECORD = _RECORD + ", ".join(f"{each} = coalesce(excluded.{each}, {each})" for each in _TOLD)
# The word of others only fills gaps.
FILL = _RECORD + ", ".join(f"{each} = coalesce({each}, excluded.{each})" for each in _TOLD)


def row_of(
    vault: int, archive: Archive, token: str | None, now: datetime, *, ours: bool = True
) -> dict[str, Any]:
    """Return the values of `RECORD`; without `ours`, only what says so itself was made here."""
    decoded = decode(archive.description)
    told = bool(archive.description)  # an import may know the name and not the description
    modified = archive.modified or decoded.modified
    recorded = archive.recorded or (now if ours else None)
    return {
        "vault": vault,
        "id": archive.id,
        "size": archive.size,
        "tree_hash": None if archive.tree_hash is None else bytes.fromhex(archive.tree_hash),
        "description": to_sqlite(archive.description or None),
        "tool": archive.tool or (decoded.tool if told else None),
        "name": to_sqlite(archive.name or decoded.name or None),
        "modified": None if modified is None else milliseconds(modified),
        "created": milliseconds(archive.created or now),
        "recorded": None if recorded is None else milliseconds(recorded),
        "token": token or decoded.token,
        "path": to_sqlite(archive.path),
        "location": archive.location,
        "hash_from": None if archive.tree_hash is None else archive.hash_from,
    }


def archives_of(rows: Iterable[Row], vault: str, horizon: Horizon) -> Iterator[Archive]:
    """Yield the archives that rows of the catalog stand for, one at a time, with their states."""
    for row in rows:
        yield archive_of(row, vault, horizon)


def archive_of(row: Row, vault: str, horizon: Horizon) -> Archive:
    """Return the archive that a row stands for; its state is as of `horizon`.

    Raises IntegrityError for a row whose values are none that an archive has.
    """
    try:
        return Archive(
            id=row["id"],
            vault=vault,
            size=row["size"],
            tree_hash=None if row["tree_hash"] is None else row["tree_hash"].hex(),
            name=from_sqlite(row["name"]),
            description=from_sqlite(row["description"]) or "",
            created=moment(row["created"]),
            modified=_moment(row["modified"]),
            seen=_moment(row["seen"]),
            deleted=_moment(row["deleted"]),
            path=from_sqlite(row["path"]),
            location=row["location"],
            recorded=_moment(row["recorded"]),
            tool=row["tool"],
            hash_from=row["hash_from"],
            differs=_moment(row["differs"]),
            status=horizon.state(row),
            vault_gone=_moment(horizon.vault_gone(row)),
        )
    except (TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise IntegrityError(f"the catalog holds a row that is not one: {error}") from error


def _moment(value: int | None) -> datetime | None:
    return None if value is None else moment(value)
