"""Vault locks: a policy that nobody can lift, tried out for 24 hours first."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from glaciercli.clients.pace import telling_if_applied
from glaciercli.errors import AccessDenied, NotFound, Refused, Unavailable
from glaciercli.iam import words
from glaciercli.models import Lock
from glaciercli.services.vaults import policies, vaults

if TYPE_CHECKING:
    from glaciercli.clients.glacier import Client


def show(client: Client, vault: str) -> Lock:
    """Return the lock of a vault and what it forbids; raises NotFound when there is none."""
    try:
        reply = client.call("GetVaultLock", vaultName=vault)
    except NotFound as error:
        vaults.require(client, vault)
        raise NotFound(
            f"vault {vault!r} has no lock", hint=f"glacier lock start {vault} POLICY.json"
        ) from error
    document = json.loads(reply["Policy"])
    forbids = tuple(words.denials(document))
    return Lock.from_api({**reply, "Policy": document}, vault=vault, forbids=forbids)


def check(client: Client, vault: str, text: str) -> Lock:
    """Return the lock that a policy would be, having set nothing; raises Refused for a bad one."""
    document = json.loads(policies.read(text, arn=vaults.show(client, vault).arn))
    forbids = tuple(words.denials(document))
    if not forbids:
        raise Refused("the policy denies nothing, so locking it would protect nothing")
    return Lock(vault=vault, state="NotStarted", policy=document, forbids=forbids)


def start(client: Client, vault: str, text: str) -> Lock:
    """Put a lock policy in force for 24 hours of trial; return it with its id.

    The id is told only here. Raises Refused for a policy that is not JSON, denies nothing, or names
    another vault, and for a vault that has a lock already.
    """
    checked = check(client, vault, text)
    policy = json.dumps(checked.policy)
    # Without its id a lock cannot be completed.
    way_out = f"it may be on trial all the same: glacier lock abort {vault}, then start it again"
    try:
        with telling_if_applied(way_out):
            reply = client.call("InitiateVaultLock", vaultName=vault, policy={"Policy": policy})
    except AccessDenied as error:
        raise _standing(client, vault, error) from error
    try:
        started = show(client, vault)
    except (AccessDenied, Unavailable):
        started = replace(checked, state="InProgress")  # the id matters more than the times
    return replace(started, id=reply["lockId"])


def complete(client: Client, vault: str, lock_id: str) -> Lock:
    """Make the lock permanent; return it. Nobody can take it back, AWS included."""
    client.call("CompleteVaultLock", vaultName=vault, lockId=lock_id)
    return show(client, vault)


def abort(client: Client, vault: str) -> Lock:
    """Lift a lock that is not completed; return what it was. Raises Refused for a completed one."""
    lock = show(client, vault)
    if lock.state == "Locked":
        raise _locked(vault)
    client.call("AbortVaultLock", vaultName=vault)
    return lock


def _standing(client: Client, vault: str, error: AccessDenied) -> Refused | AccessDenied:
    """Return what a refusal to start means: a lock that stands already, or no permission."""
    try:
        lock = show(client, vault)
    except NotFound:
        return error
    if lock.state == "Locked":
        return _locked(vault)
    return Refused(
        f"vault {vault!r} has a lock on trial already",
        hint=f"glacier lock complete {vault} LOCK-ID, or glacier lock abort {vault}",
        code=error.code,
    )


def _locked(vault: str) -> Refused:
    return Refused(f"vault {vault!r} is locked for ever; its policy cannot be changed or lifted")
