"""Proof that a store still holds what it acknowledged: archives and parts are read and hashed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from glaciercli.local import metering
from glaciercli.local.blobs import Blobs
from glaciercli.local.engine import Engine
from glaciercli.local.store import Row, Store
from glaciercli.treehash import hash_range
from glaciercli.units import MIB

_PAGE = 500  # rows read at once


@dataclass(frozen=True)
class Damage:
    """Something that is not what it was when it was acknowledged."""

    kind: str  # archive, part or database
    region: str
    vault: str
    id: str  # of the archive or the upload
    reason: str
    start: int | None = None  # of the part in its upload


@dataclass(frozen=True)
class Info:
    """What is in a store."""

    version: int
    vaults: int
    archives: int
    size: int  # bytes of all archives, without Glacier's overhead
    uploads: int
    jobs: int
    metered: metering.Metered


def info(engine: Engine, *, reset_meter: bool = False) -> Info:
    """Return what a store holds and what was metered; with `reset_meter`, the meter begins anew."""
    metered = (
        metering.reset(engine.store, engine.clock) if reset_meter else metering.read(engine.store)
    )
    with engine.store.read() as db:
        vaults = db.get(
            "SELECT count(*) AS vaults, coalesce(sum(archives), 0) AS archives,"
            " coalesce(sum(bytes), 0) AS size FROM vaults"
        )
        uploads = db.get("SELECT count(*) FROM uploads WHERE state = 'open'")[0]
        jobs = db.get("SELECT count(*) FROM jobs")[0]
    return Info(
        engine.store.version,
        vaults["vaults"],
        vaults["archives"],
        vaults["size"],
        uploads,
        jobs,
        metered,
    )


def verify(engine: Engine) -> Iterator[Damage]:
    """Yield the damages, as they are found; nothing is repaired."""
    for complaint in engine.store.check():
        yield Damage("database", "", "", engine.store.path.name, complaint)
    for archive in _rows(engine.store, _ARCHIVES):
        reason = _reason(engine.blobs, archive, archive["blob"], 0)
        if reason and _unchanged(engine.store, _ARCHIVES, archive):
            yield Damage("archive", archive["region"], archive["vault"], archive["id"], reason)
    for part in _rows(engine.store, _PARTS):
        start = part["part"] * part["part_size"]
        name = part["aside"] or part["blob"]
        reason = _reason(engine.blobs, part, name, 0 if part["aside"] else start)
        if reason and _unchanged(engine.store, _PARTS, part):
            yield Damage("part", part["region"], part["vault"], part["id"], reason, start)


# Both give rows by `a` and `b`, and take the last of these that was seen.
_ARCHIVES = """
    SELECT archives.number AS a, 0 AS b, region, name AS vault, id, size, tree_hash, blob
    FROM archives JOIN vaults ON vaults.number = archives.vault
    WHERE (archives.number, 0) > (?, ?) AND died IS NULL ORDER BY 1 LIMIT ?"""
_PARTS = """
    SELECT upload AS a, part AS b, region, name AS vault, id, parts.size, parts.tree_hash,
        part, part_size, aside, blob
    FROM parts JOIN uploads ON uploads.number = upload JOIN vaults ON vaults.number = vault
    WHERE (upload, part) > (?, ?) ORDER BY 1, 2 LIMIT ?"""


def _rows(store: Store, query: str) -> Iterator[Row]:
    last = (-1, -1)
    while True:
        with store.read() as db:
            rows = db.all(query, *last, _PAGE)
        if not rows:
            return
        yield from rows
        last = (rows[-1]["a"], rows[-1]["b"])


def _unchanged(store: Store, query: str, row: Row) -> bool:
    """Tell whether a row is still there as it was read; it may have been deleted or replaced."""
    with store.read() as db:
        return db.all(query, row["a"], row["b"] - 1, 1) == [row]


def _reason(blobs: Blobs, row: Row, name: str, start: int) -> str | None:
    """Return what is wrong with bytes that a row speaks of, or None."""
    stop = start + row["size"]
    try:
        with blobs.open(name) as blob:
            length = os.fstat(blob.data).st_size
            if length < stop:
                return f"the file ends at {length} instead of {stop}"
            found = hash_range(blob.data, start, stop)
        leaves = blobs.leaves(name, start, stop)
    except FileNotFoundError:
        return "the file is missing"
    except OSError as error:  # a bad sector, rights that were taken away
        return f"the file cannot be read: {error.strerror}"
    if found.hexdigest() != row["tree_hash"]:
        wrong = [
            i for i, pair in enumerate(zip(found.leaves, leaves, strict=False)) if len({*pair}) > 1
        ]
        where = f", first in the megabyte at {start + wrong[0] * MIB}" if wrong else ""
        return f"the bytes hash to {found.hexdigest()} instead of {row['tree_hash']}{where}"
    if leaves != found.leaves:
        return "the stored digests are not those of the bytes"
    return None
