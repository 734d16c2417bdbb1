"""Which world of vaults a client is in: the key under which the catalog keeps what it knows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from glaciercli.errors import NotFound
from glaciercli.models import Scope, Vault
from glaciercli.services import vaults

if TYPE_CHECKING:
    from glaciercli.catalog.store import Catalog
    from glaciercli.session import Client


def of(client: Client, catalog: Catalog) -> Scope:
    """Return the client's scope; asks the service once which account `-` is, then never again.

    Raises NotFound when the account has no vault, so that there is nothing to tell it by.
    """
    target = client.target
    account = target.account or catalog.account(target.identity, target.endpoint)
    if account is not None:
        return Scope(target.endpoint, account, client.region)
    for vault in vaults.listing(client):
        return learned(client, catalog, vault)
    raise NotFound(
        f"there are no vaults in {client.region}", hint="another region? --region us-east-1"
    )


def vault_gone(client: Client, catalog: Catalog, vault: Vault) -> None:
    """Remember that a vault was deleted, and with it all that the catalog knows to be in it.

    A new vault of the same name is another one.
    """
    catalog.vault_deleted(learned(client, catalog, vault), vault.name, datetime.now(UTC))


def learned(client: Client, catalog: Catalog, vault: Vault) -> Scope:
    """Return the scope of a vault that the service has just told, and remember its account."""
    target = client.target
    account = vault.arn.split(":")[4]
    if target.account_id == "-":
        catalog.learn_account(target.identity, target.endpoint, account)
    return Scope(target.endpoint, account, client.region)
