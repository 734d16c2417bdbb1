"""The catalog's schema, as the numbered steps that lead to it.

A step that was released is never changed; the next change is the next step.
Times are milliseconds since 1970 UTC, tree hashes are their 32 bytes.
"""

from __future__ import annotations

from glaciercli.catalog._respelling import respell
from glaciercli.files.database import Connection, Migration, keep_generations


def _first(connection: Connection) -> None:
    tables = (_ACCOUNTS, _VAULTS, _INVENTORIES, _ARCHIVES, _ALIASES, _JOBS)
    for statement in (*tables, *INDEXES.values()):
        connection.execute(statement)


def _hash_sources(connection: Connection) -> None:
    """Know whose word a tree hash is; what was recorded before is judged by what it has."""
    connection.execute(
        "ALTER TABLE archives ADD COLUMN hash_from TEXT"  # null where an inventory told it
    )
    connection.execute(
        "UPDATE archives SET hash_from = CASE WHEN location IS NULL THEN 'import' ELSE 'upload' END"
        " WHERE recorded IS NOT NULL AND tree_hash IS NOT NULL"
    )


def _know_vaults_and_places(connection: Connection) -> None:
    """Know the end of a vault as its own state, and each place by one name."""
    for statement in _VAULTS_AS_A_WHOLE:
        connection.execute(statement)
    respell(connection)
    connection.execute(
        "UPDATE vaults SET known = (SELECT max(key) FROM archives) WHERE gone IS NOT NULL"
    )


_ACCOUNTS = """
CREATE TABLE accounts (     -- which account `-` is, by who asks
    identity TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    account  TEXT NOT NULL,
    PRIMARY KEY (identity, endpoint)
) WITHOUT ROWID
"""
_VAULTS = """
CREATE TABLE vaults (
    key      INTEGER PRIMARY KEY,
    endpoint TEXT NOT NULL,
    account  TEXT NOT NULL,
    region   TEXT NOT NULL,
    name     TEXT NOT NULL,
    deleted  INTEGER,       -- when it was deleted here
    UNIQUE (endpoint, account, region, name)
)
"""
_INVENTORIES = """
CREATE TABLE inventories (  -- full ones that were merged
    vault    INTEGER NOT NULL REFERENCES vaults (key),
    made     INTEGER NOT NULL,  -- when the service made it
    asked    INTEGER NOT NULL,  -- when the newest job that brought it was created
    merged   INTEGER NOT NULL,  -- when it was merged here
    archives INTEGER NOT NULL,
    size     INTEGER NOT NULL,
    PRIMARY KEY (vault, made)
) WITHOUT ROWID
"""
_ARCHIVES = """
CREATE TABLE archives (
    key         INTEGER PRIMARY KEY,
    vault       INTEGER NOT NULL REFERENCES vaults (key),
    id          TEXT NOT NULL,
    size        INTEGER,
    tree_hash   BLOB,
    description TEXT,           -- null while no one said it
    tool        TEXT,           -- which tool's description it is
    name        TEXT,
    modified    INTEGER,        -- the file's own time
    created     INTEGER NOT NULL,  -- when the service had it
    recorded    INTEGER,        -- created here: when it was uploaded or imported by us
    seen        INTEGER,        -- the date of the newest inventory that has it
    deleted     INTEGER,        -- deleted here
    differs     INTEGER,        -- the date of an inventory whose size or hash is another
    token       TEXT,           -- of the upload that made it
    path        TEXT,           -- where the file was
    location    TEXT
)
"""
_ALIASES = """
CREATE TABLE aliases (      -- further names of an archive, where a tool stored equal files once
    vault   INTEGER NOT NULL REFERENCES vaults (key),
    name    TEXT NOT NULL,
    id      TEXT NOT NULL,
    PRIMARY KEY (vault, name, id)
) WITHOUT ROWID
"""
_JOBS = """
CREATE TABLE jobs (
    vault   INTEGER NOT NULL REFERENCES vaults (key),
    id      TEXT NOT NULL,
    created INTEGER NOT NULL,
    token   TEXT,
    expired INTEGER,            -- when the service no longer knew it
    record  TEXT NOT NULL,      -- the job as the service last told it
    PRIMARY KEY (vault, id)
) WITHOUT ROWID
"""

#: Dropped and made again around a large merge: random keys into a full index cost twice the time.
INDEXES = {
    "archives_by_id": "CREATE UNIQUE INDEX archives_by_id ON archives (vault, id)",
    "archives_by_created": "CREATE INDEX archives_by_created ON archives (vault, created)",
    "archives_by_name": "CREATE INDEX archives_by_name ON archives (vault, name)",
    "archives_unseen": "CREATE INDEX archives_unseen ON archives (vault) WHERE seen IS NULL",
    "archives_by_token": (
        "CREATE INDEX archives_by_token ON archives (vault, token) WHERE token IS NOT NULL"
    ),
}

_VAULTS_AS_A_WHOLE = (
    # When it was created, as the service last told.
    "ALTER TABLE vaults ADD COLUMN made INTEGER",
    # When it was found not to be there, or was deleted here.
    "ALTER TABLE vaults ADD COLUMN gone INTEGER",
    # The highest key of archives when either was last told: those up to it were of that vault.
    "ALTER TABLE vaults ADD COLUMN known INTEGER",
    # The highest key of archives that were of an earlier vault of the name.
    "ALTER TABLE vaults ADD COLUMN earlier INTEGER",
    # Archives that were dated here, and before this, were of an earlier vault, too.
    "ALTER TABLE vaults ADD COLUMN since INTEGER",
    # The end of a vault was a tombstone on each of its archives.
    """
    UPDATE archives SET deleted = NULL
    WHERE deleted = (SELECT deleted FROM vaults WHERE vaults.key = archives.vault)
    """,
    "UPDATE vaults SET gone = deleted",
    # Documents from files were taken for whole; they are known by their dates, which are equal.
    "DELETE FROM inventories WHERE asked = made",
)

MIGRATIONS: tuple[Migration, ...] = (
    _first,
    keep_generations,
    _hash_sources,
    _know_vaults_and_places,
)
