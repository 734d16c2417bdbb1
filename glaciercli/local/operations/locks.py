"""Vault locks: a policy in force at once, confirmed within a day or gone, and then there for ever.

none ── Initiate ──> InProgress ── Complete ──> Locked
  ^                      │
  └── Abort, or 24 h ────┘
"""

from __future__ import annotations

from typing import Any

from glaciercli.local import rules
from glaciercli.local.clock import DAY, written
from glaciercli.local.errors import ServiceError, denied, invalid, not_found
from glaciercli.local.store import Row, Transaction
from glaciercli.local.wire import Params
from glaciercli.local.world import World

_WINDOW = DAY  # to try a policy before it is locked


def live(world: World, db: Transaction, vault: Row) -> Row | None:
    """Return the vault's row if it has a lock now; one that ran out is none."""
    if vault["lock_state"] is None:
        return None
    in_time = world.clock.instant(db) < vault["lock_created_at"] + _WINDOW
    return vault if vault["lock_state"] == "Locked" or in_time else None


def initiate(world: World, params: Params) -> dict[str, Any]:
    """Answer InitiateVaultLock: the policy is in force, for a day unless it is completed.

    Raises where a lock is in progress or complete (403).
    """
    document = rules.policy_document(params, "lock")
    with world.store.write() as db:
        vault = world.vault(db, params)
        lock = live(world, db, vault)
        if lock is not None:
            raise denied(f"Vault lock is already {lock['lock_state']}: {vault['name']}")
        lock_id = rules.new_id(rules.LOCK_ID)
        db.run(
            "UPDATE vaults SET lock_id = ?, lock_state = 'InProgress', lock_policy = ?,"
            " lock_created_at = ? WHERE number = ?",
            *(lock_id, document, world.clock.instant(db), vault["number"]),
        )
    return {"lockId": lock_id}


def complete(world: World, params: Params) -> dict[str, Any]:
    """Answer CompleteVaultLock: the lock stays for ever. Repeating it is no error.

    Raises for another id: 403 where the vault is locked, 400 before, and 404 without any lock
    (Developer Guide, api-CompleteVaultLock).
    """
    with world.store.write() as db:
        vault = world.vault(db, params)
        lock = live(world, db, vault)
        if lock is None:
            raise _none(vault)
        if params["lockId"] != lock["lock_id"]:
            if lock["lock_state"] == "Locked":
                raise denied(f"Vault is already locked: {vault['name']}")
            raise invalid(f"Invalid lock ID: {params['lockId']}")
        db.run("UPDATE vaults SET lock_state = 'Locked' WHERE number = ?", vault["number"])
    return {}


def abort(world: World, params: Params) -> dict[str, Any]:
    """Answer AbortVaultLock; without a lock that is no error. Raises when it is complete (403)."""
    with world.store.write() as db:
        vault = world.vault(db, params)
        lock = live(world, db, vault)
        if lock is not None and lock["lock_state"] == "Locked":
            raise denied(f"Vault is already locked: {vault['name']}")
        db.run(
            "UPDATE vaults SET lock_id = NULL, lock_state = NULL, lock_policy = NULL,"
            " lock_created_at = NULL WHERE number = ?",
            vault["number"],
        )
    return {}


def get(world: World, params: Params) -> dict[str, Any]:
    """Answer GetVaultLock; a lock that is complete never expires. Raises without one (404)."""
    with world.store.read() as db:
        vault = world.vault(db, params)
        lock = live(world, db, vault)
    if lock is None:
        raise _none(vault)
    locked = lock["lock_state"] == "Locked"
    return {
        "Policy": lock["lock_policy"],
        "State": lock["lock_state"],
        "CreationDate": written(lock["lock_created_at"]),
        "ExpirationDate": None if locked else written(lock["lock_created_at"] + _WINDOW),
    }


def _none(vault: Row) -> ServiceError:
    return not_found(f"No vault lock policy is set for: {vault['name']}")
