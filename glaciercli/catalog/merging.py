"""An inventory into the catalog: loaded beside it, then merged in one transaction.

Merging adds and never takes away. What an inventory lacks is not touched: that an archive is
missing follows from the date of a whole inventory (see `states`), so merging one twice changes
nothing and their order does not matter. A document that may be a part is no such witness: what it
lists is there, and nothing follows from what it lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any

from glaciercli.catalog._rows import from_sqlite, milliseconds, newest_key, to_sqlite, vault_key
from glaciercli.catalog._schema import INDEXES
from glaciercli.catalog.descriptions import decode
from glaciercli.catalog.inventories import Entry
from glaciercli.catalog.states import (
    CONDITIONS,
    IS_PRESENT,
    IS_UNDELETED,
    LAG,
    Horizon,
    horizon_of,
)
from glaciercli.catalog.store import Catalog
from glaciercli.files.database import Connection, transaction
from glaciercli.models import Inventory, Scope

# Below this many new rows, keeping the indexes is cheaper than making them again.
_FEW = 10_000

# What is read of descriptions, in the order of the columns.
_TOLD = "tool, name, modified, token"
_TABLES = (
    "CREATE TEMP TABLE incoming (id, size, tree_hash, description, created)",
    # Which of them are known here, by their keys: those never change, and no row goes away.
    "CREATE TEMP TABLE pairs (key INTEGER PRIMARY KEY, incoming)",
    # Of those that are not, or are not filled yet; to read all again would take as long as to load.
    f"CREATE TEMP TABLE told (incoming INTEGER PRIMARY KEY, {_TOLD})",
)
_LOAD = "INSERT INTO incoming VALUES (?, ?, ?, ?, ?)"
# The first inventory needs no comparing, and no second copy of its rows.
_FIRST = f"""
INSERT INTO archives (vault, seen, id, size, tree_hash, description, created, {_TOLD})
VALUES ({{}}, {{}}, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
# One look into the index for each, none into the table.
_PAIR = """
INSERT OR IGNORE INTO pairs SELECT archives.key, incoming.rowid FROM incoming
CROSS JOIN archives ON archives.vault = ? AND archives.id = incoming.id
"""
_PAIR_LATE = f"{_PAIR} WHERE incoming.rowid IN (SELECT incoming FROM told)"
_UNTOLD = """
SELECT rowid, description FROM incoming WHERE rowid NOT IN (SELECT incoming FROM pairs)
UNION ALL
SELECT incoming.rowid, incoming.description FROM archives CROSS JOIN pairs USING (key)
CROSS JOIN incoming ON incoming.rowid = pairs.incoming
WHERE archives.vault = ? AND archives.seen IS NULL
"""
_TELL = "INSERT INTO told VALUES (?, ?, ?, ?, ?)"
# What was recorded here has a fuller name; an import may lack description, size and hash.
_FILL = """
UPDATE archives SET
    size = coalesce(archives.size, incoming.size),
    tree_hash = coalesce(archives.tree_hash, incoming.tree_hash),
    tool = CASE WHEN archives.description IS NULL THEN told.tool ELSE archives.tool END,
    description = coalesce(archives.description, incoming.description),
    name = coalesce(archives.name, told.name),
    modified = coalesce(archives.modified, told.modified),
    token = coalesce(archives.token, told.token),
    created = incoming.created
FROM pairs CROSS JOIN incoming ON incoming.rowid = pairs.incoming
CROSS JOIN told ON told.incoming = pairs.incoming
WHERE archives.key = pairs.key AND archives.vault = ? AND archives.seen IS NULL
"""
# An import is a file's word, which the service's newest inventory confirms or corrects. A size
# without a hash can only be an import's.
_IMPORTED = """
:is_told AND coalesce(archives.seen, :made) <= :made
AND (archives.hash_from = 'import' OR archives.tree_hash IS NULL)
"""
_IS_ANOTHER = "(archives.size <> incoming.size OR archives.tree_hash <> incoming.tree_hash)"
_CORRECT = f"""
UPDATE archives SET size = incoming.size, tree_hash = incoming.tree_hash
FROM pairs CROSS JOIN incoming ON incoming.rowid = pairs.incoming
WHERE archives.key = pairs.key AND {_IMPORTED} AND {_IS_ANOTHER}
"""
# No indexed column is set, so no index is written; and the rows come in the table's order.
_SEEN = f"""
UPDATE archives SET
    seen = max(coalesce(archives.seen, :made), :made),
    hash_from = CASE WHEN {_IMPORTED} THEN NULL ELSE archives.hash_from END,
    differs = CASE WHEN {_IMPORTED} THEN NULL WHEN {_IS_ANOTHER} THEN :made
              ELSE archives.differs END
FROM pairs CROSS JOIN incoming ON incoming.rowid = pairs.incoming
WHERE archives.key = pairs.key
"""
_INSERT = f"""
INSERT INTO archives (vault, seen, id, size, tree_hash, description, created, {_TOLD})
SELECT :vault, :made, id, size, tree_hash, description, created, {_TOLD}
FROM told CROSS JOIN incoming ON incoming.rowid = told.incoming
WHERE told.incoming NOT IN (SELECT incoming FROM pairs)
"""
# Deleted here before an inventory that should not list them any more.
_RETURNED = f"""
SELECT count(*) FROM archives CROSS JOIN pairs USING (key) WHERE deleted IS NOT NULL
AND NOT ({IS_UNDELETED}) AND :made > deleted + {LAG}
"""
# What came with it was in the vault that was last told, if nothing else came meanwhile.
_KNOWN = "UPDATE vaults SET known = ? WHERE key = ? AND known = ? AND gone IS NULL"
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
    asked: datetime | None,
    job_id: str | None = None,
) -> Inventory:
    """Merge an inventory; return what it is and what it changed.

    `made` is the inventory's date, `asked` when the job that brought all of it was created; None
    for a document of which nobody knows that it is whole. All or nothing: an error while reading
    `entries` leaves the catalog as it was. Other processes wait only for the merge, not for the
    reading, except where the catalog has no archives yet.
    """
    stamp = milliseconds(made)
    with catalog.database.bulk() as connection:

        def finish(key: int, archives: int, size: int, known: int, **changed: int) -> Inventory:
            if asked is not None:
                merged = milliseconds(datetime.now(UTC))
                connection.execute(
                    _REMEMBER, (key, stamp, milliseconds(asked), merged, archives, size)
                )
                connection.execute(_KNOWN, (newest_key(connection), key, before))
            horizon = horizon_of(connection, key)
            # Counting reads every row; of a first inventory, the newest one, all rows are alike.
            is_known = is_first and horizon.missing_seen == stamp
            counts = {"foreign": archives} if is_known else _counts(connection, key, horizon)
            counts |= {"new": archives - known, **changed}
            return Inventory(vault, made, job_id, archives, size, **counts)

        with transaction(connection):
            before = newest_key(connection)
            is_first = before == 0
            if is_first:
                key = vault_key(connection, scope, vault)
                connection.execute("PRAGMA cell_size_check=OFF")  # all pages are of our making
                with _without_indexes(connection):
                    insert = _FIRST.format(key, stamp)
                    archives, size = _load(connection, insert, entries, _told)
                report = finish(key, archives, size, 0)
        if not is_first:
            with transaction(connection, "DEFERRED"):  # it writes temporary tables alone
                for statement in _TABLES:
                    connection.execute(statement)
                archives, size = _load(connection, _LOAD, entries, lambda _: ())
                _match(connection, catalog.vault_key(scope, vault))
            with transaction(connection):
                key = vault_key(connection, scope, vault)
                before = newest_key(connection)
                known, changed = _update_known(connection, key, stamp, is_told=asked is not None)
                _insert_new(connection, key, stamp, archives - known)
                report = finish(key, archives, size, known, **changed)
        # Without statistics some sums take ten times as long; a sample of each index will do.
        connection.execute("PRAGMA analysis_limit=1000")
        with transaction(connection):
            connection.execute("ANALYZE archives")
    return report


