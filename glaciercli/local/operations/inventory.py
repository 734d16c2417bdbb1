"""Inventories: what a job asks for, and the JSON or CSV that it gets.

An inventory is a query over archives, read in pages and written as it is read; so memory is flat
whatever the vault holds, and the result is the same however late it is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, BinaryIO

from glaciercli.local import rules
from glaciercli.local.blobs import Blobs
from glaciercli.local.clock import LAST, SECOND, instant, written_seconds
from glaciercli.local.errors import invalid
from glaciercli.local.store import Row, Store
from glaciercli.local.wire import Params, dump
from glaciercli.units import parse_time

_PAGE = 2_000  # rows read at once


@dataclass(frozen=True)
class Wanted:
    """What an inventory job asks for; a marker fixes as of which write and when, from where on."""

    document: dict[str, Any]
    snapshot: int | None = None
    after: int = 0
    made_at: int | None = None  # an instant; of old markers it is not known


@dataclass(frozen=True)
class Output:
    """A written inventory; `marker` says where the next one goes on, if there is more."""

    blob: str
    size: int
    marker: str | None


def wanted(vault: Row, given: Params) -> Wanted:
    """Check the parameters of an inventory job."""
    form = given.get("Format", "JSON")
    if form not in {"JSON", "CSV"}:
        raise invalid(f"Invalid format: {form}")
    asked = given.get("InventoryRetrievalParameters", {})
    start, end = _date(asked, "StartDate"), _date(asked, "EndDate")
    if start and end and start > end:
        raise invalid(f"StartDate is after EndDate: {asked['StartDate']}")
    if "Limit" in asked:
        rules.limit(asked["Limit"], 1)
    document = {"Format": form} | {
        name: asked[name] for name in ("StartDate", "EndDate", "Limit") if name in asked
    }
    if "Marker" not in asked:
        return Wanted(document)
    number, snapshot, after, *dates = rules.decode_marker("inventory", asked["Marker"], 3, 4)
    if (
        number != vault["number"]
        or not 0 <= after <= snapshot <= vault["writes"]
        or not all(vault["created_at"] <= each <= LAST for each in dates)
    ):
        raise invalid(f"Invalid marker: {asked['Marker']}")
    return Wanted(document, snapshot, after, *dates)


def _date(asked: Params, name: str) -> datetime | None:
    if name not in asked:
        return None
    try:
        return parse_time(asked[name])
    except ValueError:
        raise invalid(f"Invalid {name}: {asked[name]}") from None


def content_type(job: Params) -> str:
    """Return the media type of an inventory job's output, by the format it was asked in."""
    csv = job["InventoryRetrievalParameters"]["Format"] == "CSV"
    return "text/csv" if csv else "application/json"


def write(store: Store, blobs: Blobs, job: Row) -> Output:
    """Write a job's inventory to a fresh blob, a stray until a row speaks for it."""
    document = json.loads(job["document"])
    asked = document["InventoryRetrievalParameters"]
    rows = _Rows(store, job, asked)
    blob = blobs.create()
    try:
        with (
            blobs.open(blob, write=True) as open_blob,
            open(open_blob.data, "wb", closefd=False) as file,
        ):
            if asked["Format"] == "CSV":
                _write_csv(file, rows)
            else:
                _write_json(file, rows, document["VaultARN"], job["made_at"])
            file.flush()
            size = file.tell()
            open_blob.sync()
    except BaseException:
        blobs.drop(blob)
        raise
    return Output(blob, size, rows.marker)


class _Rows:
    """The archives that a job asks for, by birth; afterwards `marker` tells if there were more."""

    def __init__(self, store: Store, job: Row, asked: Params) -> None:
        self._store, self._job = store, job
        self._start = instant(parse_time(asked.get("StartDate", "0001-01-01")))
        self._end = instant(parse_time(asked.get("EndDate", "9999-12-31")))
        self._limit = int(asked["Limit"]) if "Limit" in asked else None
        self.marker: str | None = None

    def __iter__(self) -> Iterator[Row]:
        given, last = 0, 0
        for row in self._all():
            if given == self._limit:
                job = self._job
                self.marker = rules.encode_marker(
                    "inventory", job["vault"], job["snapshot"], last, job["made_at"]
                )
                return
            yield row
            given, last = given + 1, row["born"]

    def _all(self) -> Iterator[Row]:
        after, snapshot = self._job["after"], self._job["snapshot"]
        while True:
            with self._store.read() as db:
                rows = db.all(
                    "SELECT * FROM archives WHERE vault = ? AND born > ? AND born <= ?"
                    " ORDER BY born LIMIT ?",
                    *(self._job["vault"], after, snapshot, _PAGE),
                )
            for row in rows:
                alive = row["died"] is None or row["died"] > snapshot
                if alive and self._start <= row["created_at"] < self._end:
                    yield row
            if len(rows) < _PAGE:
                return
            after = rows[-1]["born"]


def _write_json(file: BinaryIO, rows: _Rows, arn: str, made_at: int) -> None:
    head = dump({"VaultARN": arn, "InventoryDate": written_seconds(made_at), "ArchiveList": []})
    file.write(head.removesuffix(b"]}"))
    separator = b""
    for row in rows:
        # Written by hand, four times as fast: of these only a description needs escaping.
        line = (
            f'{{"ArchiveId":"{row["id"]}","ArchiveDescription":{_quote(row["description"] or "")},'
            f'"CreationDate":"{_date_text(row["created_at"] // SECOND)}","Size":{row["size"]},'
            f'"SHA256TreeHash":"{row["tree_hash"]}"}}'
        )
        file.write(separator + line.encode())
        separator = b","
    file.write(b"]}")


_quote = json.JSONEncoder(ensure_ascii=False).encode


@lru_cache(maxsize=1024)
def _date_text(second: int) -> str:
    return written_seconds(second * SECOND)


def _write_csv(file: BinaryIO, rows: _Rows) -> None:
    r"""Write the service's own CSV: a quote becomes `\"`, a backslash stays as it is.

    So the format loses the difference between the two, as the service's does.
    """
    file.write(b"ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash\r\n")
    for row in rows:
        description = (row["description"] or "").replace('"', '\\"')
        created = _date_text(row["created_at"] // SECOND)
        line = f'{row["id"]},"{description}",{created},{row["size"]},{row["tree_hash"]}\r\n'
        file.write(line.encode())
