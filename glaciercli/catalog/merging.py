"""An inventory into the catalog: loaded beside it, then merged in one transaction.

Merging adds and never takes away. What an inventory lacks is not touched: that an archive is
missing follows from the inventory's date (see `states`), so merging one twice changes nothing and
their order does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any

from glaciercli.catalog.database import Connection, transaction
from glaciercli.catalog.descriptions import decode
from glaciercli.catalog.inventories import Entry
from glaciercli.catalog.rows import milliseconds, stored, vault_key
from glaciercli.catalog.schema import INDEXES
from glaciercli.catalog.states import CONDITIONS, horizon_of
from glaciercli.catalog.store import Catalog
from glaciercli.models import Inventory, Scope

# Below this many new rows, keeping the indexes is cheaper than making them again.
_FEW = 10_000

_INCOMING = """
CREATE TEMP TABLE incoming (
    id TEXT, size INTEGER, tree_hash BLOB, description TEXT, tool TEXT, name TEXT,
    modified INTEGER, created INTEGER, token TEXT
)
"""
_LOAD = "INSERT INTO incoming VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
# The first inventory needs no comparing, and no second copy of its rows.
_FIRST = """
INSERT INTO archives (vault, seen, id, size, tree_hash, description, tool, name, modified, created,
                      token)
