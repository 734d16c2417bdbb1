"""Glacier's rules as pure functions: names, ids, sizes, ranges, pages.

Each raises the ServiceError that the service would send; texts that nobody has seen on the wire
follow the service's style, `<What>: <value>`.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from glaciercli.iam import policy
from glaciercli.local.errors import ServiceError, invalid, missing
from glaciercli.treehash import is_megabyte_aligned
from glaciercli.units import GIB, MIB

MAX_VAULTS = 1_000  # per account and region
MAX_ARCHIVE = 4 * GIB  # in one request
MAX_PART = 4 * GIB
MAX_PARTS = 10_000  # per multipart upload
MAX_DESCRIPTION = 1_024  # printable ASCII characters
OVERHEAD = 32 * 1_024  # bytes that each archive adds to its vault's size
VAULT_PAGE = 10
PAGE = 50  # jobs, uploads and parts

# Random bytes behind each kind of id; base64 makes 138, 92, 24 and 47 characters of them.
ARCHIVE_ID, UPLOAD_ID, JOB_ID, LOCK_ID, CAPACITY_ID, REQUEST_ID = 103, 69, 69, 18, 18, 35

_VAULT_NAME = re.compile(r"[A-Za-z0-9_.-]{1,255}")
_VAULT_ARN = re.compile(r"arn:aws[a-z-]*:glacier:[a-z0-9-]+:[0-9]{12}:vaults/(.+)")
_ARCHIVE_ID = re.compile(r"[A-Za-z0-9_-]{138}")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_CONTENT_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(?:\*|(\d{1,15}))")
# Up to 20 digits: some clients write the largest number of 64 bits where they mean the end.
_RANGE = re.compile(r"bytes=(\d{0,20})-(\d{0,20})")
_RETRIEVAL_RANGE = re.compile(r"(\d{1,15})-(\d{1,15})")
_DIGITS = re.compile(r"[0-9]{1,20}")


def new_id(size: int) -> str:
    """Return a fresh id of `size` random bytes; it may begin with `-`, as the service's may."""
    return secrets.token_urlsafe(size)


def is_vault_name(name: str) -> bool:
    """Tell whether a vault may have this name; `.` and `..` would not survive a client's URL."""
    return _VAULT_NAME.fullmatch(name) is not None and name not in {".", ".."}


def vault_of_arn(marker: str) -> str:
    """Return the name of the vault that a marker is the ARN of, in whatever region and account."""
    match = _VAULT_ARN.fullmatch(marker)
    if match is None or not is_vault_name(match[1]):
        raise invalid(f"Invalid marker: {marker}")
    return match[1]


def is_archive_id(text: str) -> bool:
    """Tell whether a text could be an id of this engine's; it need not have been given out."""
    return _ARCHIVE_ID.fullmatch(text) is not None


def partition(region: str) -> str:
    """Return the first word of ARNs in a region, `aws` for most."""
    for prefix, name in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")):
        if region.startswith(prefix):
            return name
    return "aws"


def description(text: str | None) -> str | None:
    """Return an archive's description as it is kept, None for nothing.

    The service takes leading blanks away, and a header over a wire has none at its end.
    """
    return printable((text or "").strip(" "), "archive description")


def printable(text: str | None, what: str) -> str | None:
    """Return a text of at most 1,024 printable ASCII characters, None for an empty one."""
    if text and (len(text) > MAX_DESCRIPTION or not all(" " <= each <= "~" for each in text)):
        raise invalid(f"Invalid {what}: {text}")
    return text or None


def part_size(text: str | None) -> int:
    """Return a part size in bytes; raises unless it is 1 MiB to 4 GiB and a power of two."""
    size = int(text) if text is not None and _DIGITS.fullmatch(text) else 0
    if not (MIB <= size <= MAX_PART and size.bit_count() == 1):
        raise invalid(
            f"Invalid part size: {text or 'null'}. Part size must not be null, must be a power of"
            f" two and be between {MIB} and {MAX_PART} bytes."
        )
    return size


def sha256(value: str | None, header: str) -> str:
    """Return a hash that a header must carry, in lower case."""
    if value is None:
        raise missing(header)
    if not _SHA256.fullmatch(value):
        raise invalid(f"Invalid {header}: {value}")
    return value.lower()


def archive_length(length: int | None) -> int:
    """Return the length that UploadArchive announced."""
    if length is None:
        raise missing("Content-Length")
    if not 1 <= length <= MAX_ARCHIVE:
        raise invalid(f"Invalid Content-Length: {length}")
    return length


