"""An upload's journal, open: the lines that `upload_state` reads, written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Self

from glaciercli.clients.glacier import Client
from glaciercli.hints import Command, quoted
from glaciercli.models import Archive
from glaciercli.transfer.journal import UNREADABLE, Journal, iter_journals
from glaciercli.transfer.state import TransferJournal, folded
from glaciercli.transfer.upload_state import Intent, Run, UploadState
from glaciercli.units import format_time


class UploadJournal(TransferJournal[UploadState]):
    """The journal of one upload."""

    directory = "uploads"

    def __init__(self, journal: Journal) -> None:
        remove = f"; then rm {quoted(journal.path)}"
        mend = ("see open uploads with: ", Command("upload", "list"), remove)
        super().__init__(journal, UploadState(), mend)

    @classmethod
    def open(cls, client: Client, journals: Path, vault: str, what: str) -> Self:
        """Open the journal of `what` (a path, or a stream's token) going to a vault."""
        return cls(cls.locked(client, journals, vault, what))

    @classmethod
    def at(cls, path: Path) -> Self:
        """Open the journal that is this file; raises Busy when another run has it open."""
        return cls(Journal.open(path.parent, path.stem))

    @property
    def path(self) -> Path:
        """The journal's file."""
        return self._journal.path

    @property
    def intent(self) -> Intent:
        """What the upload in it is to store; not asked of a journal that was just made."""
        assert self.state.intent is not None
        return self.state.intent

    @property
    def may_be_run_elsewhere(self) -> bool:
        """Tell whether the run that began the upload may be alive, with a journal of its own."""
        run = self.intent.run
        return run is not None and run.may_live_beside(Run.here(self._journal))

    @property
    def is_damaged(self) -> bool:
        """Whether it may lack lines, so that more may have been done than it says."""
        return self._journal.is_damaged

    def begin(self, intent: Intent) -> None:
        """Begin another upload; what may have been stored by those before it is still asked."""
        if not (self.state.may_be_stored or self.state.earlier):
            self._journal.restart()
        run = intent.run or Run.here(self._journal)
        self.append("upload", **replace(intent, run=run).as_json())

    def single(self, tree_hash: str, now: datetime) -> None:
        """Note that the file is about to be sent in one request, which is not repeated blindly."""
        self.append("single", tree_hash=tree_hash, time=format_time(now))

    def opened(self, upload_id: str, account: str | None) -> None:
        """Note the upload's id and the account that the service's reply names."""
        self.append("opened", upload_id=upload_id, account=account)

    def completing(self, tree_hash: str, size: int, now: datetime) -> None:
        """Note that completion is about to be asked for; `now` is the service's time."""
        self.append("completing", tree_hash=tree_hash, size=size, time=format_time(now))

    def reopened(self) -> None:
        """Note that completion was not applied: the upload still takes parts."""
        self.append("reopened")

    def uncertain(self) -> None:
        """Note, once, that nobody knows whether the upload was stored."""
        if not self.state.uncertain:
            self.append("uncertain")

    def not_stored(self) -> None:
        """Note that the upload was not stored; it is sent anew."""
        self.append("not_stored")

    def done(self, archive: Archive) -> None:
        """Note the archive that was made of the upload, before the user is told."""
        self.append("done", archive=archive.as_json())

    def answered(self, earlier: UploadState) -> None:
        """Note that the question of an earlier upload is decided."""
        self.append("answered", token=earlier.token)

    def end(self) -> None:
        """Forget the upload: its end was told, or it was given up.

        The journal stays while it has questions about those before it.
        """
        self.end_all([self])

    @classmethod
    def end_all(cls, journals: Iterable[Self]) -> None:
        """Forget uploads in one go; see `end`."""
        finished = []
        for each in journals:
            if each.state.earlier:
                if not each.state.over:
                    each.append("over")
            else:
                finished.append(each)
        cls.forget_together(finished)


def known(journals: Path) -> Iterator[UploadState]:
    """Yield the state of every upload that this machine has begun and not finished."""
    for _, lines in iter_journals(journals / UploadJournal.directory):
        try:
            state = folded(UploadState(), lines)
        except UNREADABLE:
            continue  # the run that owns it says what is wrong; a listing goes on
        if state.intent is not None:
            yield state
