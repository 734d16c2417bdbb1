"""InitiateJob, DescribeJob, ListJobs, GetJobOutput; how jobs end is in settling.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from glaciercli.local import metering, rules, timing
from glaciercli.local.clock import DAY, written
from glaciercli.local.errors import ServiceError, invalid, missing, not_found
from glaciercli.local.operations import account, archives, inventory, notifications
from glaciercli.local.select import selecting
from glaciercli.local.settling import Document, described, settle
from glaciercli.local.store import Row, Transaction
from glaciercli.local.wire import FileWindow, Params
from glaciercli.local.world import World
from glaciercli.treehash import is_tree_hash_aligned

_KEPT = DAY  # how long an output stays after its job is done


def initiate(world: World, params: Params) -> dict[str, Any]:
    """Accept a job; each call makes a new one."""
    given = params.get("jobParameters")
    if given is None:
        raise missing("Job Parameters")
    if "Type" not in given:
        raise missing("type")
    begin = _BEGINNINGS.get(given["Type"])
    if begin is None:
        raise invalid(f"Invalid job type: {given['Type']}")
    job_id = rules.new_id(rules.JOB_ID)
    document: Document = {
        "JobId": job_id,
        "JobDescription": rules.printable(given.get("Description"), "job description"),
        "Completed": False,
        "StatusCode": "InProgress",
        "SNSTopic": notifications.check_topic(world, given.get("SNSTopic")),
    }
    _check_tier(given)
    if given["Type"] == "select":
        selecting.check(given)
    with world.store.write() as db:
        vault = world.vault(db, params)
        document |= {
            "VaultARN": world.arn(vault["name"]),
            "CreationDate": written(world.clock.instant(db)),
        }
        begin(world, db, vault, given, document)
    settle(world.store, world.blobs, world.clock)
    return {
        "location": world.location(vault["name"], "jobs", job_id),
        "jobId": job_id,
        "jobOutputPath": document.get("JobOutputPath"),
    }


def _check_tier(given: Params) -> None:
    if given.get("Tier", "Standard") not in {"Expedited", "Standard", "Bulk"}:
        raise invalid(f"Invalid tier: {given['Tier']}")


def _begin_retrieval(
    world: World, db: Transaction, vault: Row, given: Params, document: Document
) -> None:
    archive = _archive(world, db, vault, given)
    size, tier = archive["size"], given.get("Tier", "Standard")
    start, stop = 0, size
    if "RetrievalByteRange" in given:
        start, stop = rules.retrieval_range(given["RetrievalByteRange"], size)
    account.enforce_retrieval_policy(world, db, stop - start, tier)
    document |= {
        "Action": "ArchiveRetrieval",
        "ArchiveId": archive["id"],
        "ArchiveSHA256TreeHash": archive["tree_hash"],
        "ArchiveSizeInBytes": size,
        "RetrievalByteRange": f"{start}-{stop - 1}",
        "SHA256TreeHash": _range_hash(world, archive, start, stop),
        "Tier": tier,
    }
    _insert(
        world,
        db,
        vault,
        document,
        pace=tier,
        archive=archive["number"],
        start=start,
        size=stop - start,
        output=archive["blob"],
    )


def _range_hash(world: World, archive: Row, start: int, stop: int) -> str | None:
    if stop - start == archive["size"]:
        return str(archive["tree_hash"])
    if is_tree_hash_aligned(start, stop, archive["size"]):
        return world.blobs.tree_hash(archive["blob"], start, stop)
    return None


def _archive(world: World, db: Transaction, vault: Row, given: Params) -> Row:
    if "ArchiveId" not in given:
        raise missing("archiveId")
    archive = archives.find(world, db, vault, given["ArchiveId"])
    if archive is None or archive["died"] is not None:
        raise not_found(f"The archive ID was not found: {given['ArchiveId']}")
    return archive


def _begin_inventory(
    world: World, db: Transaction, vault: Row, given: Params, document: Document
) -> None:
    for name in ("ArchiveId", "RetrievalByteRange"):
        if name in given:
            raise invalid(f"{name} is not allowed for inventory-retrieval: {given[name]}")
    wanted = inventory.wanted(vault, given)
    vault = timing.settle_inventory(db, world.clock, vault)
    if vault["inventory_at"] is None and timing.current(db) is timing.Timing.REAL:
        raise not_found(
            f"Inventory retrieval jobs for vault {world.arn(vault['name'])} cannot be initiated"
            " yet, as Amazon Glacier has not yet generated an initial inventory for this vault."
        )
    document |= {"Action": "InventoryRetrieval", "InventoryRetrievalParameters": wanted.document}
    snapshot = vault["inventory_writes"] if wanted.snapshot is None else wanted.snapshot
    _insert(
        world,
        db,
        vault,
        document,
        pace="Inventory",
        snapshot=snapshot,
        after=wanted.after,
        made_at=wanted.made_at or vault["inventory_at"] or world.clock.instant(db),
    )


def _begin_select(
    world: World, db: Transaction, vault: Row, given: Params, document: Document
) -> None:
    """Accept a query over an archive; `job.txt` proves that its output can be written."""
    archive, tier = _archive(world, db, vault, given), given.get("Tier", "Standard")
    document |= {
        "Action": "Select",
        "ArchiveId": archive["id"],
        "ArchiveSHA256TreeHash": archive["tree_hash"],
        "ArchiveSizeInBytes": archive["size"],
        "JobOutputPath": selecting.output_path(given, document["JobId"]),
        "OutputLocation": given["OutputLocation"],
        "SelectParameters": given["SelectParameters"],
        "Tier": tier,
    }
    selecting.announce(world.store.root, document)
    _insert(
        world,
        db,
        vault,
        document,
        pace=tier,
        archive=archive["number"],
        size=archive["size"],
        output=archive["blob"],
    )


def _insert(
    world: World, db: Transaction, vault: Row, document: Document, *, pace: str, **columns: Any
) -> None:
    ready_at = timing.ready_at(db, world.clock, document["JobId"], pace)
    columns |= {
        "id": document["JobId"],
        "vault": vault["number"],
        "action": document["Action"],
        "status": "InProgress",
        "ready_at": ready_at,
        "expires_at": ready_at + _KEPT,
        "document": json.dumps(document),
    }
    places = ", ".join("?" * len(columns))
    # The names are the keyword arguments of this module's own calls.
    db.run(f"INSERT INTO jobs ({', '.join(columns)}) VALUES ({places})", *columns.values())  # noqa: S608
    metering.count(
        world,
        db,
        "InitiateJob",
        action=document["Action"],
        tier=document.get("Tier", ""),
        size=columns.get("size", 0),  # of an inventory it is not known yet
    )


_BEGINNINGS: dict[str, Callable[[World, Transaction, Row, Params, Document], None]] = {
    "archive-retrieval": _begin_retrieval,
    "inventory-retrieval": _begin_inventory,
    "select": _begin_select,
}


def describe(world: World, params: Params) -> dict[str, Any]:
    """Answer DescribeJob, having finished first what is due by the engine's clock."""
    settle(world.store, world.blobs, world.clock)
    with world.store.read() as db:
        return described(_find(db, world.vault(db, params), params["jobId"]))