VALUES ({}, {}, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
# Which incoming rows are known: one look into the index for each, none into the table.
_PAIRS = "CREATE TEMP TABLE pairs (key INTEGER PRIMARY KEY, incoming INTEGER)"
_PAIR = """
INSERT OR IGNORE INTO pairs SELECT archives.key, incoming.rowid FROM incoming
CROSS JOIN archives ON archives.vault = ? AND archives.id = incoming.id
"""
# What was recorded here has a fuller name; an import may lack description, size and hash.
_FILL = """
UPDATE archives SET
    size = coalesce(archives.size, incoming.size),
    tree_hash = coalesce(archives.tree_hash, incoming.tree_hash),
    tool = CASE WHEN archives.description IS NULL THEN incoming.tool ELSE archives.tool END,
    description = coalesce(archives.description, incoming.description),
    name = coalesce(archives.name, incoming.name),
    modified = coalesce(archives.modified, incoming.modified),
    token = coalesce(archives.token, incoming.token),
    created = incoming.created
FROM pairs CROSS JOIN incoming ON incoming.rowid = pairs.incoming
WHERE archives.key = pairs.key AND archives.vault = ? AND archives.seen IS NULL
"""
# No indexed column is set, so no index is written; and the rows come in the table's order.
_SEEN = """
UPDATE archives SET
    seen = max(coalesce(archives.seen, :made), :made),
    differs = CASE WHEN archives.size <> incoming.size
                     OR archives.tree_hash <> incoming.tree_hash
              THEN :made ELSE archives.differs END
FROM pairs CROSS JOIN incoming ON incoming.rowid = pairs.incoming
WHERE archives.key = pairs.key
"""
_INSERT = """
INSERT INTO archives (vault, id, size, tree_hash, description, tool, name, modified, created,
                      token, seen)
SELECT :vault, id, size, tree_hash, description, tool, name, modified, created, token, :made
FROM incoming WHERE rowid NOT IN (SELECT incoming FROM pairs)
"""
_REMEMBER = """
INSERT INTO inventories (vault, made, asked, merged, archives, size) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET asked = max(asked, excluded.asked), merged = excluded.merged
"""


def merge(
    catalog: Catalog,
    scope: Scope,
    vault: str,
    entries: Iterable[Entry],
    *,
    made: datetime,
    asked: datetime,
    job_id: str | None = None,
) -> Inventory:
    """Merge a whole inventory; return what it is and what it changed.

    `made` is the inventory's date, `asked` when its job was created. All or nothing: an error
    while reading `entries` leaves the catalog as it was. Other processes wait only for the merge,
    not for the reading, except where the catalog has no archives yet.
    """
    stamp = milliseconds(made)
    with catalog.database.bulk() as connection:

        def finish(key: int, archives: int, size: int, known: int) -> Inventory:
            merged = milliseconds(datetime.now(UTC))
            connection.execute(_REMEMBER, (key, stamp, milliseconds(asked), merged, archives, size))
            # Counting reads every row; of a first inventory all rows are alike.
            counts = {"foreign": archives} if is_first else _counts(connection, key)
            return Inventory(vault, made, job_id, archives, size, new=archives - known, **counts)

        with transaction(connection):
            is_first = connection.execute("SELECT 1 FROM archives LIMIT 1").fetchone() is None
            if is_first:
                key = vault_key(connection, scope, vault)
                connection.execute("PRAGMA cell_size_check=OFF")  # all pages are of our making
                with _without_indexes(connection):
                    archives, size = _load(connection, _FIRST.format(key, stamp), entries)
                report = finish(key, archives, size, 0)
        if not is_first:
            connection.execute(_INCOMING)
            with transaction(connection, "DEFERRED"):  # it writes nothing but the temporary table
                archives, size = _load(connection, _LOAD, entries)
            with transaction(connection):
                key = vault_key(connection, scope, vault)
                known = _update_known(connection, key, stamp)
                _insert_new(connection, key, stamp, archives - known)
                report = finish(key, archives, size, known)
        # Without statistics some sums take ten times as long; a sample of each index will do.
        connection.execute("PRAGMA analysis_limit=1000")
        connection.execute("ANALYZE archives")
    return report


def _load(connection: Connection, insert: str, entries: Iterable[Entry]) -> tuple[int, int]:
    """Insert the entries, one row each; return their count and bytes."""
    total = 0

    def rows() -> Iterator[tuple[Any, ...]]:
        nonlocal total
        for ident, description, created, size, tree_hash in entries:
            tool, name, modified, _, token, *_ = decode(description)
            total += size
            yield (
                ident,
                size,
                tree_hash,
                stored(description),
                tool,
                stored(name) or None,
                None if modified is None else milliseconds(modified),
                milliseconds(created),
                stored(token),
            )

    # None at all leaves rowcount at -1 or 0, as sqlite3 likes.
    return max(connection.executemany(insert, rows()).rowcount, 0), total


def _update_known(connection: Connection, vault: int, made: int) -> int:
    """Merge the incoming archives that the catalog has; return how many they are."""
    connection.execute(_PAIRS)
    known = connection.execute(_PAIR, (vault,)).rowcount
    if known:
        connection.execute(_FILL, (vault,))
        connection.execute(_SEEN, {"made": made})
    return known


def _insert_new(connection: Connection, vault: int, made: int, count: int) -> None:
    everything = connection.execute("SELECT count(*) FROM archives").fetchone()[0]
    rebuild = count > max(_FEW, everything // 4)
    with _without_indexes(connection) if rebuild else nullcontext():
        connection.execute(_INSERT, {"vault": vault, "made": made})


@contextmanager
def _without_indexes(connection: Connection) -> Iterator[None]:
    for name in INDEXES:
        connection.execute(f"DROP INDEX {name}")
    yield
    for statement in INDEXES.values():
        connection.execute(statement)


def _counts(connection: Connection, vault: int) -> dict[str, int]:
    row = connection.execute(
        f"SELECT count(CASE WHEN {CONDITIONS['missing']} THEN 1 END) AS missing, "
        f"count(CASE WHEN {CONDITIONS['gone']} THEN 1 END) AS gone, "
        f"count(CASE WHEN {CONDITIONS['new']} THEN 1 END) AS unseen, "
        'count(CASE WHEN recorded IS NULL AND deleted IS NULL THEN 1 END) AS "foreign", '
        "count(differs) AS differing FROM archives INDEXED BY archives_by_created "
        "WHERE vault = :vault",
        {**horizon_of(connection, vault)._asdict(), "vault": vault},
    ).fetchone()
    return dict(row)
