"""Uploads of streams whose runs are over: completed if all had arrived, else given up.

A run that is alive holds the lock of its journal, or is on another machine and is left alone.
"""

from __future__ import annotations

from pathlib import Path

from glaciercli.clients.glacier import Client
from glaciercli.errors import (
    Conflict,
    GlacierError,
    IntegrityError,
    NotFound,
    Refused,
    UsageError,
)
from glaciercli.evidence import endings
from glaciercli.hints import Command
from glaciercli.services.upload._ends import Fate, Uncertain
from glaciercli.services.upload._open_upload import OpenUpload
from glaciercli.services.upload._settling import Ended, settle
from glaciercli.services.upload.options import Options
from glaciercli.services.upload.receipts import Receipt
from glaciercli.tasks.outcome import concerns_all
from glaciercli.transfer.journal import sweep
from glaciercli.transfer.meter import Meter
from glaciercli.transfer.upload_journal import UploadJournal, known
from glaciercli.transfer.upload_state import UploadState


def resume(client: Client, vault: str, reference: str, options: Options) -> Receipt:
    """Complete a stream all of which had arrived, by its upload's id or a beginning of it.

    Call the receipt's `told` when the user knows of the archive. Raises NotFound when no such
    upload is known here, or nothing of it is stored, and Uncertain while that cannot be known;
    Refused where the stream was cut short, IntegrityError where the service holds other parts.
    """
    state = _named(options.journals, vault, reference)
    assert state.intent is not None
    with UploadJournal.open(client, options.journals, vault, state.intent.token) as journal:
        upload = _upload(client, journal, options)
        if upload.state.tree_hash is None and upload.state.done is None:
            raise Refused(
                f"upload {state.upload_id} is of a stream that was cut short, and cannot go on",
                hint=Command("upload", "abort", str(state.upload_id), "--vault", vault),
            )
        ended = settle(upload)
        if ended.archive is not None:
            return upload.receipt(ended.archive)
        if ended.why is None:  # it is open, and stays so
            raise IntegrityError(
                f"the service's parts of {state.intent.name} are not what was sent",
                hint=Command("upload", "abort", str(state.upload_id), "--vault", vault),
            )
        upload.forget()
        raise NotFound(ended.why, hint="send it again")


def _named(journals: Path, vault: str, reference: str) -> UploadState:
    """Return the state of the stream whose upload's id begins as the reference does."""
    start = reference.removeprefix("id:")
    found = [
        each
        for each in known(journals)
        if each.intent and each.intent.vault == vault and (each.upload_id or "").startswith(start)
    ]
    if not found:
        raise NotFound(
            f"no upload {reference!r} to vault {vault!r} was begun here",
            hint=("with its file: ", Command("upload", "resume", reference, "FILE", "-V", vault)),
        )
    if len(found) > 1:
        ids = ", ".join(str(each.upload_id)[:12] for each in found[:5])
        raise Conflict(f"{reference!r} may be {len(found)} uploads: {ids}")
    [state] = found
    if state.intent is not None and state.intent.path is not None:
        raise UsageError(
            f"upload {reference!r} is of a file",
            hint=Command("upload", state.intent.path, "--vault", vault),
        )
    return state


def clean_up(client: Client, vault: str, options: Options) -> None:
    """Bring the uploads of streams whose runs have died to an end.

    The stream at hand comes once, so it waits for none of them, and fails for none: what is wrong
    with an earlier one is told.
    """
    for state in known(options.journals):
        intent = state.intent
        if intent is None or intent.path is not None or intent.vault != vault:
            continue
        try:
            journal = UploadJournal.open(client, options.journals, vault, intent.token)
        except Conflict:
            continue  # its run is alive
        with journal:
            upload = _upload(client, journal, options)
            try:
                is_over = _end(upload)
            except Uncertain as error:
                say = options.progress.warn if error.is_late else options.progress.note
                say(error.message)
            except GlacierError as error:
                if concerns_all(error):
                    raise
                options.progress.warn(f"the earlier upload of {intent.name}: {error.message}")
            else:
                if is_over:
                    upload.forget()
    # A token does not come twice either, so nobody else would look at them again.
    sweep(options.journals / UploadJournal.directory)


def _upload(client: Client, journal: UploadJournal, options: Options) -> OpenUpload:
    return OpenUpload(client, journal, options.catalog, Meter(client.pace, options.progress))


def _end(upload: OpenUpload) -> bool:
    """Find out what became of one of them, and give up what is still open.

    False when it is left alone, for a run of another machine may be sending it.
    """
    state, progress = upload.state, upload.progress
    if state.intent is None:
        return True  # its run has just finished
    name = state.intent.name
    if state.tree_hash is not None or state.done is not None:
        ended = settle(upload)
        if ended.archive is not None:
            progress.warn(endings.had_stored(name, ended.archive))
        elif ended.why is not None:
            progress.warn(ended.why)
        if ended != Ended():
            return True
        # A completion that was refused has left the upload open.
    if upload.may_be_run_elsewhere:
        # What has expired needs nobody; what was not begun when the journal was copied, neither.
        if state.upload_id is None or not upload.is_open():
            return True
        progress.note(f"the upload of {name}, begun by {state.intent.host}, is left alone")
        return False
    if upload.drop() is Fate.COMPLETED:  # and the journal has lost the line that said so
        progress.warn(endings.had_stored_unheard(name))
    else:
        progress.warn(endings.gave_up(name))
    return True
