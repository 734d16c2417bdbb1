"""Archives out of a vault: retrieved once, received in proven ranges, named when whole.

Running the same command again goes on: with the job that is running or done, with the ranges that
are in the part file already.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from glaciercli.errors import GlacierError, IntegrityError, NotFound, Refused
from glaciercli.models import Archive, Job
from glaciercli.services import jobs, vaults
from glaciercli.services.download_journal import DownloadJournal
from glaciercli.services.jobs import Poll
from glaciercli.services.receiving import Content, fetch, fetch_in_order
from glaciercli.session import Client
from glaciercli.transfer.parts import hash_window
from glaciercli.transfer.pool import Pool
from glaciercli.transfer.progress import NullProgress, Progress
from glaciercli.transfer.source import Source
from glaciercli.transfer.target import PartFile, finish_placing, require_free
from glaciercli.treehash import combine_hex, hash_file, is_tree_hash_aligned
from glaciercli.units import MIB, format_size

Span = tuple[int, int]


def download(
    client: Client,
    vault: str,
    archive: Archive,
    target: Path,
    *,
    journals: Path,
    tier: str = "Standard",
    poll: Poll = Poll(),  # noqa: B008 - frozen
    workers: int = 8,
    progress: Progress | None = None,
    overwrite: bool = False,
    range: Span | None = None,  # noqa: A002 - the API's own word
) -> Archive:
    """Bring an archive, or [start, stop) of it, into a file that appears only when proven.

    Uses a retrieval that is running or done, else starts one, which costs. Raises NotReady when
    `poll` runs out first: the same call goes on later. After the user was told, `acknowledge`.
    """
    progress = progress or NullProgress()
    target = target.absolute()
    content = _content_name(archive, range)
    with DownloadJournal.open(client, journals, vault, content, target) as journal:
        if _was_placed(journal, content, target, progress):
            return archive
        require_free(target, overwrite=overwrite)
        if journal.is_empty or journal.state.done:
            journal.begin(content, target)
        job = _retrieval(client, journal, vault, archive, tier, range, progress)
        job = jobs.wait(client, vault, job.id, poll=poll, progress=progress)
        archive = _require_same(archive, job)
        part = PartFile.open(target, content)
        size, tree_hash = _receive(client, journal, job, part, workers, progress)
        if range is not None:
            size, tree_hash = part.keep(*_within(job, range))
        part.finish(size, archive.modified)
        _place(journal, part, size, tree_hash, overwrite=overwrite)
    return archive


def request(
    client: Client,
    vault: str,
    archive: Archive,
    target: Path,
    *,
    journals: Path,
    tier: str = "Standard",
    range: Span | None = None,  # noqa: A002 - the API's own word
    progress: Progress | None = None,
) -> Job:
    """Start the retrieval that `download` will wait for, or return the one there is.

    Several archives are asked for first and downloaded then, so that there is one wait for all.
    """
    target = target.absolute()
    content = _content_name(archive, range)
    with DownloadJournal.open(client, journals, vault, content, target) as journal:
        if journal.is_empty:
            journal.begin(content, target)
        progress = progress or NullProgress()
        return _retrieval(client, journal, vault, archive, tier, range, progress)


def acknowledge(
    client: Client,
    archive: Archive,
    target: Path,
    *,
    journals: Path,
    range: Span | None = None,  # noqa: A002 - the API's own word
) -> None:
    """Drop the journal of a finished download, now that the user knows of the file."""
    _forget(client, archive.vault, _content_name(archive, range), target, journals)


def acknowledge_output(client: Client, job: Job, target: Path, *, journals: Path) -> None:
    """Drop the journal of a job's output that is in its file, now that the user knows of it."""
    _forget(client, job.vault, _output_name(job), target, journals)


def _forget(client: Client, vault: str, content: str, target: Path, journals: Path) -> None:
    with DownloadJournal.open(client, journals, vault, content, target.absolute()) as journal:
        if journal.state.placed is not None:
            journal.forget()


def to_stream(
    client: Client,
    vault: str,
    archive: Archive,
    stream: BinaryIO,
    *,
    tier: str = "Standard",
    poll: Poll = Poll(),  # noqa: B008 - frozen
    progress: Progress | None = None,
    range: Span | None = None,  # noqa: A002 - the API's own word
) -> Archive:
    """Write an archive to a stream, each range only after it is proven."""
    progress = progress or NullProgress()
    span = _aligned(archive, range)
    job = _existing(client, vault, archive, span)
    if job is None:
        progress.note(_starting(archive, tier, range, span))
        job = jobs.start_archive(client, vault, archive.id, tier=tier, range=span)
    job = jobs.wait(client, vault, job.id, poll=poll, progress=progress)
    archive = _require_same(archive, job)
    _write_in_order(client, job, stream, progress, range)
    return archive


