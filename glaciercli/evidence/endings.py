"""What is said of the end of an upload: stored, not stored, or not known yet.

Each sentence takes what it rests on: the archive that a reply or an inventory told of, or the time
from which an inventory will tell.
"""

from __future__ import annotations

from datetime import datetime

from glaciercli.hints import Command, Hint
from glaciercli.models import Archive
from glaciercli.units import format_time_seconds

# --- what an earlier run had stored


def nothing_sent_again(archive: Archive) -> str:
    """Say that a file is what an archive was stored of."""
    return f"an earlier run had stored it{_on(archive)}; nothing was sent again"


def had_stored(name: str, archive: Archive) -> str:
    """Say that an earlier run had made an archive of this file, without a word on its content."""
    return f"an earlier run had stored {name} as {archive.id}"


def stored_before_change(name: str, archive: Archive) -> str:
    """Say that what a file held before it changed is an archive of its own."""
    return f"an earlier run had stored what {name} held before, as {archive.id}"


def question_was_stored(name: str, archive: Archive) -> str:
    """Say what became of an upload whose end was uncertain, of a file that may not have changed."""
    return f"the earlier upload of {name} was stored, as {archive.id}"


def had_stored_unheard(name: str) -> str:
    """Say so where the service refuses to abort an upload, and no reply has named its archive."""
    return f"an earlier run had stored {name}; the next inventory lists it"


def lost_since(name: str, archive: Archive, why: str) -> str:
    """Say that an archive that an earlier run made is not to be counted on, and `why`."""
    return f"an earlier run had stored {name} as {archive.id}, but {why}"


def why_lost_with_vault(vault: str, made: datetime) -> str:
    """Say why an archive is lost whose vault was deleted and made anew since."""
    return f"vault {vault} was made anew on {format_time_seconds(made)}, and it is gone"


def _on(archive: Archive) -> str:
    return f" on {format_time_seconds(archive.created)}" if archive.created else ""


# --- what may be stored


def uncertain(name: str) -> str:
    """Say that nobody knows whether an upload was stored: its completion had no reply."""
    return (
        f"{name} was being completed when the connection broke, and its upload is gone:"
        " it is stored, or it had expired"
    )


def gone(name: str) -> str:
    """Say so of an upload whose completion was not asked for here, and that is sent anew."""
    return (
        f"the upload of {name} is gone: it had expired, or was completed from elsewhere;"
        " it begins anew"
    )


def known_by(due: datetime) -> str:
    """Say when an open question is decided: `due` is when an inventory has to tell."""
    return f"an inventory that is asked for after {format_time_seconds(due)} will tell"


def may_be_stored_too(name: str, due: datetime) -> str:
    """Say that what a file held before it changed may be an archive of its own."""
    return f"what {name} held before may be stored too; {known_by(due)}"


def question_stays(name: str, due: datetime) -> str:
    """Say so of an upload whose end is uncertain, when the same content is sent anew."""
    return f"the earlier upload of {name} may be stored too; {known_by(due)}"


def left_in_account(name: str, account: str) -> str:
    """Say that an upload of another account is not gone on with, and stays there."""
    return f"the upload of {name} in account {account} is left as it is, be it open or stored"


def may_be_stored_twice(name: str, due: datetime) -> str:
    """Say so of a file that was sent in one request, whose reply nobody heard."""
    return (
        f"an earlier run sent {name} in one request, and did not hear the reply: it may be stored"
        f" twice; {known_by(due)}"
    )


def may_be_stored_once(due: datetime) -> str:
    """Return how to find out, after a single request whose reply did not come."""
    return f"it may be stored all the same; {known_by(due)}"


# --- what is not stored


def not_stored(name: str) -> str:
    """Say what an inventory has told, or the service's word before completion was applied."""
    return f"the earlier upload of {name} had expired: it is not stored"


def expired(name: str) -> str:
    """Say that an upload ended unstored: it was gone before its completion was asked for."""
    return f"the upload of {name} was gone before it could be completed: nothing is stored"


def gave_up(name: str) -> str:
    """Say that the parts of a stream that cannot be read again were aborted."""
    return f"gave up the earlier upload of {name}: its stream is gone, and it is not stored"


# --- what is stored otherwise


def other_hash(name: str, archive_id: str, stored: str, sent: str) -> str:
    """Say that the service stored other bytes than those that were sent."""
    return (
        f"archive {archive_id} was stored with tree hash {stored}, not {sent};"
        f" it is not recorded as a copy of {name}"
    )


def given_twice(archive: Archive) -> str:
    """Say that the service gave an upload the id of another one."""
    return (
        f"the service says that {archive.name} is archive {archive.id}, which is known as another"
        " upload; it is not recorded, and what became of it is not known"
    )


def unrecorded(archive: Archive, why: str) -> str:
    """Say that an archive is stored, and `why` neither catalog nor journal could be written."""
    return (
        f"{archive.name} is stored as {archive.id}, with tree hash {archive.tree_hash}; but that"
        f" cannot be written down: {why}"
    )


def twin(archive: Archive) -> str:
    """Say that a vault has the file that is about to be sent."""
    return (
        f"vault {archive.vault} has this file already, as id:{archive.id[:12]};"
        " it is stored once more"
    )


# --- ways out

MEND = "mend that, then run the same command again; nothing is stored twice"
SEND_ANEW = "its inventory would tell whether it is stored; to send it anew, perhaps twice: --again"


def complete_by_id(vault: str, upload_id: str) -> Hint:
    """Return how to finish a stream of which only the completion is missing."""
    return (
        "all of it has arrived, so do not send it again: ",
        Command("upload", "resume", upload_id, "--vault", vault),
    )
