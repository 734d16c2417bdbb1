"""The life of a vault: that it is there, since when, and that it is gone.

A name is used again by another vault, so what is known of archives is known of one vault in a row
of several. Its end is a state of the vault, not a deletion of each archive: the vault's return, or
an inventory that lists an archive, takes it back (see `states`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from glaciercli.catalog._rows import milliseconds, newest_key, vault_key
from glaciercli.catalog.states import IS_PRESENT, horizon_of
from glaciercli.catalog.store import Catalog
from glaciercli.files.database import Connection, Row
from glaciercli.models import Scope


@dataclass(frozen=True)
class Change:
    """What the service's word of a vault has changed of what was known."""

    was_gone: bool
    is_another: bool  # made anew since it was last told
    back: int = 0  # archives that are no longer taken to be gone
    lost: int = 0  # archives that were in an earlier vault of the name


def told(
    catalog: Catalog, scope: Scope, vault: str, made: datetime, *, since: datetime | None
) -> Change | None:
    """Record that a vault is there, made at a time; return what that changes, if anything.

    Archives that were dated here before `since` are older than the vault by any clock.
    """
    stamp = milliseconds(made)
    with catalog.database.shared_connection() as connection:
        row = _row(connection, catalog.vault_key(scope, vault))
        is_news = row is None or row["made"] != stamp or row["gone"] is not None
        if not is_news and row["known"] == newest_key(connection):
            return None
    with catalog.database.write() as connection:
        key = vault_key(connection, scope, vault)
        row = _row(connection, key)
        is_another = _is_another(row, stamp)
        before = _present(connection, key) if is_news else 0
        if is_another:
            connection.execute("DELETE FROM inventories WHERE vault = ?", (key,))
        connection.execute(
            "UPDATE vaults SET made = ?, since = ?, earlier = ?, known = ?, gone = NULL, "
            "deleted = NULL WHERE key = ?",
            (
                stamp,
                None if since is None else milliseconds(since),
                row["known"] if is_another else row["earlier"],
                newest_key(connection),
                key,
            ),
        )
        after = _present(connection, key) if is_news else 0
    back, lost = max(0, after - before), max(0, before - after)
    change = Change(row["gone"] is not None, is_another, back, lost)
    return change if change.was_gone or change.is_another or change.lost else None


def deleted(catalog: Catalog, scope: Scope, vault: str, when: datetime) -> None:
    """Record that a vault was deleted here."""
    _ended(catalog, scope, vault, when, is_ours=True)


def gone(catalog: Catalog, scope: Scope, vault: str, when: datetime) -> int:
    """Record that a vault is not there any more; return how many archives were known in it."""
    return _ended(catalog, scope, vault, when, is_ours=False)


def gone_elsewhere(catalog: Catalog, scope: Scope, vault: str, when: datetime) -> None:
    """Record what another catalog tells: that a vault was found to be gone.

    Not where the service has told of it here, or an archive has come into it later.
    """
    with catalog.database.shared_connection() as connection:
        row = _row(connection, catalog.vault_key(scope, vault))
        if row is None or row["made"] is not None or row["gone"] is not None:
            return
        later = connection.execute(
            "SELECT 1 FROM archives INDEXED BY archives_by_created "
            "WHERE vault = ? AND created > ? LIMIT 1",
            (row["key"], milliseconds(when)),
        ).fetchone()
    if later is None:
        gone(catalog, scope, vault, when)


def was_emptied_here(catalog: Catalog, scope: Scope, vault: str) -> bool:
    """Tell whether a vault was deleted here, or all that was known in it was."""
    with catalog.database.shared_connection() as connection:
        row = _row(connection, catalog.vault_key(scope, vault))
        if row is None or row["deleted"] is not None:
            return row is not None
        count, stones = connection.execute(
            "SELECT count(*), count(deleted) FROM archives WHERE vault = ?", (row["key"],)
        ).fetchone()
        return bool(count == stones > 0)


def _ended(catalog: Catalog, scope: Scope, vault: str, when: datetime, *, is_ours: bool) -> int:
    stamp = milliseconds(when)
    with catalog.database.write() as connection:
        key = vault_key(connection, scope, vault)
        count = _present(connection, key)
        if count or _row(connection, key)["gone"] is None:  # else its first end stays
            connection.execute(
                "UPDATE vaults SET gone = ?, known = ? WHERE key = ?",
                (stamp, newest_key(connection), key),
            )
        if is_ours:
            connection.execute("UPDATE vaults SET deleted = ? WHERE key = ?", (stamp, key))
        return count


def _is_another(row: Row, made: int) -> bool:
    """Tell whether a vault that was made at a time is another one than the row knows."""
    if row["made"] is not None:
        return bool(made > row["made"])
    return row["gone"] is not None and bool(made > row["gone"])


def _present(connection: Connection, vault: int) -> int:
    values = {**horizon_of(connection, vault)._asdict(), "vault": vault}
    counted = connection.execute(
        "SELECT count(*) FROM archives INDEXED BY archives_by_created "
        f"WHERE vault = :vault AND {IS_PRESENT}",
        values,
    )
    return int(counted.fetchone()[0])


def _row(connection: Connection, key: int | None) -> Any:
    """Return a vault's row; None where there is none."""
    return connection.execute("SELECT * FROM vaults WHERE key = ?", (key,)).fetchone()
