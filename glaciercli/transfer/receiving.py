"""The ranges of a job's output on their way: each is proven before it counts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from glaciercli.clients.glacier import Client
from glaciercli.clients.replies import Output
from glaciercli.errors import IntegrityError, LostReply, NotFound
from glaciercli.models import Job
from glaciercli.ranges import Span, parse_content_range
from glaciercli.tasks.progress import Progress
from glaciercli.treehash import LEAF_SIZE, TreeHash, is_tree_hash_aligned
from glaciercli.units import MIB

RANGE_SIZE = 16 * MIB  # a power of two, so every range is tree-hash aligned; as few as parts are
_IN_ORDER, _AHEAD = 4 * MIB, 4  # the size of ranges for a stream, and how many wait in memory
_ATTEMPTS = 3  # for a range that arrives damaged, each over a new connection


class Sink(Protocol):
    """Takes the bytes of a range as they come, unproven yet."""

    def __call__(self, view: memoryview, position: int, /) -> None: ...


@dataclass(frozen=True)
class Content:
    """What a finished job offers: `size` bytes that lie at `offset` in an archive of `whole`."""

    job: Job
    size: int
    offset: int = 0
    whole: int | None = None  # None for an inventory, which has no checksums

    @classmethod
    def of(cls, job: Job) -> Content:
        size = job.output_size
        if not size:
            raise IntegrityError(f"job {job.id} is done, but the service does not tell its size")
        if job.archive_size is None:
            return cls(job, size)
        start, stop = job.span or (0, size)
        if stop > job.archive_size:
            raise IntegrityError(
                f"job {job.id} says bytes {start}-{stop - 1} of an archive of {job.archive_size}"
            )
        return cls(job, size, start, job.archive_size)

    def begin(self, progress: Progress) -> None:
        """Begin to receive it, having said so where its bytes will come without a checksum."""
        if not self.is_proven and self.job.action == "ArchiveRetrieval":
            progress.note("this job's range is not tree-hash aligned: its bytes cannot be proven")
        progress.start(self.size)

    @property
    def is_proven(self) -> bool:
        """Tell whether the service gives checksums: never for a job on an unaligned range."""
        return self.whole is not None and is_tree_hash_aligned(
            self.offset, self.offset + self.size, self.whole
        )

    def require_whole(self, tree_hash: str) -> None:
        """Raise IntegrityError if all ranges together are not what the job has promised."""
        if not self.is_proven:
            return
        promised = self.job.tree_hash
        if promised is None and self.size == self.whole:
            promised = self.job.archive_tree_hash
        if promised is None:
            raise IntegrityError(f"job {self.job.id} does not tell the tree hash that it must have")
        if tree_hash != promised:
            raise IntegrityError(
                f"the ranges together have tree hash {tree_hash}, the archive's is {promised}"
            )

    def ranges(self, size: int = RANGE_SIZE) -> Iterator[Span]:
        """Yield [start, stop) of the output, each aligned in the archive's own tree."""
        start = 0
        while start < self.size:
            # The first boundary may come early: alignment counts in the archive, not the output.
            stop = min((self.offset + start) // size * size + size - self.offset, self.size)
            yield start, stop
            start = stop


def fetch(
    client: Client,
    content: Content,
    start: int,
    stop: int,
    sink: Sink,
    *,
    check: Callable[[], None] = lambda: None,
    progress: Progress,
) -> str:
    """Bring [start, stop) of an output to a sink, proven; return its tree hash.

    A range that arrives damaged is asked again, alone. Raises IntegrityError when it stays so,
    NotFound when the job has expired.
    """
    problem: IntegrityError | None = None
    for _ in range(_ATTEMPTS):
        try:
            return client.pace.run(
                lambda: _fetch_once(client, content, start, stop, sink, check, progress)
            )
        except IntegrityError as error:
            problem = error
        except NotFound as error:
            raise _expired(client, content.job) from error
    assert problem is not None
    raise problem


def _expired(client: Client, job: Job) -> NotFound:
    """Return the error for a job that is not known, or raise that of a vault that is not there."""
    client.call("DescribeVault", vaultName=job.vault)
    return NotFound(
        f"job {job.id[:12]}... has expired: outputs are kept for about a day",
        hint="run the same command again: it starts a new retrieval, which costs again",
    )


def _fetch_once(
    client: Client,
    content: Content,
    start: int,
    stop: int,
    sink: Sink,
    check: Callable[[], None],
    progress: Progress,
) -> str:
    done = 0
    output = client.output(
        vaultName=content.job.vault, jobId=content.job.id, range=f"bytes={start}-{stop - 1}"
    )
    with output:
        try:
            _require_range(output, start, stop, content.size)
            hashed = TreeHash()
            buffer = memoryview(bytearray(min(LEAF_SIZE, stop - start)))
            while done < stop - start:
                check()
                count = output.read_into(buffer[: stop - start - done])
                if count == 0:
                    raise LostReply(f"{_named(start, stop)} ended after {done} bytes")
                hashed.update(buffer[:count])
                sink(buffer[:count], start + done)
                done += count
                progress.advance(count)
                client.pace.spend(count)
            if not output.finish():
                raise IntegrityError(f"{_named(start, stop)} came with more bytes than asked for")
            _require_hash(output, content, start, stop, hashed.hexdigest())
        except BaseException:
            progress.advance(-done)
            raise
    return hashed.hexdigest()


def _require_range(output: Output, start: int, stop: int, total: int) -> None:
    """Compare what the reply says it is with what was asked for, before a byte is taken."""
    whole = (start, stop) == (0, total)
    if output.status == 200 and whole and not output.content_range:
        got = (0, total, total)
    elif output.status in {200, 206}:
        got = parse_content_range(output.content_range)
    else:
        raise IntegrityError(f"{_named(start, stop)} came with HTTP status {output.status}")
    if got != (start, stop, total) or output.length not in {None, stop - start}:
        raise IntegrityError(
            f"asked for {_named(start, stop)} of {total},"
            f" got {output.content_range or 'no range'} and {output.length} bytes"
        )


def _require_hash(output: Output, content: Content, start: int, stop: int, tree_hash: str) -> None:
    if content.whole is None or not content.is_proven:
        return
    first, last = content.offset + start, content.offset + stop
    if not is_tree_hash_aligned(first, last, content.whole):
        raise AssertionError(f"range {first}-{last} was asked for, but is not aligned")
    if output.checksum is None:
        raise IntegrityError(f"{_named(start, stop)} came without the checksum it must have")
    if output.checksum != tree_hash:
        raise IntegrityError(
            f"{_named(start, stop)} arrived damaged: tree hash {tree_hash},"
            f" the service's is {output.checksum}",
            hint="test this machine's memory and network, then run the same command again",
        )


def _named(start: int, stop: int) -> str:
    return f"range {start}-{stop - 1}"


def write_in_order(
    client: Client, job: Job, stream: BinaryIO, progress: Progress, span: Span | None
) -> None:
    """Write a job's output, or `span` of it, to a stream; a range that can be proven, only then."""
    content = Content.of(job)
    content.begin(progress)
    first, last = span or (0, content.size)
    start = 0
    for data in _fetch_in_order(client, content, progress):
        view = memoryview(data)[max(0, first - start) : max(0, last - start)]
        stream.write(view)
        start += len(data)
        client.pace.moved()
    stream.flush()


def _fetch_in_order(client: Client, content: Content, progress: Progress) -> Iterator[bytearray]:
    """Yield the proven ranges of an output in order, a few of them in memory at most."""

    def whole(start: int, stop: int) -> bytearray:
        data = bytearray(stop - start)

        def keep(view: memoryview, position: int) -> None:
            data[position - start : position - start + len(view)] = view

        fetch(client, content, start, stop, keep, progress=progress)
        return data

    pending: deque[Future[bytearray]] = deque()
    pool = ThreadPoolExecutor(_AHEAD, thread_name_prefix="range")
    try:
        for start, stop in content.ranges(_IN_ORDER):
            if len(pending) == _AHEAD:
                yield pending.popleft().result()
            pending.append(pool.submit(whole, start, stop))
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
