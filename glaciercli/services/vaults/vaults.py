"""Vaults: create, list, show, delete."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import inf
from typing import TYPE_CHECKING

from glaciercli.clients import wording
from glaciercli.errors import NotFound, NotReady, Refused, no_vault
from glaciercli.evidence import vault_words
from glaciercli.hints import Command, render
from glaciercli.models import Vault
from glaciercli.tasks.waiting import Poll
from glaciercli.units import counted, format_time_seconds

if TYPE_CHECKING:
    from glaciercli.clients.glacier import Client

_LOOK_EVERY = 3.0  # seconds
_DAY = timedelta(days=1)  # the service takes an inventory about once a day


def create(client: Client, name: str) -> Vault:
    """Return the vault, made if it was not there; asking again changes nothing.

    Raises Refused for a name that the service does not take, and for more than 1,000 vaults in an
    account and region (developer guide, "Create vault").
    """
    client.call("CreateVault", vaultName=name)
    return show(client, name)


def listing(client: Client) -> Iterator[Vault]:
    """Yield the account's vaults of the region, in order of name."""
    return (Vault.from_api(each) for each in client.pages("ListVaults"))


def show(client: Client, name: str) -> Vault:
    """Return a vault; raises NotFound with what may be meant.

    Its counts and bytes are those of its last inventory, and include 32 KiB for each archive
    (developer guide, "Describe vault").
    """
    try:
        return Vault.from_api(client.call("DescribeVault", vaultName=name))
    except NotFound as error:
        if error.is_vault:
            raise
        raise no_vault(name, client.region) from error


def delete(
    client: Client, name: str, *, emptied: datetime | None = None, again: Command | None = None
) -> None:
    """Delete an empty vault.

    `emptied` is when its last archive was deleted, where that is known: what an older inventory
    lists is gone. Raises NotFound when it is not there, Refused while archives are known to be in
    it, and NotReady, with the command `again`, when only an inventory is missing that sees it
    empty.
    """
    try:
        client.call("DeleteVault", vaultName=name)
    except Refused as error:
        if not wording.is_not_empty(error):
            raise
        there = show(client, name)
        if there.archives and not _was_made_before(there, emptied):
            raise Refused(
                f"vault {name!r} holds {counted(there.archives, 'archive')}, by its last inventory",
                hint=Command("vault", "empty", name, "--delete-vault"),
                code=error.code,
            ) from error
        again = again or Command("vault", "delete", name, "--yes")
        raise _not_yet(client, there, error, again) from error


def _was_made_before(vault: Vault, emptied: datetime | None) -> bool:
    """Tell whether a vault's last inventory says nothing of it since it was emptied."""
    if emptied is None:
        return False
    # A day's margin: the two times are of two clocks, and an inventory takes its time.
    return vault.inventoried is None or vault.inventoried <= emptied + _DAY


def wait(client: Client, name: str, *, gone: bool = False, timeout: float = inf) -> Vault | None:
    """Return the vault once it is there, or None once it is not; raises NotReady after `timeout`.

    That is in seconds. Looks every three of them, as the SDKs' own waiters do.
    """
    poll = Poll(_LOOK_EVERY, timeout)
    while True:
        try:
            found = show(client, name)
        except NotFound:
            found = None
        if (found is None) == gone:
            return found
        if not poll.left:
            state = "still there" if gone else "not there yet"
            raise NotReady(f"vault {name!r} is {state}", hint="run the same command again later")
        client.pace.stop.wait(min(poll.interval, poll.left))


def _not_yet(client: Client, vault: Vault, error: Refused, again: Command) -> NotReady:
    """Return why a vault that is empty cannot be deleted, and when the command `again` will do it.

    Of open uploads the service does not say whether they keep a vault; the embedded Glacier lets
    their parts do so.
    """
    if vault.inventoried is None:
        when = "its first inventory comes within about a day"
    else:
        due = format_time_seconds(vault.inventoried + _DAY)
        when = f"the service must see it empty in its next inventory, due about {due}"
    if count := sum(1 for _ in client.pages("ListMultipartUploads", vaultName=vault.name)):
        uploads = counted(count, "open upload")
        look = render(Command("upload", "list", "--vault", vault.name))
        when += f"; {uploads} may keep it: {look}"
    return NotReady(
        vault_words.not_deletable(vault.name, when),
        hint=("run again then: ", again),
        code=error.code,
    )
