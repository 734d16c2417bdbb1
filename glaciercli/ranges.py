"""Ranges of bytes: half-open in this program, and as texts of Glacier with their last byte.

The developer guide writes `StartByteValue-EndByteValue` for a retrieval and for a stored part, and
`Content-Range: bytes first-last/*` for one on its way.
"""

from __future__ import annotations

import re

from glaciercli.errors import IntegrityError

Span = tuple[int, int]  # [start, stop), in bytes

_RANGE = re.compile(r"(\d{1,15})-(\d{1,15})", re.ASCII)
_CONTENT_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})", re.ASCII)


def format_range(start: int, stop: int) -> str:
    """Return [start, stop) as the service writes it: `0-1048575` for the first MiB."""
    return f"{start}-{stop - 1}"


def parse_range(text: str) -> Span:
    """Return [start, stop) of `first-last`; raises ValueError for what is no such range."""
    match = _RANGE.fullmatch(text)
    first, last = map(int, match.groups()) if match else (0, -1)
    if last < first:
        raise ValueError(f"{text[:80]!r} is not a range of bytes")
    return first, last + 1


def content_range(start: int, stop: int) -> str:
    """Return the header that says where a part goes."""
    return f"bytes {format_range(start, stop)}/*"


def parse_content_range(text: str) -> tuple[int, int, int]:
    """Return (start, stop, total) of a reply's Content-Range; raises IntegrityError."""
    match = _CONTENT_RANGE.fullmatch(text)
    if match is None:
        raise IntegrityError(f"the reply's range {text[:80]!r} cannot be read")
    first, last, total = map(int, match.groups())
    return first, last + 1, total
