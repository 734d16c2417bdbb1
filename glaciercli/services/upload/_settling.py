"""What became of an upload that an earlier run had nearly finished.

A journal's word is history: what it calls done may be deleted since, and what it calls asked for
may never have been done. So its content is compared with the file first, by the callers; then the
service is asked, then the catalog, then an inventory, and each only where those before it are
silent.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from glaciercli.catalog.filters import Filter
from glaciercli.catalog.states import INVENTORY_LAG, STATES
from glaciercli.clients.wording import disputes_parts
from glaciercli.errors import AccessDenied, NotReady, Refused
from glaciercli.evidence import endings
from glaciercli.evidence.standings import objection
from glaciercli.models import Archive, Scope
from glaciercli.services import scopes
from glaciercli.services.upload._ends import Expired, Fate, Uncertain
from glaciercli.services.upload._open_upload import OpenUpload
from glaciercli.services.vaults import vaults
from glaciercli.tasks.outcome import concerns_all
from glaciercli.tasks.waiting import Poll
from glaciercli.transfer.upload_state import UploadState

_PATIENCE = 2 * INVENTORY_LAG  # after that a question does not hold a file back any more
_SKEW = timedelta(minutes=15)  # between our clock and the service's, which takes 5 of requests


class Ended(NamedTuple):
    """The archive that is there, or why none is; neither of an upload that is open, or in doubt."""

    archive: Archive | None = None
    why: str | None = None


def settle(upload: OpenUpload, *, again: bool = False) -> Ended:
    """Bring a journal that speaks of completion to its end; what is there is recorded.

    Raises Uncertain while nothing can tell; with `again` the upload is left as a question.
    """
    ended = Ended(upload.state.done)
    if ended.archive is None:
        ended = _completed(upload, again=again)
    if ended.archive is None:
        return ended
    why = _why_lost(upload, ended.archive)
    if why is not None:
        return Ended(why=endings.lost_since(upload.intent.name, ended.archive, why))
    upload.record(ended.archive)
    return ended


def abandon(upload: OpenUpload) -> None:
    """End an upload of what the file does not hold any more: its content is never stored unsaid.

    What is open is aborted. Of what was completed the archive is told; of what may have been, that
    it may be there: the question stays in the journal, and holds nothing back.
    """
    intent, archive = upload.intent, upload.state.done
    if archive is None:
        fate = upload.drop()
        if fate is Fate.ABORTED:
            upload.not_stored()
            return
        archive = _asked_again(upload)
    if archive is None:
        is_decided, archive = _look(upload, upload.state)
        if not is_decided:
            upload.progress.warn(
                endings.may_be_stored_too(intent.name, upload.state.asked + INVENTORY_LAG)
            )
            return
    if archive is None:
        upload.not_stored()
    elif _why_lost(upload, archive) is None:
        upload.record(archive)
        upload.progress.warn(endings.stored_before_change(intent.name, archive))


def answer_earlier(upload: OpenUpload) -> None:
    """Tell what the catalog knows by now of uploads before this one; asks no one else."""
    for state in upload.state.earlier:
        is_decided, archive = _look(upload, state)
        if is_decided:
            if archive is not None:
                assert state.intent is not None
                upload.progress.warn(endings.question_was_stored(state.intent.name, archive))
            upload.answered(state)


def _completed(upload: OpenUpload, *, again: bool) -> Ended:
    """Return what became of an upload that was to be completed."""
    try:
        # Asked again even when it is uncertain: a 404 that was a mistake ends here.
        return Ended(upload.ask_again())
    except (Expired, Uncertain):
        pass  # the journal says so now
    except Refused as error:
        if not disputes_parts(error):
            raise
        if upload.is_open():
            upload.reopened()
            return Ended()
    if upload.state.completing is None:  # no attempt was applied, and it is gone
        return Ended(why=endings.not_stored(upload.intent.name))
    upload.doubt()
    return _doubted(upload, again=again)


def _doubted(upload: OpenUpload, *, again: bool) -> Ended:
    """Return what became of an upload that is gone, and may have been completed unheard."""
    archive = None
    try:
        if not again:
            archive = _resolve(upload)
    except Uncertain:
        # Who comes more rarely than the outputs of jobs are kept would never hear of one.
        is_old = upload.client.now() > upload.state.asked + _PATIENCE
        again = is_old and upload.intent.path is not None
        if not again:
            raise
    if again:
        due = upload.state.asked + INVENTORY_LAG
        upload.progress.warn(endings.question_stays(upload.intent.name, due))
        return Ended()
    if archive is None:
        upload.not_stored()
    return Ended(archive, None if archive else endings.not_stored(upload.intent.name))


def _asked_again(upload: OpenUpload) -> Archive | None:
    """Return the archive that an upload was completed as; None when the service forgot it.

    Asked of one that is not open, so that nothing is completed by it.
    """
    try:
        return upload.ask_again()
    except Uncertain:
        return None
    except Refused as error:
        if not disputes_parts(error):
            raise
        return None


def _why_lost(upload: OpenUpload, archive: Archive) -> str | None:
    """Return what speaks against an archive that was made being there; None where nothing does.

    The catalog may know its end; and a vault of a later date is another vault.
    """
    vault = upload.intent.vault
    try:
        there = vaults.show(upload.client, vault)
    except AccessDenied as error:
        if concerns_all(error):
            raise
        # Credentials for uploads alone cannot look; what is known here still counts.
    else:
        upload.require_account(there.account)
        if archive.created is not None and there.created > archive.created + _SKEW:
            return endings.why_lost_with_vault(vault, there.created)
    scope = _scope(upload, upload.state)
    if scope is None or (known := upload.catalog.known(scope, vault, archive.id)) is None:
        return None
    last = upload.catalog.inventory(scope, vault)
    against = objection(known, None if last is None else last.made)
    return None if against is None else against.message


def _resolve(upload: OpenUpload) -> Archive | None:
    """Return the archive of an uncertain upload by the vault's inventory; None when there is none.

    What an inventory lacks is not stored where its job was created 72 hours after completion was
    asked for: a vault that has changed gets an inventory in less, and one that has not gets none,
    so the inventory's own date says nothing. Raises Uncertain while no such job is done.
    """
    state = upload.state
    if vaults.show(upload.client, upload.intent.vault).created > state.asked + _SKEW:
        return None  # another vault of the name: the upload went with its own
    for _ in range(2):  # the inventory of a job that is done already, then that of one started now
        is_decided, archive = _look(upload, state)
        if is_decided:
            return archive
        if not _has_synced(upload):
            return None
        if upload.client.now() <= state.asked + INVENTORY_LAG:
            break
    is_decided, archive = _look(upload, state)
    if not is_decided:
        raise upload.doubt()
    return archive


def _has_synced(upload: OpenUpload) -> bool:
    """Merge the vault's inventory; False where it has none, and would have one of the upload."""
    # Rare, and what reads inventories is slow to import.
    from glaciercli.services.inventory import syncing  # noqa: PLC0415

    now = Poll(timeout=0.0)
    try:
        syncing.sync(
            upload.client, upload.catalog, upload.intent.vault, poll=now, progress=upload.progress
        )
    except NotReady as error:
        is_due = upload.client.now() > upload.state.asked + INVENTORY_LAG
        if isinstance(error, syncing.NoInventory) and is_due:
            return False
        raise upload.doubt() from error
    except (AccessDenied, Refused) as error:
        if concerns_all(error):
            raise
        raise error.but(hint=endings.SEND_ANEW) from error
    return True


