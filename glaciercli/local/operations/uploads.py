"""Multipart uploads: begin, complete, abort, and the two lists. Parts are in parts.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from glaciercli.local import metering, rules
from glaciercli.local.clock import DAY, written
from glaciercli.local.errors import ServiceError, invalid, not_found
from glaciercli.local.operations import archives
from glaciercli.local.store import Row, Transaction
from glaciercli.local.wire import Params
from glaciercli.local.world import World
from glaciercli.treehash import combine_hex

IDLE = DAY  # an upload that nobody touched for so long is gone, an ended one is forgotten


def initiate(world: World, params: Params) -> dict[str, Any]:
    """Begin an upload; its blob is there before its row, so that parts only ever write."""
    part_size = rules.part_size(params.get("partSize"))
    description = rules.description(params.get("archiveDescription"))
    expire(world)
    blob = world.blobs.create()
    try:
        with world.store.write() as db:
            vault = world.vault(db, params)
            world.blobs.keep(db, blob)
            upload_id = rules.new_id(rules.UPLOAD_ID)
            now = world.clock.instant(db)
            db.run(
                "INSERT INTO uploads (id, vault, created_at, touched_at, part_size, description,"
                " blob, state) VALUES (?, ?, ?, ?, ?, ?, ?, 'open')",
                *(upload_id, vault["number"], now, now, part_size, description, blob),
            )
            metering.count(world, db, "InitiateMultipartUpload")
    except BaseException:
        world.blobs.drop(blob)
        raise
    location = world.location(vault["name"], "multipart-uploads", upload_id)
    return {"location": location, "uploadId": upload_id}


def complete(world: World, params: Params) -> dict[str, Any]:
    """Make an archive of an upload's parts, in one transaction and mostly without copying.

    The blob itself becomes the archive when nobody can still be writing to it: every claim has
    ended, and no part lies aside. Else the parts are copied to a fresh blob, out of reach of a
    writer that comes late. A refusal leaves the upload open. Repeating it gives the same archive.
    """
    outcome = _try_complete(world, params, None)
    while isinstance(outcome, _Scattered):
        copy = _assemble(world, outcome)
        try:
            outcome = _try_complete(world, params, copy)
        finally:
            world.blobs.drop(copy.blob)  # without effect on a blob that became the archive
    world.blobs.sweep()
    return outcome


@dataclass(frozen=True)
class _Scattered:
    """Parts that cannot become the archive where they are."""

    upload: Row
    parts: Sequence[Row]


@dataclass(frozen=True)
class _Copy:
    """A blob into which `parts` were copied."""

    blob: str
    parts: Sequence[Row]


def _try_complete(world: World, params: Params, copy: _Copy | None) -> dict[str, Any] | _Scattered:
    size = rules.archive_size(params.get("archiveSize"))
    tree_hash = rules.sha256(params.get("checksum"), "x-amz-sha256-tree-hash")
    with world.store.write() as db:
        vault = world.vault(db, params)
        upload = _find(world, db, vault, params["uploadId"])
        if upload["state"] == "completed":
            _compare(params, (size, tree_hash), (upload["size"], upload["tree_hash"]))
            metering.count(world, db, "CompleteMultipartUpload")
            return archives.created(world, vault, upload["archive_id"], tree_hash)
        _must_be_open(upload, params["uploadId"])
        parts = db.all("SELECT * FROM parts WHERE upload = ? ORDER BY part", upload["number"])
        _check_whole(upload, parts, params, size, tree_hash)
        if copy is not None and copy.parts == parts:
            world.blobs.keep(db, copy.blob)
            blob = copy.blob
        elif _is_settled(db, upload, parts):
            blob = upload["blob"]
        else:
            return _Scattered(upload, parts)
        return _finish(world, db, vault, upload, blob, size, tree_hash)


def _check_whole(
    upload: Row, parts: Sequence[Row], params: Params, size: int, tree_hash: str
) -> None:
    """Raise unless the parts follow each other without a gap and are what was announced."""
    stop = 0
    for part in parts:
        start = part["part"] * upload["part_size"]
        if start != stop:
            raise invalid(f"Missing range: bytes {stop}-{start - 1}")
        stop = start + part["size"]
    if not parts:
        raise invalid(f"Missing range: bytes 0-{max(size, 1) - 1}")
    _compare(params, (size, tree_hash), (stop, combine_hex(part["tree_hash"] for part in parts)))


def _compare(params: Params, announced: tuple[int, str], actual: tuple[int, str]) -> None:
    """Raise where size or tree hash of an archive is another than announced, naming which."""
    if announced[0] != actual[0]:
        raise invalid(f"Invalid x-amz-archive-size: {params['archiveSize']}")
    if announced[1] != actual[1]:
        raise invalid(f"Invalid x-amz-sha256-tree-hash: {params['checksum']}")


def _is_settled(db: Transaction, upload: Row, parts: Sequence[Row]) -> bool:
    """Tell whether all parts lie in the upload's blob and nobody else may write there."""
    under_way = db.find(
        "SELECT 1 FROM claims WHERE upload = ? AND NOT done LIMIT 1", upload["number"]
    )
    return under_way is None and not any(part["aside"] for part in parts)