def list_(world: World, params: Params) -> dict[str, Any]:
    """List the newest first."""
    limit = rules.limit(params.get("limit"), rules.PAGE)
    marker, status = params.get("marker"), params.get("statuscode")
    before = rules.decode_marker("jobs", marker)[0] if marker else 1 << 62
    if status not in {None, "InProgress", "Succeeded", "Failed"}:
        raise invalid(f"The job status code is not valid: {status}")
    completed = {None: None, "true": True, "false": False}.get(params.get("completed"), ...)
    if completed is ...:
        raise invalid(f"The completed parameter is not valid: {params['completed']}")
    settle(world.store, world.blobs, world.clock)
    with world.store.read() as db:
        rows = db.all(
            "SELECT * FROM jobs WHERE vault = ? AND number < ? AND status = coalesce(?, status)"
            " AND (status != 'InProgress') = coalesce(?, status != 'InProgress')"
            " ORDER BY number DESC LIMIT ?",
            *(world.vault(db, params)["number"], before, status, completed, limit + 1),
        )
    found, following = rules.page(rows, limit, "jobs", "number")
    return {"JobList": [described(job) for job in found], "Marker": following}


def output(world: World, params: Params) -> dict[str, Any]:
    """Return a window on a finished job's output, with a checksum where the service has one."""
    settle(world.store, world.blobs, world.clock)
    with world.store.read() as db:
        job = _find(db, world.vault(db, params), params["jobId"])
        # What a select job found lies in its bucket, and only there.
        if job["status"] != "Succeeded" or job["action"] == "Select":
            raise invalid(f"The job is not currently available for download: {job['id']}")
        archive = db.find("SELECT * FROM archives WHERE number = ?", job["archive"])
        chosen = rules.output_range(params.get("range"), job["size"])
        start, stop = chosen or (0, job["size"])
        # Opened while the job's row is in sight: after that its file may go, we keep reading.
        path = world.blobs.path(job["output"])
        try:
            body = FileWindow(path, job["start"] + start, job["start"] + stop)
        except FileNotFoundError:
            raise ServiceError(
                "ServiceUnavailableException", f"The job's bytes are missing from the disk: {path}"
            ) from None
    metering.count_served(world, job["action"], len(body))
    return {
        "body": body,
        "status": 200 if chosen is None else 206,
        "contentRange": chosen and f"bytes {start}-{stop - 1}/{job['size']}",
        "acceptRanges": "bytes",
        "contentType": _content_type(job),
        "checksum": archive and _output_hash(world, job, archive, body.start, body.stop),
        "archiveDescription": archive and archive["description"],
    }


def _output_hash(world: World, job: Row, archive: Row, start: int, stop: int) -> str | None:
    """Return the hash of archive bytes [start, stop), if they and the job's are both aligned."""
    whole = (job["start"], job["start"] + job["size"])
    if is_tree_hash_aligned(*whole, archive["size"]) and is_tree_hash_aligned(
        start, stop, archive["size"]
    ):
        return _range_hash(world, archive, start, stop)
    return None


def _content_type(job: Row) -> str:
    if job["action"] == "ArchiveRetrieval":
        return "application/octet-stream"
    return inventory.content_type(json.loads(job["document"]))


def _find(db: Transaction, vault: Row, job_id: str) -> Row:
    job = db.find("SELECT * FROM jobs WHERE id = ? AND vault = ?", job_id, vault["number"])
    if job is None:
        raise not_found(f"The job ID was not found: {job_id}")
    return job
