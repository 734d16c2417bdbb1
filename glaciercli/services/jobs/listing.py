"""All jobs of all vaults in one list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glaciercli.catalog import jobs as catalog_jobs
from glaciercli.models import Job
from glaciercli.services import scopes
from glaciercli.services.jobs import jobs
from glaciercli.services.vaults import vaults

if TYPE_CHECKING:
    from glaciercli.catalog.store import Catalog
    from glaciercli.clients.glacier import Client


def refresh(client: Client, catalog: Catalog, vault: str | None = None) -> list[Job]:
    """Return the jobs of a vault, or of all, as the service tells them now; newest first.

    The catalog remembers them, and forgets those that the service has dropped.
    """
    scope = scopes.of(client, catalog)
    names = [vault] if vault else [each.name for each in vaults.listing(client)]
    for name in names:
        catalog_jobs.record_listing(catalog, scope, name, jobs.listing(client, name), client.now())
    return catalog_jobs.jobs(catalog, scope, vault)


def seen(client: Client, catalog: Catalog, job: Job) -> Job:
    """Return the job, remembered as it is told here, so that a shell can complete its id."""
    catalog_jobs.record(catalog, scopes.of(client, catalog), job)
    return job
