"""Resumable state: an append-only file per transfer, that says what was meant and what was done.

Each line is `<crc32 of the rest, 8 hex digits> <JSON object>`. Lines stand for themselves, so what
a crash or a bad sector leaves readable is still true: a torn last line is cut off, a damaged one
in the middle is skipped after a copy of the file was set aside.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from glaciercli import system
from glaciercli.errors import Conflict, Unavailable
from glaciercli.files.locks import is_current, try_lock
from glaciercli.files.private import private_directory
from glaciercli.hints import quoted

VERSION = 1  # of the lines; a higher one is refused by name, lower ones are read for ever
_MAX_SIZE = 64 * 1024 * 1024  # bytes; 10,000 parts of a transfer need about 2 MiB
_MAX_LINE = 64 * 1024
_TORN = re.compile(rb"[0-9a-f]{0,8}$|[0-9a-f]{8} (\{|$)")  # how the beginning of a line looks
#: What reading a line raises that is intact, and still makes no sense.
UNREADABLE = (AttributeError, KeyError, OverflowError, TypeError, ValueError, Unavailable)


class Journal:
    """One transfer's journal, locked by this process while it is open.

    `append` has the line on disk before it returns, unless told otherwise: a line that speaks of a
    request must be there before the request is sent.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._appending = threading.Lock()
        #: Whether lines may be lacking among those that were found.
        self.is_damaged = False
        try:
            #: The lines in it when it was opened; those written since are not among them.
            self.found = self._load()
        except BaseException:
            os.close(descriptor)  # and the lock is let go of
            raise

    @classmethod
    def open(cls, directory: Path, key: str) -> Self:
        """Open or make the journal of a transfer; raises Busy when another run has it open.

        Raises Conflict where it cannot be read or written, or is not this user's alone, and Refused
        where its directory is not: others could remove what was written down.
        """
        path = path_of(private_directory(directory), key)
        while True:
            descriptor = _open_own(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
            try:
                try_lock(descriptor, path)
            except Conflict:
                os.close(descriptor)
                raise
            # The run that held the lock may have finished and removed the file in between.
            if is_current(path, descriptor):
                system.sync_directory(directory)
                return cls(path, descriptor)
            os.close(descriptor)

    @property
    def file(self) -> str:
        """What tells this file from a copy of it: its device and inode."""
        status = os.fstat(self._descriptor)
        return f"{status.st_dev}:{status.st_ino}"

    def append(self, kind: str, *, durable: bool = True, **fields: Any) -> None:
        """Add a line. Without `durable` it survives a killed process, not a power failure."""
        line = {"v": VERSION, "kind": kind, **fields}
        text = json.dumps(line, separators=(",", ":")).encode()
        data = b"%08x %s\n" % (zlib.crc32(text), text)
        with self._writing(), self._appending:
            self._write(data)
            if durable:
                system.sync(self._descriptor)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Name the journal in what the system says: its errors about descriptors name nothing."""
        try:
            yield
        except OSError as error:
            raise Conflict(
                f"cannot write journal {str(self.path)!r}: {error.strerror}",
                hint="mend that, then run the same command again; what was done is kept",
            ) from error

    def _write(self, data: bytes) -> None:
        before = os.fstat(self._descriptor).st_size
        try:
            written = 0
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
        except OSError:
            os.ftruncate(self._descriptor, before)  # half a line would damage the next one
            raise

    def restart(self) -> None:
        """Empty the journal: the transfer that it speaks of is over and another one begins."""
        with self._writing():
            os.ftruncate(self._descriptor, 0)
            system.sync(self._descriptor)
        self.is_damaged = False

    def forget(self) -> None:
        """Remove the journal, and close it; see `forget_all`."""
        forget_all([self])

    def remove(self) -> None:
        """Remove the journal, and close it; a power failure may bring it back."""
        if self._descriptor < 0:
            return
        with self._writing():
            system.remove_locked(self.path, self._descriptor)
        self._descriptor = -1

    def close(self) -> None:
        """Close and unlock; a journal in which nothing was written leaves no file behind."""
        if self._descriptor < 0:
            return
        if os.fstat(self._descriptor).st_size == 0:
            system.remove_locked(self.path, self._descriptor)
        else:
            os.close(self._descriptor)
        self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _load(self) -> list[dict[str, Any]]:
        data = _read(self._descriptor, self.path)
        whole, newline, torn = data.rpartition(b"\n")
        parsed = [_parse(line) for line in whole.split(b"\n")] if newline else []
        lines = [each for each in parsed if each is not None]
        for line in lines:
            _require_version(line, self.path)
        self.is_damaged = len(lines) < len(parsed) or bool(torn and _TORN.match(torn) is None)
        if self.is_damaged:
            set_aside(self.path, data)
        if torn:
            with self._writing():
                os.ftruncate(self._descriptor, len(whole) + len(newline))
        return lines


def forget_all(journals: Iterable[Journal]) -> None:
    """Remove journals, close them, and have that on disk; raises Conflict where it cannot be.

    A journal that a power failure brought back would tell of an archive that may be deleted by
    then. The disk is waited for once and last: a run that is killed before has removed them all.
    """
    directories = set()
    for each in journals:
        each.remove()
        directories.add(each.path.parent)
    for directory in directories:
        try:
            system.sync_directory(directory)
        except OSError as error:
            raise Conflict(
                f"cannot write directory {str(directory)!r}: {error.strerror}",
                hint="mend that, then run the same command again; what was done is kept",
            ) from error


def key_of(*parts: str) -> str:
    """Return a file name for a transfer; the parts themselves may hold anything."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def path_of(directory: Path, key: str) -> Path:
    """Return the file of a key's journal; it need not be there."""
    return directory / f"{key}.journal"


def iter_journals(directory: Path) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
    """Yield every journal with its lines, without locking; those that are not ours are left out.

    The run that needs such a journal says what is wrong with it; nobody else is stopped by it.
    """
    for path in sorted(directory.glob("*.journal")):
        try:
            descriptor = _open_own(path, os.O_RDONLY)
        except (FileNotFoundError, Conflict):
            continue  # finished since the directory was read, or not a journal of ours
        try:
            data = _read(descriptor, path)
        except Conflict:
            continue
        finally:
            os.close(descriptor)
        lines = [_parse(line) for line in data.split(b"\n")]
        yield path, [line for line in lines if line is not None]


def sweep(directory: Path) -> None:
    """Remove the journals that say nothing: their runs were killed before the first line."""
    for path, lines in iter_journals(directory):
        if not lines:
            try:
                Journal.open(directory, path.stem).close()
            except Conflict:
                continue  # its run is alive, and about to write


def set_aside(path: Path, data: bytes) -> None:
    """Keep a copy of a damaged journal, for whoever wants to know what it said."""
    copy = path.with_suffix(f".damaged-{time.time_ns()}")
    descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | system.OWN, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _open_own(path: Path, flags: int) -> int:
    """Open a file of ours: not through a link, and not one that other users can write."""
    try:
        descriptor, strange = system.open_own(path, flags)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Conflict(f"cannot open journal {str(path)!r}: {error.strerror}") from error
    if strange is not None:
        os.close(descriptor)
        raise Conflict(
            f"journal {str(path)!r} {strange}", hint="look at who made it, then remove it"
        )
    return descriptor


def _read(descriptor: int, path: Path) -> bytes:
    size = os.fstat(descriptor).st_size
    if size > _MAX_SIZE:
        raise Conflict(
            f"journal {str(path)!r} is far larger than any of ours", hint=f"rm {quoted(path)}"
        )
    data = bytearray(size)
    done = 0
    while done < size and (count := system.read_into(descriptor, memoryview(data)[done:], done)):
        done += count
    return bytes(data[:done])


def _parse(line: bytes) -> dict[str, Any] | None:
    """Return the object of an intact line; None for anything else."""
    checksum, _, text = line.partition(b" ")
    if len(line) > _MAX_LINE or checksum != b"%08x" % zlib.crc32(text):
        return None
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _require_version(line: dict[str, Any], path: Path) -> None:
    version = line.get("v")
    if not isinstance(version, int) or version > VERSION:
        raise Conflict(
            f"journal {str(path)!r} was written by a newer glacier (format {version})",
            hint="pip install --upgrade glaciercli",
        )
