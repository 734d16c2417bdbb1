"""What an upload leaves when it is stored: its archive, and that the user is to be told of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from glaciercli.errors import Busy
from glaciercli.models import Archive
from glaciercli.transfer.upload_journal import UploadJournal

_AT_ONCE = 100  # journals that are open; macOS lets a process have 256 files


@dataclass(frozen=True)
class Receipt:
    """An archive that is stored, and whose user does not know of it yet.

    Until `told`, the same command reports the same archive, instead of storing it twice.
    """

    archive: Archive
    journal: Path

    def told(self) -> None:
        """Drop the upload's journal, now that the user knows of the archive."""
        all_told([self])


def all_told(receipts: Sequence[Receipt]) -> None:
    """Drop the journals of several uploads, now that the user knows of their archives.

    A hundred at a time are dropped in one go: a run that is killed halfway is run again, and would
    store again what it had dropped.
    """
    for start in range(0, len(receipts), _AT_ONCE):
        with ExitStack() as stack:
            finished = []
            for each in receipts[start : start + _AT_ONCE]:
                if not each.journal.exists():
                    continue
                try:
                    journal = stack.enter_context(UploadJournal.at(each.journal))
                except Busy:
                    continue  # a run that came meanwhile has it, and will do this in its turn
                done = journal.state.done
                if done is not None and done.id == each.archive.id and not journal.state.over:
                    finished.append(journal)
            UploadJournal.end_all(finished)
