"""Archives out of a vault: retrieved once, received in proven ranges, named when whole.

Running the same command again goes on: with the job that is running or done, with the ranges that
are in the part file already.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import BinaryIO

from glaciercli.clients.glacier import Client
from glaciercli.errors import NotFound
from glaciercli.evidence.proofs import Proof, proven_before
from glaciercli.files.place import Place
from glaciercli.files.target import PartFile, received
from glaciercli.models import Archive, Consent, Job
from glaciercli.models.plans import agreed
from glaciercli.ranges import Span
from glaciercli.services.download import _endings
from glaciercli.services.jobs import jobs
from glaciercli.services.jobs.retrievals import RetrievalRequest, Retrievals
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
    wanted = RetrievalRequest(archive, range)
    with (
        _endings.opened(target) as place,
        DownloadJournal.open(client, journals, archive.vault, wanted.name, place.path) as journal,
    ):
        if (placed := _endings.placed_before(journal, wanted.name, place, progress)) is not None:
            with _endings.beginning_again(journal):
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
            proof, size, tree_hash = _endings.proven(journal, content, *got), *got
            assert proof is not None  # as it is an archive's
            if range is not None:
                size, tree_hash = part.keep(range[0] - proof.start, range[1] - proof.start)
            part.finish(size, archive.modified)
            _endings.put(journal, part, size, tree_hash, overwrite=overwrite)
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
    wanted, path = RetrievalRequest(archive), _endings.path_of(target)
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
    _endings.forget(client, archive.vault, RetrievalRequest(archive, range).name, target, journals)


def abandon(client: Client, archive: Archive, target: Place, *, journals: Path) -> None:
    """Drop the journal of a download that nobody needs any more, and what was received of it."""
    _endings.forget(
        client, archive.vault, RetrievalRequest(archive).name, target, journals, unfinished=True
    )


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
    wanted, there = RetrievalRequest(archive, range), Retrievals(client, archive.vault)
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


def _retrieval(
    client: Client,
    journal: DownloadJournal,
    wanted: RetrievalRequest,
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
    except NotFound as error:
        if error.is_vault:
            raise
        end = "expired"
    else:
        if job.succeeded or not job.completed:
            return job
        end = "failed"
    progress.note(f"the earlier retrieval has {end}; another one is needed, and costs")
    return None
