"""The ranges of a job's output on their way, and whether they are what was promised."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from glaciercli.clients.glacier import Client
from glaciercli.clients.replies import Output
from glaciercli.errors import IntegrityError, LostReply, NotFound
from glaciercli.evidence import words
from glaciercli.evidence.proofs import Promise, Proof
from glaciercli.files.target import PartFile
from glaciercli.models import Job
from glaciercli.ranges import Span, format_range, parse_content_range
from glaciercli.tasks.pool import Pool
from glaciercli.tasks.progress import Progress
from glaciercli.transfer.download_journal import DownloadJournal
from glaciercli.transfer.meter import Meter
from glaciercli.transfer.pipeline import Body, Copied, compare, copy
from glaciercli.treehash import LEAF_SIZE, TreeHash, is_tree_hash_aligned
from glaciercli.units import MIB

RANGE_SIZE = 16 * MIB  # a power of two, so every range is tree-hash aligned; as few as parts are
_IN_ORDER, _AHEAD = 4 * MIB, 4  # the size of ranges for a stream, and how many wait in memory


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
        """Return what a finished job offers: as is promised of an archive, else as its size tells.

        Raises IntegrityError where the service tells no size.
        """
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


@dataclass(frozen=True)
class JobOutput:
    """A finished job's output as a source: each range is one request."""

    client: Client
    content: Content

    @contextmanager
    def open(self, span: Span, meter: Meter) -> Iterator[Arriving]:
        """Ask for a range; raises NotFound when the job has expired."""
        job, (start, stop) = self.content.job, span
        try:
            output = self.client.output(
                vaultName=job.vault, jobId=job.id, range=f"bytes={format_range(*span)}"
            )
        except NotFound as error:
            raise error if error.is_vault else _expired(job) from error
        with output:
            _require_range(output, start, stop, self.content.size)
            body = Arriving(output, self.content, span, meter)
            try:
                yield body
            except BaseException:
                meter.passed(-body.size)
                raise


class Arriving:
    """A range as it comes from the network, hashed while it passes.

    Where it comes without a checksum, only the whole tells whether it is right (see
    `Promise.met_by`).
    """

    def __init__(self, output: Output, content: Content, span: Span, meter: Meter) -> None:
        self.size = 0
        self._output = output
        self._content = content
        self._start, self._stop = span
        self._meter = meter
        self._hashed = TreeHash()
        self._buffer = memoryview(bytearray(min(LEAF_SIZE, self._stop - self._start)))

    @property
    def tree_hash(self) -> str:
        """The tree hash of the range, to be asked for when all of it has passed."""
        assert self._start + self.size == self._stop
        return self._hashed.hexdigest()

    def read(self) -> memoryview:
        """Return the next block, and after the last one nothing.

        Raises LostReply when it ends before, IntegrityError when it is not what its checksum says.
        """
        self._meter.check()
        view = self._buffer[: self._stop - self._start - self.size]
        count = self._output.read_into(view)
        if count == 0:
            self._require_whole()
        self._hashed.update(view[:count])
        self.size += count
        self._meter.passed(count)
        return view[:count]

    def _require_whole(self) -> None:
        start, stop = self._start, self._stop
        if start + self.size < stop:
            raise LostReply(f"{_named(start, stop)} ended after {self.size} bytes")
        if not self._output.finish():
            raise IntegrityError(f"{_named(start, stop)} came with more bytes than asked for")
        _require_hash(self._output, self._content, start, stop, self.tree_hash)


def _expired(job: Job) -> NotFound:
    return NotFound(
        f"job {job.id[:12]}… has expired: outputs are kept for about a day",
        hint="run the same command again: it starts a new retrieval, which costs again",
    )


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


def receive(
    client: Client,
    journal: DownloadJournal,
    content: Content,
    part: PartFile,
    *,
    workers: int,
    progress: Progress,
) -> Copied:
    """Bring what a part file lacks of an output; return size and tree hash of all it has then.

    Ranges that the journal tells of are read again, and brought anew where they are not as it says.
    """
    if part.instead_of is not None:
        progress.note(
            f"{str(part.instead_of)!r} is not yours alone and stays as it is; receiving into "
            f"{str(part.path)!r}"
        )
    content.begin(progress)
    pool, meter = Pool(workers), Meter(client.pace, progress)
    told, size = journal.state.ranges, part.size
    there = {span: told[span] for span in content.ranges() if span in told and span[1] <= size}
    proven = {
        span: there[span] for span, same in compare(part.descriptor, there, pool, meter) if same
    }
    output, sink = JobOutput(client, content), Kept(part, journal)
    return copy(output, sink, content.ranges(), pool, meter, proven=proven)


@dataclass(frozen=True)
class Kept:
    """A part file as a sink. Bytes are written as they come, and told of when they are proven."""

    part: PartFile
    journal: DownloadJournal
    is_ordered = False

    def put(self, span: Span, body: Body) -> None:
        """Write a range at its position; it counts for nothing until `keep`."""
        position = span[0]
        while view := body.read():
            self.part.write(memoryview(view), position)
            position += len(view)

    def keep(self, span: Span, tree_hash: str) -> None:
        """Note a proven range in the journal, so that a later run reads it back from the file."""
        self.journal.range(*span, tree_hash)


def write_in_order(
    client: Client, content: Content, stream: BinaryIO, progress: Progress, span: Span | None
) -> Proof | None:
    """Write an output, or `span` of it, to a stream, each range after its checksum was compared.

    Returns the proof of all that was received; None for an inventory. Raises IntegrityError at the
    end when that is not the archive: what was written then cannot be taken back.
    """
    content.begin(progress)
    source, sink = JobOutput(client, content), InOrder(stream, span or (0, content.size))
    ranges, meter = content.ranges(_IN_ORDER), Meter(client.pace, progress)
    received = copy(source, sink, ranges, Pool(_AHEAD), meter)
    stream.flush()
    if content.promise is None:
        return None
    try:
        return content.promise.met_by(received.size, received.tree_hash)
    except IntegrityError as error:
        raise IntegrityError(words.written_already(error.message), hint=error.hint) from error


class InOrder:
    """A stream as a sink: ranges wait in memory for those before them; `wanted` is written."""

    is_ordered = True

    def __init__(self, stream: BinaryIO, wanted: Span) -> None:
        self._stream = stream
        self._wanted = wanted
        self._waiting: dict[Span, bytearray] = {}

    def put(self, span: Span, body: Body) -> None:
        """Hold a range in memory until its turn."""
        start, stop = span
        data, filled = bytearray(stop - start), 0
        while view := body.read():
            data[filled : filled + len(view)] = view
            filled += len(view)
        self._waiting[span] = data

    def keep(self, span: Span, _tree_hash: str) -> None:
        """Write the wanted part of the next range; what was written cannot be taken back."""
        start, _ = span
        first, last = (max(0, each - start) for each in self._wanted)
        self._stream.write(memoryview(self._waiting.pop(span))[first:last])


class Nowhere:
    """A sink for bytes that are only hashed."""

    is_ordered = False

    def put(self, _span: Span, body: Body) -> None:
        """Read a range to its end: hashing is all that is wanted of it."""
        while body.read():
            pass

    def keep(self, span: Span, tree_hash: str) -> None:
        """Do nothing: whoever copies has the hash."""
