"""The jobs that bring archives back: the one that is there already, or a new one, which costs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

from glaciercli.clients.glacier import Client
from glaciercli.errors import IntegrityError, Refused
from glaciercli.evidence.proofs import Promise, promised
from glaciercli.evidence.words import called
from glaciercli.hints import Command
from glaciercli.models import Archive, Consent, Job, RetrievalPlan
from glaciercli.ranges import Span, format_range
from glaciercli.services.jobs import jobs
from glaciercli.treehash import is_tree_hash_aligned
from glaciercli.units import MIB


@dataclass(frozen=True)
class RetrievalRequest:
    """An archive, or [start, stop) of it, that somebody wants to have."""

    archive: Archive
    span: Span | None = None

    @property
    def name(self) -> str:
        """What journals and part files know it by."""
        return f"{self.archive.id} {self.span[0]}-{self.span[1]}" if self.span else self.archive.id

    @cached_property
    def aligned(self) -> Span | None:
        """The least range around what is wanted that the service gives a checksum for.

        None for the whole. Raises Refused for a range that the archive does not have, or of an
        archive of unknown size (developer guide, "Receiving checksums when downloading data").
        """
        if self.span is None:
            return None
        size = self.archive.size
        if size is None:
            raise Refused(
                "a range needs an archive whose size is known",
                hint=Command("vault", "inventory", self.archive.vault),
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

    def is_satisfied_by(self, job: Job) -> bool:
        """Tell whether a job of this archive brings, or has brought, just these bytes."""
        if job.completed and not job.succeeded:
            return False
        if job.span is None:  # what was asked for without a range is the whole
            return self.span is None
        return job.span == (self.aligned or (0, job.archive_size or self.archive.size))

    def promised_by(self, job: Job) -> Promise:
        """Return what the finished job must bring (see `promised`).

        Raises IntegrityError also where it does not bring all that is wanted.
        """
        promise = promised(self.archive, job)
        start, stop = self.span or (0, promise.archive.size or 0)
        if not promise.start <= start < stop <= promise.stop:
            raise IntegrityError(
                f"job {job.id[:12]}… brings bytes {promise.start}-{promise.stop - 1} of archive"
                f" {called(self.archive)}, and {start}-{stop - 1} were asked for"
            )
        return promise


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

    def find(self, wanted: RetrievalRequest) -> Job | None:
        """Return a retrieval of the same bytes, done rather than running; it saves a fee."""
        fitting = filter(wanted.is_satisfied_by, self._by_archive.get(wanted.archive.id, ()))
        return min(fitting, key=lambda job: not job.succeeded, default=None)

    def plan(self, wanted: RetrievalRequest, tier: str) -> RetrievalPlan:
        """Return the plan to start a retrieval, of what was not found."""
        return _plan(wanted.archive, wanted.aligned, tier, asked=wanted.span)

    def start(self, wanted: RetrievalRequest, *, tier: str, token: str | None = None) -> Job:
        """Start a retrieval, which is charged."""
        return jobs.start_archive(
            self._client,
            self._vault,
            wanted.archive.id,
            tier=tier,
            range=wanted.aligned,
            token=token,
        )


def start(
    client: Client,
    archive: Archive,
    consent: Consent,
    *,
    tier: str = "Standard",
    range: Span | None = None,  # noqa: A002 - the field's own word
    description: str | None = None,
    topic: str | None = None,
) -> Job:
    """Start the retrieval of an archive, or of just [start, stop) of it, once `consent` agrees.

    Another one of the same bytes may be there: this is a new one, for its own description or topic.
    """
    consent(_plan(archive, range, tier, asked=range))
    return jobs.start_archive(
        client,
        archive.vault,
        archive.id,
        tier=tier,
        range=range,
        description=description,
        topic=topic,
    )


def _plan(archive: Archive, span: Span | None, tier: str, *, asked: Span | None) -> RetrievalPlan:
    """Return the plan to retrieve [start, stop) of an archive, of which a part may be asked for."""
    return RetrievalPlan(
        archive.vault,
        archive.id,
        archive.name,
        size=archive.size if span is None else span[1] - span[0],
        widened=None if span is None or span == asked else format_range(*span),
        tier=tier,
    )
