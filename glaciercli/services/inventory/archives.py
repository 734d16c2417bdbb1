"""Archives by name: listed and found in the catalog, deleted in the vault."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from glaciercli.catalog.filters import EVERYTHING, Filter
from glaciercli.errors import IntegrityError, NotFound, UsageError
from glaciercli.models import Archive, Job, Scope
from glaciercli.services import scopes

if TYPE_CHECKING:
    from glaciercli.catalog.store import Catalog
    from glaciercli.clients.glacier import Client

# Amazon's ids have 138 characters, but they are opaque; nobody's file has so long a name of these.
_WHOLE_ID = re.compile(r"[A-Za-z0-9_-]{64,256}")


def listing(
    client: Client,
    catalog: Catalog,
    vault: str | None = None,
    *,
    filters: Filter = EVERYTHING,
    limit: int | None = None,
) -> Iterator[Archive]:
    """Yield the archives that the catalog knows of one vault or of all, newest first."""
    return catalog.archives(scopes.of(client, catalog), vault, filters=filters, limit=limit)


def left_out(client: Client, catalog: Catalog, vault: str, *, filters: Filter) -> dict[str, int]:
    """Return how many archives match and are not listed, gone and deleted ones, by state."""
    return catalog.left_out(scopes.of(client, catalog), vault, filters=filters)


def accounts(client: Client, catalog: Catalog, vault: str) -> tuple[str, list[str]]:
    """Return the account whose archives are listed, and the others that a vault is known of."""
    account = scopes.of(client, catalog).account
    return account, scopes.others_with(client, catalog, account, vault)


def show(client: Client, catalog: Catalog, vault: str | None, reference: str) -> Archive:
    """Return the archive that a reference names (see `Catalog.find`).

    A whole id that the catalog does not know is believed, given its vault: the service will tell.
    """
    return find(catalog, scopes.of(client, catalog), vault, reference)


def find(catalog: Catalog, scope: Scope, vault: str | None, reference: str) -> Archive:
    """Return the archive that a reference names in a scope, as `show` does.

    Raises NotFound or Conflict as `Catalog.find` does, UsageError for an unknown id of no vault.
    """
    try:
        return catalog.find(scope, vault, reference)
    except NotFound:
        ident = reference.removeprefix("id:")
        if _WHOLE_ID.fullmatch(ident) is None:
            raise
        if vault is None:
            raise UsageError(
                f"the catalog does not know archive {ident[:12]}…", hint="name its --vault"
            ) from None
        return Archive(ident, vault)


def of_job(client: Client, catalog: Catalog, job: Job) -> Archive | None:
    """Return the archive that a job brings, as the catalog knows it; None for an inventory.

    One that the catalog does not know has no more than its id. Raises IntegrityError where the
    service does not tell which archive it is.
    """
    if job.action != "ArchiveRetrieval":
        return None
    if job.archive_id is None:
        raise IntegrityError(f"job {job.id} does not tell which archive it brings")
    known = catalog.known(scopes.of(client, catalog), job.vault, job.archive_id)
    return known or Archive(job.archive_id, job.vault)
