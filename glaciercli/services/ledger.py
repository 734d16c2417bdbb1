"""All jobs of all vaults in one list, with how long each output is still there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from glaciercli.models import Job
from glaciercli.services import jobs, scopes, vaults

if TYPE_CHECKING:
    from glaciercli.catalog.store import Catalog
    from glaciercli.session import Client

OUTPUT_LIFE = timedelta(hours=24)  # the service keeps an output at least this long


def refresh(client: Client, catalog: Catalog, vault: str | None = None) -> list[Job]:
    """Return the jobs of a vault, or of all, as the service tells them now; newest first.

    The catalog remembers them, and forgets those that the service has dropped.
    """
    scope = scopes.of(client, catalog)
    names = [vault] if vault else [each.name for each in vaults.listing(client)]
    for name in names:
        catalog.jobs_listed(scope, name, jobs.listing(client, name), datetime.now(UTC))
    return catalog.jobs(scope, vault)


def seen(client: Client, catalog: Catalog, job: Job) -> Job:
    """Return the job, remembered as it is told here, so that a shell can complete its id."""
    catalog.job_seen(scopes.of(client, catalog), job)
    return job


def expires(job: Job) -> datetime | None:
    """Return until when the job's output is sure to be there; None while there is none."""
    if not job.succeeded or job.finished is None:
        return None
    return job.finished + OUTPUT_LIFE
