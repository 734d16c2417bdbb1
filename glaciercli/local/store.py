"""The engine's database: what is acknowledged, in SQLite.

A write is one `BEGIN IMMEDIATE` transaction, on disk when `write()` ends (WAL, synchronous=FULL).
`write(durable=False)` commits without waiting for the disk: for facts that matter only while their
process lives; the next durable commit takes them along. Several processes may use one store.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from glaciercli import system
from glaciercli.local._schema import MIGRATIONS
from glaciercli.local.errors import StoreError

Row = sqlite3.Row

_BUSY_SECONDS = 60.0  # another process holds the lock only for the length of a transaction
_FILE = "glacier.db"


class Transaction:
    """Statements inside one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, sql: str, *values: Any) -> int:
        """Execute and return how many rows it changed."""
        return self._connection.execute(sql, values).rowcount

    def insert(self, sql: str, *values: Any) -> int:
        """Execute an INSERT and return the new row's number."""
        return self._connection.execute(sql, values).lastrowid or 0

    def find(self, sql: str, *values: Any) -> Row | None:
        """Return the first row, or None."""
        row: Row | None = self._connection.execute(sql, values).fetchone()
        return row

    def get(self, sql: str, *values: Any) -> Row:
        """Return the row that must be there."""
        row = self.find(sql, *values)
        assert row is not None, sql
        return row

    def all(self, sql: str, *values: Any) -> list[Row]:
        """Return all rows of a query."""
        return self._connection.execute(sql, values).fetchall()


class Store:
    """An open database in a directory."""

    def __init__(self, root: Path) -> None:
        if not system.private_directory(root).is_dir():
            raise StoreError(f"{root} is not a directory")
        self.root = root
        self.path = root / _FILE
        _make_file(self.path)
        # A connection serves one thread at a time. A pool and not thread-locals: a server's
        # threads come and go, and their connections would stay open behind them.
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        # Threads of one process queue here; SQLite's own lock would have them sleep and poll.
        self._writing = threading.Lock()
        try:
            self._migrate()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Give statements that all see the same state."""
        with self._connection() as connection, _transaction(connection, "BEGIN") as transaction:
            yield transaction

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Transaction]:
        """Give a transaction; it is committed at the end, rolled back when an exception leaves."""
        level = "FULL" if durable else "NORMAL"
        with self._writing, self._connection() as connection:
            connection.execute(f"PRAGMA synchronous={level}")
            with _transaction(connection, "BEGIN IMMEDIATE") as transaction:
                yield transaction

    @property
    def version(self) -> int:
        """The version of the store's format, which counts its migrations."""
        with self.read() as db:
            return int(db.get("PRAGMA user_version")[0])

    def check(self) -> list[str]:
        """Return what SQLite's own integrity check complains of."""
        with self.read() as db:
            return [row[0] for row in db.all("PRAGMA integrity_check") if row[0] != "ok"]

    def close(self) -> None:
        """Close the connections that nobody uses; the others close as they are given back."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._take()
            try:
                yield connection
            finally:
                if self._closed:
                    connection.close()
                else:
                    self._idle.append(connection)
        except sqlite3.DatabaseError as error:
            raise StoreError(f"{self.path} cannot be used: {error}") from error

    def _take(self) -> sqlite3.Connection:
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        try:
            for pragma in ("foreign_keys=ON", "trusted_schema=OFF", "cache_size=-8000"):
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()  # it is the first statement that meets a damaged file
            raise
        return connection

    def _migrate(self) -> None:
        with self._connection() as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        if self.version == len(MIGRATIONS):
            return  # and waits for no writer
        with self.write() as db:
            version = db.get("PRAGMA user_version")[0]
            if version > len(MIGRATIONS):
                raise StoreError(
                    f"{self.path} has format {version}; this version reads up to {len(MIGRATIONS)}"
                )
            for statements in MIGRATIONS[version:]:
                for statement in statements:
                    db.run(statement)
            if version < len(MIGRATIONS):
                db.run(f"PRAGMA user_version={len(MIGRATIONS)}")
        if version < len(MIGRATIONS):
            system.sync_directory(self.root)


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[Transaction]:
    connection.execute(begin)
    try:
        yield Transaction(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _make_file(path: Path) -> None:
    """Make the file for its owner alone, or check that nobody else can have written it.

    SQLite gives its -wal and -shm the mode of the file.
    """
    try:
        descriptor, strange = system.open_own(path, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    os.close(descriptor)
    if strange is not None:
        raise StoreError(f"{path} {strange}")