def job_output(
    client: Client,
    vault: str,
    job: Job,
    target: Path | BinaryIO,
    *,
    journals: Path,
    workers: int = 8,
    progress: Progress | None = None,
    overwrite: bool = False,
) -> Job:
    """Bring the output of a finished job, of either kind, into a file or a stream.

    After the user was told of the file, `acknowledge_output`; until then it is reported again.
    An inventory has no checksums: its ranges and its size are compared, which is all there is.
    """
    progress = progress or NullProgress()
    if not job.succeeded:
        raise Refused(f"job {job.id} is {job.status}", hint=f"glacier job wait {job.id}")
    if not isinstance(target, Path):
        _write_in_order(client, job, target, progress, None)
        return job
    target, content = target.absolute(), _output_name(job)
    with DownloadJournal.open(client, journals, vault, content, target) as journal:
        if _was_placed(journal, content, target, progress):
            return job
        require_free(target, overwrite=overwrite)
        if journal.is_empty or journal.state.done:
            journal.begin(content, target)
        part = PartFile.open(target, content)
        size, _ = _receive(client, journal, job, part, workers, progress)
        part.finish(size, None)
        tree_hash = hash_file(part.descriptor.number, size)
        _place(journal, part, size, tree_hash, overwrite=overwrite)
    return job


def _place(
    journal: DownloadJournal, part: PartFile, size: int, tree_hash: str, *, overwrite: bool
) -> None:
    """Give a whole and proven part file its name; a run that comes after knows it by its hash."""
    journal.placing(size, tree_hash)
    part.place(overwrite=overwrite)
    journal.done()


def _was_placed(journal: DownloadJournal, content: str, target: Path, progress: Progress) -> bool:
    """Tell whether an earlier run got as far as naming the file, and make its end if it did."""
    if journal.state.placed is None or not _is_placed(journal.state.placed, target):
        return False
    if not journal.state.done:
        finish_placing(target, content)
        journal.done()
    progress.note("an earlier run had finished it; nothing was fetched again")
    return True


def _content_name(archive: Archive, span: Span | None) -> str:
    return f"{archive.id} {span[0]}-{span[1]}" if span else archive.id


def _output_name(job: Job) -> str:
    return f"job {job.id}"


def _retrieval(
    client: Client,
    journal: DownloadJournal,
    vault: str,
    archive: Archive,
    tier: str,
    span: Span | None,
    progress: Progress,
) -> Job:
    """Return the job to wait for: the journal's, any other that fits, or a new one."""
    if journal.state.job_id is not None:
        try:
            return jobs.describe(client, vault, journal.state.job_id)
        except NotFound:
            vaults.show(client, vault)  # raises NotFound when it is the vault that is gone
            progress.note("the earlier retrieval has expired; another one is needed, and costs")
    wanted = _aligned(archive, span)
    job = _existing(client, vault, archive, wanted)
    if job is None:
        token = secrets.token_hex(8)
        journal.retrieval(token)
        progress.note(_starting(archive, tier, span, wanted))
        job = jobs.start_archive(client, vault, archive.id, tier=tier, range=wanted, token=token)
    journal.job(job.id)
    return job


def _starting(archive: Archive, tier: str, asked: Span | None, wanted: Span | None) -> str:
    """Say what is about to be paid for."""
    what = format_size(archive.size) if archive.size is not None else "an archive"
    if asked is not None and wanted is not None:
        what = format_size(wanted[1] - wanted[0])
        if asked != wanted:
            what += (
                f" (bytes {wanted[0]}-{wanted[1] - 1}: the least around your range"
                " that the service gives a checksum for)"
            )
    return f"starting a {tier.lower()} retrieval of {what}; it costs, and takes its time"


def _within(job: Job, span: Span) -> Span:
    """Return where [start, stop) of the archive lies in what the job retrieved."""
    offset = int((job.range or "0-").partition("-")[0])
    return span[0] - offset, span[1] - offset


def _is_placed(placed: tuple[int, str], target: Path) -> bool:
    """Tell whether the target is, byte for byte, what an earlier run was about to put there."""
    size, tree_hash = placed
    try:
        source = Source.open(target)
    except GlacierError:
        return False
    return source.size == size and hash_file(source.descriptor.number, size) == tree_hash


