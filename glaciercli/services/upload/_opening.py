"""The beginning of an upload: asked for once, and found again when its reply was lost."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from glaciercli.catalog import descriptions
from glaciercli.clients import wording
from glaciercli.clients.glacier import Client
from glaciercli.errors import AccessDenied, Conflict, NotFound, Refused
from glaciercli.models import Upload
from glaciercli.transfer.source import Source
from glaciercli.transfer.upload_journal import Intent, UploadJournal
from glaciercli.units import parse_time

_ACCOUNT = re.compile(r"(?:^|/)(\d+)/vaults/")


def new_intent(
    vault: str,
    name: str,
    description: str | None,
    description_format: str,
    part_size: int,
    *,
    source: Source | None = None,
) -> Intent:
    """Return the intent of a new upload, of a stream if not of a file, under a fresh token."""
    modified = source.modified if source else datetime.now(UTC)
    token = secrets.token_hex(8)
    if description is None:
        description = descriptions.encode(name, modified, token=token, format=description_format)
    return Intent(
        vault=vault,
        name=name,
        path=str(source.path) if source else None,
        identity=source.identity if source else None,
        part_size=part_size,
        token=token,
        description=description,
        modified=modified,
        started=datetime.now(UTC),
    )


def open_upload(client: Client, journal: UploadJournal) -> Upload:
    """Initiate the upload that the journal's intent speaks of; find it if the reply was lost.

    When the service refuses and nothing was opened, the journal is forgotten: the next run begins
    with its own command line.
    """
    intent = journal.intent
    is_sought = False

    def find() -> dict[str, Any] | None:
        nonlocal is_sought
        is_sought = True
        found = find_begun(client, intent)
        is_sought = False
        return found

    try:
        reply = client.create(
            "InitiateMultipartUpload",
            find,
            vaultName=intent.vault,
            archiveDescription=intent.description,
            partSize=str(intent.part_size),
        )
    except (AccessDenied, NotFound, Refused):
        if not is_sought:  # else it is the search that was refused, for what may be there
            journal.forget()
        raise
    return _opened(client, journal, reply)


def open_again(client: Client, journal: UploadJournal) -> Upload | None:
    """Return the upload that an earlier run may have initiated; None when there is none."""
    found = find_begun(client, journal.intent)
    return _opened(client, journal, found) if found else None


def _opened(client: Client, journal: UploadJournal, reply: dict[str, Any]) -> Upload:
    intent = journal.intent
    account = account_of(reply.get("location")) or client.target.account
    journal.opened(reply["uploadId"], account)
    return Upload(
        id=reply["uploadId"],
        vault=intent.vault,
        part_size=intent.part_size,
        description=intent.description,
        parts=(),
    )


class Fate(Enum):
    """What became of an upload that was to be aborted."""

    ABORTED = "aborted"  # it was open; nothing of it is stored
    GONE = "gone"  # the service does not know it: it has expired, or was completed some time ago
    COMPLETED = "completed"  # there is nothing to abort, and the service says so


def drop(client: Client, journal: UploadJournal) -> Fate:
    """Abort the journal's upload, if the service still has it."""
    intent, upload_id = journal.intent, journal.state.upload_id
    if upload_id is None:
        begun = find_begun(client, intent)
        upload_id = begun["uploadId"] if begun else None
    if upload_id is None:
        return Fate.GONE
    try:
        client.call("AbortMultipartUpload", vaultName=intent.vault, uploadId=upload_id)
    except NotFound:
        return Fate.GONE
    except Refused as error:
        if not wording.disputes_parts(error):
            raise
        return Fate.COMPLETED
    return Fate.ABORTED


def require_account(journal: UploadJournal, account: str | None) -> None:
    """Raise Conflict when these credentials are of another account than the upload was begun in.

    Not every server says which account `-` is.
    """
    done = journal.state.done
    begun = journal.state.account or account_of(done.location if done else None)
    if begun and account and account != begun:
        raise Conflict(
            f"the upload of {journal.intent.name} was begun in account {begun},"
            f" and these credentials are of account {account}",
            hint="use the profile that it was begun with",
        )


def account_of(location: str | None) -> str | None:
    """Return the account in a reply's Location, `/<account>/vaults/...`; None if it tells none.

    Servers of another make write a whole URL there, or repeat the `-` of the request.
    """
    found = _ACCOUNT.search(location or "")
    return found[1] if found else None


def find_begun(client: Client, intent: Intent) -> dict[str, Any] | None:
    """Return the open upload of an intent, as Initiate's reply would name it; None if none is.

    Our own descriptions hold a token. One that the user gave may be that of other uploads too, so
    there it must also be of the same part size, begun since, and still without a part.
    """
    for item in client.pages("ListMultipartUploads", vaultName=intent.vault):
        # Blanks at both ends are lost on the way: HTTP trims headers.
        if item.get("ArchiveDescription", "").strip(" ") != intent.description.strip(" "):
            continue
        if int(item["PartSizeInBytes"]) != intent.part_size:
            continue
        ours = descriptions.decode(intent.description).token == intent.token
        if ours or _is_new_and_empty(client, intent, item):
            account = item["VaultARN"].split(":")[4]
            return {
                "uploadId": item["MultipartUploadId"],
                "location": f"/{account}/vaults/{intent.vault}",
            }
    return None


def _is_new_and_empty(client: Client, intent: Intent, item: dict[str, Any]) -> bool:
    if parse_time(item["CreationDate"]) < intent.earliest:
        return False
    upload_id = item["MultipartUploadId"]
    return not any(client.pages("ListParts", vaultName=intent.vault, uploadId=upload_id))
