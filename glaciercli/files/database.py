"""The catalog's SQLite file: opened safely, brought up to date, shared by threads and processes.

The only module of the catalog that knows sqlite3; the others speak SQL through a `Database`.

The file is a cache that inventories can rebuild, yet it holds names that no inventory has, so:
a newer version is refused, a damaged file is moved aside and never overwritten, and a file or a
directory that others could have written is not opened at all.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

from glaciercli.errors import Conflict, GlacierError, IntegrityError, Refused
from glaciercli.evidence import vault_words
from glaciercli.files import _beside, _generations
from glaciercli.files.private import private_directory
from glaciercli.hints import Command

Connection = sqlite3.Connection
Row = sqlite3.Row
Migration = Callable[[Connection], None]

_APPLICATION_ID = 0x676C6369  # "glci": tells our files from any other SQLite file
_BUSY_TIMEOUT = 300.0  # seconds; another process may be merging an inventory of millions
_AT_END = 1.0  # seconds that an ending run waits for a change of its own to be over
_PAGE = 8192  # bytes; twice SQLite's own, half the calls that a large merge makes
_CHECKED_AT_OPEN = 4 << 20  # bytes; a larger file is checked through when damage was met
_WAL_KEPT = 8 << 20  # bytes of write-ahead log left on disk after a large merge

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_NOT_TEXT = "Could not decode"  # how Python's module begins to say it, which gives no code
_UNREAD = re.compile(r"error code=([0-9]+)")  # how a check says that a page could not be read
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DISK = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_NOLFS,
}


class Database:
    """One SQLite file of ours. `write` is one transaction at a time, `read` a snapshot of its own.

    `set_aside` is where a damaged file was moved to when this one was opened, else None;
    `stale_log` where a log was moved to that belongs to another state of the file. The migrations
    include `keep_generations`. On a `network` file system there is no write-ahead log: its index is
    shared memory, which other machines do not have.
    """

    def __init__(
        self, path: Path, migrations: Sequence[Migration], *, network: str | None = None
    ) -> None:
        self.path = path
        self.network = network
        self.set_aside: Path | None = None
        self.stale_log: Path | None = None
        self._migrations = migrations
        self._lock = threading.RLock()
        private_directory(path.parent)
        with _beside.opening(path):
            try:
                self._connection = self._opened()
            except IntegrityError:
                self._connection = self._opened_again()

    def close(self) -> None:
        """Close the file, and its log into it where no other run has them open.

        Where a thread that nobody waits for any more is in the midst of a change, both stay as
        they are, and are whole together.
        """
        if self._lock.acquire(timeout=_AT_END):
            try:
                self._connection.close()
            finally:
                self._lock.release()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Run the block as one transaction: all its changes are on disk when it ends, or none.

        Inside another such block of this thread it is a part of that one.
        """
        with self._lock, self._translated():
            is_inner = self._connection.in_transaction
            with nullcontext() if is_inner else transaction(self._connection):
                yield self._connection

    @contextmanager
    def shared_connection(self) -> Iterator[Connection]:
        """Lend the shared connection for a short look at the newest state."""
        with self._lock, self._translated():
            yield self._connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Lend a snapshot of the caller's own, whose rows may stream while others write."""
        with self._translated():
            connection = _connect(self.path)
            try:
                if self.network is not None:
                    connection = _copied(connection)
                connection.execute("PRAGMA query_only=ON")
                connection.execute("BEGIN")
                yield connection
            finally:
                connection.close()

    @contextmanager
    def bulk(self) -> Iterator[Connection]:
        """Lend a connection for large changes; when to begin and commit is the caller's business.

        Other threads go on with small writes until it begins. Temporary tables are its own.
        """
        with self._translated():
            connection = _connect(self.path)
            try:
                yield connection
            finally:
                connection.close()

    def check(self) -> None:
        """Read the whole file through; raises IntegrityError when it is damaged."""
        with self.read() as connection:
            _quick_check(connection, self.path)

    def _opened_again(self) -> Connection:
        """Look a second time, since SQLite takes a failure to read for damage; then move aside."""
        try:
            return self._opened()
        except IntegrityError:
            self.set_aside = _beside.move_aside(self.path)
            return self._opened()

    def _opened(self) -> Connection:
        marker = _beside.marker(self.path)
        is_suspect = marker.exists()
        _beside.create(self.path)
        stale = _beside.stale_log_moved(self.path, lambda: _state(self.path))
        self.stale_log = stale or self.stale_log
        with self._translated():
            try:
                connection = _connect(self.path)
            except UnicodeDecodeError as error:  # of SQLite's own message, quoting the damage
                raise _damaged(self.path, error) from error
            try:
                _require_ours(connection, self.path)
                if is_suspect or self.path.stat().st_size <= _CHECKED_AT_OPEN:
                    _quick_check(connection, self.path)
                version = _known_version(connection, self._migrations, self.path)
                _choose_journal(connection, self.path, "WAL" if self.network is None else "DELETE")
                _migrate(connection, self._migrations[version:], version)
                if is_suspect and not self._has_its_schema():  # which no check of pages finds
                    raise _damaged(self.path, "its schema is not the one it was made with")
            except BaseException:
                connection.close()
                raise
        marker.unlink(missing_ok=True)
        return connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            translated = self._translate(error)
            if translated is None:
                raise
            raise translated from error
        except UnicodeEncodeError as error:  # of a vault or an id; names are kept whatever they are
            raise Refused(f"{error.object!r} is no text that a vault or an id can have") from error

    def _translate(self, error: sqlite3.DatabaseError) -> GlacierError | None:
        # The low byte is the primary code; the rest of it says where it came from.
        extended = getattr(error, "sqlite_errorcode", 0)
        code = extended & 0xFF
        if code in _BUSY:
            return Conflict(
                f"the catalog {str(self.path)!r} is being written by another run",
                hint="run the same command again when that has ended",
            )
        is_damage = code in _DAMAGED or str(error).startswith(_NOT_TEXT)
        # "No such column": of a schema that lost a byte, or in a statement of ours, which is a bug.
        if is_damage or (code == sqlite3.SQLITE_ERROR and not self._has_its_schema()):
            _beside.marker(self.path).touch(mode=0o600)
            return _damaged(self.path, error)
        if extended == sqlite3.SQLITE_CONSTRAINT_UNIQUE:
            # The one constraint that data from outside can break: ids are unique in a vault.
            return IntegrityError(vault_words.listed_twice())
        if code in _DISK:
            return _unusable(self.path, error)
        return None

    def _has_its_schema(self) -> bool:
        """Tell whether the file has all tables, columns and indexes that its migrations make."""
        try:
            with closing(_connect(self.path)) as connection:
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                found = _names(connection)
        except (sqlite3.DatabaseError, UnicodeDecodeError):
            return False
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
            for migration in self._migrations[:version]:
                migration(fresh)
            return _names(fresh) <= found


