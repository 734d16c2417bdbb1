"""A tree of files out of a vault, under the names that any tool gave them.

One wait serves all retrievals; each file is proven beside its place before it gets its name.
Running the same command again goes on: what is there is not retrieved a second time.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from glaciercli.catalog.descriptions import decode
from glaciercli.catalog.filters import Filter
from glaciercli.errors import (
    Conflict,
    GlacierError,
    Interrupted,
    NotReady,
    Partial,
    Refused,
    Unavailable,
)
from glaciercli.models import Archive, Restored, RestorePlan
from glaciercli.services import downloads, scopes
from glaciercli.services.jobs import Poll
from glaciercli.services.paths import Layout, Unsafe, relative
from glaciercli.services.retrievals import Retrievals, Wanted
from glaciercli.services.trees import STAGING, Tree
from glaciercli.transfer.pool import Pool
from glaciercli.transfer.progress import NullProgress, Progress

if TYPE_CHECKING:
    from glaciercli.catalog.store import Catalog
    from glaciercli.session import Client

_EVERYTHING = Filter()
_TIMES = {"Expedited": "1-5 minutes", "Standard": "3-5 hours", "Bulk": "5-12 hours"}


@dataclass(frozen=True)
class Item:
    """An archive and where it goes: its own path first, then those of its further names."""

    archive: Archive
    paths: tuple[PurePosixPath, ...]
    is_folder: bool = False
    #: The bytes are not the file's: its tool has compressed or encrypted them.
    is_packed: bool = False


@dataclass(frozen=True)
class Selection:
    """What of a vault is to be restored, oldest first, and what cannot be, with each reason."""

    vault: str
    items: tuple[Item, ...]
    refused: dict[str, GlacierError]


def select(
    client: Client,
    catalog: Catalog,
    vault: str,
    *,
    filters: Filter = _EVERYTHING,
    portable: bool = False,
) -> Selection:
    """Lay out the archives that match as a tree; of equal names the newest archive gets it."""
    scope = scopes.of(client, catalog)
    layout = Layout()
    items: list[Item] = []
    refused: dict[str, GlacierError] = {}
    for archive in catalog.archives(scope, vault, filters=filters):
        said = decode(archive.description)
        names = [None, *catalog.aliases(scope, vault, archive.id)]
        paths = []
        for name in names:
            try:
                path = relative(archive, name, portable=portable)
                if path.parts[0] == STAGING:
                    raise Unsafe(f"begins with {STAGING}, where files wait for their names")
            except Unsafe as reason:
                refused[archive.id] = Refused(f"{name or archive.name!r} {reason}")
                continue
            claim = layout.directory if said.is_folder else layout.file
            paths.append(claim(path, archive.id))
        if paths:
            packed = said.compressed or said.encrypted
            items.append(Item(archive, tuple(paths), said.is_folder, packed))
    # In the order in which they were stored, which the service reads fastest.
    return Selection(vault, tuple(reversed(items)), refused)


def plan(selection: Selection, directory: Path, *, tier: str = "Standard") -> RestorePlan:
    """Return what a restore would retrieve; writes nothing and asks the service nothing."""
    files = [each for each in selection.items if not each.is_folder]
    missing = files
    if directory.is_dir():
        with Tree(directory, staging=False) as tree:
            missing = [each for each in files if not _is_there(tree, each)]
    return RestorePlan(
        str(directory),
        archives=len(missing),
        size=sum(each.archive.size or 0 for each in missing),
        already=len(files) - len(missing),
        folders=len(selection.items) - len(files),
        packed=sum(each.is_packed for each in files),
        tier=tier,
        time=_TIMES.get(tier, "hours"),
        refused={ident: error.message for ident, error in selection.refused.items()},
    )


def restore(
    client: Client,
    catalog: Catalog,
    selection: Selection,
    directory: Path,
    *,
    journals: Path,
    tier: str = "Standard",
    poll: Poll = Poll(),  # noqa: B008 - frozen
    workers: int = 8,
    progress: Progress | None = None,
    overwrite: bool = False,
    agree: Callable[[int, int], None] | None = None,
) -> Restored:
    """Retrieve what is missing and put it into the directory, each file proven, with its time.

    All retrievals are started before any is waited for; each costs. `agree` is told how many are
    about to be started and their bytes, and may raise. Raises NotReady while some are running and
    `poll` has run out, Partial naming what could not be restored; both with the report. What is
    restored stays, and the same call goes on.
    """
    progress = progress or NullProgress()
    failures = dict(selection.refused)
    with Tree(directory) as tree:
        run = _Run(client, catalog, tree, journals, tier, poll, overwrite, progress)
        missing = []
        for item in selection.items:
            if item.is_folder:
                failures |= run.make(item)
            elif not _is_there(tree, item):
                missing.append(item)
        # Nothing is paid for what would have no place to go.
        blocked = {each.archive.id: error for each in missing if (error := run.blocked(each))}
        failures |= blocked
        free = [each for each in missing if each.archive.id not in blocked]
        there = Retrievals(client, selection.vault)
        new = [each.archive for each in free if there.find(Wanted(each.archive)) is None]
        if agree is not None and new:
            agree(len(new), sum(each.size or 0 for each in new))
        progress.start(sum(each.archive.size or 0 for each in free))
        failures |= run.request(free, there)
        wanted = [each for each in free if each.archive.id not in failures]
        done, size, waiting = 0, 0, 0
        outcomes = Pool(min(workers, len(wanted) or 1)).map(
            lambda item: (item, run.bring(item, 1 if len(wanted) >= workers else workers)), wanted
        )
        for item, error in outcomes:
            if error is None:
                done, size = done + 1, size + (item.archive.size or 0)
            elif isinstance(error, NotReady):
                waiting += 1
            else:
                failures[item.archive.id] = error
    already = sum(not each.is_folder for each in selection.items) - len(missing)
    report = Restored(str(directory), done, size, already, waiting, len(failures))
    if waiting:
        raise NotReady(
            f"{done + already:,} files are restored, {waiting:,} retrievals are still running",
            hint="run the same command again later",
            report=report,
        )
    if failures:
        raise Partial(
            f"{done + already:,} files are restored, {len(failures):,} could not be",
            failures,
            hint=_by_hand(selection),
            report=report,
        )
    return report


def _by_hand(selection: Selection) -> str | None:
    """Return the command for an archive whose name cannot be a path."""
    for ident in selection.refused:
        vault = selection.vault
        return f"choose a name yourself: glacier archive download id:{ident[:12]} FILE -V {vault}"
    return None


class _Run:
    """One run of a restore: what all its workers share."""

    def __init__(
        self,
        client: Client,
        catalog: Catalog,
        tree: Tree,
        journals: Path,
        tier: str,
        poll: Poll,
        overwrite: bool,
        progress: Progress,
    ) -> None:
        self.client, self.catalog, self.tree = client, catalog, tree
        self.journals, self.tier = journals, tier
        self.overwrite = overwrite
        self.interval = poll.interval
        self.deadline = time.monotonic() + poll.timeout
        self.progress = _Whole(progress)

    def make(self, item: Item) -> dict[str, GlacierError]:
        """Make the directory that an archive stands for; it holds nothing worth a retrieval."""
        try:
            with self.tree.directory(item.paths[0], make=True):
                return {}
        except Conflict as error:
            return {item.archive.id: error}

    def blocked(self, item: Item) -> GlacierError | None:
        """Return why a file could not be put into its place."""
        try:
            for path in item.paths:
                if not self.tree.holds(path, item.archive.size, item.archive.tree_hash):
                    self.tree.require_free(path, overwrite=self.overwrite)
        except Conflict as error:
            return error
        return None

    def request(self, items: list[Item], there: Retrievals) -> dict[str, GlacierError]:
        """Start the retrievals that are not there yet."""
        failures: dict[str, GlacierError] = {}
        for item in items:
            archive = item.archive
            try:
                downloads.request(
                    self.client,
                    archive.vault,
                    archive,
                    self.staged(archive),
                    journals=self.journals,
                    there=there,
                    tier=self.tier,
                )
            except (Unavailable, Interrupted):
                raise
            except GlacierError as error:
                failures[archive.id] = error
        return failures

    def bring(self, item: Item, workers: int) -> GlacierError | None:
        """Bring one file to its place; return why not."""
        archive = item.archive
        staged = self.staged(archive)
        left = max(0.0, self.deadline - time.monotonic())
        try:
            brought = downloads.download(
                self.client,
                archive.vault,
                archive,
                staged,
                journals=self.journals,
                tier=self.tier,
                poll=Poll(self.interval, left),
                workers=workers,
                progress=self.progress,
                overwrite=True,
            )
            if archive.tree_hash is None:  # else the next run could not tell that it is there
                scope = scopes.of(self.client, self.catalog)
                self.catalog.created_all(scope, [brought], ours=False)
            source, lacking = (
                staged,
                [  # a run that was stopped may have left some
                    path
                    for path in item.paths
                    if not self.tree.holds(path, archive.size, archive.tree_hash)
                ],
            )
            for path in lacking:
                if path is not lacking[0]:
                    source = staged.with_name(staged.name + ".copy")
                    self.tree.copy(lacking[0], source)
                self.tree.place(source, path, overwrite=self.overwrite)
            downloads.acknowledge(self.client, archive, staged, journals=self.journals)
        except (Unavailable, Interrupted):
            raise
        except GlacierError as error:
            return error
        return None

    def staged(self, archive: Archive) -> Path:
        """Return where a file waits; an id is the service's word, and names no file as it is."""
        return self.tree.staging / hashlib.sha256(archive.id.encode()).hexdigest()[:32]


class _Whole:
    """The progress of many downloads as one."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def start(self, total: int | None, done: int = 0) -> None:
        pass  # the whole has begun already

    def advance(self, count: int) -> None:
        self._progress.advance(count)

    def note(self, text: str) -> None:
        self._progress.note(text)


def _is_there(tree: Tree, item: Item) -> bool:
    archive = item.archive
    return all(tree.holds(path, archive.size, archive.tree_hash) for path in item.paths)
