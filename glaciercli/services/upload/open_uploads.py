"""The uploads of a vault that are neither completed nor aborted; their parts are billed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from glaciercli.catalog import descriptions
from glaciercli.clients.glacier import Client
from glaciercli.errors import StrangeReply
from glaciercli.limits import MAX_PARTS
from glaciercli.models import Part, Upload
from glaciercli.services.jobs import ids
from glaciercli.transfer.upload_journal import UploadJournal, known
from glaciercli.transfer.upload_state import UploadState


def listing(client: Client, vault: str, *, journals: Path | None) -> Iterator[Upload]:
    """Yield the vault's open uploads; those in our journals with the path of their file."""
    ours = _ours(journals)
    for item in client.pages("ListMultipartUploads", vaultName=vault):
        yield _joined(Upload.from_api(item, vault=vault), ours)


def show(client: Client, vault: str, reference: str, *, journals: Path | None) -> Upload:
    """Return an open upload with its parts, by its id or a unique beginning of it."""
    upload_id = reference.removeprefix("id:")
    if len(upload_id) < ids.LENGTH:
        there = listing(client, vault, journals=None)
        upload_id = ids.beginning_with(upload_id, there, noun="upload", vault=vault).id
    return _joined(describe(client, vault, upload_id), _ours(journals))


def describe(client: Client, vault: str, upload_id: str) -> Upload:
    """Return the open upload of a whole id, with its parts.

    Raises NotFound when it is gone, StrangeReply for more parts than an upload can have.
    """
    parts: list[Part] = []
    head: dict[str, Any] = {}
    for page in client.replies("ListParts", vaultName=vault, uploadId=upload_id):
        head = head or page
        parts += [Part.from_api(item) for item in page.get("Parts", ())]
        if len(parts) > MAX_PARTS:
            raise StrangeReply(f"upload {upload_id} comes with more than {MAX_PARTS:,} parts")
    sent = sum(stop - start for start, stop in (part.span for part in parts))
    return Upload.from_api(head, vault=vault, parts=tuple(parts), sent=sent)


def abort(client: Client, vault: str, reference: str, *, journals: Path) -> Upload:
    """Give up an open upload: its parts are deleted, and nothing of it is kept.

    Raises Busy while another run on this machine is sending it.
    """
    upload = show(client, vault, reference, journals=journals)
    with ExitStack() as stack:
        journal = None
        if upload.path is not None:
            opened = UploadJournal.open(client, journals, vault, upload.path)
            journal = stack.enter_context(opened)
        client.call("AbortMultipartUpload", vaultName=vault, uploadId=upload.id)
        if journal is not None and journal.state.upload_id == upload.id:
            journal.end()
    return upload


def _ours(journals: Path | None) -> dict[str | None, UploadState]:
    return {state.upload_id: state for state in known(journals)} if journals else {}


def _joined(upload: Upload, ours: Mapping[str | None, UploadState]) -> Upload:
    """Add what this machine knows of an upload."""
    upload = replace(upload, name=descriptions.decode(upload.description).name or None)
    state = ours.get(upload.id)
    if state is None or state.intent is None:
        return upload
    return replace(upload, path=state.intent.path, size=state.intent.size)
