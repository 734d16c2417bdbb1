"""Another tool's SQLite file, read as what it may be: made by somebody to harm who opens it.

Only plain tables are read, and of these only the columns asked for: no view, trigger, virtual table
or generated column of the file's runs. A query is ended by a signal, and where it takes more steps
than the file has bytes for: pages may point at each other so that a few of them hold rows without
an end.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from glaciercli.errors import Conflict, IntegrityError, Refused
from glaciercli.hints import quoted

Row = sqlite3.Row

_LOGS = ("-wal", "-journal")  # what SQLite keeps beside a file until it is written into it
_LONGEST_VALUE = 1 << 20  # bytes of a cell; a path has 4,096
_STEPS_A_BYTE = 20  # of SQLite's machine; a row of a few bytes takes about as many
_FREE_STEPS = 1_000_000  # however small the file is
_STEPS_A_LOOK = 10_000  # between looks at signals and the count, a few of them each millisecond

_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"
_MADE = "SELECT type, sql FROM sqlite_master WHERE name = ?"
_COLUMNS = "SELECT hidden FROM pragma_table_xinfo(?)"  # 0 unless generated, or a virtual table's
_PLAIN = re.compile(r"CREATE TABLE\s", re.IGNORECASE)  # as SQLite itself writes it down


def tables(path: Path) -> set[str]:
    """Return the names of a file's tables; raises as `rows` does."""
    with _opened(path) as connection:
        return {str(row["name"]) for row in _rows(connection, path, _TABLES)}


def rows(path: Path, table: str, query: str) -> Iterator[Row]:
    """Yield the rows of a query on one table of another tool's file.

    Raises Conflict where the file cannot be opened, Refused where it is not all there or its table
    is none, IntegrityError where it is not what it must be.
    """
    with _opened(path) as connection:
        _require_plain(connection, path, table)
        connection.set_authorizer(_Reading(table))
        yield from _rows(connection, path, query)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    _require_whole(path)
    try:
        # Immutable: nothing is written beside the file, which may be on a medium of its own.
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    except sqlite3.OperationalError as error:
        raise Conflict(f"{str(path)!r}: {error}") from error
    with closing(connection):
        connection.row_factory = sqlite3.Row
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
        # Else a schema that somebody else wrote may call functions, and damage spread.
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("PRAGMA cell_size_check=ON")
        yield connection


def _require_whole(path: Path) -> None:
    """Raise for a file whose newest rows are in a log beside it: they would be left out."""
    for suffix in _LOGS:
        log = path.with_name(path.name + suffix)
        try:
            size = log.stat().st_size
        except FileNotFoundError:
            continue
        if size:
            copy = f"sqlite3 {quoted(path)} \"VACUUM INTO 'whole.db'\""
            raise Refused(
                f"{str(log)!r} holds what is not in {str(path)!r} yet",
                hint=f"make one whole file, and import that: {copy}",
            )


def _require_plain(connection: sqlite3.Connection, path: Path, table: str) -> None:
    made = list(_rows(connection, path, _MADE, table))
    columns = list(_rows(connection, path, _COLUMNS, table))
    # The statement counts: it makes what it says, whatever the type beside it does.
    is_plain = [each["type"] for each in made] == ["table"] and _PLAIN.match(str(made[0]["sql"]))
    if not is_plain or not columns or any(each["hidden"] for each in columns):
        raise Refused(f"{table!r} of {str(path)!r} is no plain table")


class _Reading:
    """Lets a query read columns of one table, and nothing else."""

    def __init__(self, table: str) -> None:
        self._table = table

    def __call__(
        self, action: int, name: str | None, _column: str | None, _base: str | None, by: str | None
    ) -> int:
        is_reading = action == sqlite3.SQLITE_READ and name == self._table and by is None
        is_allowed = is_reading or action == sqlite3.SQLITE_SELECT
        return sqlite3.SQLITE_OK if is_allowed else sqlite3.SQLITE_DENY


def _rows(connection: sqlite3.Connection, path: Path, query: str, *values: str) -> Iterator[Row]:
    watch = _Watch(_FREE_STEPS + _STEPS_A_BYTE * path.stat().st_size)
    connection.set_progress_handler(watch.looks().__next__, _STEPS_A_LOOK)
    try:
        yield from connection.execute(query, values)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if watch.stopped is not None:
            raise watch.stopped from error
        if watch.is_over:
            raise IntegrityError(f"{str(path)!r} has no end for its size") from error
        raise IntegrityError(f"{str(path)!r}: {error}") from error


class _Watch:
    """Ends a query after so many steps, or when a signal comes."""

    def __init__(self, steps: int) -> None:
        self._left = steps
        self.is_over = False
        #: What a signal has raised meanwhile, which sqlite3 forgets.
        self.stopped: BaseException | None = None

    def looks(self) -> Iterator[int]:
        """Yield, each time that SQLite asks, 0 to go on or 1 to end.

        A generator and not a function: it is where Python goes on that a signal raises, and in a
        function that would be before any `try`.
        """
        try:
            while self._left > 0:
                self._left -= _STEPS_A_LOOK
                yield 0
            self.is_over = True
        except BaseException as error:  # noqa: BLE001 - raised again where the query ends
            self.stopped = error
        while True:
            yield 1
