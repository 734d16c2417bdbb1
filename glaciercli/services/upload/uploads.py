"""Files into a vault, as multipart uploads that go on wherever they were stopped.

The normal start is the recovery: every run reads the journal of its file first, and does what is
left to do. See `upload_state` for what a journal can say.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from functools import partial
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
from glaciercli.services.upload._ends import Expired, Fate
from glaciercli.services.upload._open_upload import OpenUpload
from glaciercli.services.upload._opening import Label, new_intent
from glaciercli.services.upload._settling import abandon, answer_earlier, settle
from glaciercli.services.upload.options import Options
from glaciercli.services.upload.receipts import Receipt
from glaciercli.tasks.progress import NullProgress, Progress
from glaciercli.transfer.meter import Meter
from glaciercli.transfer.parts import check_single, plan
from glaciercli.transfer.sending import Parts, send_file
from glaciercli.transfer.source import Source
from glaciercli.transfer.upload_journal import UploadJournal
from glaciercli.transfer.upload_state import Intent
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
    `again`, an upload whose end is uncertain is not waited for but sent anew, and one of another
    account is left there. Costs n + 2 requests
    for n parts. Call the receipt's `told` when the user knows of the archive. Raises Refused for a
    description that Glacier does not take, before anything is asked.
    """
    label = Label(description, description_format)
    source = Source.open(path, vault)
    layout = plan(source.size, part_size)
    if single:
        check_single(source.size)
    with UploadJournal.open(client, journals, vault, str(source.path)) as journal:
        upload = OpenUpload(client, journal, catalog, Meter(client.pace, progress), source)
        answer_earlier(upload)
        anew = partial(new_intent, vault, source.path.name, label, layout.part_size, source)
        if again and _is_left_to_its_account(upload):
            upload.begin(anew())
        for last in (False, True):
            there = _go_on(upload)
            if there is None and upload.state.is_ending:
                finished = _finish(upload, again=again)
                if finished is not None:
                    return upload.receipt(finished)
                there = _go_on(upload)  # it may be open all the same
            if there is None:
                upload.begin(anew())
                if single:
                    _tell_twin(upload)
                    return upload.receipt(_single.send(upload))
                there = upload.initiate()
            else:
                _require_same(there, description, part_size, progress)
            _tell_twin(upload)
            try:
                return upload.receipt(_send(upload, there, workers))
            except Expired:
                if last:
                    raise
    raise AssertionError("unreachable")


def resume(client: Client, vault: str, upload_id: str, path: Path, options: Options) -> Receipt:
    """Go on with an upload begun on another machine, or whose journal is lost.

    The stored parts are compared with the file before anything is sent; Conflict if one differs.
    """
    source = Source.open(path, vault)
    with UploadJournal.open(client, options.journals, vault, str(source.path)) as journal:
        meter = Meter(client.pace, options.progress)
        upload = OpenUpload(client, journal, options.catalog, meter, source)
        state = upload.state
        is_meant = (state.upload_id or "").startswith(upload_id.removeprefix("id:"))
        if state.is_ending and is_meant and _is_of(upload):
            finished = _finish(upload)
            if finished is not None:
                return upload.receipt(finished)
        there = open_uploads.show(client, vault, upload_id, journals=options.journals)
        if not state.over and (state.done is not None or state.upload_id not in {None, there.id}):
            raise Conflict(
                f"{source.path} has another upload to vault {vault!r} in progress here",
                hint=Command("upload", path, "--vault", vault),
            )
        intent = None if state.over else state.intent
        if intent is None or state.upload_id is None or intent.identity != source.identity:
            upload.begin(_intent_of(there, source, begun=there.created or client.now()))
            upload.adopt(there)
        return upload.receipt(_send(upload, there, options.workers, strict=True))


def _intent_of(there: Upload, source: Source, *, begun: datetime) -> Intent:
    """Return the intent of an upload that was initiated elsewhere, as its description tells it."""
    decoded = descriptions.decode(there.description)
    return Intent(
        vault=there.vault,
        name=decoded.name or source.path.name,
        path=str(source.path),
        identity=source.identity,
        part_size=there.part_size,
        token=decoded.token or secrets.token_hex(8),
        description=there.description,
        modified=decoded.modified or source.modified,
        started=begun,
    )


def _finish(upload: OpenUpload, *, again: bool = False) -> Archive | None:
    """Return the archive of this very content that an earlier run made, or nearly; None to go on.

    What the file held before it changed holds nothing back, and is not stored without a word.
    """
    if not _is_of(upload):
        abandon(upload)
        return None
    ended = settle(upload, again=again)
    if ended.archive is not None:
        upload.progress.note(endings.nothing_sent_again(ended.archive))
    elif ended.why is not None:
        upload.progress.note(f"{ended.why}; it is sent anew")
    return ended.archive


