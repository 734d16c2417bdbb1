"""A tree of files out of a vault, under the names that any tool gave them.

One wait serves all retrievals; each file is proven beside its place before it gets its name.
Running the same command again goes on: what is there is not retrieved a second time, and of equal
archives only one is retrieved.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from glaciercli.errors import Conflict, NotReady, Refused
from glaciercli.evidence.proofs import Proof
from glaciercli.evidence.witnesses import Claim
from glaciercli.files.place import Place
from glaciercli.files.target import received
from glaciercli.files.tree import Tree
from glaciercli.hints import Command, Hint
from glaciercli.models import Archive, Consent, Plan, Restored, RestorePlan
from glaciercli.models.plans import digest_of, require_planned
from glaciercli.services import scopes
from glaciercli.services.download import downloads
from glaciercli.services.jobs.jobs import USUAL_TIMES
from glaciercli.services.jobs.retrievals import RetrievalRequest, Retrievals
from glaciercli.services.restore.selection import Item, Selection, split_by_content
from glaciercli.tasks.outcome import Outcome
from glaciercli.tasks.pool import Pool
from glaciercli.tasks.progress import NullProgress, Progress
from glaciercli.tasks.waiting import Poll
from glaciercli.units import counted, format_size

if TYPE_CHECKING:
    from glaciercli.catalog.store import Catalog
    from glaciercli.clients.glacier import Client


def plan(selection: Selection, *, tier: str = "Standard", overwrite: bool = False) -> RestorePlan:
    """Return what a restore would retrieve and what of it is charged; nothing is written.

    Lists the vault's retrievals where any is needed. What has no place to go is refused.
    """
    outcome = Outcome(of_a_set=True)
    if selection.directory.is_dir():
        with Tree(selection.directory, staging=False) as tree:
            _require_places(tree, selection.incomplete, outcome, overwrite=overwrite)
    missing, copies = split_by_content(_left(selection.incomplete, outcome))
    charged = _not_asked_for(missing, selection)
    return RestorePlan(
        selection.vault,
        str(selection.directory),
        archives=len(missing),
        size=_size(missing),
        charged=len(charged),
        charged_size=_size(charged),
        copies=len(copies),
        already=len(selection.files) - len(selection.incomplete),
        folders=len(selection.folders),
        packed=sum(each.is_packed for each in selection.files),
        tier=tier,
        time=USUAL_TIMES.get(tier, "hours"),
        refused={
            ident: error.message
            for ident, error in {**outcome.failures, **selection.refused}.items()
        },
        left_out=selection.left_out,
        digest=_digest(selection, tier, overwrite=overwrite),
    )


def restore(
    client: Client,
    catalog: Catalog,
    selection: Selection,
    plan: RestorePlan,
    consent: Consent,
    *,
    journals: Path,
    poll: Poll = Poll(),
    workers: int = 8,
    progress: Progress = NullProgress(),
    overwrite: bool = False,
) -> Restored:
    """Retrieve what is missing and put it into the directory, each file proven, with its time.

    `plan` is the selection's. All retrievals are started before any is waited for, once `consent`
    has agreed to those that are charged. Raises Refused, having started none, where they would be
    more than the plan says; NotReady while some are running and `poll` has run out, or some have
    ended since, which is charged again; Partial naming what could not be restored; both with the
    report. What is restored stays, and the same call goes on.
    """
    require_planned(plan, _digest(selection, plan.tier, overwrite=overwrite))
    outcome = Outcome(of_a_set=True)
    with Tree(selection.directory) as tree:
        whole = _ItemProgress(progress)
        run = _Run(client, catalog, tree, journals, plan.tier, poll, whole, overwrite, outcome)
        run.make(selection.folders)
        # Nothing is paid for what would have no place to go.
        _require_places(tree, selection.incomplete, outcome, overwrite=overwrite)
        missing, copies = split_by_content(run.left(selection.incomplete))
        run.require_room(missing, copies)
        if charged := _not_asked_for(missing, selection):
            _require_no_more(plan, charged)
            consent(plan)
        progress.start(_size(missing))
        run.request(missing, selection.retrievals)
        run.bring_all(run.left(missing), workers)
        run.copy_all(copies, missing)
        if not (outcome.failures or outcome.waiting):
            run.tidy(selection.files)
    return _report(selection, run)


def _digest(selection: Selection, tier: str, *, overwrite: bool) -> str:
    """Return what binds a run to its plan: which bytes go where, over what, and by which tier."""
    items = (
        (
            each.archive.id,
            each.archive.size,
            each.archive.tree_hash,
            each.missing_paths,
            each.existing_copy,
        )
        for each in selection.items
    )
    return digest_of(selection.vault, selection.directory, tier, overwrite, *items)


def _not_asked_for(missing: list[Item], selection: Selection) -> list[Item]:
    """Return the items whose retrieval neither runs nor is ready, so that it will be charged."""
    return [
        each
        for each in missing
        if selection.retrievals.find(RetrievalRequest(each.archive)) is None
    ]


def _require_no_more(plan: RestorePlan, charged: list[Item]) -> None:
    """Raise Refused where more would be charged than a plan says: a place has become free."""
    if len(charged) > plan.charged or _size(charged) > plan.charged_size:
        raise Refused(
            f"{counted(len(charged), 'retrieval')} of {format_size(_size(charged))} would be"
            f" charged, and {plan.charged:,} of {format_size(plan.charged_size)} were planned",
            hint="run the same command again, for a new plan",
        )


def _refuse_another(_: Plan) -> None:
    """Consent to no retrieval beyond the plan's: the next plan tells of it, and is asked for."""
    raise NotReady(
        "a retrieval has ended since it was planned, and another one is charged",
        hint="run the same command again, for a new plan",
    )


