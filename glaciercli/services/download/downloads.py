"""Archives out of a vault: retrieved once, received in proven ranges, named when whole.

Running the same command again goes on: with the job that is running or done, with the ranges that
are in the part file already.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from glaciercli.clients.glacier import Client
from glaciercli.errors import Busy, IntegrityError, NotFound, NotReady, Refused
from glaciercli.evidence.proofs import Proof, promised, proven_before
from glaciercli.files.place import Place, place_of
from glaciercli.files.target import PartFile, finish_placing, received
from glaciercli.hints import Command
from glaciercli.models import Archive, Consent, Job
from glaciercli.models.plans import agreed
from glaciercli.ranges import Span
from glaciercli.services.jobs import jobs
from glaciercli.services.jobs.retrievals import Retrievals, Wanted
from glaciercli.services.vaults import vaults
from glaciercli.tasks.progress import NullProgress, Progress
from glaciercli.tasks.waiting import Poll
from glaciercli.transfer.download_journal import DownloadJournal
from glaciercli.transfer.receiving import Content, receive, write_in_order


def download(
    client: Client,
    archive: Archive,
    target: Path | Place,
    consent: Consent,
    *,
    journals: Path,
    tier: str = "Standard",
    poll: Poll = Poll(),
    workers: int = 8,
    progress: Progress = NullProgress(),
    overwrite: bool = False,
    range: Span | None = None,  # noqa: A002 - the API's own word
) -> Proof:
    """Bring an archive, or [start, stop) of it, into a file that appears only when proven.

    Uses a retrieval that is running or done, else starts one, if `consent` agrees. Raises NotReady
    when `poll` runs out first: the same call goes on later; IntegrityError when what came is not
    the archive. After the user was told, `acknowledge`.
    """
    wanted = Wanted(archive, range)
    with (
        _opened(target) as place,
        DownloadJournal.open(client, journals, archive.vault, wanted.name, place.path) as journal,
    ):
        if (placed := _placed(journal, wanted.name, place, progress)) is not None:
            with _beginning_again(journal):
                return proven_before(archive, range, *placed)
        place.require_free(overwrite=overwrite)
        if journal.is_empty or journal.state.done:
            journal.begin(wanted.name, place.path)
        start, stop = wanted.aligned or (0, archive.size or 0)
        place.require_room(stop - start - received(place, wanted.name))
        there = Retrievals(client, archive.vault)
        job = _retrieval(client, journal, wanted, there, tier, consent, progress)
        job = jobs.wait(client, archive.vault, job.id, poll=poll, progress=progress)
        content = Content.of(job, wanted.promised_by(job))
        with PartFile.open(place, wanted.name) as part:
            got = receive(client, journal, content, part, workers=workers, progress=progress)
            proof, size, tree_hash = _proven(journal, content, *got), *got
            assert proof is not None  # as it is an archive's
            if range is not None:
                size, tree_hash = part.keep(range[0] - proof.start, range[1] - proof.start)
            part.finish(size, archive.modified)
            _place(journal, part, size, tree_hash, overwrite=overwrite)
    return proof


def request(
    client: Client,
    archive: Archive,
    target: Path | Place,
    *,
    journals: Path,
    there: Retrievals,
    tier: str = "Standard",
) -> Job:
    """Start the retrieval that `download` will wait for, or return the one there is.

    Several archives are asked for first and downloaded then, so that there is one wait for all;
    `there` are the vault's retrievals, listed once for all of them. All of them are agreed to.
    """
    wanted, path = Wanted(archive), _path(target)
    with DownloadJournal.open(client, journals, archive.vault, wanted.name, path) as journal:
        if journal.is_empty:
            journal.begin(wanted.name, path)
        if (job := there.find(wanted)) is not None:  # no need to ask for it alone
            journal.job(job.id)
            return job
        return _retrieval(client, journal, wanted, there, tier, agreed, NullProgress())


def acknowledge(
    client: Client,
    archive: Archive,
    target: Path | Place,
    *,
    journals: Path,
    range: Span | None = None,  # noqa: A002 - the API's own word
) -> None:
    """Drop the journal of a finished download, now that the user knows of the file."""
    _forget(client, archive.vault, Wanted(archive, range).name, target, journals)


def abandon(client: Client, archive: Archive, target: Place, *, journals: Path) -> None:
    """Drop the journal of a download that nobody needs any more, and what was received of it."""
    _forget(client, archive.vault, Wanted(archive).name, target, journals, unfinished=True)


def acknowledge_output(client: Client, job: Job, target: Path, *, journals: Path) -> None:
    """Drop the journal of a job's output that is in its file, now that the user knows of it."""
    _forget(client, job.vault, _output_name(job), target, journals)


def _forget(
    client: Client,
    vault: str,
    content: str,
    target: Path | Place,
    journals: Path,
    *,
    unfinished: bool = False,
) -> None:
    path = _path(target)
    if not DownloadJournal.is_there(client, journals, vault, content, str(path)):
        return
    try:
        journal = DownloadJournal.open(client, journals, vault, content, path)
    except Busy:
        return  # a run that came meanwhile has it, and will do this in its turn
    with journal:
        if unfinished:
            with _opened(target) as place:
                finish_placing(place, content)
        if unfinished or journal.state.placed is not None:
            journal.forget()


def _path(target: Path | Place) -> Path:
    return target.path if isinstance(target, Place) else target.absolute()


