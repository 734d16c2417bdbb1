"""Windows on a file that are sent as parts: hashed in one pass, read in a second one."""

from __future__ import annotations

import os
from typing import Self

from glaciercli.files.descriptor import Descriptor
from glaciercli.transfer.meter import Meter
from glaciercli.treehash import TreeHash, hash_range

# What is handed to the socket at once. Small enough that the slowest line that we care for, eight
# connections over 256 kbit/s, moves a block within the socket's timeout; large enough to be cheap.
_BLOCK = 256 * 1024


class Window:
    """A file-like body over part of an open file, with the hashes of its bytes.

    Made by one pass over the bytes, which hashes; sent by a second one, which finds them in the
    page cache. So memory is one block whatever the part size, and a file that changes between the
    passes is refused by the service's own check. Reading again after a retry is `seek(0)`.
    """

    def __init__(
        self,
        descriptor: Descriptor,
        offset: int,
        hashed: TreeHash,
        meter: Meter,
    ) -> None:
        self.tree_hash = hashed.hexdigest()
        #: `clients.session` tells it to botocore, which then does not hash the part once more.
        #: None where nobody asks for it: no signature binds what goes over no wire.
        self.sha256 = hashed.sha256
        self._descriptor = descriptor
        self._offset = offset
        self._size = hashed.size
        self._position = 0
        self._meter = meter
        self._buffer = memoryview(bytearray(min(_BLOCK, self._size)))

    @classmethod
    def over(
        cls,
        descriptor: Descriptor,
        start: int,
        stop: int,
        meter: Meter,
        *,
        linear: bool = True,
    ) -> Self:
        """Return the window on [start, stop), hashed; with `linear`, by its plain SHA-256 too."""
        hashed = hash_window(descriptor, start, stop, linear=linear)
        return cls(descriptor, start, hashed, meter)

    def __len__(self) -> int:
        return self._size

    def tell(self) -> int:
        """Return how many bytes of the window were read: its position, as of any file."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move, as is done to rewind for another attempt; bytes that go again are given back."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        moved = base + offset - self._position
        if moved:
            self._meter.passed(moved)
        self._position += moved
        return self._position

    def read(self, size: int = -1) -> memoryview | bytes:
        """Return the next block as a view that is good until the next read.

        A block may be larger than what was asked for: urllib3 asks for 16 KiB at a time and takes
        what it gets, and each call more is processor time.
        """
        self._meter.check()
        remaining = self._size - self._position
        if remaining <= 0 or size == 0:
            return b""
        view = self._buffer[:remaining]
        count = self._descriptor.read_into(view, self._offset + self._position)
        if count == 0:
            raise self._descriptor.cut_short()
        self._position += count
        self._meter.passed(count)
        return view[:count]


def hash_window(descriptor: Descriptor, start: int, stop: int, *, linear: bool) -> TreeHash:
    """Hash [start, stop) of a file; raises Conflict when it ends before, or cannot be read."""
    try:
        hashed = hash_range(descriptor.number, start, stop, linear=linear)
    except OSError as error:
        raise descriptor.unreadable(error) from error
    if hashed.size != stop - start:
        raise descriptor.cut_short()
    return hashed