def _assemble(world: World, scattered: _Scattered) -> _Copy:
    """Copy parts to a fresh blob; rare, so it may take its time."""
    upload, blob = scattered.upload, world.blobs.create()
    try:
        with world.blobs.open(blob, write=True) as target:
            for part in scattered.parts:
                offset = part["part"] * upload["part_size"]
                start = 0 if part["aside"] else offset
                with world.blobs.open(part["aside"] or upload["blob"]) as source:
                    target.copy_from(source, start, part["size"], offset)
            target.sync()
    except FileNotFoundError:
        # A part was replaced or the upload ended meanwhile; what we have is a copy of nothing.
        return _Copy(blob, ())
    except BaseException:
        world.blobs.drop(blob)
        raise
    return _Copy(blob, scattered.parts)


def _finish(
    world: World, db: Transaction, vault: Row, upload: Row, blob: str, size: int, tree_hash: str
) -> dict[str, Any]:
    archive_id = archives.add(
        world,
        db,
        vault,
        description=upload["description"],
        size=size,
        tree_hash=tree_hash,
        blob=blob,
    )
    metering.count(world, db, "CompleteMultipartUpload")
    _end(world, db, upload, "completed", keep=blob)
    db.run(
        "UPDATE uploads SET archive_id = ?, size = ?, tree_hash = ? WHERE number = ?",
        *(archive_id, size, tree_hash, upload["number"]),
    )
    return archives.created(world, vault, archive_id, tree_hash)


def abort(world: World, params: Params) -> dict[str, Any]:
    """Drop an upload and its parts; repeating it is no error, aborting an archive is."""
    with world.store.write() as db:
        vault = world.vault(db, params)
        upload = _find(world, db, vault, params["uploadId"])
        if upload["state"] == "completed":
            raise _unknown(params["uploadId"])
        if upload["state"] == "open":
            _end(world, db, upload, "aborted")
    world.blobs.sweep()
    return {}


def list_(world: World, params: Params) -> dict[str, Any]:
    """Answer ListMultipartUploads, in the order of their beginnings; only those still open.

    The service promises no order (Developer Guide, api-multipart-list-uploads).
    """
    limit = rules.limit(params.get("limit"), rules.PAGE)
    marker = params.get("marker")
    after = rules.decode_marker("uploads", marker)[0] if marker else 0
    expire(world)
    with world.store.read() as db:
        vault = world.vault(db, params)
        rows = db.all(
            "SELECT * FROM uploads WHERE vault = ? AND number > ? AND state = 'open'"
            " ORDER BY number LIMIT ?",
            *(vault["number"], after, limit + 1),
        )
    uploads, following = rules.page(rows, limit, "uploads", "number")
    return {
        "UploadsList": [_description(world, vault, upload) for upload in uploads],
        "Marker": following,
    }


