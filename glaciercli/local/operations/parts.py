"""UploadMultipartPart: write a part so that no other writer of it can spoil what was acknowledged.

The first writer of a part claims its place in the upload's blob and writes there. A claim is given
once: whoever comes while it is held, after it is done, or after its holder died, writes to a file
aside. The row of the part names where the last writer to finish has put it. So the bytes that a
row speaks of are never written again. A holder that failed, and so has nothing in the row, gives
the claim back.
"""

from __future__ import annotations

from typing import Any

from glaciercli.local import metering, rules
from glaciercli.local.blobs import Received
from glaciercli.local.operations import archives, uploads
from glaciercli.local.store import Row
from glaciercli.local.wire import Params
from glaciercli.local.world import World


def upload(world: World, params: Params) -> dict[str, Any]:
    """Store one part; the reply goes out when all of it is on disk."""
    upload_id, length = params["uploadId"], world.request.length
    start, stop = rules.content_range(params.get("range"), length)
    sent = archives.sent_hashes(world, params)
    with world.store.write(durable=False) as db:
        row = uploads.find_open(world, db, world.vault(db, params), upload_id)
        part = rules.part_number(start, stop, row["part_size"])
        claimed = db.run(
            "INSERT OR IGNORE INTO claims (upload, part) VALUES (?, ?)", row["number"], part
        )
    if claimed:
        received = _write_in_place(world, params, row, part, sent)
    else:
        received = _write_aside(world, params, part, sent)
    return {"checksum": received.tree_hash}


def _write_in_place(
    world: World, params: Params, upload: Row, part: int, sent: tuple[str | None, str]
) -> Received:
    try:
        received = _receive(world, upload["blob"], part * upload["part_size"], sent)
        _record(world, params, part, received, aside=None)
    except BaseException:
        with world.store.write(durable=False) as db:
            db.run(
                "DELETE FROM claims WHERE upload = ? AND part = ? AND NOT done",
                *(upload["number"], part),
            )
        raise
    return received


def _write_aside(world: World, params: Params, part: int, sent: tuple[str | None, str]) -> Received:
    aside = world.blobs.create()
    try:
        received = _receive(world, aside, 0, sent)
        _record(world, params, part, received, aside=aside)
    except BaseException:
        world.blobs.drop(aside)
        raise
    return received


def _receive(world: World, blob: str, offset: int, sent: tuple[str | None, str]) -> Received:
    length = world.request.length
    assert length is not None
    with world.blobs.open(blob, write=True) as file:
        return archives.receive(world, file, length, offset, sent)


def _record(
    world: World, params: Params, part: int, received: Received, *, aside: str | None
) -> None:
    """Acknowledge a part in its row, unless the upload ended while it was written."""
    with world.store.write() as db:
        upload = uploads.find_open(world, db, world.vault(db, params), params["uploadId"])
        number, now = upload["number"], world.clock.instant(db)
        before = db.find("SELECT aside FROM parts WHERE upload = ? AND part = ?", number, part)
        if before is not None and before["aside"]:
            world.blobs.discard(db, before["aside"], now)
        if aside is None:
            db.run("UPDATE claims SET done = 1 WHERE upload = ? AND part = ?", number, part)
        else:
            world.blobs.keep(db, aside)
        db.run(
            "INSERT OR REPLACE INTO parts (upload, part, size, tree_hash, aside)"
            " VALUES (?, ?, ?, ?, ?)",
            *(number, part, received.size, received.tree_hash, aside),
        )
        db.run("UPDATE uploads SET touched_at = ? WHERE number = ?", now, number)
        metering.count(world, db, "UploadMultipartPart")
    if before is not None and before["aside"]:
        world.blobs.sweep()
