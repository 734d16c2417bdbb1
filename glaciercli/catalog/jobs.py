"""The jobs of all vaults, as the service last told them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime

from glaciercli.catalog._rows import milliseconds, vault_key
from glaciercli.catalog.store import Catalog
from glaciercli.errors import IntegrityError
from glaciercli.files.database import Connection, Row
from glaciercli.models import Job, Scope


def record(catalog: Catalog, scope: Scope, job: Job) -> None:
    """Record a job as the service tells it; one that had expired has not."""
    with catalog.database.write() as connection:
        _insert(connection, vault_key(connection, scope, job.vault), job)


def record_listing(
    catalog: Catalog, scope: Scope, vault: str, jobs: Iterable[Job], when: datetime
) -> None:
    """Record a vault's whole listing: jobs known before it was asked for, and not in it, expired.

    `jobs` may be still to be fetched; that holds up nobody.
    """
    with catalog.database.shared_connection() as connection:
        known = connection.execute(
            "SELECT id FROM jobs WHERE vault = ? AND expired IS NULL",
            (catalog.vault_key(scope, vault),),
        ).fetchall()
    listed = {job.id: job for job in jobs}
    with catalog.database.write() as connection:
        key = vault_key(connection, scope, vault)
        for job in listed.values():
            _insert(connection, key, job)
        connection.executemany(
            "UPDATE jobs SET expired = ? WHERE vault = ? AND id = ?",
            [(milliseconds(when), key, row["id"]) for row in known if row["id"] not in listed],
        )


def jobs(catalog: Catalog, scope: Scope, vault: str | None = None) -> list[Job]:
    """Return the jobs that have not expired, newest first."""
    with catalog.database.shared_connection() as connection:
        rows = connection.execute(
            "SELECT record FROM jobs JOIN vaults ON vaults.key = jobs.vault "
            "WHERE endpoint = ? AND account = ? AND region = ? AND (? IS NULL OR name = ?) "
            "AND expired IS NULL ORDER BY created DESC",
            (scope.endpoint, scope.account, scope.region, vault, vault),
        ).fetchall()
    return [_job(row) for row in rows]


def _insert(connection: Connection, vault: int, job: Job) -> None:
    created = milliseconds(job.created or datetime.now(UTC))
    connection.execute(
        "INSERT INTO jobs (vault, id, created, record) VALUES (?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET record = excluded.record, expired = NULL",
        (vault, job.id, created, json.dumps(job.as_json())),
    )


def _job(row: Row) -> Job:
    try:
        record = json.loads(row["record"])
        return Job.from_api(record, vault=record["vaultName"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(f"the catalog holds a job that is not one: {error}") from error
