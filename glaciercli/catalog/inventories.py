"""An inventory's document, read as a stream: JSON, and the CSV that loses backslashes.

Memory is flat whatever the size: inventories of seven million archives exist. A document that ends
early, or is not an inventory, raises IntegrityError before anything is made of its absences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import ijson

from glaciercli import limits
from glaciercli.catalog import _texts
from glaciercli.catalog._nesting import Shallow
from glaciercli.errors import IntegrityError
from glaciercli.units import parse_time

_BUFFER = 1 << 16  # bytes; larger ones leave the processor's cache, and take half as long again
_HASH_LENGTH = 64
_LEVELS, _ITEMS = 4, 2  # the document, its list, an archive and what may be new in one; the list's
_LONGEST_ITEM = 1 << 16  # bytes of an archive; its description has 1,024 characters

# The description is the only field that may hold a quote or a comma, and the others are strict; so
# what stands between them is the description, whatever it looks like.
_CSV_LINE = re.compile(
    r'"?(?P<ArchiveId>[A-Za-z0-9_-]+)"?,(?P<ArchiveDescription>.*),"?(?P<CreationDate>[0-9T:.Z-]+)"?'
    r',"?(?P<Size>\d{1,16})"?,"?(?P<SHA256TreeHash>[0-9a-f]{64})"?'
)
_CSV_HEADER = "ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash"


class Entry(NamedTuple):
    """An archive in an inventory."""

    id: str
    description: str
    created: datetime
    size: int
    tree_hash: bytearray  # and not bytes, over which sqlite3 takes three times as long


@dataclass(frozen=True)
class Document:
    """An inventory on disk; `arn` and `made` are None for CSV, which does not say them."""

    path: Path
    arn: str | None
    made: datetime | None

    @classmethod
    def open(cls, path: Path) -> Document:
        """Return the document with what its head says; raises IntegrityError where it is none."""
        if not _texts.beginning(path).lstrip().startswith("{"):
            return cls(path, None, None)
        with _json(path) as file:
            return cls(path, *_head(file, path))

    def entries(self) -> Iterator[Entry]:
        """Yield the archives; raises IntegrityError where the document ends early."""
        items = _json_items(self.path) if self.arn is not None else _csv_items(self.path)
        last = "none"
        try:
            for item in items:
                yield _entry(item)
                last = item["ArchiveId"]
        except (ijson.JSONError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise IntegrityError(
                f"inventory {str(self.path)!r} is damaged or cut off after archive {last}: "
                f"{str(error)[:200]}"
            ) from error


@contextmanager
def _json(path: Path) -> Iterator[Shallow]:
    """Open an inventory's JSON, no deeper than one is and in no larger pieces."""
    with _texts.as_utf8(path) as file:
        yield Shallow(file, levels=_LEVELS, items=_ITEMS, longest=_LONGEST_ITEM)


def _head(file: Shallow, path: Path) -> tuple[str, datetime]:
    """Return VaultARN and InventoryDate; they come first, but JSON's order is no promise."""
    found: dict[str, Any] = {}
    try:
        for prefix, event, value in ijson.parse(file, buf_size=4096):
            if (prefix, event) in {("VaultARN", "string"), ("InventoryDate", "string")}:
                found[prefix] = value
            elif (prefix, event) == ("ArchiveList", "start_array"):
                found[prefix] = True
            # Without a list there would be no archives, and all that are known would be missing.
            if len(found) == 3:
                return found["VaultARN"], _date(found["InventoryDate"])
    except (ijson.JSONError, ValueError) as error:
        raise IntegrityError(f"{str(path)!r} is not an inventory: {str(error)[:200]}") from error
    raise IntegrityError(f"{str(path)!r} is not an inventory: its head is not all there")


def _date(text: str) -> datetime:
    made = parse_time(text)
    if not limits.is_time(made):
        raise ValueError(f"no inventory is of {text}")
    return made


def _json_items(path: Path) -> Iterator[dict[str, Any]]:
    with _json(path) as file:
        yield from ijson.items(file, "ArchiveList.item", buf_size=_BUFFER)


def _csv_items(path: Path) -> Iterator[dict[str, Any]]:
    r"""Yield the rows of Glacier's CSV, in which a quote is `\"` and a backslash just itself."""
    lines = _texts.lines(path)
    _, header = next(lines, (0, ""))
    if header.replace('"', "") != _CSV_HEADER:
        raise ValueError("the first line is not the header of an inventory")
    for _, line in lines:
        match = _CSV_LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"cannot read {line[:80]!r}")
        item: dict[str, Any] = match.groupdict()
        item["Size"] = int(item["Size"])
        text = item["ArchiveDescription"]
        if len(text) > 1 and text[0] == text[-1] == '"':
            item["ArchiveDescription"] = text[1:-1].replace('\\"', '"')
        yield item


def _entry(item: dict[str, Any]) -> Entry:
    ident, size, tree_hash = item["ArchiveId"], item["Size"], item["SHA256TreeHash"]
    description = item["ArchiveDescription"] or ""
    if not limits.is_id(ident) or not isinstance(description, str):
        raise ValueError(f"{ident!r}, {description!r} are not an archive's id and description")
    digest = bytearray.fromhex(tree_hash)  # which passes over blanks
    if len(tree_hash) != _HASH_LENGTH or len(digest) * 2 != _HASH_LENGTH:
        raise ValueError(f"archive {ident} has tree hash {tree_hash!r}")
    if type(size) is not int or not limits.is_archive_size(size):
        raise ValueError(f"archive {ident} has size {size!r}")
    created = _created(item["CreationDate"])
    if not limits.is_time(created):
        raise ValueError(f"archive {ident} was created on {created.isoformat()}")
    return Entry(ident, description, created, size, digest)


def _created(text: str) -> datetime:
    # A tenth of the time of our own parser, for the form that the service writes.
    if len(text) == 20 and text[-1] == "Z":
        return datetime.fromisoformat(text)
    return parse_time(text)
