"""What is known of an upload's beginning: what it is to store, and how it is found again."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from glaciercli.catalog import descriptions
from glaciercli.clients.glacier import Client
from glaciercli.transfer.source import Source
from glaciercli.transfer.upload_state import Intent
from glaciercli.units import parse_time

_ACCOUNT = re.compile(r"(?:^|/)(\d+)/vaults/")


@dataclass(frozen=True)
class Label:
    """How an archive is described: in the user's words, or by its name in the form of a tool."""

    text: str | None = None
    format: str = "mt2"

    def __post_init__(self) -> None:
        """Raise Refused for a text that Glacier does not take."""
        descriptions.require_storable(self.text or "")

    def describe(self, name: str, modified: datetime, token: str) -> str:
        """Return what is stored as description: the user's text, else name, time and token."""
        if self.text is not None:
            return self.text
        return descriptions.encode(name, modified, token=token, format=self.format)


def new_intent(
    vault: str, name: str, label: Label, part_size: int, source: Source | None = None
) -> Intent:
    """Return the intent of a new upload, of a stream if not of a file, under a fresh token."""
    modified = source.modified if source else datetime.now(UTC)
    token = secrets.token_hex(8)
    return Intent(
        vault=vault,
        name=name,
        path=str(source.path) if source else None,
        identity=source.identity if source else None,
        part_size=part_size,
        token=token,
        description=label.describe(name, modified, token),
        modified=modified,
        started=datetime.now(UTC),
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
