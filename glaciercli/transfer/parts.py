"""How an archive is cut into parts: their size, their number, and where each begins and ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from glaciercli.errors import Refused
from glaciercli.limits import (
    MAX_ARCHIVE_SIZE,
    MAX_PART_SIZE,
    MAX_PARTS,
    MIN_PART_SIZE,
    is_part_size,
)
from glaciercli.ranges import Span
from glaciercli.units import MIB, format_size

# Each part is a paid request, and below 16 MiB the requests cost more processor time than they
# save; above it a lost connection costs more bytes, and nothing gets faster.
DEFAULT_PART_SIZE = 16 * MIB


@dataclass(frozen=True)
class Plan:
    """How an archive of `size` bytes is cut: parts of `part_size`, the last one perhaps shorter."""

    size: int
    part_size: int

    @property
    def count(self) -> int:
        """How many parts there are; all but the last one are of `part_size`."""
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
