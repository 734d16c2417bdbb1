"""Resolve the endpoint, account and region that a client's rows of the catalog belong to.

What is read by name takes the account that was last told for a profile. What is concluded takes the
account in the service's own reply: the same profile may be another account's today.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from glaciercli.catalog import lives
from glaciercli.catalog.states import INVENTORY_LAG
from glaciercli.errors import AccessDenied, GlacierError, NotFound
from glaciercli.evidence import vault_words
from glaciercli.hints import Command
from glaciercli.models import Scope, Vault
from glaciercli.services.vaults import vaults
from glaciercli.tasks.outcome import concerns_all
from glaciercli.tasks.progress import NullProgress, Progress

if TYPE_CHECKING:
    from glaciercli.catalog.store import Catalog
    from glaciercli.clients.glacier import Client


def of(client: Client, catalog: Catalog) -> Scope:
    """Return the client's scope for reading; asks the service once which account `-` is.

    Raises NotFound when the account has no vault, so that there is nothing to tell it by.
    """
    scope = cached(client, catalog)
    if scope is not None:
        return scope
    for vault in vaults.listing(client):
        return in_account(client, catalog, vault.account)
    raise NotFound(
        f"there are no vaults in {client.region}",
        hint=("name another --region, or: ", Command("vault", "create", "NAME")),
    )


def cached(client: Client, catalog: Catalog) -> Scope | None:
    """Return the client's scope for reading, if it is known without asking the service."""
    account = client.target.account or catalog.account(client.target.identity, client.endpoint)
    return None if account is None else Scope(client.endpoint, account, client.region)


def of_vault(
    client: Client, catalog: Catalog, name: str, *, progress: Progress = NullProgress()
) -> Scope:
    """Return the scope of a vault by its own ARN: one request, before what cannot be undone."""
    return remembered(client, catalog, vaults.show(client, name), progress=progress)


def of_vault_if_allowed(
    client: Client, catalog: Catalog, name: str, *, progress: Progress = NullProgress()
) -> Scope:
    """Return the scope of a vault as `of_vault` does, before what only reads.

    Where these credentials may not look at the vault it is the scope for reading.
    """
    try:
        return of_vault(client, catalog, name, progress=progress)
    except AccessDenied as error:
        if concerns_all(error):
            raise
        return of(client, catalog)


def remembered(
    client: Client, catalog: Catalog, vault: Vault, *, progress: Progress = NullProgress()
) -> Scope:
    """Return the scope of a vault that the service has just told, and remember what that says.

    Notes where it is of another account than before, where the vault was taken to be gone, and
    where it was made anew.
    """
    scope = in_account(client, catalog, vault.account, progress=progress)
    since = _older_by_any_clock(client, vault.created)
    change = lives.told(catalog, scope, vault.name, vault.created, since=since)
    if change is None:
        return scope
    if change.is_another or change.lost:
        progress.note(vault_words.made_anew(vault, change.lost))
    else:
        progress.note(vault_words.there_again(vault, change.back))
    return scope


def in_account(
    client: Client, catalog: Catalog, account: str, *, progress: Progress = NullProgress()
) -> Scope:
    """Return the client's scope in the account that the service has told, and remember that one.

    Not where the user has named it: the credentials may be of another account.
    """
    target = client.target
    if target.account is None:
        before = catalog.account(target.identity, client.endpoint)
        if before not in {None, account}:
            progress.note(f"these credentials are of account {account}, and were of {before}")
        catalog.learn_account(target.identity, client.endpoint, account)
    return Scope(client.endpoint, account, client.region)


def answering(client: Client, error: NotFound) -> str | None:
    """Return the account that says that it has no such vault; None where nothing tells.

    The refusal's own ARN does, else the account that was asked for by its number, else the ARNs of
    its other vaults.
    """
    if error.account is not None or client.target.account is not None:
        return error.account or client.target.account
    return next((each.account for each in vaults.listing(client)), None)


def deleted_here(client: Client, catalog: Catalog, vault: Vault) -> None:
    """Remember that a vault was deleted: what is known of its archives went with it.

    A new vault of the same name is another one.
    """
    lives.deleted(catalog, in_account(client, catalog, vault.account), vault.name, client.now())


def ended(client: Client, catalog: Catalog, name: str, error: NotFound) -> NotFound:
    """Return the error for a vault that is not there, having recorded that it is gone.

    Recorded of the account that answered, where it was known there, and of no other. Only when its
    owner names it: else the loss of a vault would be forgotten by a cron job.
    """
    account = answering(client, error)
    if account is not None:
        scope = in_account(client, catalog, account)
        if name in catalog.vaults(scope):
            count = lives.gone(catalog, scope, name, client.now())
            return NotFound(
                vault_words.ended(name, account, count),
                hint=("to see them: ", Command("catalog", "list", "--state", "gone")),
            )
    others = others_with(client, catalog, account, name)
    if not others:
        return error
    whose = f"in account {account}" if account else "there, and nothing tells which account answers"
    return NotFound(
        f"vault {name!r} is not {whose}; it is known of account {', '.join(others)}, "
        "of which that says nothing",
        hint="use the profile of that account, or name the account: --account-id",
    )


def others_with(client: Client, catalog: Catalog, account: str | None, name: str) -> list[str]:
    """Return the accounts at the client's place, but for `account`, where a vault is known."""
    return [
        each.account
        for each in catalog.scopes()
        if (each.endpoint, each.region) == (client.endpoint, client.region)
        and each.account != account
        and name in catalog.vaults(each)
    ]


def lost(client: Client, catalog: Catalog, listed: Sequence[Vault]) -> dict[str, GlacierError]:
    """Return the vaults that are known to hold archives and are not listed, each with its error.

    `listed` are all vaults that the account has in the region.
    """
    scope = in_account(client, catalog, listed[0].account) if listed else cached(client, catalog)
    missing = {} if scope is None else _counts(catalog, scope, {each.name for each in listed})
    if listed or not missing:
        return {name: _not_listed(name, count) for name, count in missing.items()}
    # No vault has told whose listing this is: the refusal of one that is known does.
    name = next(iter(missing))
    try:
        listed = [vaults.show(client, name)]
    except NotFound as error:
        account = answering(client, error)
        if account is not None:
            found = _counts(catalog, in_account(client, catalog, account), set())
            return {name: _not_listed(name, count) for name, count in found.items()}
        return {name: ended(client, catalog, name, error) for name in missing}
    return lost(client, catalog, listed)


def _counts(catalog: Catalog, scope: Scope, there: set[str]) -> dict[str, int]:
    """Return how many archives are known in each vault that is not there."""
    counts = {
        name: catalog.totals(scope, name).count
        for name in catalog.vaults(scope)
        if name not in there
    }
    return {name: count for name, count in counts.items() if count}


def _not_listed(name: str, count: int) -> NotFound:
    return NotFound(
        vault_words.not_listed(name, count),
        hint=("if that is as it should be: ", Command("catalog", "sync", name)),
    )


def _older_by_any_clock(client: Client, made: datetime) -> datetime | None:
    """Return the time before which what was dated here is older than a vault of the service's date.

    The engine at hand has dated both. Another service's clock may differ from ours by days in a
    rehearsal, and where it is ahead of ours nothing can be told.
    """
    if client.engine is not None:
        return made
    return made - INVENTORY_LAG if made <= client.now() else None
