"""Vault locks: a policy that nobody can lift, tried out for 24 hours first."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from glaciercli.clients.pace import hint_if_maybe_applied
from glaciercli.errors import AccessDenied, NotFound, Refused, Unavailable
from glaciercli.hints import Command
from glaciercli.iam import lint, words
from glaciercli.iam import policy as iam
from glaciercli.models import Lock
from glaciercli.services.vaults import access_policy, vaults

if TYPE_CHECKING:
    from glaciercli.clients.glacier import Client


def show(client: Client, vault: str) -> Lock:
    """Return the lock of a vault and what it forbids; raises NotFound when there is none."""
    return _lock(vault, **_found(client, vault))


def check(client: Client, vault: str, text: str, *, allow_only: bool = False) -> Lock:
    """Return the lock that a policy would be, having set nothing.

    `text` is the policy's JSON, or a file made for `aws glacier` around it. Raises Refused for what
    is no policy of this vault, for a statement that can never hold, for a policy that denies
    nothing unless `allow_only` says that it is meant, and for a vault that has a lock already.
    """
    arn = vaults.show(client, vault).arn
    policy = access_policy.read(text, arn=arn)
    _must_hold(client, vault, policy, arn=arn)
    _must_deny(policy, allow_only=allow_only)
    try:
        standing = _find(client, vault)
    except AccessDenied:
        standing = None  # to start a lock is one permission, to look at it another
    if standing is not None:
        raise _taken(_lock(vault, **standing))
    return _lock(vault, Policy=policy, State="NotStarted")


def start(client: Client, vault: str, text: str, *, allow_only: bool = False) -> Lock:
    """Put a lock policy in force for 24 hours of trial; return it with its id.

    Without `complete` the service lifts it then (developer guide, "Initiate vault lock"). The id is
    told only here. Raises Refused for what `check` refuses.
    """
    checked = check(client, vault, text, allow_only=allow_only)
    policy = {"Policy": iam.unwrap(text)}
    # Without its id a lock cannot be completed.
    abort = Command("lock", "abort", vault)
    way_out = ("it may be on trial all the same: ", abort, ", then start it again")
    try:
        with hint_if_maybe_applied(way_out):
            reply = client.call("InitiateVaultLock", vaultName=vault, policy=policy)
    except AccessDenied as error:
        raise _standing(client, vault, error) from error
    try:
        started = show(client, vault)
    except (AccessDenied, Unavailable):
        started = replace(checked, state="InProgress")  # the id matters more than the times
    return replace(started, id=reply["lockId"])


def check_trial(client: Client, vault: str, *, allow_only: bool = False) -> Lock:
    """Return the lock of a vault if it may be completed, by what the service says of its policy.

    Another program may have started it. Raises NotFound when there is none, and Refused for a
    policy on trial that `check` would refuse; of one that is locked nothing can be mended.
    """
    reply = _found(client, vault)
    lock, policy = _lock(vault, **reply), reply["Policy"]
    if lock.state == "Locked":
        return lock
    arn = vaults.show(client, vault).arn
    try:
        access_policy.read(policy, arn=arn)
        _must_hold(client, vault, policy, arn=arn)
    except Refused as error:
        abort = Command("lock", "abort", vault)
        mended = (abort, ", then start it again with a policy that holds")
        raise Refused(error.message, hint=mended) from error
    _must_deny(policy, allow_only=allow_only)
    return lock


def complete(client: Client, vault: str, lock_id: str, *, allow_only: bool = False) -> Lock:
    """Make the lock permanent; return it. Nobody can take it back, AWS included.

    Raises Refused for a lock that `check_trial` refuses.
    """
    check_trial(client, vault, allow_only=allow_only)
    client.call("CompleteVaultLock", vaultName=vault, lockId=lock_id)
    return show(client, vault)


def abort(client: Client, vault: str) -> Lock:
    """Lift a lock that is not completed; return what it was.

    Raises Refused for a completed one, which stays for ever (developer guide, "Abort vault lock"),
    and NotFound where there is none.
    """
    lock = show(client, vault)
    if lock.state == "Locked":
        raise _locked(vault)
    client.call("AbortVaultLock", vaultName=vault)
    return lock


def _find(client: Client, vault: str) -> dict[str, Any] | None:
    """Return what the service says of a vault's lock, None where it has none."""
    try:
        return dict(client.call("GetVaultLock", vaultName=vault))
    except NotFound as error:
        if error.is_vault:
            raise
        return None


def _found(client: Client, vault: str) -> dict[str, Any]:
    """Return what the service says of a vault's lock; raises NotFound where it has none."""
    reply = _find(client, vault)
    if reply is None:
        raise NotFound(
            f"vault {vault!r} has no lock", hint=Command("lock", "start", vault, "POLICY.json")
        )
    return reply


def _lock(vault: str, **reply: Any) -> Lock:
    document = json.loads(reply["Policy"])
    forbids = tuple(words.denials(document))
    return Lock.from_api({**reply, "Policy": document}, vault=vault, forbids=forbids)


def _must_hold(client: Client, vault: str, text: str, *, arn: str) -> None:
    """Raise Refused for a policy with a statement that can never hold, naming each."""
    policy, now = iam.validate(text), client.now()
    hopeless = list(lint.never(policy, vault=arn, now=now))
    if hopeless:
        # To deny another account something makes sense where the access policy lets it in.
        beside = _access_policies(client, vault)
        hopeless = list(lint.never(policy, vault=arn, now=now, beside=beside))
    if hopeless:
        raise Refused("; ".join(hopeless))


def _access_policies(client: Client, vault: str) -> list[iam.Policy]:
    """Return the access policy of a vault, none where it cannot be seen or understood."""
    try:
        reply = client.call("GetVaultAccessPolicy", vaultName=vault)
        return [iam.validate(reply["policy"]["Policy"])]
    except (AccessDenied, NotFound, ValueError):
        return []


def _must_deny(text: str, *, allow_only: bool) -> None:
    if not allow_only and not iam.validate(text).denies:
        raise Refused(
            "the policy denies nothing, so locking it would protect nothing",
            hint="--allow-only, if it is to let somebody in for ever",
        )


def _standing(client: Client, vault: str, error: AccessDenied) -> Refused | AccessDenied:
    """Return what a refusal to start means: a lock that stands already, or no permission."""
    found = _find(client, vault)
    return error if found is None else _taken(_lock(vault, **found), error.code)


def _taken(lock: Lock, code: str | None = None) -> Refused:
    """Return the refusal to start a lock where one stands."""
    if lock.state == "Locked":
        return _locked(lock.vault)
    return Refused(
        f"vault {lock.vault!r} has a lock on trial already",
        hint=(
            Command("lock", "complete", lock.vault, "LOCK-ID"),
            ", or ",
            Command("lock", "abort", lock.vault),
        ),
        code=code,
    )


def _locked(vault: str) -> Refused:
    return Refused(f"vault {vault!r} is locked for ever; its policy cannot be changed or lifted")
