"""Random ranges of random archives, retrieved and compared with their tree hashes.

The only evidence that reads stored bytes; it costs retrievals.
"""

from __future__ import annotations

import hashlib
import heapq
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glaciercli.errors import (
    NotFound,
    Refused,
)
from glaciercli.evidence import words
from glaciercli.hints import Command
from glaciercli.models import Archive, Consent, Job, Sample, SamplePlan
from glaciercli.models.plans import digest_of, require_planned
from glaciercli.ranges import Span
from glaciercli.services import scopes
from glaciercli.services.jobs import jobs
from glaciercli.services.jobs.retrievals import RetrievalRequest
from glaciercli.tasks.outcome import Outcome
from glaciercli.tasks.pool import Pool
from glaciercli.tasks.progress import NullProgress, Progress
from glaciercli.tasks.waiting import Poll
from glaciercli.transfer.meter import Meter
from glaciercli.transfer.pipeline import copy
from glaciercli.transfer.receiving import Content, JobOutput, Nowhere
from glaciercli.units import MIB, counted

if TYPE_CHECKING:
    from glaciercli.catalog.store import Catalog
    from glaciercli.clients.glacier import Client


def plan(
    client: Client,
    catalog: Catalog,
    vault: str,
    count: int,
    *,
    seed: str,
    tier: str = "Standard",
) -> SamplePlan:
    """Return the plan to retrieve 1 MiB of each of `count` random archives, or of all there are.

    The same `seed` chooses the same ranges. Raises NotFound where the tree hash of no archive is
    known.
    """
    chosen = _choose(client, catalog, vault, count, seed)
    if not chosen:
        raise NotFound(
            f"the tree hash of no archive of vault {vault!r} is known here",
            hint=Command("vault", "inventory", vault),
        )
    there = _retrievals(client, vault)
    charged = [each for each in chosen if each.description not in there]
    return SamplePlan(
        vault,
        len(chosen),
        seed=seed,
        charged=len(charged),
        charged_size=sum(each.size for each in charged),
        tier=tier,
        digest=_digest(vault, chosen, tier),
    )


def read(
    client: Client,
    catalog: Catalog,
    plan: SamplePlan,
    consent: Consent,
    *,
    poll: Poll = Poll(),
    progress: Progress = NullProgress(),
) -> list[Sample]:
    """Retrieve the samples of a plan, once `consent` agrees, and compare each with its tree hash.

    Finds the jobs of an earlier run with the same seed again. An archive of up to 1 MiB is proven
    whole against the hash that the catalog knows. Of a larger one it is proven that the service has
    bytes there that match its own hash of them, and that it still claims the whole's hash; not that
    the range is in the tree, nor anything of the other bytes. Raises Refused, having started
    nothing, where the catalog's archives are not those of the plan, or more would be charged than
    it says; NotReady while retrievals run, Partial naming the archives that failed.
    """
    chosen = _choose(client, catalog, plan.vault, plan.samples, plan.seed)
    require_planned(plan, _digest(plan.vault, chosen, plan.tier))
    there = _retrievals(client, plan.vault)
    charged = [each for each in chosen if each.description not in there]
    if len(charged) > plan.charged:
        raise Refused(
            f"{counted(len(charged), 'retrieval')} would be charged, and {plan.charged:,} were"
            " planned",
            hint="run the same command again, for a new plan",
        )
    if charged:
        consent(plan)
    running = []
    results: list[Sample] = []
    outcome = Outcome(of_a_set=True)
    for each in chosen:
        with outcome.item(each.archive.id):
            job = there.get(each.description) or jobs.start_archive(
                client,
                plan.vault,
                each.archive.id,
                tier=plan.tier,
                range=each.span,
                token=each.token,
            )
            running.append((each, job))
    for each, job in running:
        with outcome.item(each.archive.id):
            done = jobs.wait(client, plan.vault, job.id, poll=poll, progress=progress)
            results.append(_compare(client, each.archive, each.span, done, progress))
    outcome.finish(
        words.samples(len(results)),
        report=results,
        later=f"run the same command again later, with --seed {plan.seed}",
    )
    return results


@dataclass(frozen=True)
class _Chosen:
    """A range of an archive that a seed has chosen; `token` names its job."""

    archive: Archive
    span: Span
    token: str

    @property
    def size(self) -> int:
        return self.span[1] - self.span[0]

    @property
    def description(self) -> str:
        return jobs.OWN_DESCRIPTION + self.token


def _choose(client: Client, catalog: Catalog, vault: str, count: int, seed: str) -> list[_Chosen]:
    scope = scopes.of(client, catalog)
    known = (each for each in catalog.archives(scope, vault) if each.size and each.tree_hash)
    return [
        _Chosen(each, _span(seed, each), _rank(seed, each).hex()[:16])
        for each in heapq.nsmallest(count, known, key=lambda each: _rank(seed, each))
    ]


def _retrievals(client: Client, vault: str) -> dict[str | None, Job]:
    """Return the vault's jobs that run or are done, by their descriptions."""
    return {
        job.description: job
        for job in jobs.listing(client, vault)
        if job.succeeded or not job.completed
    }


def _digest(vault: str, chosen: list[_Chosen], tier: str) -> str:
    """Return what binds a run to its plan: which ranges are read, and how they are retrieved."""
    return digest_of(vault, tier, *((each.archive.id, each.span) for each in chosen))


def _rank(seed: str, archive: Archive) -> bytes:
    """Return where an archive stands in the order that a seed gives; the same every time."""
    return hashlib.sha256(f"{seed} {archive.id}".encode()).digest()


def _span(seed: str, archive: Archive) -> Span:
    """Return one leaf of an archive: the least that may be asked for, and always aligned."""
    assert archive.size
    leaves = -(-archive.size // MIB)
    leaf = random.Random(_rank(seed, archive)).randrange(leaves)  # noqa: S311 - not a secret
    return leaf * MIB, min((leaf + 1) * MIB, archive.size)


def _compare(client: Client, archive: Archive, span: Span, job: Job, progress: Progress) -> Sample:
    promise = RetrievalRequest(archive, span).promised_by(job)
    content = Content.of(job, promise)
    output, meter = JobOutput(client, content), Meter(client.pace, progress)
    got = copy(output, Nowhere(), content.ranges(), Pool(1), meter)
    proof = promise.met_by(got.size, got.tree_hash)
    assert proof.witness is not None  # a leaf is aligned, so its hash was promised
    return Sample(
        archive.id,
        archive.vault,
        archive.name,
        f"{span[0]}-{span[1] - 1}",
        got.tree_hash,
        is_whole=proof.is_whole,
        proven_by=proof.witness.kind.value,
        proven_date=proof.witness.date,
    )
