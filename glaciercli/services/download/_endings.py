"""What every download ends in: a file that is proven, named, and told of, by its journal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from glaciercli.clients.glacier import Client
from glaciercli.errors import Busy, IntegrityError
from glaciercli.evidence.proofs import Proof
from glaciercli.files.place import Place, place_of
from glaciercli.files.target import PartFile, finish_placing
from glaciercli.tasks.progress import Progress
from glaciercli.transfer.download_journal import DownloadJournal
from glaciercli.transfer.receiving import Content


@contextmanager
def opened(target: Path | Place) -> Iterator[Place]:
    """Lend the place of a target, which a restore holds open already."""
    if isinstance(target, Place):
        yield target
    else:
        with place_of(target) as place:
            yield place


def path_of(target: Path | Place) -> Path:
    """Return the absolute path that a journal names a target by."""
    return target.path if isinstance(target, Place) else target.absolute()


def placed_before(
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


def proven(journal: DownloadJournal, content: Content, size: int, tree_hash: str) -> Proof | None:
    """Return the proof of what was received; None for an inventory, which has none."""
    if content.promise is None:
        return None
    with beginning_again(journal):
        return content.promise.met_by(size, tree_hash)


@contextmanager
def beginning_again(journal: DownloadJournal) -> Iterator[None]:
    """Let what turns out to be other bytes not be gone on with, nor be told of once more."""
    try:
        yield
    except IntegrityError:
        journal.begin_again()
        raise


def put(
    journal: DownloadJournal, part: PartFile, size: int, tree_hash: str, *, overwrite: bool
) -> None:
    """Give a whole and proven part file its name; a run that comes after knows it by its hash."""
    journal.placing(size, tree_hash)
    part.place(overwrite=overwrite)
    journal.done()


def forget(
    client: Client,
    vault: str,
    content: str,
    target: Path | Place,
    journals: Path,
    *,
    unfinished: bool = False,
) -> None:
    """Drop the journal of a finished download, or with `unfinished` of any and what came of it."""
    path = path_of(target)
    if not DownloadJournal.is_there(client, journals, vault, content, str(path)):
        return
    try:
        journal = DownloadJournal.open(client, journals, vault, content, path)
    except Busy:
        return  # a run that came meanwhile has it, and will do this in its turn
    with journal:
        if unfinished:
            with opened(target) as place:
                finish_placing(place, content)
        if unfinished or journal.state.placed is not None:
            journal.forget()
