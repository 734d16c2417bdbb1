"""What is odd about a vault, by what the catalog knows: the conditions that an audit counts.

missing     known here, absent from an inventory that should have it
foreign     in the vault, but not made here
changed     the inventory's size or hash is not the one known here
duplicates  the same content as an older archive of the vault
undeleted   deleted here, and listed days later all the same: it is in the vault
"""

from __future__ import annotations

from glaciercli.catalog._rows import archive_of
from glaciercli.catalog.states import IS_UNDELETED, PRESENT, any_of, horizon_of
from glaciercli.catalog.store import Catalog
from glaciercli.models import Archive, Scope

# What may be lost is nobody's original, and no copy either: the other one may be the last.
_THERE = any_of({"new", "seen"})
# Of a bare column beside min(), SQLite gives the value in the row of the least.
_TWICE = f"""
CREATE TEMP TABLE twice AS
SELECT tree_hash, key AS first, min(created) FROM archives
WHERE vault = :vault AND tree_hash IS NOT NULL AND ({_THERE})
GROUP BY tree_hash HAVING count(*) > 1
"""
_CONDITIONS = {
    "missing": any_of({"missing", "gone"}),
    "foreign": f"recorded IS NULL AND ({any_of(PRESENT)})",
    "changed": f"({any_of(PRESENT)}) AND differs IS NOT NULL",
    "duplicates": (
        f"({_THERE}) AND EXISTS (SELECT 1 FROM twice "
        "WHERE twice.tree_hash = archives.tree_hash AND twice.first <> archives.key)"
    ),
    "undeleted": IS_UNDELETED,
}
KINDS = tuple(_CONDITIONS)


def look(
    catalog: Catalog, scope: Scope, vault: str, kind: str, *, limit: int = 0
) -> tuple[int, list[Archive]]:
    """Return how many archives are of a kind, and the first `limit` of them."""
    with catalog.database.bulk() as connection:
        key = catalog.vault_key(scope, vault)
        if key is None:
            return 0, []
        horizon = horizon_of(connection, key)
        selected = (
            "FROM archives INDEXED BY archives_by_created "
            f"WHERE vault = :vault AND ({_CONDITIONS[kind]})"
        )
        values = {**horizon._asdict(), "vault": key, "limit": limit}
        if kind == "duplicates":
            connection.execute(_TWICE, values)
        count = connection.execute(f"SELECT count(*) {selected}", values).fetchone()[0]
        rows = connection.execute(f"SELECT * {selected} LIMIT :limit", values)
        return count, [archive_of(each, vault, horizon) for each in rows]
