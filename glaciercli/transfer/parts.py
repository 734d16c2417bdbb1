"""Part plans, and the windows on a file that are sent as parts.

Ranges are half-open [start, stop) everywhere but in the headers that this module writes and reads.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

from glaciercli.errors import IntegrityError, Refused
from glaciercli.files.descriptor import Descriptor
from glaciercli.limits import (
    MAX_ARCHIVE_SIZE,
    MAX_PART_SIZE,
    MAX_PARTS,
    MIN_PART_SIZE,
    is_part_size,
)
from glaciercli.treehash import TreeHash, hash_range
from glaciercli.units import MIB, format_size

# Each part is a paid request, and below 16 MiB the requests cost more processor time than they
# save; above it a lost connection costs more bytes, and nothing gets faster.
DEFAULT_PART_SIZE = 16 * MIB

# What is handed to the socket at once. Small enough that the slowest line that we care for, eight
# connections over 256 kbit/s, moves a block within the socket's timeout; large enough to be cheap.
_BLOCK = 256 * 1024

Span = tuple[int, int]  # [start, stop), in bytes

_CONTENT_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})")


@dataclass(frozen=True)
class Plan:
    """How an archive of `size` bytes is cut: parts of `part_size`, the last one perhaps shorter."""

    size: int
    part_size: int

    @property
    def count(self) -> int:
        return -(-self.size // self.part_size)

    def ranges(self) -> Iterator[Span]:
        """Yield (start, stop) of each part, in order."""
        for start in range(0, self.size, self.part_size):
            yield start, min(start + self.part_size, self.size)


def plan(size: int, part_size: int | None = None) -> Plan:
    """Return the plan for `size` bytes; without a part size, the default or the least that fits.

    Raises Refused for an empty archive, an illegal part size, or one that needs over 10,000 parts.
    """
    if size <= 0:
        raise Refused("an archive needs at least one byte: Glacier cannot store an empty one")
    if size > MAX_ARCHIVE_SIZE:
        raise Refused(
            f"{format_size(size)} is more than Glacier stores as one archive"
            f" ({format_size(MAX_ARCHIVE_SIZE)})",
            hint="split it into several archives",
        )
    if part_size is None:
        part_size = max(DEFAULT_PART_SIZE, smallest_part_size(size))
    check_part_size(part_size)
    if size > part_size * MAX_PARTS:
        raise Refused(
            f"{format_size(size)} needs more than {MAX_PARTS:,} parts of {format_size(part_size)}",
            hint=f"--part-size {smallest_part_size(size) // MIB}MiB",
        )
    return Plan(size, part_size)


def smallest_part_size(size: int) -> int:
    """Return the least legal part size with which `size` bytes fit into 10,000 parts."""
    leaves = -(-size // (MAX_PARTS * MIN_PART_SIZE))
    return MIN_PART_SIZE << max(0, (leaves - 1).bit_length())


def check_part_size(part_size: int) -> None:
    """Raise Refused unless a part size is a power of two from 1 MiB to 4 GiB."""
    if not is_part_size(part_size):
        raise Refused(
            f"part size {part_size} is not a power of two from 1 MiB to 4 GiB",
            hint="--part-size 16MiB",
        )


def check_single(size: int) -> None:
    """Raise Refused unless one request can store `size` bytes."""
    if size > MAX_PART_SIZE:
        raise Refused("one request stores at most 4 GiB", hint="leave --single out")


def content_range(start: int, stop: int) -> str:
    """Return the header that says where a part goes."""
    return f"bytes {start}-{stop - 1}/*"


def parse_content_range(text: str) -> tuple[int, int, int]:
    """Return (start, stop, total) of a reply's Content-Range; raises IntegrityError."""
    match = _CONTENT_RANGE.fullmatch(text)
    if match is None:
        raise IntegrityError(f"the reply's range {text[:80]!r} cannot be read")
    first, last, total = map(int, match.groups())
    return first, last + 1, total


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
        *,
        check: Callable[[], None] = lambda: None,
        sent: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.tree_hash = hashed.hexdigest()
        #: Read by `session`, which tells botocore, which then does not hash the part once more.
        #: None where nobody asks for it: no signature binds what goes over no wire.
        self.sha256 = hashed.sha256
        self._descriptor = descriptor
        self._offset = offset
        self._size = hashed.size
        self._position = 0
        self._check = check
        self._sent = sent
        self._buffer = memoryview(bytearray(min(_BLOCK, self._size)))

    @classmethod
    def over(
        cls,
        descriptor: Descriptor,
        start: int,
        stop: int,
        *,
        linear: bool = True,
        check: Callable[[], None] = lambda: None,
        sent: Callable[[int], None] = lambda _: None,
    ) -> Self:
        """Return the window on [start, stop), hashed; `check` may raise to stop its work."""
        hashed = hash_window(descriptor, start, stop, linear=linear)
        return cls(descriptor, start, hashed, check=check, sent=sent)

    def __len__(self) -> int:
        return self._size

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move, as is done to rewind for another attempt; bytes that go again are given back."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        moved = base + offset - self._position
        if moved:
            self._sent(moved)
        self._position += moved
        return self._position

    def read(self, size: int = -1) -> memoryview | bytes:
        """Return the next block as a view that is good until the next read.

        A block may be larger than what was asked for: urllib3 asks for 16 KiB at a time and takes
        what it gets, and each call more is processor time.
        """
        self._check()
        remaining = self._size - self._position
        if remaining <= 0 or size == 0:
            return b""
        view = self._buffer[:remaining]
        count = self._descriptor.read_into(view, self._offset + self._position)
        if count == 0:
            raise self._descriptor.cut_short()
        self._position += count
        self._sent(count)
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
