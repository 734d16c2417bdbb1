"""What a vault held at its last inventory, and what was done to it from here since."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import TYPE_CHECKING

from glaciercli.catalog.filters import Filter
from glaciercli.models import Vault, VaultDetails
from glaciercli.services import scopes

if TYPE_CHECKING:
    from glaciercli.catalog.store import Catalog
    from glaciercli.clients.glacier import Client

# Between our clock and the service's: if they were further apart it would refuse our signatures.
_APART = timedelta(minutes=5)


def of(client: Client, catalog: Catalog, vault: Vault) -> VaultDetails:
    """Return a vault that the service has just told, with what the catalog knows beyond it.

    The service counts by its last inventory, which is a day old; of an archive that was made or
    deleted within minutes of it, the inventory is taken to know.
    """
    scope = scopes.remembered(client, catalog, vault)
    since = None if vault.inventoried is None else vault.inventoried + _APART
    new = Filter(states=frozenset({"new"}), after=since)
    uploaded = catalog.totals(scope, vault.name, filters=new)
    told = {each.name: getattr(vault, each.name) for each in fields(vault)}
    return VaultDetails(
        **told,
        uploaded=uploaded.count,
        uploaded_size=uploaded.size,
        deleted=0 if since is None else catalog.deleted_since(scope, vault.name, since),
    )