def content_range(text: str | None, length: int | None) -> tuple[int, int]:
    """Return [start, stop) of `bytes first-last/*`, which must be as long as the body.

    The size of the whole may stand in place of the asterisk; it is for the end of the upload to
    compare.
    """
    if text is None:
        raise missing("Content-Range")
    match = _CONTENT_RANGE.fullmatch(text)
    if match is None or not int(match[1]) <= int(match[2]) < float(match[3] or "inf"):
        raise invalid(f"Invalid Content-Range: {text}")
    if length is None:
        raise missing("Content-Length")
    start, stop = int(match[1]), int(match[2]) + 1
    if stop - start != length:
        raise invalid(f"Content-Range: {text} is incompatible with Content-Length: {length}")
    return start, stop


def part_number(start: int, stop: int, size: int) -> int:
    """Return which part, from 0, [start, stop) is in an upload with parts of `size` bytes."""
    if start % size or stop - start > size:
        raise invalid(f"Invalid Content-Range: bytes {start}-{stop - 1}/*")
    number = start // size
    if number >= MAX_PARTS:
        raise invalid(
            f"This is part number {number + 1} for the current multipart upload."
            f" It exceeds the limit of {MAX_PARTS} parts."
        )
    return number


def archive_size(text: str | None) -> int:
    """Return the total that CompleteMultipartUpload announces, in bytes; raises without one."""
    if text is None:
        raise missing("x-amz-archive-size")
    if not _DIGITS.fullmatch(text):
        raise invalid(f"Invalid x-amz-archive-size: {text}")
    return int(text)


def output_range(text: str | None, size: int) -> tuple[int, int] | None:
    """Return [start, stop) that a Range header asks of `size` bytes, or None for all of them.

    A header that makes no sense is ignored, as RFC 9110 allows and the service does; one that
    starts past the end is refused, with 400 and not 416.
    """
    match = _RANGE.fullmatch(text.strip()) if text else None
    if match is None or match[0] == "bytes=-":
        return None
    if not match[1]:
        start, last = max(0, size - int(match[2])), size - 1
    else:
        start, last = int(match[1]), int(match[2]) if match[2] else size - 1
        if match[2] and start > last:
            return None
    if start >= size:
        raise invalid(f"The start of the range is larger than size of retrieved data: {text}")
    return start, min(last + 1, size)


def retrieval_range(text: str, size: int) -> tuple[int, int]:
    """Return [start, stop) that a retrieval job asks of an archive; both ends whole megabytes."""
    match = _RETRIEVAL_RANGE.fullmatch(text)
    if match is not None:
        start, stop = int(match[1]), int(match[2]) + 1
        if is_megabyte_aligned(start, stop, size):
            return start, stop
    raise invalid(f"Invalid retrieval byte range: {text}")


def policy_document(given: Mapping[str, Any], kind: str) -> str:
    """Return the vault policy of a kind, `access` or `lock`, that a request brings.

    Of a bad one the service does not tell the reason; here it is the cause of what is raised.
    """
    document: str | None = given.get("policy", {}).get("Policy")
    if not document:
        raise missing("Policy")
    try:
        policy.validate(document)
    except ValueError as error:
        raise invalid(
            f"The specified vault {kind} policy is invalid. Provide a valid policy."
        ) from error
    return document


def limit(text: str | None, largest: int) -> int:
    """Return the size of a page; more than the largest is given the largest."""
    if text is None:
        return largest
    if not _DIGITS.fullmatch(text) or int(text) < 1:
        raise invalid(f"Invalid limit: {text}")
    return min(int(text), largest)


def page(rows: list[Any], limit: int, kind: str, key: str) -> tuple[list[Any], str | None]:
    """Return a page, and the marker of the next; `rows` are one too many where there is one."""
    shown = rows[:limit]
    return shown, encode_marker(kind, shown[-1][key]) if len(rows) > limit else None


def encode_marker(kind: str, *values: int | str) -> str:
    """Return an opaque token that says where a listing goes on."""
    token = json.dumps([kind, *values], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(token).rstrip(b"=").decode()


def decode_marker(kind: str, marker: str, *counts: int) -> Sequence[Any]:
    """Return the values of a marker of this kind, as many as one of `counts` says, or else one.

    Raises for anything that we did not issue.
    """
    try:
        padded = marker + "=" * (-len(marker) % 4)
        found, *values = json.loads(base64.b64decode(padded, b"-_", validate=True))
    except (ValueError, TypeError, RecursionError):
        raise invalid(f"Invalid marker: {marker}") from None
    integers = all(type(each) is int and abs(each) < 1 << 62 for each in values)
    if found != kind or len(values) not in (counts or (1,)) or not integers:
        raise invalid(f"Invalid marker: {marker}")
    return list(values)


def unreadable_body() -> ServiceError:
    """Return the error for a body that is not the JSON an operation takes; code and text agree."""
    return ServiceError("SerializationException", "SerializationException")
