"""What lies beside a SQLite file of ours: its log, its lock, and what was moved aside.

Each is this user's alone, as the file is, and what is damaged or stale is renamed, never removed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from glaciercli import system
from glaciercli.errors import Conflict, Refused
from glaciercli.files import _generations
from glaciercli.hints import quoted

_HELPERS = ("-wal", "-shm", "-journal")  # what SQLite may keep beside the file
_IN_USE = 128  # the byte of a log's index that SQLite holds a lock on while the log is open


@contextmanager
def opening(path: Path) -> Iterator[None]:
    """Let one process at a time create, migrate or move the file aside.

    Waits for another one. Raises Conflict where the directory cannot be written or locked in,
    Refused for a lock file that another user has made.
    """
    directory = path.parent
    if not _is_writable(directory):
        raise Conflict(
            f"cannot write into directory {str(directory)!r}, which has the catalog",
            hint=f"chmod u+rwx {quoted(directory)}, or set GLACIER_HOME to another directory",
        )
    beside = path.with_name(path.name + ".lock")
    try:
        descriptor, strange = system.open_own(beside, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise Conflict(f"cannot open {str(beside)!r}: {error.strerror}") from error
    try:
        if strange is not None:
            raise Refused(f"{str(beside)!r} {strange}", hint=f"rm {quoted(beside)}")
        try:
            system.lock(descriptor, wait=True)
        except OSError as error:
            raise Conflict(
                f"cannot lock {str(beside)!r}: {error.strerror}",
                hint="set GLACIER_HOME to a directory on a local disk",
            ) from error
        yield
    finally:
        os.close(descriptor)


def create(path: Path) -> None:
    """Make the file, for its owner alone, or check that it is a plain one that the owner can write.

    Raises Refused for one that others may have written, Conflict for one that cannot be written:
    SQLite would give the files beside it the same rights, and fail after something was paid for.

    SQLite cannot be told a mode, and its helper files take this one's. An existing file is not
    opened here: closing it again would drop the locks of this process's other connections.
    """
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | system.OWN
        os.close(os.open(path, flags, 0o600))
    except FileExistsError:
        pass
    for each in (path, *(path.with_name(path.name + suffix) for suffix in _HELPERS)):
        try:
            strange = system.why_not_own(each.lstat())
        except FileNotFoundError:
            continue
        if strange is not None:
            raise Refused(
                f"the catalog {str(each)!r} {strange}",
                hint="check what it is, then: "
                f"chown $USER {quoted(each)} && chmod 600 {quoted(each)}",
            )
        if not _is_writable(each):
            raise Conflict(
                f"the catalog {str(each)!r} cannot be written", hint=f"chmod u+rw {quoted(each)}"
            )


def _is_writable(path: Path) -> bool:
    """Tell whether this user may write a file, or put one into a directory."""
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def stale_log_moved(path: Path, state: Callable[[], _generations.State | None]) -> Path | None:
    """Rename a log that belongs to another state of the file; return its new name, if it does.

    Raises Conflict where another run has that log open: a file was put in the place of its own.
    """
    log = path.with_name(path.name + "-wal")
    try:
        if not log.stat().st_size or not _generations.is_stale(log, state):
            return None
    except FileNotFoundError:
        return None
    if _is_open_elsewhere(path):
        raise Conflict(
            f"the catalog {str(path)!r} was replaced while another run has it open",
            hint="wait for the end of that run, then put the copy back once more",
        )
    aside = log.with_name(f"{log.name}.stale-{_now()}")
    log.rename(aside)
    system.sync_directory(path.parent)
    return aside


def _is_open_elsewhere(path: Path) -> bool:
    """Tell whether another process has the file and its log open: their index is locked then."""
    try:
        descriptor = os.open(path.with_name(path.name + "-shm"), os.O_RDWR | system.OWN)
    except FileNotFoundError:
        return False
    try:
        return system.is_range_locked(descriptor, _IN_USE)
    finally:
        os.close(descriptor)


def marker(path: Path) -> Path:
    """Return the file that tells the next run to read the catalog through first."""
    return path.with_name(path.name + ".suspect")


def move_aside(path: Path) -> Path:
    """Rename a damaged catalog with its helper files; return its new name."""
    aside = path.with_name(f"{path.name}.damaged-{_now()}")
    for suffix in (*_HELPERS, ""):
        try:
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
        except FileNotFoundError:
            continue  # there is a log only where a run did not end well
    return aside


def _now() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