def _require_places(
    tree: Tree, items: Iterable[Item], outcome: Outcome, *, overwrite: bool
) -> None:
    """Find the files that could not be put into their places."""
    for each in items:
        with outcome.item(each.archive.id):
            for path in each.missing_paths:
                tree.require_free(path, overwrite=overwrite)


def _left(items: Iterable[Item], outcome: Outcome) -> list[Item]:
    """Return the items with which nothing went wrong so far."""
    return [each for each in items if not outcome.has_failed(each.archive.id)]


def _size(items: list[Item]) -> int:
    return sum(each.archive.size or 0 for each in items)


def _report(selection: Selection, run: _Run) -> Restored:
    """Return what was done; raises what `restore` says."""
    outcome = run.outcome
    restored = run.left(selection.incomplete)
    already = len(selection.files) - len(selection.incomplete)
    # A name that cannot be a path is told also where the archive has another that can.
    for ident, error in selection.refused.items():
        outcome.failed(ident, error)
    report = Restored(
        str(selection.directory),
        len(restored),
        _size(restored),
        already,
        len(outcome.waiting),
        len(outcome.failures),
        proven_by=dict(Counter(run.witnesses[each.archive.id] for each in restored)),
        left_out=selection.left_out,
    )
    outcome.finish(
        f"{counted(len(restored) + already, 'file')} restored",
        report=report,
        hint=_by_hand(selection),
    )
    return report


def _by_hand(selection: Selection) -> Hint | None:
    """Return the command for an archive whose name cannot be a path."""
    for ident in selection.refused:
        words = (f"id:{ident[:12]}", "FILE", "-V", selection.vault)
        return ("choose a name yourself: ", Command("archive", "download", *words))
    return None


