"""Uploads of streams whose runs are over: completed if all had arrived, else given up.

A run that is alive holds the lock of its journal, or is on another machine and is left alone.
"""

from __future__ import annotations

from pathlib import Path

from glaciercli.catalog.store import Catalog
from glaciercli.clients.glacier import Client
from glaciercli.errors import (
    Conflict,
    GlacierError,
)
from glaciercli.evidence import endings
from glaciercli.services.upload._completing import Uncertain
from glaciercli.services.upload._opening import Fate, drop
from glaciercli.services.upload._settling import Ended, is_open, settle
from glaciercli.tasks.outcome import concerns_all
from glaciercli.tasks.progress import Progress
from glaciercli.transfer.journal import sweep
from glaciercli.transfer.upload_journal import UploadJournal, known


def clean_up(
    client: Client, vault: str, *, journals: Path, catalog: Catalog, progress: Progress
) -> None:
    """Bring the uploads of streams whose runs have died to an end.

    The stream at hand comes once, so it waits for none of them, and fails for none: what is wrong
    with an earlier one is told.
    """
    for state in known(journals):
        intent = state.intent
        if intent is None or intent.path is not None or intent.vault != vault:
            continue
        try:
            journal = UploadJournal.open(client, journals, vault, intent.token)
        except Conflict:
            continue  # its run is alive
        with journal:
            try:
                is_over = _end(client, journal, catalog, progress)
            except Uncertain as error:
                say = progress.warn if error.is_late else progress.note
                say(error.message)
            except GlacierError as error:
                if concerns_all(error):
                    raise
                progress.warn(f"the earlier upload of {intent.name}: {error.message}")
            else:
                if is_over:
                    journal.forget()
    # A token does not come twice either, so nobody else would look at them again.
    sweep(journals / UploadJournal.directory)


def _end(client: Client, journal: UploadJournal, catalog: Catalog, progress: Progress) -> bool:
    """Find out what became of one of them, and give up what is still open.

    False when it is left alone, for a run of another machine may be sending it.
    """
    state = journal.state
    if state.intent is None:
        return True  # its run has just finished
    name = state.intent.name
    if state.tree_hash is not None or state.done is not None:
        ended = settle(client, journal, catalog, progress)
        if ended.archive is not None:
            progress.warn(endings.had_stored(name, ended.archive))
        elif ended.why is not None:
            progress.warn(ended.why)
        if ended != Ended():
            return True
        # A completion that was refused has left the upload open.
    if journal.may_be_run_elsewhere:
        # What has expired needs nobody; what was not begun when the journal was copied, neither.
        if state.upload_id is None or not is_open(client, journal):
            return True
        progress.note(f"the upload of {name}, begun by {state.intent.host}, is left alone")
        return False
    if drop(client, journal) is Fate.COMPLETED:  # and the journal has lost the line that said so
        progress.warn(endings.had_stored_unheard(name))
    else:
        progress.warn(endings.gave_up(name))
    return True
