"""Vault access policies, and the question whether a vault's policies let a request through."""

from __future__ import annotations

from typing import Any

from glaciercli.iam import actions, policy
from glaciercli.local import rules
from glaciercli.local.clock import DAY, SECOND, written_seconds
from glaciercli.local.errors import denied, not_found
from glaciercli.local.operations import archives, locks, tags
from glaciercli.local.store import Row, Transaction
from glaciercli.local.wire import Params
from glaciercli.local.world import World

# A policy that denied these would trap the owner of a lock: none is applied to them.
_EXEMPT = {"InitiateVaultLock", "CompleteVaultLock", "AbortVaultLock", "GetVaultLock"}


def set_(world: World, params: Params) -> dict[str, Any]:
    """Answer SetVaultAccessPolicy: the policy replaces the one there was, and holds at once."""
    document = rules.policy_document(params, "access")
    with world.store.write() as db:
        _store(db, world.vault(db, params), document)
    return {}


def get(world: World, params: Params) -> dict[str, Any]:
    """Answer GetVaultAccessPolicy with the text as it was set; raises where none is (404)."""
    with world.store.read() as db:
        vault = world.vault(db, params)
    if vault["access_policy"] is None:
        raise not_found(f"No vault access policy is set for: {vault['name']}")
    return {"policy": {"Policy": vault["access_policy"]}}


def delete(world: World, params: Params) -> dict[str, Any]:
    """Answer DeleteVaultAccessPolicy; where there is none, that is no error."""
    with world.store.write() as db:
        _store(db, world.vault(db, params), None)
    return {}


def _store(db: Transaction, vault: Row, document: str | None) -> None:
    db.run("UPDATE vaults SET access_policy = ? WHERE number = ?", document, vault["number"])


def authorise(world: World, operation: str, params: Params) -> None:
    """Raise if a policy of the vault denies the request; raise too when there is no such vault."""
    with world.store.read() as db:
        vault = world.vault(db, params)
        lock = locks.live(world, db, vault)
        documents = [vault["access_policy"], lock["lock_policy"] if lock else None]
        policies = [policy.validate(each) for each in documents if each is not None]
        if not policies or operation in _EXEMPT:
            return
        context = _context(world, db, vault, operation, params)
    principal = f"arn:{rules.partition(world.region)}:iam::{world.account}:root"
    denial = policy.decide(
        policies,
        action=operation,
        resource=world.arn(vault["name"]),
        principal=principal,
        account=world.account,
        context=context,
    )
    if denial is not None:
        raise denied(
            f"User: {principal} is not authorized to perform: glacier:{operation}"
            f" on resource: {world.arn(vault['name'])} {denial}"
        )


def _context(
    world: World, db: Transaction, vault: Row, operation: str, params: Params
) -> dict[str, str]:
    now = world.clock.instant(db)
    context = {
        "aws:CurrentTime": written_seconds(now),
        "aws:EpochTime": str(now // SECOND),
    }
    if "user-agent" in world.request.headers:
        context["aws:UserAgent"] = world.request.headers["user-agent"]
    if operation in actions.WITH_TAGS:
        vault_tags = tags.of(db, vault)
        context |= {f"glacier:ResourceTag/{key}": value for key, value in vault_tags.items()}
    if operation in actions.WITH_AGE:
        archive_id = params.get("archiveId") or params.get("jobParameters", {}).get("ArchiveId")
        archive = archives.find(world, db, vault, archive_id) if archive_id else None
        if archive is not None:
            # Whole days: a fraction more never lets go of an archive earlier.
            context["glacier:ArchiveAgeInDays"] = str((now - archive["created_at"]) // DAY)
    return context
