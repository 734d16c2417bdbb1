"""The jobs of all vaults, as the service last told them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime

from glaciercli.catalog.database import Connection, Row
from glaciercli.catalog.rows import milliseconds
from glaciercli.errors import IntegrityError
from glaciercli.models import Job


def record(connection: Connection, vault: int, job: Job) -> None:
    """Record a job of the vault with this key; one that had expired has not."""
    created = milliseconds(job.created or datetime.now(UTC))
    connection.execute(
        "INSERT INTO jobs (vault, id, created, record) VALUES (?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET record = excluded.record, expired = NULL",
        (vault, job.id, created, json.dumps(job.as_json())),
    )


def record_listing(connection: Connection, vault: int, jobs: Iterable[Job], when: datetime) -> None:
    """Record a whole listing: jobs that it lacks have expired."""
    listed = set()
    for job in jobs:
        record(connection, vault, job)
        listed.add(job.id)
    known = connection.execute(
        "SELECT id FROM jobs WHERE vault = ? AND expired IS NULL", (vault,)
    ).fetchall()
    connection.executemany(
        "UPDATE jobs SET expired = ? WHERE vault = ? AND id = ?",
        [(milliseconds(when), vault, row["id"]) for row in known if row["id"] not in listed],
    )


def of_vault(connection: Connection, vault: int) -> list[Job]:
    """Return a vault's jobs that have not expired, newest first."""
    rows = connection.execute(
        "SELECT record FROM jobs WHERE vault = ? AND expired IS NULL ORDER BY created DESC",
        (vault,),
    )
    return [_job(row) for row in rows]


def _job(row: Row) -> Job:
    try:
        record = json.loads(row["record"])
        return Job.from_api(record, vault=record["vaultName"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(f"the catalog holds a job that is not one: {error}") from error