def _is_of(upload: OpenUpload) -> bool:
    """Tell whether its file holds what it was made of.

    Read for that, since some programs change a file and keep its times.
    """
    state = upload.state
    if upload.intent.identity != upload.file.identity:
        return False
    return _tree_hash(upload.file) == (state.done or state).tree_hash


def _tree_hash(source: Source) -> str:
    """Return the tree hash of a whole file; raises Conflict when it changes meanwhile."""
    tree_hash = source.descriptor.tree_hash(source.size)
    source.require_unchanged()
    return tree_hash


def _tell_twin(upload: OpenUpload) -> None:
    """Say so when this very file seems to be in the vault: every upload is one more archive.

    An upload that is open has told whose vault that is; else it is whose it was before.
    """
    client, catalog, source = upload.client, upload.catalog, upload.file
    account, vault = upload.state.account, upload.intent.vault
    scope = scopes.cached(client, catalog)
    if account is not None:
        scope = Scope(client.endpoint, account, client.region)
    for each in [] if scope is None else catalog.versions(scope, vault, source.path.name):
        at = each.modified
        if each.size == source.size and at is not None and abs(source.modified - at) < _SAME_TIME:
            upload.progress.note(endings.twin(each))
            return


def _is_left_to_its_account(upload: OpenUpload) -> bool:
    """Tell whether it was begun in another account than answers now, and say that it is left."""
    if upload.account is None or upload.state.over:
        return False
    try:
        upload.require_own_account()
    except Conflict:
        upload.progress.warn(endings.left_in_account(upload.intent.name, upload.account))
        return True
    return False


def _go_on(upload: OpenUpload) -> Upload | None:
    """Return what an earlier run has left open for this file; None to begin anew."""
    state, source = upload.state, upload.file
    intent = state.intent
    if intent is None or state.is_ending or state.over:
        return None
    if state.single:
        due = state.asked + INVENTORY_LAG
        upload.progress.warn(endings.may_be_stored_twice(source.path.name, due))
        return None
    if intent.identity != source.identity:
        _drop_changed(upload)
        return None
    if state.upload_id is None:
        return upload.find()
    try:
        there = upload.describe()
    except NotFound as error:
        if error.is_vault:
            raise
        # Costs nothing when it has expired, and saves a bill when it has not.
        if upload.drop() is Fate.COMPLETED or upload.may_lack_lines:
            upload.sent_before(source.size, _tree_hash(source))
        else:
            upload.progress.warn(endings.gone(intent.name))
        return None
    upload.require_account(there.account)
    return there


def _drop_changed(upload: OpenUpload) -> None:
    """Give up the upload of what a file held before it changed."""
    name = upload.intent.name
    if upload.may_be_run_elsewhere:
        upload.progress.note(
            f"{name} is not the file whose upload another machine has begun; that is left alone"
        )
        return
    upload.progress.note(f"{name} has changed since its upload began; it begins anew")
    if upload.drop() is Fate.COMPLETED:
        upload.progress.warn(endings.had_stored_unheard(f"what {name} held before"))


def _require_same(
    there: Upload, description: str | None, part_size: int | None, progress: Progress
) -> None:
    """Settle flags that differ from what an open upload was begun with."""
    if description is not None and description.strip(" ") != there.description.strip(" "):
        raise Conflict(
            f"the upload in progress has the description {there.description!r}",
            hint=("leave --description out, or: ", _abort(there)),
        )
    if part_size is not None and part_size != there.part_size:
        progress.note(f"the upload goes on with its parts of {format_size(there.part_size)}")


def _send(upload: OpenUpload, there: Upload, workers: int, *, strict: bool = False) -> Archive:
    """Send what is missing and complete; a file that changed meanwhile is never completed."""
    source = upload.file
    for last in (False, True):
        parts = Parts(upload.client, there)
        try:
            tree_hash = send_file(parts, source, upload.meter, workers=workers, strict=strict)
        except Conflict:
            if not strict and source.has_changed():
                upload.drop()
                upload.end()
            raise
        try:
            return upload.complete(source.size, tree_hash)
        except Refused as error:
            if not disputes_parts(error):
                raise
            there = upload.describe()  # else it is not open
            upload.reopened()
            if last:
                raise IntegrityError(
                    f"the service's parts of {source.path.name} are not what was sent:"
                    f" {error.message}",
                    hint=_abort(there),
                ) from error
    raise AssertionError("unreachable")


def _abort(there: Upload) -> Command:
    return Command("upload", "abort", there.id, "--vault", there.vault)
