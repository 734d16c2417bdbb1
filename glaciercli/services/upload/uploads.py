"""Files into a vault, as multipart uploads that go on wherever they were stopped.

The normal start is the recovery: every run reads the journal of its file first, and does what is
left to do. See `upload_journal` for what a journal can say.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path

from glaciercli.catalog import descriptions
from glaciercli.catalog.states import INVENTORY_LAG
from glaciercli.catalog.store import Catalog
from glaciercli.clients.glacier import Client
from glaciercli.clients.wording import disputes_parts
from glaciercli.errors import (
    Conflict,
    IntegrityError,
    NotFound,
    Refused,
)
from glaciercli.evidence import endings
from glaciercli.hints import Command
from glaciercli.models import Archive, Scope, Upload
from glaciercli.services import scopes
from glaciercli.services.upload import _single, open_uploads
from glaciercli.services.upload._completing import (
    Expired,
    complete,
)
from glaciercli.services.upload._opening import (
    Fate,
    drop,
    new_intent,
    open_again,
    open_upload,
    require_account,
)
from glaciercli.services.upload._settling import abandon, answer_earlier, settle
from glaciercli.services.upload.receipts import Receipt
from glaciercli.services.vaults import vaults
from glaciercli.tasks.progress import NullProgress, Progress
from glaciercli.transfer.parts import check_single, plan
from glaciercli.transfer.sending import send_file
from glaciercli.transfer.source import Source
from glaciercli.transfer.upload_journal import Intent, UploadJournal
from glaciercli.units import format_size

_SAME_TIME = timedelta(seconds=1)  # the names in descriptions have times of whole seconds


def start(
    client: Client,
    path: Path,
    vault: str,
    *,
    journals: Path,
    catalog: Catalog,
    description: str | None = None,
    description_format: str = "mt2",
    part_size: int | None = None,
    workers: int = 8,
    progress: Progress = NullProgress(),
    single: bool = False,
    again: bool = False,
) -> Receipt:
    """Store a file as one archive; run again to go on after any interruption.

    A run that finds the journal of an earlier one goes on with its upload, at its part size. With
    `again`, an upload whose end is uncertain is not waited for but sent anew. Costs n + 2 requests
    for n parts. Call the receipt's `told` when the user knows of the archive. Raises Refused for a
    description that Glacier does not take, before anything is asked.
    """
    descriptions.require_storable(description or "")
    source = Source.open(path, vault)
    layout = plan(source.size, part_size)
    if single:
        check_single(source.size)
    with UploadJournal.open(client, journals, vault, str(source.path)) as journal:
        answer_earlier(client, journal, catalog, progress)
        for last in (False, True):
            upload = _go_on(client, journal, source, progress)
            if upload is None and journal.state.is_ending:
                finished = _finish(client, journal, catalog, progress, source=source, again=again)
                if finished is not None:
                    return Receipt(finished, journal.path)
                upload = _go_on(client, journal, source, progress)  # it may be open all the same
            if upload is None:
                journal.begin(
                    new_intent(
                        vault,
                        source.path.name,
                        description,
                        description_format,
                        layout.part_size,
                        source=source,
                    )
                )
                if single:
                    _tell_twin(client, journal, source, catalog, progress)
                    sent = _single.send(client, journal, source, catalog, progress)
                    return Receipt(sent, journal.path)
                upload = open_upload(client, journal)
            else:
                _require_same(upload, description, part_size, progress)
            _tell_twin(client, journal, source, catalog, progress)
            try:
                sent = _send(client, journal, source, upload, catalog, workers, progress)
                return Receipt(sent, journal.path)
            except Expired:
                if last:
                    raise
    raise AssertionError("unreachable")


def resume(
    client: Client,
    vault: str,
    upload_id: str,
    path: Path,
    *,
    journals: Path,
    catalog: Catalog,
    workers: int = 8,
    progress: Progress = NullProgress(),
) -> Receipt:
    """Go on with an upload begun on another machine, or whose journal is lost.

    The stored parts are compared with the file before anything is sent; Conflict if one differs.
    """
    source = Source.open(path, vault)
    with UploadJournal.open(client, journals, vault, str(source.path)) as journal:
        state = journal.state
        is_meant = (state.upload_id or "").startswith(upload_id.removeprefix("id:"))
        if state.is_ending and is_meant and _is_of(source, journal):
            finished = _finish(client, journal, catalog, progress, source=source)
            if finished is not None:
                return Receipt(finished, journal.path)
        upload = open_uploads.show(client, vault, upload_id, journals=journals)
        if not state.over and (state.done is not None or state.upload_id not in {None, upload.id}):
            raise Conflict(
                f"{source.path} has another upload to vault {vault!r} in progress here",
                hint=Command("upload", path, "--vault", vault),
            )
        intent = None if state.over else state.intent
        if intent is None or state.upload_id is None or intent.identity != source.identity:
            decoded = descriptions.decode(upload.description)
            intent = Intent(
                vault=vault,
                name=decoded.name or source.path.name,
                path=str(source.path),
                identity=source.identity,
                part_size=upload.part_size,
                token=decoded.token or secrets.token_hex(8),
                description=upload.description,
                modified=decoded.modified or source.modified,
                started=upload.created or client.now(),
            )
            journal.begin(intent)
            journal.opened(upload.id, upload.account or client.target.account)
        sent = _send(client, journal, source, upload, catalog, workers, progress, strict=True)
        return Receipt(sent, journal.path)


def _finish(
    client: Client,
    journal: UploadJournal,
    catalog: Catalog,
    progress: Progress,
    *,
    source: Source,
    again: bool = False,
) -> Archive | None:
    """Return the archive of this very content that an earlier run made, or nearly; None to go on.

    What the file held before it changed holds nothing back, and is not stored without a word.
    """
    if not _is_of(source, journal):
        abandon(client, journal, catalog, progress)
        return None
    ended = settle(client, journal, catalog, progress, again=again)
    if ended.archive is not None:
        progress.note(endings.nothing_sent_again(ended.archive))
    elif ended.why is not None:
        progress.note(f"{ended.why}; it is sent anew")
    return ended.archive


def _is_of(source: Source, journal: UploadJournal) -> bool:
    """Tell whether a file holds what a journal's upload was made of.

    Read for that, since some programs change a file and keep its times.
    """
    state = journal.state
    tree_hash = state.tree_hash if state.done is None else state.done.tree_hash
    if journal.intent.identity != source.identity:
        return False
    found = source.descriptor.tree_hash(source.size)
    source.require_unchanged()
    return found == tree_hash


def _tell_twin(
    client: Client, journal: UploadJournal, source: Source, catalog: Catalog, progress: Progress
) -> None:
    """Say so when this very file seems to be in the vault: every upload is one more archive.

    An upload that is open has told whose vault that is; else it is whose it was before.
    """
    account, vault = journal.state.account, journal.intent.vault
    scope = scopes.told(client, catalog)
    if account is not None:
        scope = Scope(client.endpoint, account, client.region)
    for each in [] if scope is None else catalog.versions(scope, vault, source.path.name):
        at = each.modified
        if each.size == source.size and at is not None and abs(source.modified - at) < _SAME_TIME:
            progress.note(endings.twin(each))
            return


def _go_on(
    client: Client, journal: UploadJournal, source: Source, progress: Progress
) -> Upload | None:
    """Return the upload that an earlier run has left open for this file; None to begin anew."""
    state = journal.state
    intent = state.intent
    if intent is None or state.is_ending or state.over:
        return None
    if state.single:
        due = state.asked + INVENTORY_LAG
        progress.warn(endings.may_be_stored_twice(source.path.name, due))
        return None
    if intent.identity != source.identity:
        _drop_changed(client, journal, progress)
        return None
    if state.upload_id is None:
        return open_again(client, journal)
    try:
        upload = open_uploads.describe(client, intent.vault, state.upload_id)
    except NotFound:
        vaults.require(client, intent.vault)
        # Costs nothing when it has expired, and saves a bill when it has not.
        if drop(client, journal) is Fate.COMPLETED:
            # The journal has lost the line that said so.
            tree_hash = source.descriptor.tree_hash(source.size)
            source.require_unchanged()
            journal.completing(tree_hash, source.size, client.now())
        else:
            progress.note("the earlier upload has expired; it begins anew")
        return None
    require_account(journal, upload.account)
    return upload


def _drop_changed(client: Client, journal: UploadJournal, progress: Progress) -> None:
    """Give up the upload of what a file held before it changed."""
    name = journal.intent.name
    if journal.may_be_run_elsewhere:
        progress.note(
            f"{name} is not the file whose upload another machine has begun; that is left alone"
        )
        return
    progress.note(f"{name} has changed since its upload began; it begins anew")
    if drop(client, journal) is Fate.COMPLETED:
        progress.warn(endings.had_stored_unheard(f"what {name} held before"))


def _abort(upload: Upload) -> Command:
    return Command("upload", "abort", upload.id, "--vault", upload.vault)


def _require_same(
    upload: Upload, description: str | None, part_size: int | None, progress: Progress
) -> None:
    """Settle flags that differ from what the open upload was begun with."""
    if description is not None and description.strip(" ") != upload.description.strip(" "):
        raise Conflict(
            f"the upload in progress has the description {upload.description!r}",
            hint=("leave --description out, or: ", _abort(upload)),
        )
    if part_size is not None and part_size != upload.part_size:
        progress.note(f"the upload goes on with its parts of {format_size(upload.part_size)}")


def _send(
    client: Client,
    journal: UploadJournal,
    source: Source,
    upload: Upload,
    catalog: Catalog,
    workers: int,
    progress: Progress,
    *,
    strict: bool = False,
) -> Archive:
    """Send what is missing and complete; a file that changed meanwhile is never completed."""
    for last in (False, True):
        try:
            tree_hash = send_file(
                client, source, upload, workers=workers, progress=progress, strict=strict
            )
        except Conflict:
            if not strict and source.has_changed():
                drop(client, journal)
                journal.end()
            raise
        try:
            return complete(client, journal, catalog, size=source.size, tree_hash=tree_hash)
        except Refused as error:
            if not disputes_parts(error):
                raise
            upload = open_uploads.describe(client, upload.vault, upload.id)  # else it is not open
            journal.reopened()
            if last:
                raise IntegrityError(
                    f"the service's parts of {source.path.name} are not what was sent:"
                    f" {error.message}",
                    hint=_abort(upload),
                ) from error
    raise AssertionError("unreachable")
