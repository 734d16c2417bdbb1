"""The end of jobs.

Nothing runs in the background: a job knows when it is done, and whoever looks next settles what has
come due by the engine's clock.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from glaciercli.local.blobs import Blobs
from glaciercli.local.clock import Clock, written
from glaciercli.local.operations import inventory, notifications
from glaciercli.local.select import selecting
from glaciercli.local.store import Row, Store, Transaction

Document = dict[str, Any]

_ARCHIVE_GONE = "The archive was deleted before the job was done."


def described(job: Row) -> Document:
    """Return a job as DescribeJob shows it."""
    document: Document = json.loads(job["document"])
    return document


def settle(store: Store, blobs: Blobs, clock: Clock) -> None:
    """End the jobs that have come due, in their order, and forget those whose output expired."""
    with store.read() as db:
        now = clock.instant(db)
        due = db.all(
            "SELECT * FROM jobs WHERE status = 'InProgress' AND ready_at <= ? ORDER BY ready_at",
            now,
        )
        expired = db.find("SELECT 1 FROM jobs WHERE expires_at <= ? LIMIT 1", now)
    for job in due:
        _ENDS[job["action"]](store, blobs, job)
    if expired is not None:
        with store.write() as db:
            db.run(
                "INSERT OR REPLACE INTO strays (name, due) SELECT output, ? FROM jobs"
                " WHERE expires_at <= ? AND action = 'InventoryRetrieval' AND output IS NOT NULL",
                now,
                now,
            )
            db.run("DELETE FROM jobs WHERE expires_at <= ?", now)
        blobs.sweep()


def _end_retrieval(store: Store, _blobs: Blobs, job: Row) -> None:
    with store.write() as db:
        row = _still_under_way(db, job)
        if row is None:
            return
        if row["archive"] is None:
            _end(db, row, failure=_ARCHIVE_GONE)
        else:
            _end(db, row)


def _end_inventory(store: Store, blobs: Blobs, job: Row) -> None:
    output = inventory.write(store, blobs, job)
    try:
        with store.write() as db:
            row = _still_under_way(db, job)
            if row is None:
                return  # another thread was faster, or the vault is gone
            blobs.keep(db, output.blob)
            db.run(
                "UPDATE jobs SET output = ?, size = ? WHERE number = ?",
                *(output.blob, output.size, job["number"]),
            )
            _end(db, row, InventorySizeInBytes=output.size, marker=output.marker)
    finally:
        blobs.drop(output.blob)  # without effect on a blob that became the output


def _end_select(store: Store, blobs: Blobs, job: Row) -> None:
    output = selecting.run(store.root, blobs, job) if job["archive"] is not None else None
    with store.write() as db:
        row = _still_under_way(db, job)
        if row is None:
            won = False  # another thread was faster
        elif output is None or row["archive"] is None:
            won = False
            _end(db, row, failure=_ARCHIVE_GONE)
        else:
            won = True
            # Before the commit: a job that is done has its manifest.
            output.publish()
            _end(db, row, failure=output.failure)
    if output is not None and not won:
        output.discard()


def _still_under_way(db: Transaction, job: Row) -> Row | None:
    return db.find("SELECT * FROM jobs WHERE number = ? AND status = 'InProgress'", job["number"])


def _end(
    db: Transaction,
    job: Row,
    *,
    failure: str | None = None,
    marker: str | None = None,
    **more: Any,
) -> None:
    """Write a job's end into its row and tell those who want to know."""
    document = described(job) | more
    document |= {
        "Completed": True,
        "CompletionDate": written(job["ready_at"]),
        "StatusCode": "Failed" if failure else "Succeeded",
        "StatusMessage": failure or "Succeeded",
    }
    if marker is not None:
        document["InventoryRetrievalParameters"]["Marker"] = marker
    db.run(
        "UPDATE jobs SET status = ?, document = ? WHERE number = ?",
        *(document["StatusCode"], json.dumps(document), job["number"]),
    )
    notifications.send(db, job, document)


_ENDS: dict[str, Callable[[Store, Blobs, Row], None]] = {
    "ArchiveRetrieval": _end_retrieval,
    "InventoryRetrieval": _end_inventory,
    "Select": _end_select,
}
