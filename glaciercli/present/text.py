"""The one sanitiser, and how values look to a person."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from glaciercli.units import format_size

SHORT_ID = 12  # characters of an id in a table; 72 bits, so a prefix that is unique in practice

_IDS = frozenset({"archiveId", "ArchiveId", "JobId", "MultipartUploadId", "CapacityId", "LockId"})
_SIZES = frozenset(
    {
        "size",
        "sent",
        "free",
        "SizeInBytes",
        "PartSizeInBytes",
        "ArchiveSizeInBytes",
        "InventorySizeInBytes",
        "BytesPerHour",
        "earlyDeletionSize",
        "deletedSize",
    }
)
_LABELS = {
    "VaultName": "Name",
    "vaultName": "Vault",
    "archiveId": "Id",
    "JobId": "Job",
    "MultipartUploadId": "Id",
    "CapacityId": "Id",
    "NumberOfArchives": "Archives",
    "SizeInBytes": "Size",
    "PartSizeInBytes": "Part size",
    "ArchiveSizeInBytes": "Archive size",
    "InventorySizeInBytes": "Inventory size",
    "LastInventoryDate": "Inventory",
    "InventoryDate": "Inventory",
    "CreationDate": "Created",
    "creationDate": "Created",
    "CompletionDate": "Completed",
    "Completed": "Done",
    "OutputExpirationDate": "Kept until",
    "StatusCode": "Status",
    "archiveDescription": "Description",
    "ArchiveDescription": "Description",
    "JobDescription": "Description",
    "checksum": "Tree hash",
    "SHA256TreeHash": "Tree hash",
    "ArchiveSHA256TreeHash": "Archive tree hash",
    "RangeInBytes": "Range",
    "RetrievalByteRange": "Range",
    "SNSTopic": "SNS topic",
    "duplicates": "Twice",
}


def safe(text: str) -> str:
    """Return text that cannot act on a terminal: whatever does not print is shown as an escape.

    Covers ESC, C0 and C1 controls, bidirectional overrides, line separators and lone surrogates.
    """
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def safe_lines(text: str) -> str:
    """Return `safe` text that keeps its own line breaks and tabs: for talk, never for a table."""
    return "\n".join("\t".join(map(safe, line.split("\t"))) for line in text.split("\n"))


def is_id(key: str) -> bool:
    """Tell whether a member of a record is an id, which tables shorten to `SHORT_ID`."""
    return key in _IDS


def is_number(key: str, value: Any) -> bool:
    """Tell whether a column of these reads better with its right edges aligned."""
    return key in _SIZES or (isinstance(value, int | float) and not isinstance(value, bool))


def label(key: str) -> str:
    """Return a key of the service as words: `InventoryRetrievalParameters` has spaces in it."""
    if key in _LABELS:
        return _LABELS[key]
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", key).replace("-", " ")
    return words[:1].upper() + words[1:].lower() if not words.isupper() else words


def exact(value: Any) -> str:
    """Return a JSON value as one line of text that a script can compare."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=True)


def human(key: str, value: Any, *, short: bool, cut: bool = False) -> str:
    """Return a value for a person: sizes in units, times in the local zone.

    `short` is for the cells of a listing; `cut` shortens what is long, for a terminal's width.
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return _local(value, short=short)
    if key in _SIZES and isinstance(value, int):
        whole = "" if short or value < 1024 else f" ({value} bytes)"
        return format_size(value) + whole
    if isinstance(value, tuple | list) and all(isinstance(each, str) for each in value):
        return safe("; ".join(value))
    text = safe(exact(value))
    return _cut(key, text) if cut else text


def _local(moment: datetime, *, short: bool) -> str:
    try:
        local = moment.astimezone()
    except OverflowError:  # the calendar's first or last day, which tools write for none
        local = moment
    text = local.replace(tzinfo=None).isoformat(" ", "minutes" if short else "seconds")
    return text if short else f"{text} {local:%z}"


def _cut(key: str, text: str) -> str:
    if is_id(key) and len(text) > SHORT_ID:
        return f"{text[:SHORT_ID]}…"
    return text.removesuffix("Retrieval") if key == "Action" else text
