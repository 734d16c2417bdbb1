"""UploadArchive, DeleteArchive, and the rows of archives."""

from __future__ import annotations

from typing import Any

from glaciercli.local import metering, rules, timing
from glaciercli.local.blobs import OpenBlob, Received
from glaciercli.local.errors import ServiceError, invalid
from glaciercli.local.store import Row, Transaction
from glaciercli.local.wire import Params
from glaciercli.local.world import World

_CONTENT_HASH = "x-amz-content-sha256"
_TREE_HASH = "x-amz-sha256-tree-hash"


def sent_hashes(world: World, params: Params) -> tuple[str | None, str]:
    """Return the plain and the tree hash that an upload must announce; the first over a wire."""
    plain = None
    if world.request.is_hashed:
        plain = rules.sha256(world.request.headers.get(_CONTENT_HASH), _CONTENT_HASH)
    return plain, rules.sha256(params.get("checksum"), _TREE_HASH)


def receive(
    world: World, blob: OpenBlob, length: int, offset: int, sent: tuple[str | None, str]
) -> Received:
    """Write the request's body at `offset`; raise unless its hashes are those announced with it."""
    plain, tree = sent
    received = blob.receive(world.request.body, length, offset, linear=plain is not None)
    if plain is not None and received.sha256 != plain:
        raise wrong_payload_hash(received.sha256, plain)
    if received.tree_hash != tree:
        raise invalid(f"Checksum mismatch: expected {tree}, computed {received.tree_hash}")
    blob.sync()
    return received


def wrong_payload_hash(computed: str | None, sent: str) -> ServiceError:
    """Return the error for a body that is not the one whose SHA-256 was announced."""
    return ServiceError(
        "InvalidSignatureException",
        f"The value passed in as {_CONTENT_HASH} does not match the computed payload hash."
        f" Computed digest: {computed} expected hash: {sent}",
    )


def upload(world: World, params: Params) -> dict[str, Any]:
    """Store one body as a new archive; the reply goes out when all of it is on disk."""
    description = rules.description(params.get("archiveDescription"))
    length = rules.archive_length(world.request.length)
    sent = sent_hashes(world, params)
    blob = world.blobs.create()
    try:
        with world.blobs.open(blob, write=True) as file:
            received = receive(world, file, length, 0, sent)
        with world.store.write() as db:
            vault = world.vault(db, params)
            world.blobs.keep(db, blob)
            archive_id = add(
                world,
                db,
                vault,
                description=description,
                size=length,
                tree_hash=received.tree_hash,
                blob=blob,
            )
            metering.count(world, db, "UploadArchive")
    except BaseException:
        world.blobs.drop(blob)
        raise
    return created(world, vault, archive_id, received.tree_hash)


def add(
    world: World,
    db: Transaction,
    vault: Row,
    *,
    description: str | None,
    size: int,
    tree_hash: str,
    blob: str,
) -> str:
    """Make an archive of a blob, in the transaction that acknowledges it; return its id."""
    archive_id = rules.new_id(rules.ARCHIVE_ID)
    now = world.clock.instant(db)
    write = _count_write(world, db, vault, now, archives=1, size=size)
    db.run(
        "INSERT INTO archives (vault, born, id, description, created_at, size, tree_hash, blob)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        *(vault["number"], write, archive_id, description, now, size, tree_hash, blob),
    )
    return archive_id


def created(world: World, vault: Row, archive_id: str, tree_hash: str) -> dict[str, Any]:
    """Return the reply to UploadArchive and CompleteMultipartUpload; the location is relative."""
    return {
        "location": world.location(vault["name"], "archives", archive_id),
        "checksum": tree_hash,
        "archiveId": archive_id,
    }


def delete(world: World, params: Params) -> dict[str, Any]:
    """Remove an archive; one that is gone, or never was, is removed as well.

    Outputs of finished jobs stay readable until they expire, so the bytes stay as long.
    """
    archive_id = params["archiveId"]
    if not rules.is_archive_id(archive_id):
        raise invalid(f"Invalid archive ID: {archive_id}")
    with world.store.write() as db:
        vault = world.vault(db, params)
        archive = find(world, db, vault, archive_id)
        if archive is None or archive["died"] is not None:
            return {}
        now = world.clock.instant(db)
        metering.count_deletion(world, db, archive, now)
        write = _count_write(world, db, vault, now, archives=-1, size=-archive["size"])
        db.run("UPDATE archives SET died = ? WHERE number = ?", write, archive["number"])
        db.run(
            "UPDATE jobs SET archive = NULL WHERE archive = ? AND ready_at > ?",
            archive["number"],
            now,
        )
        pinned = db.get(
            "SELECT max(expires_at) AS until FROM jobs WHERE archive = ?", archive["number"]
        )
        world.blobs.discard(db, archive["blob"], max(now, pinned["until"] or now))
    world.blobs.sweep()
    return {}


def find(world: World, db: Transaction, vault: Row, archive_id: str) -> Row | None:
    """Return an archive of a vault, dead or alive; raises when another vault has it."""
    archive = db.find(
        "SELECT archives.* FROM archives JOIN vaults ON vaults.number = vault"
        " WHERE id = ? AND account = ? AND region = ?",
        archive_id,
        world.account,
        world.region,
    )
    if archive is not None and archive["vault"] != vault["number"]:
        raise invalid(f"Invalid vault name: {world.arn(vault['name'])}")
    return archive


def _count_write(
    world: World, db: Transaction, vault: Row, now: int, *, archives: int, size: int
) -> int:
    """Note a write to a vault in its counters and return the write's number."""
    vault = timing.settle_inventory(db, world.clock, vault)
    db.run(
        "UPDATE vaults SET writes = writes + 1, written_at = ?, archives = archives + ?,"
        " bytes = bytes + ? WHERE number = ?",
        *(now, archives, size, vault["number"]),
    )
    return int(vault["writes"]) + 1
