"""The output of a finished job, an inventory's too, brought into a file or a stream."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from glaciercli.clients.glacier import Client
from glaciercli.errors import NotReady, Refused
from glaciercli.evidence.proofs import Proof, promised
from glaciercli.files.target import PartFile
from glaciercli.hints import Command
from glaciercli.models import Archive, Job
from glaciercli.services.download import _endings
from glaciercli.tasks.progress import NullProgress, Progress
from glaciercli.transfer.download_journal import DownloadJournal
from glaciercli.transfer.receiving import Content, receive, write_in_order


def save(
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
    and there is no proof. Raises NotReady while the job runs, Refused where it failed and
    IntegrityError when what came is not the archive. After the user was told of the file,
    `acknowledge`; until then it is reported again.
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
    name = _name_of(job)
    with (
        _endings.opened(target) as place,
        DownloadJournal.open(client, journals, job.vault, name, place.path) as journal,
    ):
        if (placed := _endings.placed_before(journal, name, place, progress)) is not None:
            return _endings.proven(journal, content, *placed)
        place.require_free(overwrite=overwrite)
        if journal.is_empty or journal.state.done:
            journal.begin(name, place.path)
        with PartFile.open(place, name) as part:
            got = receive(client, journal, content, part, workers=workers, progress=progress)
            proof = _endings.proven(journal, content, *got)
            part.finish(got.size, None)
            tree_hash = part.descriptor.tree_hash(got.size)
            _endings.put(journal, part, got.size, tree_hash, overwrite=overwrite)
    return proof


def acknowledge(client: Client, job: Job, target: Path, *, journals: Path) -> None:
    """Drop the journal of a job's output that is in its file, now that the user knows of it."""
    _endings.forget(client, job.vault, _name_of(job), target, journals)


def _name_of(job: Job) -> str:
    return f"job {job.id}"
