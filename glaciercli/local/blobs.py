"""The files that hold archives, parts and inventories.

`blobs/<2 hex>/<random>`, one for each archive, and beside it `….leaves`: the 32-byte digests of its
megabytes, at their places. So the tree hash of any aligned range is known without reading data, and
bytes that rotted on disk are caught by the client's own check of them.

A file is written under its lasting name. Before it exists its name is a row in `strays`; the
transaction that makes something of the file removes the row, the one that ends it puts it back. So
what a crash leaves behind is found by a query, not by walking directories. (That row alone waits
for no disk: a power failure may leave a file that nobody speaks of, and that costs room, no more.)
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from glaciercli import system
from glaciercli.local.clock import DAY, Clock
from glaciercli.local.errors import ServiceError
from glaciercli.local.store import Store, Transaction
from glaciercli.local.wire import Body
from glaciercli.treehash import TreeHash, combine
from glaciercli.units import MIB

_DIGEST = 32
_GRACE = 7 * DAY  # the longest that a file may take to be written, in the engine's time


@dataclass(frozen=True)
class Received:
    """What came out of a request's body."""

    size: int
    sha256: str | None  # of a body of several megabytes only where it was asked for
    tree_hash: str


@dataclass(frozen=True)
class OpenBlob:
    """Descriptors of a blob and of its leaves."""

    data: int
    leaves: int

    def receive(self, body: Body, length: int, offset: int, *, linear: bool) -> Received:
        """Write `length` bytes of a body at `offset`, a whole megabyte; hash them on the way.

        Memory is a megabyte, whatever the length. A body that ends early is a timeout, as it is
        for the service when a sender stalls. Without `linear`, of all bytes there is no plain hash.
        """
        # In a single leaf the tree hash is the plain hash: the bytes are hashed once.
        is_leaf = length <= MIB
        hashes = TreeHash(linear=linear and not is_leaf)
        received = 0
        while received < length:
            block = body.read(min(MIB, length - received))
            if not block:
                raise ServiceError(
                    "RequestTimeoutException",
                    "Request timed out: the body ended before its Content-Length",
                )
            hashes.update(block)
            _write(self.data, block, offset + received)
            received += len(block)
        leaves = hashes.leaves
        _write(self.leaves, b"".join(leaves), offset // MIB * _DIGEST)
        root = combine(leaves).hex()
        return Received(received, root if is_leaf else hashes.sha256, root)

    def copy_from(self, source: OpenBlob, start: int, size: int, offset: int) -> None:
        """Copy [start, start + size) of another blob to `offset`, with the leaves."""
        _copy(source.data, self.data, start, size, offset)
        count = -(-size // MIB) * _DIGEST
        _copy(source.leaves, self.leaves, start // MIB * _DIGEST, count, offset // MIB * _DIGEST)

    def sync(self) -> None:
        """Put bytes and leaves on disk, before anything that names them is acknowledged."""
        system.sync(self.data)
        system.sync(self.leaves)


class Blobs:
    """All files of a store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._root = system.private_directory(store.root / "blobs")

    def path(self, name: str) -> Path:
        """Return where a blob is; it need not be there."""
        return self._root / name[:2] / name

    def create(self) -> str:
        """Make an empty blob, its name on disk, and return the name; it is a stray for now."""
        name = secrets.token_hex(16)
        with self._store.write(durable=False) as db:
            self.discard(db, name, self._clock.instant(db) + _GRACE)
        path = self.path(name)
        try:
            path.parent.mkdir(mode=0o700)
        except FileExistsError:
            pass  # made before
        system.sync_directory(self._root)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | system.OWN
        for each in (path, _leaves(path)):
            os.close(os.open(each, flags, 0o600))
        system.sync_directory(path.parent)
        return name

    @contextmanager
    def open(self, name: str, *, write: bool = False) -> Iterator[OpenBlob]:
        """Lend a blob's descriptors; raises FileNotFoundError for one that is not there."""
        path = self.path(name)
        flags = (os.O_RDWR if write else os.O_RDONLY) | system.OWN
        data = os.open(path, flags)
        try:
            leaves = os.open(_leaves(path), flags)
            try:
                yield OpenBlob(data, leaves)
            finally:
                os.close(leaves)
        finally:
            os.close(data)

    def tree_hash(self, name: str, start: int, stop: int) -> str:
        """Return the root over [start, stop), from the stored leaves alone."""
        return combine(self.leaves(name, start, stop)).hex()

    def leaves(self, name: str, start: int, stop: int) -> list[bytes]:
        """Return the stored digests of [start, stop), which begins at a whole megabyte."""
        count = -(-(stop - start) // MIB)
        with _leaves(self.path(name)).open("rb") as file:
            file.seek(start // MIB * _DIGEST)
            digests = file.read(count * _DIGEST)
        return [digests[at : at + _DIGEST] for at in range(0, len(digests), _DIGEST)]

    def keep(self, db: Transaction, name: str) -> None:
        """Take a blob's name off the strays: a row of this transaction speaks for it now."""
        if not db.run("DELETE FROM strays WHERE name = ?", name):
            # Only engine time moved on by a week in the middle of a request gets here.
            raise ServiceError("ServiceUnavailableException", "The upload took too long")

    def discard(self, db: Transaction, name: str, due: int) -> None:
        """Say that nothing speaks for a blob any more, from the instant `due` on."""
        db.run("INSERT OR REPLACE INTO strays (name, due) VALUES (?, ?)", name, due)

    def drop(self, name: str) -> None:
        """Remove a blob that came to nothing, now.

        Its bytes go first: where they have filled the disk, nothing else can be written before.
        """
        with self._store.read() as db:
            stray = db.find("SELECT 1 FROM strays WHERE name = ?", name)
        if stray is not None:
            os.truncate(self.path(name), 0)
            os.truncate(_leaves(self.path(name)), 0)
        with self._store.write(durable=False) as db:
            db.run("UPDATE strays SET due = ? WHERE name = ?", self._clock.instant(db), name)
        self.sweep()

    def sweep(self) -> int:
        """Remove the files that are due and return how many."""
        with self._store.read() as db:
            due = db.find("SELECT 1 FROM strays WHERE due <= ?", self._clock.instant(db))
        if due is None:
            return 0
        # Files go before their rows; a writer that finishes meanwhile finds its row gone.
        with self._store.write(durable=False) as db:
            now = self._clock.instant(db)
            names = [row["name"] for row in db.all("SELECT name FROM strays WHERE due <= ?", now)]
            for name in names:
                self.path(name).unlink(missing_ok=True)
                _leaves(self.path(name)).unlink(missing_ok=True)
                db.run("DELETE FROM strays WHERE name = ?", name)
        return len(names)


def _leaves(path: Path) -> Path:
    return path.with_name(f"{path.name}.leaves")


def _write(descriptor: int, data: bytes | memoryview, offset: int) -> None:
    view = memoryview(data)
    while view:  # a write may be short, near a quota or a full disk
        count = system.write_at(descriptor, view, offset)
        view, offset = view[count:], offset + count


def _copy(source: int, target: int, start: int, size: int, offset: int) -> None:
    buffer = memoryview(bytearray(min(MIB, size)))
    while size:
        count = system.read_into(source, buffer[:size], start)
        if not count:
            raise ServiceError("ServiceUnavailableException", "A stored part is incomplete")
        _write(target, buffer[:count], offset)
        start, offset, size = start + count, offset + count, size - count
