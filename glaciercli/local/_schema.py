"""The database's tables, as numbered migrations from the empty file.

An instant is milliseconds since 1970. A change of `writes` of a vault is an upload or a delete that
counts; archives know at which one they were born and at which they died, so an inventory is a
query: born at most then, not dead by then. Numbers and not times, since many writes can fall into
one millisecond, and all of them when the clock stands still.

The row of a dead archive stays as long as its vault, some 400 bytes of it: the last inventory and
finished jobs still speak of it, and its id is known when another vault is asked to delete it.
"""

from __future__ import annotations

_FIRST = (
    """CREATE TABLE engine (
        clock_real INTEGER NOT NULL, clock_engine INTEGER NOT NULL, clock_rate REAL NOT NULL,
        timing TEXT NOT NULL
    )""",
    "INSERT INTO engine VALUES (0, 0, 1.0, 'instant')",
    """CREATE TABLE vaults (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        archives INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0,
        writes INTEGER NOT NULL DEFAULT 0, written_at INTEGER,
        inventory_at INTEGER, inventory_writes INTEGER NOT NULL DEFAULT 0,
        inventory_archives INTEGER NOT NULL DEFAULT 0, inventory_bytes INTEGER NOT NULL DEFAULT 0,
        notifications TEXT, access_policy TEXT,
        lock_id TEXT, lock_state TEXT, lock_policy TEXT, lock_created_at INTEGER,
        UNIQUE (account, region, name)
    )""",
    """CREATE TABLE tags (
        vault INTEGER NOT NULL REFERENCES vaults ON DELETE CASCADE,
        key TEXT NOT NULL, value TEXT NOT NULL,
        PRIMARY KEY (vault, key)
    ) WITHOUT ROWID""",
    """CREATE TABLE archives (
        number INTEGER PRIMARY KEY,
        vault INTEGER NOT NULL REFERENCES vaults ON DELETE CASCADE,
        born INTEGER NOT NULL, died INTEGER,
        id TEXT NOT NULL UNIQUE, description TEXT, created_at INTEGER NOT NULL,
        size INTEGER NOT NULL, tree_hash TEXT NOT NULL, blob TEXT NOT NULL
    )""",
    "CREATE UNIQUE INDEX archives_by_birth ON archives (vault, born)",
    """CREATE TABLE uploads (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        vault INTEGER NOT NULL REFERENCES vaults ON DELETE CASCADE,
        created_at INTEGER NOT NULL, touched_at INTEGER NOT NULL,
        part_size INTEGER NOT NULL, description TEXT, blob TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('open', 'completed', 'aborted')),
        archive_id TEXT, size INTEGER, tree_hash TEXT
    )""",
    "CREATE INDEX uploads_by_vault ON uploads (vault, number)",
    "CREATE INDEX uploads_by_touch ON uploads (touched_at)",
    # A claim is the right to write a part into the upload's blob; given once (see parts.py).
    """CREATE TABLE claims (
        upload INTEGER NOT NULL REFERENCES uploads ON DELETE CASCADE,
        part INTEGER NOT NULL, done INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (upload, part)
    ) WITHOUT ROWID""",
    """CREATE TABLE parts (
        upload INTEGER NOT NULL REFERENCES uploads ON DELETE CASCADE,
        part INTEGER NOT NULL, size INTEGER NOT NULL, tree_hash TEXT NOT NULL,
        aside TEXT, -- the file that holds it, where it is not in the upload's blob
        PRIMARY KEY (upload, part)
    ) WITHOUT ROWID""",
    """CREATE TABLE jobs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        vault INTEGER NOT NULL REFERENCES vaults ON DELETE CASCADE,
        action TEXT NOT NULL, status TEXT NOT NULL,
        ready_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
        document TEXT NOT NULL, -- the job as DescribeJob shows it
        archive INTEGER, -- its number, where the job reads one
        start INTEGER NOT NULL DEFAULT 0, -- of the output in `output`
        size INTEGER, output TEXT, -- the blob with the output: the archive's own, or an inventory's
        -- of an inventory: as of which write, after which one, and the date it bears
        snapshot INTEGER, after INTEGER, made_at INTEGER
    )""",
    "CREATE INDEX jobs_by_vault ON jobs (vault, number)",
    "CREATE INDEX jobs_by_archive ON jobs (archive)",
    "CREATE INDEX jobs_under_way ON jobs (ready_at) WHERE status = 'InProgress'",
    "CREATE INDEX jobs_by_end ON jobs (expires_at)",
    # Files that no other row speaks for: being written, or on their way out.
    "CREATE TABLE strays (name TEXT PRIMARY KEY, due INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TABLE outbox (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        topic TEXT NOT NULL, envelope TEXT NOT NULL
    )""",
    """CREATE TABLE accounts (
        account TEXT NOT NULL, region TEXT NOT NULL, retrieval_policy TEXT,
        PRIMARY KEY (account, region)
    ) WITHOUT ROWID""",
    """CREATE TABLE capacity (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL,
        started_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
    )""",
    """CREATE TABLE faults (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        operation TEXT NOT NULL, kind TEXT NOT NULL, arguments TEXT NOT NULL,
        skip INTEGER NOT NULL, remaining INTEGER NOT NULL, delivered INTEGER NOT NULL DEFAULT 0
    )""",
)

# What AWS would bill (see metering.py). A store that was used before it tells when it began.
_METER = (
    "ALTER TABLE engine ADD COLUMN metered_since INTEGER",
    """UPDATE engine SET metered_since = clock_engine + CAST(clock_rate
        * ((julianday('now') - 2440587.5) * 86400000 - clock_real) AS INTEGER)
        WHERE EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'vaults')""",
    """CREATE TABLE meter (
        account TEXT NOT NULL, region TEXT NOT NULL,
        day INTEGER NOT NULL, -- since 1970, by the engine's clock
        operation TEXT NOT NULL, action TEXT NOT NULL, tier TEXT NOT NULL,
        count INTEGER NOT NULL, bytes INTEGER NOT NULL, byte_hours INTEGER NOT NULL,
        PRIMARY KEY (account, region, day, operation, action, tier)
    ) WITHOUT ROWID""",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST, _METER)
