"""The catalog: which archives there are, by name, and how each thing about them is known.

It spans all endpoints, accounts, regions and vaults. *Created here*, *last seen in an inventory*
and *deleted here* are kept apart; a row is never dropped, because the service's word is a day old
and a tombstone is what keeps a stale inventory from bringing an archive back.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from glaciercli.catalog import _references
from glaciercli.catalog._rows import (
    FILL,
    RECORD,
    archives_of,
    from_sqlite,
    milliseconds,
    moment,
    newest_key,
    row_of,
    to_sqlite,
    vault_key,
)
from glaciercli.catalog._schema import MIGRATIONS
from glaciercli.catalog.filters import EVERYTHING, Filter, select_clause
from glaciercli.catalog.states import IS_PRESENT, PRESENT, STATES, horizon_of
from glaciercli.errors import IntegrityError
from glaciercli.evidence import endings
from glaciercli.files.database import Connection, Database, Row
from glaciercli.models import Archive, Scope

# What an inventory or an import has told of an id may be wrong, and an upload's own word is not.
_OF_ANOTHER = """
SELECT 1 FROM vaults JOIN archives ON archives.vault = vaults.key AND archives.id = :id
WHERE vaults.name = :name
AND ((hash_from = 'upload' AND (size <> :size OR tree_hash <> :tree_hash)) OR token <> :token)
"""
_NO_TIME = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Totals:
    """What a set of archives amounts to; sizes that no one told count as nothing."""

    count: int
    size: int
    oldest: datetime | None
    newest: datetime | None


@dataclass(frozen=True)
class Merged:
    """An inventory that was merged: when it was made, its job created, and it brought here."""

    made: datetime
    asked: datetime
    merged: datetime
    archives: int
    size: int


class Catalog:
    """What this machine knows of the vaults. May be used by several threads and processes."""

    def __init__(self, database: Database) -> None:
        #: For the other modules of this package.
        self.database = database

    @classmethod
    def open(cls, path: Path, *, network: str | None = None) -> Catalog:
        """Open the catalog, made new where there is none; see `Database` for what is refused.

        `network` is the type of the file system where other machines can write it, too.
        """
        return cls(Database(path, MIGRATIONS, network=network))

    def close(self) -> None:
        """Close the file, as `Database.close` does; no other method may be called after it."""
        self.database.close()

    @property
    def directory(self) -> Path:
        """Where the catalog lives, and inventories on their way into it."""
        return self.database.path.parent

    @property
    def set_aside(self) -> Path | None:
        """Where a damaged catalog was moved when this one was opened in its place."""
        return self.database.set_aside

    @property
    def stale_log(self) -> Path | None:
        """Where a log was moved that belongs to another state of the file than this one."""
        return self.database.stale_log

    def check(self) -> None:
        """Read the whole file through; raises IntegrityError when it is damaged."""
        self.database.check()

    # --- accounts and vaults

    def learn_account(self, identity: str, endpoint: str, account: str) -> None:
        """Remember which account `-` is for an identity at an endpoint; the newest word counts."""
        if self.account(identity, endpoint) == account:
            return
        with self.database.write() as connection:
            connection.execute(
                "INSERT INTO accounts VALUES (?, ?, ?) "
                "ON CONFLICT DO UPDATE SET account = excluded.account",
                (identity, endpoint, account),
            )

    def account(self, identity: str, endpoint: str) -> str | None:
        """Return the account id that was learned, or None."""
        with self.database.shared_connection() as connection:
            row = connection.execute(
                "SELECT account FROM accounts WHERE identity = ? AND endpoint = ?",
                (identity, endpoint),
            ).fetchone()
        return None if row is None else str(row[0])

    def scopes(self) -> list[Scope]:
        """Return every world of vaults that anything is known of."""
        with self.database.shared_connection() as connection:
            rows = connection.execute(
                "SELECT DISTINCT endpoint, account, region FROM vaults ORDER BY 1, 2, 3"
            ).fetchall()
        return [Scope(*row) for row in rows]

    def vaults(self, scope: Scope) -> list[str]:
        """Return the names of the vaults that are known and are not known to be gone."""
        with self.database.shared_connection() as connection:
            return [
                row["name"]
                for row in self._vault_rows(scope)
                # Gone, and used again since, it is there once more.
                if row["gone"] is None or _was_used_since(connection, row)
            ]

    def inventory(self, scope: Scope, vault: str) -> Merged | None:
        """Return the newest inventory of a vault that was merged, or None."""
        with self.database.shared_connection() as connection:
            for vault_row in self._vault_rows(scope, vault):
                row = connection.execute(
                    "SELECT * FROM inventories WHERE vault = ? ORDER BY made DESC LIMIT 1",
                    (vault_row["key"],),
                ).fetchone()
                if row is not None:
                    made, asked, merged = map(moment, (row["made"], row["asked"], row["merged"]))
                    return Merged(made, asked, merged, row["archives"], row["size"])
        return None

    # --- archives

    def created(self, scope: Scope, archive: Archive, *, token: str | None = None) -> None:
        """Record an archive that was uploaded from here; told twice it is recorded once.

        Raises what `require_unclaimed` does, and records nothing then.
        """
        with self.database.write() as connection:
            self.require_unclaimed(archive, token=token)
            key = vault_key(connection, scope, archive.vault)
            connection.execute(RECORD, row_of(key, archive, token, datetime.now(UTC)))

    def require_unclaimed(self, archive: Archive, *, token: str | None = None) -> None:
        """Raise IntegrityError where an archive's id is known of other bytes or another upload.

        The service gives no id twice, so this asks in no scope.
        """
        row = row_of(0, archive, token, datetime.now(UTC))
        values = {each: row[each] for each in ("id", "size", "tree_hash", "token")}
        with self.database.shared_connection() as connection:
            found = connection.execute(_OF_ANOTHER, {**values, "name": archive.vault})
            if found.fetchone() is not None:
                raise IntegrityError(endings.given_twice(archive))

    def created_all(
        self,
        scope: Scope,
        archives: Iterable[Archive],
        *,
        ours: bool = True,
    ) -> int:
        """Record many archives in one transaction; return how many were not known before.

        Of those that are known only what was not known is filled in. They count as created here;
        without `ours`, only those that say when they were recorded.
        """
        now = datetime.now(UTC)
        with self.database.write() as connection:
            keys: dict[str, int] = {}
            added = 0
            for each in archives:
                if each.vault not in keys:
                    keys[each.vault] = vault_key(connection, scope, each.vault)
                key = keys[each.vault]
                known = connection.execute(
                    "SELECT 1 FROM archives WHERE vault = ? AND id = ?", (key, each.id)
                )
                added += known.fetchone() is None
                connection.execute(FILL, row_of(key, each, None, now, ours=ours))
            return added

    def deleted(self, scope: Scope, vault: str, archive_id: str, when: datetime) -> None:
        """Record that an archive was deleted here, also one that was not known."""
        self.deletions(scope, vault, [(archive_id, when)], ours=True)

    def deletions(
        self,
        scope: Scope,
        vault: str,
        deletions: Iterable[tuple[str, datetime]],
        *,
        ours: bool = False,
    ) -> None:
        """Record many deletions in one transaction.

        An archive's last one counts: an inventory brings it back only when it is days newer. Those
        that are `ours`, just done, are no older than the newest inventory, whose clock may be ahead
        of this machine's by days.
        """
        with self.database.write() as connection:
            key = vault_key(connection, scope, vault)
            newest = self.inventory(scope, vault) if ours else None
            least = 0 if newest is None else milliseconds(newest.made) + 1
            connection.executemany(
                "INSERT INTO archives (vault, id, created, deleted) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (vault, id) "
                "DO UPDATE SET deleted = max(ifnull(deleted, excluded.deleted), excluded.deleted)",
                (
                    (key, ident, stamp, stamp)
                    for ident, when in deletions
                    for stamp in (max(milliseconds(when), least),)
                ),
            )

    def add_aliases(self, scope: Scope, vault: str, names: Iterable[tuple[str, str]]) -> None:
        """Record further (name, id) of archives, whose own names stay."""
        with self.database.write() as connection:
            key = vault_key(connection, scope, vault)
            connection.executemany(
                "INSERT OR IGNORE INTO aliases VALUES (?, ?, ?)",
                ((key, to_sqlite(name), ident) for name, ident in names),
            )

    def aliases(self, scope: Scope, vault: str) -> dict[str, list[str]]:
        """Return the further names of a vault's archives, by id.

        All at once: to look for those of one archive is to look through all.
        """
        found = defaultdict(list)
        with self.database.shared_connection() as connection:
            for row in self._vault_rows(scope, vault):
                for each in connection.execute(
                    "SELECT id, name FROM aliases WHERE vault = ? ORDER BY name", (row["key"],)
                ):
                    found[each["id"]].append(from_sqlite(each["name"]) or "")
        return found

    def find(self, scope: Scope, vault: str | None, reference: str) -> Archive:
        """Return the archive that a name, `name@date`, an id, `id:PREFIX` or an id prefix names.

        Raises NotFound, or Conflict naming the candidates.
        """
        with self.database.shared_connection() as connection:
            return _references.find(connection, self._vault_rows(scope, vault), reference, vault)

    def known(self, scope: Scope, vault: str, archive_id: str) -> Archive | None:
        """Return the archive of a whole id, whatever its state; None when it was never told."""
        with self.database.shared_connection() as connection:
            rows = self._vault_rows(scope, vault)
            found = _references.newest(connection, rows, "id = :id", STATES, id=archive_id)
        return found[0] if found else None

    def archives(
        self,
        scope: Scope,
        vault: str | None = None,
        *,
        filters: Filter = EVERYTHING,
        limit: int | None = None,
        oldest_first: bool = False,
        up_to: int | None = None,
    ) -> Iterator[Archive]:
        """Yield the archives that match, newest first, from a snapshot; memory stays flat.

        With `up_to`, only those that were known when `watermark` gave that number.
        """
        direction = "" if oldest_first else "DESC"
        with self.database.read() as connection:
            streams = []
            for row in self._vault_rows(scope, vault):
                horizon = horizon_of(connection, row["key"])
                selected, parameters = select_clause(connection, row["key"], filters)
                rows = connection.execute(
                    f"SELECT * {selected} AND (:up_to IS NULL OR key <= :up_to) "
                    f"ORDER BY created {direction}, key {direction} LIMIT :limit",
                    {**parameters, "limit": -1 if limit is None else limit, "up_to": up_to},
                )
                streams.append(archives_of(rows, str(row["name"]), horizon))
            merged = heapq.merge(
                *streams, key=lambda each: each.created or _NO_TIME, reverse=not oldest_first
            )
            for count, archive in enumerate(merged):
                if limit is not None and count >= limit:
                    return
                yield archive

    def totals(
        self, scope: Scope, vault: str | None = None, *, filters: Filter = EVERYTHING
    ) -> Totals:
        """Return count, bytes, oldest and newest of the archives that match."""
        parts: list[Row] = []
        with self.database.read() as connection:
            for row in self._vault_rows(scope, vault):
                selected, parameters = select_clause(connection, row["key"], filters)
                parts += connection.execute(
                    "SELECT count(*) AS n, coalesce(sum(size), 0) AS size, min(created) AS oldest, "
                    f"max(created) AS newest {selected}",
                    parameters,
                )
        return Totals(
            sum(each["n"] for each in parts),
            sum(each["size"] for each in parts),
            min((moment(each["oldest"]) for each in parts if each["n"]), default=None),
            max((moment(each["newest"]) for each in parts if each["n"]), default=None),
        )

    def left_out(self, scope: Scope, vault: str, *, filters: Filter) -> dict[str, int]:
        """Return how many archives match and are not listed, gone and deleted ones, by state."""
        counts = {
            state: self.totals(scope, vault, filters=replace(filters, states=frozenset({state})))
            for state in STATES
            if state not in (PRESENT if filters.states is None else STATES)
        }
        return {state: each.count for state, each in counts.items() if each.count}

    def watermark(self) -> int:
        """Return a number that later archives are above."""
        with self.database.shared_connection() as connection:
            return newest_key(connection)

    def last_deletion(self, scope: Scope, vault: str) -> datetime | None:
        """Return when an archive of the vault was last deleted here."""
        latest = None
        with self.database.shared_connection() as connection:
            for row in self._vault_rows(scope, vault):
                latest = connection.execute(
                    "SELECT max(deleted) FROM archives WHERE vault = ?", (row["key"],)
                ).fetchone()[0]
        return None if latest is None else moment(latest)

    def deleted_since(self, scope: Scope, vault: str, when: datetime) -> int:
        """Return how many archives of the vault are older than a time, and were deleted after it.

        By what was deleted here.
        """
        with self.database.shared_connection() as connection:
            counts = [
                connection.execute(
                    "SELECT count(*) FROM archives "
                    "WHERE vault = :vault AND created <= :when AND deleted > :when",
                    {"vault": row["key"], "when": milliseconds(when)},
                ).fetchone()[0]
                for row in self._vault_rows(scope, vault)
            ]
        return sum(counts)

    def versions(self, scope: Scope, vault: str, name: str) -> list[Archive]:
        """Return the archives of this very name that may still be there, the newest first."""
        with self.database.shared_connection() as connection:
            return _references.newest(
                connection, self._vault_rows(scope, vault), "name = :name", name=name
            )

    def names(
        self, scope: Scope, vault: str | None, prefix: str = "", *, limit: int = 50
    ) -> list[str]:
        """Return names that begin with `prefix`, for completion in a shell."""
        found: set[str] = set()
        with self.database.shared_connection() as connection:
            for row in self._vault_rows(scope, vault):
                rows = connection.execute(
                    "SELECT DISTINCT name FROM archives WHERE vault = :vault "
                    f"AND name >= :start AND name < :stop AND {IS_PRESENT} LIMIT :limit",
                    {
                        **horizon_of(connection, row["key"])._asdict(),
                        "vault": row["key"],
                        "start": to_sqlite(prefix),
                        "stop": to_sqlite(prefix + "\U0010ffff"),
                        "limit": limit,
                    },
                )
                found.update(from_sqlite(each["name"]) or "" for each in rows)
        return sorted(found)[:limit]

    def vault_key(self, scope: Scope, vault: str) -> int | None:
        """Return the key of a vault's row, for the other modules of this package."""
        return next((row["key"] for row in self._vault_rows(scope, vault)), None)

    def _vault_rows(self, scope: Scope, vault: str | None = None) -> list[Row]:
        with self.database.shared_connection() as connection:
            return connection.execute(
                "SELECT key, name, gone, known FROM vaults WHERE endpoint = ? AND account = ? "
                "AND region = ? AND (? IS NULL OR name = ?) ORDER BY name",
                (scope.endpoint, scope.account, scope.region, vault, vault),
            ).fetchall()


def _was_used_since(connection: Connection, vault: Row) -> bool:
    """Tell whether archives are known that came into a vault after it was found to be gone."""
    values = {**horizon_of(connection, vault["key"])._asdict(), **dict(vault)}
    found = connection.execute(
        "SELECT 1 FROM archives NOT INDEXED "
        f"WHERE vault = :key AND archives.key > :known AND {IS_PRESENT} LIMIT 1",
        values,
    )
    return found.fetchone() is not None