def _look(upload: OpenUpload, state: UploadState) -> tuple[bool, Archive | None]:
    """Return whether the catalog decides the end of an upload, and the archive that is there."""
    intent, scope = state.intent, _scope(upload, state)
    if intent is None or scope is None:
        return False, None
    size = intent.size if state.size is None else state.size
    alike = Filter(min_size=size, max_size=size, after=intent.earliest, states=frozenset(STATES))
    made = [
        each
        for each in upload.catalog.archives(scope, intent.vault, filters=alike)
        if _is_of(each, state)
    ]
    newest = upload.catalog.inventory(scope, intent.vault)
    date = None if newest is None else newest.made
    there = next((each for each in made if objection(each, date) is None), None)
    if there is not None or any(each.status in {"deleted", "gone"} for each in made):
        return True, there
    return newest is not None and newest.asked > state.asked + INVENTORY_LAG, None


def _is_of(archive: Archive, state: UploadState) -> bool:
    """Tell whether an archive is what an upload made.

    By its description too: another file may hold the same bytes, under a name of its own. Blanks
    around it are lost on the way: HTTP trims headers.
    """
    assert state.intent is not None
    return archive.description.strip(" ") == state.intent.description.strip(" ") and (
        state.tree_hash is None or archive.tree_hash == state.tree_hash
    )


def _scope(upload: OpenUpload, state: UploadState) -> Scope | None:
    """Return the world that an upload went to, without asking for it; None if that is not known."""
    told = scopes.cached(upload.client, upload.catalog)
    if told is None or state.account is None:
        return told
    return Scope(told.endpoint, state.account, told.region)