def _existing(client: Client, vault: str, archive: Archive, span: Span | None) -> Job | None:
    """Return a retrieval of the same bytes, done rather than running; it saves a fee and a wait."""

    def fits(job: Job) -> bool:
        if job.action != "ArchiveRetrieval" or job.archive_id != archive.id:
            return False
        if job.completed and not job.succeeded:
            return False
        size = job.archive_size or archive.size
        start, stop = span or (0, size or 0)
        return job.range == f"{start}-{stop - 1}"

    found = [job for job in jobs.listing(client, vault) if fits(job)]
    return min(found, key=lambda job: not job.succeeded, default=None)


def _aligned(archive: Archive, span: Span | None) -> Span | None:
    """Return the least range around [start, stop) that the service gives a checksum for."""
    if span is None:
        return None
    if archive.size is None:
        raise Refused(
            "a range needs an archive whose size is known", hint="glacier vault inventory first"
        )
    start, stop = span
    if not 0 <= start < stop <= archive.size:
        raise Refused(f"range {start}-{stop - 1} is not within the {archive.size} bytes there are")
    step = MIB
    while True:
        first, last = start // step * step, min(-(-stop // step) * step, archive.size)
        if is_tree_hash_aligned(first, last, archive.size):
            return first, last
        step *= 2


def _require_same(archive: Archive, job: Job) -> Archive:
    """Compare what the job retrieved with what the catalog knows; return the archive completed."""
    for what, known, retrieved in (
        ("size", archive.size, job.archive_size),
        ("tree hash", archive.tree_hash, job.archive_tree_hash),
    ):
        if known is not None and retrieved is not None and known != retrieved:
            raise IntegrityError(
                f"archive {archive.id[:12]}... has {what} {retrieved}, but the catalog says {known}"
            )
    return replace(
        archive,
        size=job.archive_size or archive.size,
        tree_hash=job.archive_tree_hash or archive.tree_hash,
    )


def _receive(
    client: Client,
    journal: DownloadJournal,
    job: Job,
    part: PartFile,
    workers: int,
    progress: Progress,
) -> tuple[int, str]:
    """Fetch what the part file lacks and prove the whole; return its size and tree hash."""
    content = Content.of(job)
    if not content.is_proven and job.action == "ArchiveRetrieval":
        progress.note("this job's range is not tree-hash aligned: its bytes cannot be proven")
    progress.start(content.size)
    hashes = dict(_kept(journal, content, part, workers, progress))
    missing = [each for each in content.ranges() if each not in hashes]
    pool = Pool(min(workers, len(missing)))

    def receive(span: Span) -> tuple[Span, str]:
        tree_hash = fetch(client, content, *span, part.write, check=pool.check, progress=progress)
        journal.range(*span, tree_hash)
        client.pace.moved()
        return span, tree_hash

    hashes |= dict(pool.map(receive, missing))
    tree_hash = combine_hex(hashes[each] for each in content.ranges())
    _require_whole(job, content, tree_hash)
    return content.size, tree_hash


def _write_in_order(
    client: Client, job: Job, stream: BinaryIO, progress: Progress, span: Span | None
) -> None:
    content = Content.of(job)
    progress.start(content.size)
    first, last = _within(job, span) if span else (0, content.size)
    start = 0
    for data in fetch_in_order(client, content, progress=progress):
        view = memoryview(data)[max(0, first - start) : max(0, last - start)]
        stream.write(view)
        start += len(data)
        client.pace.moved()
    stream.flush()


def _kept(
    journal: DownloadJournal, content: Content, part: PartFile, workers: int, progress: Progress
) -> Iterator[tuple[Span, str]]:
    """Yield the ranges that are in the part file already, as reading it again shows."""
    known = journal.state.ranges
    size = part.size
    there = [each for each in content.ranges() if each in known and each[1] <= size]
    pool = Pool(min(workers, len(there)))

    def check(span: Span) -> tuple[Span, str, bool]:
        pool.check()
        hashed = hash_window(part.descriptor, *span, linear=False).hexdigest()
        return span, hashed, hashed == known[span]

    for span, hashed, same in pool.map(check, there):
        if same:
            progress.advance(span[1] - span[0])
            yield span, hashed


def _require_whole(job: Job, content: Content, tree_hash: str) -> None:
    if not content.is_proven:
        return
    if job.tree_hash is None:
        raise IntegrityError(f"job {job.id} does not tell the tree hash that it must have")
    if tree_hash != job.tree_hash:
        raise IntegrityError(
            f"the ranges together have tree hash {tree_hash}, the archive's is {job.tree_hash}"
        )
