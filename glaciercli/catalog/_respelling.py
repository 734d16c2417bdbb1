"""Rows of one place that are kept under several spellings of its name, brought under one.

Earlier versions took an endpoint as it was given: `http://localhost:8480/` and
`http://127.0.0.1:8480` were two worlds, and so were `aws` and the service's own URL.
"""

from __future__ import annotations

from glaciercli import endpoints
from glaciercli.files.database import Connection

# Both rows tell of one archive: what either knows is kept, the service's date before our own.
_JOIN = """
UPDATE archives SET
    size = coalesce(archives.size, other.size),
    tree_hash = coalesce(archives.tree_hash, other.tree_hash),
    hash_from = CASE WHEN archives.tree_hash IS NULL OR
                         (other.hash_from = 'upload' AND archives.tree_hash = other.tree_hash)
                THEN other.hash_from ELSE archives.hash_from END,
    description = coalesce(archives.description, other.description),
    tool = coalesce(archives.tool, other.tool),
    name = coalesce(archives.name, other.name),
    modified = coalesce(archives.modified, other.modified),
    created = CASE WHEN archives.seen IS NULL AND other.seen IS NOT NULL
              THEN other.created ELSE archives.created END,
    recorded = coalesce(archives.recorded, other.recorded),
    seen = coalesce(max(archives.seen, other.seen), archives.seen, other.seen),
    deleted = coalesce(max(archives.deleted, other.deleted), archives.deleted, other.deleted),
    differs = coalesce(archives.differs, other.differs),
    token = coalesce(archives.token, other.token),
    path = coalesce(archives.path, other.path),
    location = coalesce(archives.location, other.location)
FROM archives AS other
WHERE archives.vault = :into AND other.vault = :key AND other.id = archives.id
"""
_MOVE = (
    """
    DELETE FROM archives WHERE vault = :key
    AND id IN (SELECT id FROM archives WHERE vault = :into)
    """,
    "UPDATE archives SET vault = :into WHERE vault = :key",
    *(
        statement.format(table)
        for table in ("inventories", "aliases", "jobs")
        for statement in (
            "UPDATE OR IGNORE {} SET vault = :into WHERE vault = :key",
            "DELETE FROM {} WHERE vault = :key",  # what the other row has as well
        )
    ),
    # A vault is gone only where both say so: max() of a null is null.
    """
    UPDATE vaults SET deleted = max(vaults.deleted, other.deleted),
        gone = max(vaults.gone, other.gone)
    FROM vaults AS other WHERE other.key = :key AND vaults.key = :into
    """,
    "DELETE FROM vaults WHERE key = :key",
)


def respell(connection: Connection) -> None:
    """Bring all vaults and accounts under the names of their endpoints."""
    for endpoint, region in _pairs(connection, "SELECT DISTINCT endpoint, region FROM vaults"):
        if "@" in endpoint:  # a password, of which nothing must stay in the file
            connection.execute("PRAGMA secure_delete=ON")
        name = endpoints.name_of(endpoint, region)
        if name != endpoint:
            _rename_vaults(connection, endpoint, region, name)
    for (endpoint,) in _pairs(connection, "SELECT DISTINCT endpoint FROM accounts"):
        name = endpoints.name_of(endpoint)
        if name != endpoint:
            connection.execute(
                "INSERT OR IGNORE INTO accounts SELECT identity, ?, account FROM accounts "
                "WHERE endpoint = ?",
                (name, endpoint),
            )
            connection.execute("DELETE FROM accounts WHERE endpoint = ?", (endpoint,))


def _rename_vaults(connection: Connection, endpoint: str, region: str, name: str) -> None:
    rows = connection.execute(
        "SELECT vaults.key, other.key FROM vaults LEFT JOIN vaults AS other "
        "ON other.endpoint = ? AND other.account = vaults.account "
        "AND other.region = vaults.region AND other.name = vaults.name "
        "WHERE vaults.endpoint = ? AND vaults.region = ?",
        (name, endpoint, region),
    ).fetchall()
    for key, into in rows:
        if into is None:
            connection.execute("UPDATE vaults SET endpoint = ? WHERE key = ?", (name, key))
            continue
        connection.execute(_JOIN, {"key": key, "into": into})
        for statement in _MOVE:
            connection.execute(statement, {"key": key, "into": into})


def _pairs(connection: Connection, query: str) -> list[tuple[str, ...]]:
    return [tuple(row) for row in connection.execute(query).fetchall()]
