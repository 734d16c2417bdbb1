"""SHA-256 tree hash, the checksum of everything that Glacier stores.

Data is cut into leaves of 1 MiB, each leaf is hashed, and neighbouring digests are hashed in pairs,
level by level, until one is left; an odd digest moves up unchanged. Empty data has one leaf, the
hash of nothing. (Amazon Glacier developer guide, "Computing checksums".)

Digests are `bytes` in here and lower-case hex everywhere else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from glaciercli import system
from glaciercli.units import MIB

LEAF_SIZE = MIB  # the service hashes per megabyte, whatever the part size
_STRIPE = 32 * MIB  # what one worker hashes at a time; a power of two, so its root is a node


class TreeHash:
    """A tree hash fed in pieces of any length.

    With `linear=True` the plain SHA-256 of the same bytes is computed in the same pass, while they
    are in the processor's cache; the service asks for both with each part.
    """

    def __init__(self, *, linear: bool = False) -> None:
        self._leaves: list[bytes] = []
        self._leaf = hashlib.sha256()
        self._filled = 0
        self._linear = hashlib.sha256() if linear else None

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Add bytes. Feeding whole leaves at their boundaries is the fast way, not a condition."""
        if self._linear is not None:
            self._linear.update(data)
        view = memoryview(data).cast("B")
        while view:
            piece = view[: LEAF_SIZE - self._filled]
            self._leaf.update(piece)
            self._filled += len(piece)
            view = view[len(piece) :]
            if self._filled == LEAF_SIZE:
                self._leaves.append(self._leaf.digest())
                self._leaf = hashlib.sha256()
                self._filled = 0

    @property
    def leaves(self) -> list[bytes]:
        """Digests of the leaves so far, the last one perhaps of less than 1 MiB."""
        if self._filled or not self._leaves:
            return [*self._leaves, self._leaf.digest()]
        return list(self._leaves)

    @property
    def size(self) -> int:
        """Bytes fed so far."""
        return len(self._leaves) * LEAF_SIZE + self._filled

    def digest(self) -> bytes:
        """Return the tree hash of all bytes so far, as 32 bytes; more may follow."""
        return combine(self.leaves)

    def hexdigest(self) -> str:
        """Return the tree hash of all bytes so far, in lower-case hex, as Glacier writes it."""
        return self.digest().hex()

    @property
    def sha256(self) -> str | None:
        """The plain SHA-256 as hex; None unless made with `linear=True`."""
        return None if self._linear is None else self._linear.hexdigest()


class Root:
    """The root over a level of digests that are added from left to right; memory stays flat.

    The digests may be of leaves, or of equal parts of 2^k MiB with a shorter last one: both give
    the root of the whole.
    """

    def __init__(self) -> None:
        # Roots of full subtrees, each with its height, which fall from left to right.
        self._full: list[tuple[int, bytes]] = []

    def add(self, digest: bytes) -> None:
        """Add the next digest of 32 bytes; only the last one may be of fewer leaves."""
        height = 0
        while self._full and self._full[-1][0] == height:
            digest = hashlib.sha256(self._full.pop()[1] + digest).digest()
            height += 1
        self._full.append((height, digest))

    def digest(self) -> bytes:
        """Return the root; raises ValueError while nothing was added."""
        if not self._full:
            raise ValueError("a tree hash needs at least one digest")
        *left, (_, root) = self._full
        for _, digest in reversed(left):
            root = hashlib.sha256(digest + root).digest()
        return root


def combine(digests: Iterable[bytes]) -> bytes:
    """Return the root over a level of digests, left to right; see `Root`."""
    root = Root()
    for each in digests:
        root.add(each)
    return root.digest()


def combine_hex(hashes: Iterable[str]) -> str:
    """Return `combine` for hex hashes, as hex."""
    return combine(bytes.fromhex(each) for each in hashes).hex()


def tree_hash(data: bytes | bytearray | memoryview) -> str:
    """Return the tree hash of bytes in memory, as hex."""
    whole = TreeHash()
    whole.update(data)
    return whole.hexdigest()


def is_megabyte_aligned(start: int, stop: int, size: int) -> bool:
    """Tell whether [start, stop) of an archive of `size` bytes may be asked of a retrieval job."""
    return 0 <= start < stop <= size and start % MIB == 0 and (stop % MIB == 0 or stop == size)


def is_tree_hash_aligned(start: int, stop: int, size: int) -> bool:
    """Tell whether the root over [start, stop) is a node of the archive's own tree.

    Only then does the service send a checksum with the range. For m leaves from leaf s: a range
    inside the archive is aligned when m is a power of two and divides s; one that ends with the
    archive when the smallest power of two that is at least m divides s.
    """
    if not is_megabyte_aligned(start, stop, size):
        return False
    first, leaves = start // MIB, -(-(stop - start) // MIB)
    span = 1 << (leaves - 1).bit_length()
    return first % span == 0 and (span == leaves or stop == size)


def hash_range(descriptor: int, start: int, stop: int, *, linear: bool = False) -> TreeHash:
    """Hash bytes [start, stop) of an open file with positioned reads, 1 MiB at a time.

    Reads into one reused buffer, so memory is 1 MiB whatever the range. A file that ends early
    gives a hash of what there was, which its `size` tells.
    """
    result = TreeHash(linear=linear)
    buffer = memoryview(bytearray(LEAF_SIZE))
    while start < stop:
        count = system.read_into(descriptor, buffer[: min(LEAF_SIZE, stop - start)], start)
        if count == 0:
            break
        result.update(buffer[:count])
        start += count
    return result


def hash_file(descriptor: int, size: int, *, workers: int = 2) -> str:
    """Return the tree hash of an open file, hashed by `workers` threads in equal stripes.

    hashlib lets go of the interpreter while it hashes, so threads are enough to use the cores.
    """
    stripes: Sequence[tuple[int, int]] = [
        (start, min(start + _STRIPE, size)) for start in range(0, size, _STRIPE)
    ] or [(0, 0)]

    def root(stripe: tuple[int, int]) -> bytes:
        return hash_range(descriptor, *stripe).digest()

    if workers <= 1 or len(stripes) == 1:
        return combine(map(root, stripes)).hex()
    with ThreadPoolExecutor(workers, thread_name_prefix="treehash") as pool:
        return combine(pool.map(root, stripes)).hex()