def _load(
    connection: Connection,
    insert: str,
    entries: Iterable[Entry],
    read: Callable[[str], tuple[Any, ...]],
) -> tuple[int, int]:
    """Insert the entries, one row each, with what `read` gives of a description.

    Returns their count and bytes.
    """
    total = 0

    def rows() -> Iterator[tuple[Any, ...]]:
        nonlocal total
        for ident, description, created, size, tree_hash in entries:
            total += size
            text = to_sqlite(description)
            yield ident, size, tree_hash, text, milliseconds(created), *read(description)

    # None at all leaves rowcount at -1 or 0, as sqlite3 likes.
    return max(connection.executemany(insert, rows()).rowcount, 0), total


def _told(description: str) -> tuple[Any, ...]:
    """Return the columns that a description fills."""
    tool, name, modified, _, token, *_ = decode(description)
    when = None if modified is None else milliseconds(modified)
    return tool, to_sqlite(name) or None, when, to_sqlite(token)


def _match(connection: Connection, vault: int | None) -> None:
    """Find the incoming archives that the catalog has, and read what the others' descriptions say.

    Done before others must wait; what they record meanwhile is found by `_update_known`.
    """
    connection.execute(_PAIR, (vault,))
    untold = connection.execute(_UNTOLD, (vault,))
    connection.executemany(_TELL, ((row, *_told(from_sqlite(text) or "")) for row, text in untold))


def _update_known(
    connection: Connection, vault: int, made: int, *, is_told: bool
) -> tuple[int, dict[str, int]]:
    """Merge the incoming archives that the catalog has, by the service's word if `is_told`.

    Returns how many they are, and how many of them had been taken for deleted, or were known by
    an import that the inventory corrects.
    """
    connection.execute(_PAIR_LATE, (vault,))
    dated = {"made": made, "is_told": is_told}
    corrected = connection.execute(_CORRECT, dated).rowcount
    connection.execute(_FILL, (vault,))
    returned = int(connection.execute(_RETURNED, {"made": made}).fetchone()[0])
    connection.execute(_SEEN, dated)
    known = int(connection.execute("SELECT count(*) FROM pairs").fetchone()[0])
    return known, {"returned": returned, "corrected": corrected}


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


def _counts(connection: Connection, vault: int, horizon: Horizon) -> dict[str, int]:
    row = connection.execute(
        f"SELECT count(CASE WHEN {CONDITIONS['missing']} THEN 1 END) AS missing, "
        f"count(CASE WHEN {CONDITIONS['gone']} THEN 1 END) AS gone, "
        f"count(CASE WHEN {CONDITIONS['new']} THEN 1 END) AS unseen, "
        f'count(CASE WHEN recorded IS NULL AND {IS_PRESENT} THEN 1 END) AS "foreign", '
        f"count(CASE WHEN {IS_PRESENT} THEN differs END) AS differing "
        "FROM archives INDEXED BY archives_by_created WHERE vault = :vault",
        {**horizon._asdict(), "vault": vault},
    ).fetchone()
    return dict(row)