@dataclass(frozen=True)
class _Run:
    """One run of a restore: what all its workers share."""

    client: Client
    catalog: Catalog
    tree: Tree
    journals: Path
    tier: str
    poll: Poll
    progress: Progress
    overwrite: bool
    #: By the archives' ids.
    outcome: Outcome
    #: By whose word each archive is proven that was brought or copied, by id.
    witnesses: dict[str, str] = field(default_factory=dict)

    def left(self, items: Iterable[Item]) -> list[Item]:
        """Return the items with which nothing went wrong so far."""
        return _left(items, self.outcome)

    def make(self, folders: list[Item]) -> None:
        """Make the directories that archives stand for; they hold nothing worth a retrieval."""
        for each in folders:
            with (
                self.outcome.item(each.archive.id),
                self.tree.directory(each.missing_paths[0], make=True),
            ):
                pass

    def require_room(self, missing: list[Item], copies: list[Item]) -> None:
        """Raise Conflict when the files do not fit: many begun ones would leave no room for one."""
        needed = largest = 0
        staged = {each.archive.id: self.staged(each.archive) for each in missing}
        for each in (*missing, *copies):
            size = each.archive.size or 0
            got = (
                received(staged[each.archive.id], each.archive.id)
                if each.existing_copy is None
                else 0
            )
            largest = max(largest, size - got)
            needed += size * len(each.missing_paths) - got
            if self.overwrite:  # what is replaced goes when the new file is there
                needed -= sum(map(self.tree.allocated, each.missing_paths))
        names = {place.name for place in staged.values()}
        self.tree.require_room(max(needed, largest), names)

    def request(self, items: list[Item], there: Retrievals) -> None:
        """Start the retrievals that are not there yet."""
        for each in items:
            with self.outcome.item(each.archive.id):
                downloads.request(
                    self.client,
                    each.archive,
                    self.staged(each.archive),
                    journals=self.journals,
                    there=there,
                    tier=self.tier,
                )

    def bring_all(self, items: list[Item], workers: int) -> None:
        """Bring files to their places: many at a time, or few with many ranges each."""
        files = max(1, min(workers, len(items)))
        ranges = workers // files  # of each: all together are no more than the workers asked for
        for _ in Pool(files).map(lambda item: self.bring(item, ranges), items):
            pass  # each has its outcome

    def bring(self, item: Item, workers: int) -> None:
        """Bring one file to its place, or places."""
        with self.outcome.item(item.archive.id):
            proof = self.retrieve(item.archive, workers)
            brought = proof.archive
            first, *others = item.missing_paths
            staged = self.staged(item.archive)
            self.tree.place(staged, first, overwrite=self.overwrite)
            self.spread(brought, first, others)
            assert proof.witness is not None  # as it is the whole
            self.witnesses[item.archive.id] = proof.witness.kind.value
            downloads.acknowledge(self.client, item.archive, staged, journals=self.journals)

    def copy_all(self, copies: list[Item], missing: list[Item]) -> None:
        """Write the files whose bytes are there by now; what they wait for failed for them too."""
        reasons = {each.missing_paths[0]: self.outcome.error(each.archive.id) for each in missing}
        for each in copies:
            with self.outcome.item(each.archive.id):
                assert each.existing_copy is not None
                if (reason := reasons.get(each.existing_copy)) is not None:
                    raise reason
                self.spread(each.archive, each.existing_copy, each.missing_paths)
                claim = Claim.of_catalog(each.archive)
                assert claim is not None  # else it is equal to no other
                self.witnesses[each.archive.id] = claim.by.kind.value

    def retrieve(self, archive: Archive, workers: int) -> Proof:
        """Receive an archive where it waits for its name."""
        proof = downloads.download(
            self.client,
            archive,
            self.staged(archive),
            _refuse_another,
            journals=self.journals,
            tier=self.tier,
            poll=self.poll,
            workers=workers,
            progress=self.progress,
            overwrite=True,
        )
        if archive.tree_hash is None:  # else the next run could not tell that it is there
            scope = scopes.of(self.client, self.catalog)
            self.catalog.created_all(scope, [proof.archive], ours=False)
        return proof

    def spread(
        self, archive: Archive, held: PurePosixPath, others: Iterable[PurePosixPath]
    ) -> None:
        """Copy a file that is there to its other places; raises Conflict where it has changed."""
        staged = self.staged(archive)
        copy = _copy_of(staged)
        for path in others:
            self.tree.copy(held, copy, archive.modified)
            if not copy.holds(archive.size, archive.tree_hash):
                copy.folder.remove(copy.name)
                raise Conflict(
                    f"{str(self.tree.root / held)!r} has changed since it was compared",
                    hint="run the same command again",
                )
            self.tree.place(copy, path, overwrite=self.overwrite)

    def tidy(self, items: list[Item]) -> None:
        """Remove what runs have left that were killed between giving a file its name and the end.

        All of the items are in their places, so nobody waits for what is staged of them.
        """
        for each in items:
            staged = self.staged(each.archive)
            for left in (staged, _copy_of(staged)):
                left.folder.remove(left.name)
            downloads.abandon(self.client, each.archive, staged, journals=self.journals)

    def staged(self, archive: Archive) -> Place:
        """Return where a file waits; an id is the service's word, and names no file as it is."""
        return self.tree.staged(hashlib.sha256(archive.id.encode()).hexdigest()[:32])


def _copy_of(staged: Place) -> Place:
    return staged.beside(staged.name + ".copy")


class _ItemProgress:
    """Forwards the bytes of many downloads, and hides the beginning of each."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def start(self, total: int | None, done: int = 0) -> None:
        pass  # the whole has begun already

    def advance(self, count: int) -> None:
        self._progress.advance(count)

    def note(self, text: str) -> None:
        self._progress.note(text)

    def warn(self, text: str) -> None:
        self._progress.warn(text)
