"""Archives deleted one by one, each recorded as soon as it is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from glaciercli.errors import NotFound
from glaciercli.models import Archive, Scope
from glaciercli.tasks.outcome import Outcome
from glaciercli.units import counted

if TYPE_CHECKING:
    from glaciercli.catalog.store import Catalog
    from glaciercli.clients.glacier import Client


def delete_all(
    client: Client, catalog: Catalog, scope: Scope, vault: str, archives: Sequence[Archive]
) -> Iterator[Archive]:
    """Yield each archive that was deleted, with the time of it, and raise in the end for others.

    `scope` is the vault's own (see `scopes.of_vault`). See `Outcome` for what is raised.
    """
    outcome = Outcome()
    for each in archives:
        with outcome.item(each.id):
            yield delete(client, catalog, scope, vault, each.id)
    outcome.finish(f"deletion of {counted(len(outcome.done), 'archive')} done")


def delete(client: Client, catalog: Catalog, scope: Scope, vault: str, archive_id: str) -> Archive:
    """Delete an archive for good; return it with the time of its deletion, recorded here.

    `scope` is the vault's own (see `scopes.of_vault`). Deleting an archive that is gone already is
    no error to the service, so its yes proves no presence.
    """
    try:
        client.call("DeleteArchive", vaultName=vault, archiveId=archive_id)
    except NotFound as error:
        if error.is_vault:
            raise
        raise NotFound(f"archive {archive_id} is not in vault {vault!r}") from error
    catalog.deleted(scope, vault, archive_id, client.now())
    return catalog.find(scope, vault, archive_id)
