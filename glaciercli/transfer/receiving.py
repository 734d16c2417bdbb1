"""The ranges of a job's output on their way, and whether they are what was promised."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from glaciercli.clients.glacier import Client
from glaciercli.clients.replies import Output
from glaciercli.errors import IntegrityError, LostReply, NotFound
from glaciercli.evidence import words
from glaciercli.evidence.proofs import Promise, Proof
from glaciercli.models import Job
from glaciercli.ranges import Span, parse_content_range
from glaciercli.tasks.progress import Progress
from glaciercli.treehash import LEAF_SIZE, Root, TreeHash, is_tree_hash_aligned
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
    #: What the bytes of an archive must be; None for an inventory.
    promise: Promise | None = None

    @classmethod
    def of(cls, job: Job, promise: Promise | None = None) -> Content:
        """Return what a job offers, as its size tells; of an archive, as is promised."""
        if promise is not None:
            size = promise.stop - promise.start
            return cls(job, size, promise.start, promise.archive.size, promise)
        if not job.output_size:
            raise IntegrityError(f"job {job.id} is done, but the service does not tell its size")
        return cls(job, job.output_size)

    def begin(self, progress: Progress) -> None:
        """Begin to receive it, having said so where its bytes will come without a checksum."""
        if self.promise is not None and self.promise.claim is None:
            progress.note(words.unprovable(self.promise.archive))
        progress.start(self.size)

    @property
    def has_checksums(self) -> bool:
        """Tell whether the service has checksums for its ranges: not for an unaligned job's."""
        return self.whole is not None and is_tree_hash_aligned(
            self.offset, self.offset + self.size, self.whole
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
    """Bring [start, stop) of an output to a sink; return its tree hash.

    A range that is not what its checksum says is asked again, alone. Raises IntegrityError when it
    stays so, NotFound when the job has expired. Where it came without a checksum, only the whole
    tells whether it is right (see `Promise.met_by`).
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
    """Find damage on the way early; the proof is that of the whole, also without any checksum."""
    if content.whole is None or not content.has_checksums or output.checksum is None:
        return
    first, last = content.offset + start, content.offset + stop
    if not is_tree_hash_aligned(first, last, content.whole):
        raise AssertionError(f"range {first}-{last} was asked for, but is not aligned")
    if output.checksum != tree_hash:
        raise IntegrityError(
            f"{_named(start, stop)} arrived damaged: tree hash {tree_hash},"
            f" the service's is {output.checksum}",
            hint="test this machine's memory and network, then run the same command again",
        )


def _named(start: int, stop: int) -> str:
    return f"range {start}-{stop - 1}"


def write_in_order(
    client: Client, content: Content, stream: BinaryIO, progress: Progress, span: Span | None
) -> Proof | None:
    """Write an output, or `span` of it, to a stream, each range after its checksum was compared.

    Returns the proof of all that was received; None for an inventory. Raises IntegrityError at the
    end when that is not the archive: what was written then cannot be taken back.
    """
    content.begin(progress)
    first, last = span or (0, content.size)
    start, root = 0, Root()
    for data, tree_hash in _fetch_in_order(client, content, progress):
        view = memoryview(data)[max(0, first - start) : max(0, last - start)]
        stream.write(view)
        start += len(data)
        root.add(bytes.fromhex(tree_hash))
        client.pace.note_progress()
    stream.flush()
    if content.promise is None:
        return None
    try:
        return content.promise.met_by(start, root.digest().hex())
    except IntegrityError as error:
        raise IntegrityError(words.written_already(error.message), hint=error.hint) from error


def _fetch_in_order(
    client: Client, content: Content, progress: Progress
) -> Iterator[tuple[bytearray, str]]:
    """Yield the ranges of an output in order with their hashes, a few in memory at most."""

    def whole(start: int, stop: int) -> tuple[bytearray, str]:
        data = bytearray(stop - start)

        def keep(view: memoryview, position: int) -> None:
            data[position - start : position - start + len(view)] = view

        return data, fetch(client, content, start, stop, keep, progress=progress)

    pending: deque[Future[tuple[bytearray, str]]] = deque()
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