@contextmanager
def transaction(connection: Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    """Run the block as one transaction: committed at its end, rolled back by an exception.

    An IMMEDIATE one changes the file, and makes it another generation.
    """
    connection.execute(f"BEGIN {kind}")
    try:
        if kind == "IMMEDIATE":
            connection.execute(_generations.RENEW)
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def keep_generations(connection: Connection) -> None:
    """Let a file say which generation it is: a migration of every database of ours."""
    connection.execute(_generations.CREATE)
    connection.execute(_generations.BEGIN)


def _connect(path: Path) -> Connection:
    connection = sqlite3.connect(
        path, timeout=_BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
    )
    try:
        connection.row_factory = sqlite3.Row
        _distrust(connection)
        # FULL: in WAL mode NORMAL would lose the last commits in a power cut.
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA journal_size_limit={_WAL_KEPT}")
    except BaseException:
        connection.close()  # it is the first statement that meets a damaged file
        raise
    return connection


def _distrust(connection: Connection) -> None:
    """Keep a schema that someone else wrote from calling functions, and damage from spreading."""
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA cell_size_check=ON")


def _state(path: Path) -> _generations.State | None:
    """Return what the file says of its generation, without its log; None where it is damaged."""
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            _distrust(connection)
            tables = "SELECT rootpage FROM sqlite_master WHERE name = 'generation'"
            if (page := connection.execute(tables).fetchone()) is None:
                return _generations.BEGINNING, None
            row = connection.execute("SELECT said FROM generation").fetchone()
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return None
    said = None if row is None else _generations.SAID.fullmatch(str(row[0]).encode())
    return None if said is None else (said[1].decode(), int(page[0]))


def _require_ours(connection: Connection, path: Path) -> None:
    identity = connection.execute("PRAGMA application_id").fetchone()[0]
    schema = connection.execute("SELECT type, name FROM sqlite_master").fetchall()
    if schema and identity != _APPLICATION_ID:
        raise Refused(f"{str(path)!r} is a SQLite file, but not a catalog")
    alien = [row["name"] for row in schema if row["type"] in {"trigger", "view"}]
    if alien:
        raise Refused(f"the catalog {str(path)!r} has a trigger or view that is not ours: {alien}")


def _names(connection: Connection) -> set[tuple[str, str | None]]:
    """Return the tables and indexes that a file has, each with each of its columns, if any."""
    rows = connection.execute(
        "SELECT made.name, columns.name FROM sqlite_master AS made "
        "LEFT JOIN pragma_table_info(made.name) AS columns"
    )
    return {(made, column) for made, column in rows}


def _quick_check(connection: Connection, path: Path) -> None:
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found == "ok":
        return
    # What the disk did not give this time may be sound: it is not moved aside for that.
    unread = _UNREAD.search(found)
    if unread is not None and int(unread[1]) & 0xFF in _DISK:
        raise _unusable(path, found)
    raise _damaged(path, found)


def _unusable(path: Path, found: object) -> Conflict:
    return Conflict(
        f"the catalog {str(path)!r}: {found}",
        hint="mend the disk, or make room, then run the same command again",
    )


def _damaged(path: Path, found: object) -> IntegrityError:
    return IntegrityError(
        f"the catalog {str(path)!r} is damaged: {found}",
        hint=("run again: it is moved aside, and ", Command("catalog", "sync"), " rebuilds it"),
    )


def _choose_journal(connection: Connection, path: Path, mode: str) -> None:
    """Let a file have this kind of journal; Conflict where another run has it open with another."""
    if not connection.execute("PRAGMA page_count").fetchone()[0]:
        connection.execute(f"PRAGMA page_size={_PAGE}")  # which no later step can change
    (found,) = connection.execute("PRAGMA journal_mode").fetchone()
    if found.upper() == mode:
        return
    (found,) = connection.execute(f"PRAGMA journal_mode={mode}").fetchone()
    if found.upper() != mode:
        raise Conflict(
            f"the catalog {str(path)!r} is open in another run, in a way that cannot be shared",
            hint="wait for the end of that run, then run the same command again",
        )


def _copied(connection: Connection) -> Connection:
    """Return a copy of a file, in memory or on the local disk; the file's connection is closed.

    Without a write-ahead log a reader keeps all writers waiting, those of its own run too.
    """
    with closing(connection):
        copy = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        try:
            connection.backup(copy)
            copy.row_factory = sqlite3.Row
            _distrust(copy)
        except BaseException:
            copy.close()
            raise
    return copy


def _known_version(connection: Connection, migrations: Sequence[Migration], path: Path) -> int:
    """Return how many of the migrations a file has had; Refused where it has had more."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(migrations):
        raise Refused(
            f"the catalog {str(path)!r} is of version {version}, written by a newer glacier; "
            f"this one knows versions up to {len(migrations)}",
            hint="update glacier, or move the file away to start a new one",
        )
    return version


def _migrate(connection: Connection, migrations: Sequence[Migration], version: int) -> None:
    """Run the migrations that come after a version; each is one transaction."""
    for number, migration in enumerate(migrations, start=version + 1):
        with transaction(connection, "EXCLUSIVE"):
            if ("generation", "said") in _names(connection):
                connection.execute(_generations.RENEW)
            migration(connection)
            connection.execute(f"PRAGMA application_id={_APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version={number}")