def list_parts(world: World, params: Params) -> dict[str, Any]:
    """Answer ListParts, by ranges; raises for an upload that is complete or gone (404).

    The ends of the ranges are inclusive (Developer Guide, api-multipart-list-parts).
    """
    limit = rules.limit(params.get("limit"), rules.PAGE)
    marker = params.get("marker")
    after = rules.decode_marker("parts", marker)[0] if marker else -1
    with world.store.read() as db:
        vault = world.vault(db, params)
        upload = find_open(world, db, vault, params["uploadId"])
        rows = db.all(
            "SELECT * FROM parts WHERE upload = ? AND part > ? ORDER BY part LIMIT ?",
            *(upload["number"], after, limit + 1),
        )
    parts, following = rules.page(rows, limit, "parts", "part")
    return _description(world, vault, upload) | {
        "Parts": [_part(upload, part) for part in parts],
        "Marker": following,
    }


def find_open(world: World, db: Transaction, vault: Row, upload_id: str) -> Row:
    """Return the row of an upload that takes parts; raises when there is none."""
    return _must_be_open(_find(world, db, vault, upload_id), upload_id)


def expire(world: World) -> None:
    """Drop the uploads that nobody touched for a day, and forget the ended ones."""
    with world.store.read() as db:
        before = world.clock.instant(db) - IDLE
        if db.find("SELECT 1 FROM uploads WHERE touched_at <= ? LIMIT 1", before) is None:
            return
    with world.store.write() as db:
        for upload in db.all("SELECT * FROM uploads WHERE touched_at <= ?", before):
            if upload["state"] == "open":
                _end(world, db, upload, "aborted")
            db.run("DELETE FROM uploads WHERE number = ?", upload["number"])
    world.blobs.sweep()


def _find(world: World, db: Transaction, vault: Row, upload_id: str) -> Row:
    upload = db.find(
        "SELECT * FROM uploads WHERE id = ? AND vault = ? AND touched_at > ?",
        *(upload_id, vault["number"], world.clock.instant(db) - IDLE),
    )
    if upload is None:
        raise _unknown(upload_id)
    return upload


def _must_be_open(upload: Row, upload_id: str) -> Row:
    if upload["state"] != "open":
        raise _unknown(upload_id)
    return upload


def _unknown(upload_id: str) -> ServiceError:
    return not_found(f"The upload ID was not found: {upload_id}")


def _end(
    world: World, db: Transaction, upload: Row, state: str, *, keep: str | None = None
) -> None:
    """Close an upload: no part comes in any more, and its files go, except the blob to keep."""
    number, now = upload["number"], world.clock.instant(db)
    asides = db.all("SELECT aside FROM parts WHERE upload = ? AND aside IS NOT NULL", number)
    for name in [upload["blob"], *(row["aside"] for row in asides)]:
        if name != keep:
            world.blobs.discard(db, name, now)
    db.run("DELETE FROM parts WHERE upload = ?", number)
    db.run("DELETE FROM claims WHERE upload = ?", number)
    db.run("UPDATE uploads SET state = ?, touched_at = ? WHERE number = ?", state, now, number)


def _description(world: World, vault: Row, upload: Row) -> dict[str, Any]:
    return {
        "MultipartUploadId": upload["id"],
        "VaultARN": world.arn(vault["name"]),
        "ArchiveDescription": upload["description"],
        "PartSizeInBytes": upload["part_size"],
        "CreationDate": written(upload["created_at"]),
    }


def _part(upload: Row, part: Row) -> dict[str, Any]:
    first = part["part"] * upload["part_size"]
    return {
        "RangeInBytes": f"{first}-{first + part['size'] - 1}",
        "SHA256TreeHash": part["tree_hash"],
    }
