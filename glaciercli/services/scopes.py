"""Which world of vaults a client is in: the key under which the catalog keeps what it knows."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from glaciercli.errors import GlacierError, NotFound
from glaciercli.hints import Command
from glaciercli.models import Scope, Vault
from glaciercli.services.vaults import vaults

if TYPE_CHECKING:
    from glaciercli.catalog.store import Catalog
    from glaciercli.clients.glacier import Client


def of(client: Client, catalog: Catalog) -> Scope:
    """Return the client's scope; asks the service once which account `-` is, then never again.

    Raises NotFound when the account has no vault, so that there is nothing to tell it by.
    """
    scope = told(client, catalog)
    if scope is not None:
        return scope
    for vault in vaults.listing(client):
        return learned(client, catalog, vault)
    raise NotFound(
        f"there are no vaults in {client.region}",
        hint=("name another --region, or: ", Command("vault", "create", "NAME")),
    )


def told(client: Client, catalog: Catalog) -> Scope | None:
    """Return the client's scope if it is known without asking the service."""
    target = client.target
    account = target.account or catalog.account(target.identity, client.endpoint)
    return None if account is None else Scope(client.endpoint, account, client.region)


def vault_gone(client: Client, catalog: Catalog, vault: Vault) -> None:
    """Remember that a vault was deleted, and with it all that the catalog knows to be in it.

    A new vault of the same name is another one.
    """
    catalog.vault_deleted(learned(client, catalog, vault), vault.name, client.now())


def lost(client: Client, catalog: Catalog, there: AbstractSet[str]) -> dict[str, GlacierError]:
    """Return the vaults that are known to hold archives and are not there, each with its error."""
    counts = {
        name: catalog.totals(scope, name).count
        for scope in _known(client, catalog)
        for name in catalog.vaults(scope)
        if name not in there
    }
    return {
        name: NotFound(
            f"vault {name!r} is not there any more; {count:,} archives were known in it",
            hint=("if that is as it should be: ", Command("catalog", "sync", name)),
        )
        for name, count in counts.items()
        if count
    }


def deleted_elsewhere(client: Client, catalog: Catalog, vault: str) -> GlacierError | None:
    """Record that a vault which the service does not know is gone; None if none was known here.

    Only when its owner names it: else the loss of a vault would be forgotten by a cron job.
    """
    for scope in _known(client, catalog):
        if vault in catalog.vaults(scope):
            count = catalog.totals(scope, vault).count
            catalog.vault_deleted(scope, vault, client.now())
            return NotFound(
                f"vault {vault!r} is not there any more; the {count:,} archives that were known in "
                "it are deleted ones from now on"
            )
    return None


def _known(client: Client, catalog: Catalog) -> list[Scope]:
    """Return the client's scope, or nothing for an account without vaults that was never met."""
    try:
        return [of(client, catalog)]
    except NotFound:
        return []


def learned(client: Client, catalog: Catalog, vault: Vault) -> Scope:
    """Return the scope of a vault that the service has just told, and remember its account."""
    return in_account(client, catalog, vault.arn.split(":")[4])


def in_account(client: Client, catalog: Catalog, account: str) -> Scope:
    """Return the client's scope in the account that the service has told, and remember that one.

    Not where the user has named it: the credentials may be of another account.
    """
    target = client.target
    if target.account is None:
        catalog.learn_account(target.identity, client.endpoint, account)
    return Scope(client.endpoint, account, client.region)
