"""The jobs that bring archives back: the one that is there already, or a new one, which costs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cached_property

from glaciercli.clients.glacier import Client
from glaciercli.errors import IntegrityError, Refused
from glaciercli.models import Archive, Job
from glaciercli.ranges import Span
from glaciercli.services.jobs import jobs
from glaciercli.tasks.progress import Progress
from glaciercli.treehash import is_tree_hash_aligned
from glaciercli.units import MIB, format_size


@dataclass(frozen=True)
class Wanted:
    """An archive, or [start, stop) of it, that somebody wants to have."""

    archive: Archive
    span: Span | None = None

    @property
    def name(self) -> str:
        """What journals and part files know it by."""
        return f"{self.archive.id} {self.span[0]}-{self.span[1]}" if self.span else self.archive.id

    @cached_property
    def aligned(self) -> Span | None:
        """The least range around what is wanted that the service gives a checksum for."""
        if self.span is None:
            return None
        size = self.archive.size
        if size is None:
            raise Refused(
                "a range needs an archive whose size is known",
                hint=f"glacier vault inventory {self.archive.vault}",
            )
        start, stop = self.span
        if not 0 <= start < stop <= size:
            raise Refused(f"range {start}-{stop - 1} is not within the {size} bytes there are")
        step = MIB
        while True:
            first, last = start // step * step, min(-(-stop // step) * step, size)
            if is_tree_hash_aligned(first, last, size):
                return first, last
            step *= 2

    def is_brought_by(self, job: Job) -> bool:
        """Tell whether a job of this archive brings, or has brought, just these bytes."""
        if job.completed and not job.succeeded:
            return False
        if job.span is None:  # what was asked for without a range is the whole
            return self.span is None
        return job.span == (self.aligned or (0, job.archive_size or self.archive.size))

    def within(self, job: Job) -> Span | None:
        """Return where the wanted range lies in what the job retrieved; None for all of it."""
        if self.span is None:
            return None
        offset = job.span[0] if job.span else 0
        return self.span[0] - offset, self.span[1] - offset

    def completed_by(self, job: Job) -> Archive:
        """Return the archive with what its job tells; raises IntegrityError where they differ."""
        if job.archive_id not in {None, self.archive.id}:
            raise IntegrityError(
                f"job {job.id[:12]}... brings archive {job.archive_id}, not {self.archive.id}"
            )
        for what, known, retrieved in (
            ("size", self.archive.size, job.archive_size),
            ("tree hash", self.archive.tree_hash, job.archive_tree_hash),
        ):
            if known is not None and retrieved is not None and known != retrieved:
                raise IntegrityError(
                    f"archive {self.archive.id[:12]}... has {what} {retrieved},"
                    f" but the catalog says {known}"
                )
        return replace(
            self.archive,
            size=job.archive_size or self.archive.size,
            tree_hash=job.archive_tree_hash or self.archive.tree_hash,
        )


class Retrievals:
    """The retrievals that a vault has, listed once, when the first is asked for."""

    def __init__(self, client: Client, vault: str) -> None:
        self._client, self._vault = client, vault

    @cached_property
    def _by_archive(self) -> dict[str | None, list[Job]]:
        found = defaultdict(list)
        for job in jobs.listing(self._client, self._vault):
            if job.action == "ArchiveRetrieval":
                found[job.archive_id].append(job)
        return found

    def find(self, wanted: Wanted) -> Job | None:
        """Return a retrieval of the same bytes, done rather than running; it saves a fee."""
        fitting = filter(wanted.is_brought_by, self._by_archive.get(wanted.archive.id, ()))
        return min(fitting, key=lambda job: not job.succeeded, default=None)

    def start(
        self, wanted: Wanted, *, tier: str, progress: Progress, token: str | None = None
    ) -> Job:
        """Start a retrieval, having said what is about to be paid for."""
        progress.note(_announcement(wanted, tier))
        return jobs.start_archive(
            self._client,
            self._vault,
            wanted.archive.id,
            tier=tier,
            range=wanted.aligned,
            token=token,
        )


def _announcement(wanted: Wanted, tier: str) -> str:
    size, aligned = wanted.archive.size, wanted.aligned
    what = format_size(size) if size is not None else "an archive"
    if aligned is not None:
        what = format_size(aligned[1] - aligned[0])
        if aligned != wanted.span:
            what += (
                f" (bytes {aligned[0]}-{aligned[1] - 1}: the least around your range"
                " that the service gives a checksum for)"
            )
    a = "an" if tier == "Expedited" else "a"
    return f"starting {a} {tier.lower()} retrieval of {what}; it costs, and takes its time"