@contextmanager
def _opened(target: Path | Place) -> Iterator[Place]:
    """Lend the place of a target, which a restore holds open already."""
    if isinstance(target, Place):
        yield target
    else:
        with place_of(target) as place:
            yield place


def to_stream(
    client: Client,
    archive: Archive,
    stream: BinaryIO,
    consent: Consent,
    *,
    tier: str = "Standard",
    poll: Poll = Poll(),
    progress: Progress = NullProgress(),
    range: Span | None = None,  # noqa: A002 - the API's own word
) -> Proof:
    """Write an archive to a stream, each range after its checksum was compared.

    `consent` is asked as by `download`. Raises IntegrityError at the end when all of them together
    are not the archive.
    """
    wanted, there = Wanted(archive, range), Retrievals(client, archive.vault)
    job = there.find(wanted)
    if job is None:
        consent(there.plan(wanted, tier))
        job = there.start(wanted, tier=tier)
    job = jobs.wait(client, archive.vault, job.id, poll=poll, progress=progress)
    promise = wanted.promised_by(job)
    span = None if range is None else (range[0] - promise.start, range[1] - promise.start)
    proof = write_in_order(client, Content.of(job, promise), stream, progress, span)
    assert proof is not None  # as it is an archive's
    return proof


def job_output(
    client: Client,
    job: Job,
    target: Path | BinaryIO,
    *,
    archive: Archive | None,
    journals: Path,
    workers: int = 8,
    progress: Progress = NullProgress(),
    overwrite: bool = False,
) -> Proof | None:
    """Bring the output of a finished job, of either kind, into a file or a stream.

    `archive` is the one that an archive's job brings (see `archives.of_job`), None for an
    inventory. That has no checksums: its ranges and its size are compared, which is all there is,
    and there is no proof. Raises IntegrityError when what came is not the archive. After the user
    was told of the file, `acknowledge_output`; until then it is reported again.
    """
    if not job.completed:
        raise NotReady(
            f"job {job.id} is in progress",
            hint=Command("job", "wait", job.id, "--vault", job.vault),
        )
    if not job.succeeded:
        raise Refused(f"job {job.id} failed; {job.status_message or 'the service gave no reason'}")
    content = Content.of(job, None if archive is None else promised(archive, job))
    if not isinstance(target, Path):
        return write_in_order(client, content, target, progress, None)
    name = _output_name(job)
    with (
        _opened(target) as place,
        DownloadJournal.open(client, journals, job.vault, name, place.path) as journal,
    ):
        if (placed := _placed(journal, name, place, progress)) is not None:
            return _proven(journal, content, *placed)
        place.require_free(overwrite=overwrite)
        if journal.is_empty or journal.state.done:
            journal.begin(name, place.path)
        with PartFile.open(place, name) as part:
            got = receive(client, journal, content, part, workers=workers, progress=progress)
            proof = _proven(journal, content, *got)
            part.finish(got.size, None)
            tree_hash = part.descriptor.tree_hash(got.size)
            _place(journal, part, got.size, tree_hash, overwrite=overwrite)
    return proof


def _place(
    journal: DownloadJournal, part: PartFile, size: int, tree_hash: str, *, overwrite: bool
) -> None:
    """Give a whole and proven part file its name; a run that comes after knows it by its hash."""
    journal.placing(size, tree_hash)
    part.place(overwrite=overwrite)
    journal.done()


def _placed(
    journal: DownloadJournal, name: str, place: Place, progress: Progress
) -> tuple[int, str] | None:
    """Return size and tree hash of the file that an earlier run has named; None if it did not.

    Makes the end of that run.
    """
    placed = journal.state.placed
    if placed is None or not place.holds(*placed):
        return None
    if not journal.state.done:
        finish_placing(place, name)
        journal.done()
    progress.note("an earlier run had finished it; nothing was fetched again")
    return placed


def _proven(journal: DownloadJournal, content: Content, size: int, tree_hash: str) -> Proof | None:
    """Return the proof of what was received; None for an inventory, which has none."""
    if content.promise is None:
        return None
    with _beginning_again(journal):
        return content.promise.met_by(size, tree_hash)


@contextmanager
def _beginning_again(journal: DownloadJournal) -> Iterator[None]:
    """Let what turns out to be other bytes not be gone on with, nor be told of once more."""
    try:
        yield
    except IntegrityError:
        journal.begin_again()
        raise


def _output_name(job: Job) -> str:
    return f"job {job.id}"


def _retrieval(
    client: Client,
    journal: DownloadJournal,
    wanted: Wanted,
    there: Retrievals,
    tier: str,
    consent: Consent,
    progress: Progress,
) -> Job:
    """Return the job to wait for: the journal's, any other that fits, or a new one, if agreed."""
    job = _remembered(client, wanted.archive.vault, journal, progress) or there.find(wanted)
    if job is None:
        consent(there.plan(wanted, tier))
        token = secrets.token_hex(8)
        journal.retrieval(token)
        job = there.start(wanted, tier=tier, token=token)
    journal.job(job.id)
    return job


def _remembered(
    client: Client, vault: str, journal: DownloadJournal, progress: Progress
) -> Job | None:
    """Return the journal's job as it is now; None when there is none that can still be used."""
    if journal.state.job_id is None:
        return None
    try:
        job = jobs.describe(client, vault, journal.state.job_id)
    except NotFound:
        vaults.require(client, vault)
        end = "expired"
    else:
        if job.succeeded or not job.completed:
            return job
        end = "failed"
    progress.note(f"the earlier retrieval has {end}; another one is needed, and costs")
    return None
