"""What belongs to an account and not to a vault: the data retrieval policy, bought capacity."""

from __future__ import annotations

import calendar
import json
from typing import Any

from glaciercli.local import metering, rules
from glaciercli.local.clock import instant, moment, written
from glaciercli.local.errors import ServiceError, invalid, limit_exceeded, missing
from glaciercli.local.store import Row, Transaction
from glaciercli.local.wire import Params
from glaciercli.local.world import World
from glaciercli.units import GIB

_NO_LIMIT = {"Rules": [{"Strategy": "None"}]}
_FREE_BYTES_PER_HOUR = 10 * GIB // 720  # 10 GB a month, pro rata; "about 14 MB/h" in the guide
_RETRIEVAL_HOURS = 4  # over which the bytes of a job are spread, as in the old billing rule
_MAX_UNITS = 2  # of provisioned capacity
_MAX_RATE = (1 << 63) - 1


def set_retrieval_policy(world: World, params: Params) -> dict[str, Any]:
    """Answer SetDataRetrievalPolicy, for jobs that are accepted from now on.

    Exactly one rule; it holds for the account in the region (Developer Guide,
    api-SetDataRetrievalPolicy).
    """
    given = params.get("Policy", {})
    if not given.get("Rules"):
        raise missing("Policy")
    _check_policy(given["Rules"])
    with world.store.write() as db:
        db.run(
            "INSERT OR REPLACE INTO accounts (account, region, retrieval_policy) VALUES (?, ?, ?)",
            *(world.account, world.region, json.dumps(given)),
        )
    return {}


def _check_policy(policy: list[dict[str, Any]]) -> None:
    if len(policy) != 1:
        raise invalid(f"A data retrieval policy has exactly one rule: {len(policy)}")
    strategy, rate = policy[0].get("Strategy"), policy[0].get("BytesPerHour")
    match strategy:
        case None:
            raise missing("Strategy")
        case "BytesPerHour":
            if rate is None:
                raise missing("BytesPerHour")
            if not 1 <= rate <= _MAX_RATE:
                raise invalid(f"Invalid BytesPerHour: {rate}")
        case "FreeTier" | "None":
            if rate is not None:
                raise invalid(f"BytesPerHour is not allowed with strategy {strategy}: {rate}")
        case _:
            raise invalid(f"Invalid strategy: {strategy}")


def get_retrieval_policy(world: World, _params: Params) -> dict[str, Any]:
    """Answer GetDataRetrievalPolicy; where none was set, the strategy is None: no limit."""
    with world.store.read() as db:
        return {"Policy": _policy(world, db)}


def _policy(world: World, db: Transaction) -> dict[str, Any]:
    row = db.find(
        "SELECT retrieval_policy FROM accounts WHERE account = ? AND region = ?",
        *(world.account, world.region),
    )
    policy: dict[str, Any] = json.loads(row["retrieval_policy"]) if row else _NO_LIMIT
    return policy


def enforce_retrieval_policy(world: World, db: Transaction, size: int, tier: str) -> None:
    """Raise if a job for `size` bytes would lift the hourly rate above what the account allows.

    Only Standard retrievals count, those under way and the new one.
    """
    rule = _policy(world, db)["Rules"][0]
    if rule["Strategy"] == "None" or tier != "Standard":
        return
    under_way = db.get(
        "SELECT coalesce(sum(jobs.size), 0) AS size FROM jobs JOIN vaults ON vaults.number = vault"
        " WHERE account = ? AND region = ? AND action = 'ArchiveRetrieval' AND ready_at > ?"
        " AND json_extract(document, '$.Tier') = 'Standard'",
        *(world.account, world.region, world.clock.instant(db)),
    )["size"]
    allowed = rule.get("BytesPerHour", _FREE_BYTES_PER_HOUR)
    if under_way + size > allowed * _RETRIEVAL_HOURS:
        raise ServiceError(
            "PolicyEnforcedException",
            "InitiateJob request denied by current data retrieval policy.",
        )


def purchase_capacity(world: World, _params: Params) -> dict[str, Any]:
    """Buy a unit: it lasts until the same time of the next month, or that month's last day."""
    capacity_id = rules.new_id(rules.CAPACITY_ID)
    with world.store.write() as db:
        now = world.clock.instant(db)
        if len(_live_units(world, db)) >= _MAX_UNITS:
            raise limit_exceeded(f"Provisioned capacity limit exceeded: {_MAX_UNITS} units")
        db.run(
            "INSERT INTO capacity (id, account, region, started_at, expires_at)"
            " VALUES (?, ?, ?, ?, ?)",
            *(capacity_id, world.account, world.region, now, _month_later(now)),
        )
        metering.count(world, db, "PurchaseProvisionedCapacity")
    return {"capacityId": capacity_id}


def list_capacity(world: World, _params: Params) -> dict[str, Any]:
    """Answer ListProvisionedCapacity with the units that have not expired."""
    with world.store.read() as db:
        units = [
            {
                "CapacityId": row["id"],
                "StartDate": written(row["started_at"]),
                "ExpirationDate": written(row["expires_at"]),
            }
            for row in _live_units(world, db)
        ]
    return {"ProvisionedCapacityList": units}


def _live_units(world: World, db: Transaction) -> list[Row]:
    return db.all(
        "SELECT * FROM capacity WHERE account = ? AND region = ? AND expires_at > ?"
        " ORDER BY number",
        *(world.account, world.region, world.clock.instant(db)),
    )


def _month_later(start: int) -> int:
    begun = moment(start).replace(microsecond=0)
    year, month = begun.year + begun.month // 12, begun.month % 12 + 1
    day = min(begun.day, calendar.monthrange(year, month)[1])
    return instant(begun.replace(year=year, month=month, day=day))
