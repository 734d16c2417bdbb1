"""Bytes on their way in ranges, from a source to a sink, whatever the two are.

A source opens a range as a body, whose bytes are hashed while they pass, or were before; a sink
takes bodies. Uploads, downloads and outputs that go to a stream are `copy` with another pair.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import NamedTuple, Protocol, TypeVar

from glaciercli.clients.wording import disputes_content
from glaciercli.errors import GlacierError, IntegrityError
from glaciercli.files.descriptor import Descriptor
from glaciercli.ranges import Span
from glaciercli.tasks.pool import Pool
from glaciercli.transfer.meter import Meter
from glaciercli.transfer.window import hash_window
from glaciercli.treehash import Root

_ATTEMPTS = 3  # for a range that arrives damaged: memory and networks do flip bits
_NOTHING: Mapping[Span, str] = MappingProxyType({})


class Body(Protocol):
    """The bytes of one range, once."""

    @property
    def tree_hash(self) -> str:
        """The tree hash of the bytes; of those that come over a network, when all have come."""

    def read(self) -> memoryview | bytes:
        """Return the next block, good until the next read; an empty one at the end.

        The end comes when all is right, as far as the source can tell: else IntegrityError.
        """


B_co = TypeVar("B_co", bound=Body, covariant=True)
B_contra = TypeVar("B_contra", bound=Body, contravariant=True)
B = TypeVar("B", bound=Body)


class Source(Protocol[B_co]):
    """Where ranges come from. Workers open several at a time, and one again to repeat it."""

    def open(self, span: Span, meter: Meter, /) -> AbstractContextManager[B_co]:
        """Open a range. Its bytes pass the meter; those of an attempt that failed are given back.

        Left by an error that says that they arrived damaged, it may raise what was wrong with them
        from the beginning.
        """


class Sink(Protocol[B_contra]):
    """Where ranges go to."""

    @property
    def is_ordered(self) -> bool:
        """Whether `keep` wants the ranges from first to last."""

    def put(self, span: Span, body: B_contra, /) -> None:
        """Take all the bytes of a range, perhaps once more after a failure.

        Called by workers, several at a time. Raises IntegrityError for a range that arrived
        damaged, and Unavailable for what is to be tried again later.
        """

    def keep(self, span: Span, tree_hash: str, /) -> None:
        """Know that a range was taken as it should be. Called by the thread that copies."""


class Copied(NamedTuple):
    """All the ranges together: up to which byte they go, and the root over their tree hashes."""

    size: int
    tree_hash: str


def copy(
    source: Source[B],
    sink: Sink[B],
    ranges: Iterable[Span],
    pool: Pool,
    meter: Meter,
    *,
    proven: Mapping[Span, str] = _NOTHING,
) -> Copied:
    """Bring the ranges of a source to a sink in parallel, except those that are `proven` there.

    `ranges` adjoin and are drawn one by one, when a worker is free. What fails on its way is
    repeated as `Pace` does it; what arrives damaged is brought anew, and after three times that is
    the error. `proven` has the tree hashes of what the sink holds already.
    """
    whole = _Whole(proven)

    def bring(span: Span) -> tuple[Span, str]:
        tree_hash = _bring(source, sink, span, meter)
        meter.pace.note_progress()
        return span, tree_hash

    missing = whole.missing(ranges)
    for span, tree_hash in pool.map(bring, missing, meter.halt, in_order=sink.is_ordered):
        sink.keep(span, tree_hash)
        whole.add(span, tree_hash)
    return whole.copied()


def compare(
    descriptor: Descriptor, claims: Mapping[Span, str], pool: Pool, meter: Meter
) -> Iterator[tuple[Span, bool]]:
    """Yield each range of a file with whether its tree hash is the claimed one.

    Those that are count as having passed.
    """

    def holds(span: Span) -> tuple[Span, bool]:
        meter.check()
        hashed = hash_window(descriptor, *span, linear=False).hexdigest()
        return span, hashed == claims[span]

    for span, same in pool.map(holds, claims, meter.halt):
        if same:
            meter.progress.advance(span[1] - span[0])
        yield span, same


def is_damaged(error: GlacierError) -> bool:
    """Tell whether an error says that bytes arrived as others than those that were sent."""
    return isinstance(error, IntegrityError) or disputes_content(error)


def _bring(source: Source[B], sink: Sink[B], span: Span, meter: Meter) -> str:
    """Bring one range; return its tree hash."""

    def attempt() -> str:
        meter.check()
        with source.open(span, meter) as body:
            sink.put(span, body)
        return body.tree_hash

    problem: GlacierError | None = None
    for _ in range(_ATTEMPTS):
        try:
            return meter.pace.run(attempt)
        except GlacierError as error:
            if not is_damaged(error):
                raise
            problem = error
    assert problem is not None
    raise problem


class _Whole:
    """The root over ranges that are planned in order and done in any; few of them wait for it."""

    def __init__(self, proven: Mapping[Span, str]) -> None:
        self._proven = proven
        self._done: dict[Span, str] = {}
        self._planned: deque[Span] = deque()  # and not in the root yet
        self._root = Root()
        self._size = 0

    def missing(self, ranges: Iterable[Span]) -> Iterator[Span]:
        """Plan ranges as they are drawn; yield those that are not proven."""
        for span in ranges:
            self._planned.append(span)
            if span not in self._proven:
                yield span

    def add(self, span: Span, tree_hash: str) -> None:
        self._done[span] = tree_hash
        self._fold()

    def copied(self) -> Copied:
        """Return what all are together, when all are done."""
        self._fold()
        assert not self._planned
        return Copied(self._size, self._root.digest().hex())

    def _fold(self) -> None:
        while self._planned:
            span = self._planned[0]
            tree_hash = self._done.pop(span, None) or self._proven.get(span)
            if tree_hash is None:
                return
            self._root.add(bytes.fromhex(tree_hash))
            _, self._size = self._planned.popleft()
