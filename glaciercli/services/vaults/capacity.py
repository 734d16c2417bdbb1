"""Provisioned capacity: the promise that expedited retrievals are not refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glaciercli.clients.pace import hint_if_maybe_applied
from glaciercli.errors import AccessDenied, Unavailable
from glaciercli.hints import Command
from glaciercli.models import Capacity, CapacityPlan, Consent
from glaciercli.models.plans import digest_of, require_planned

if TYPE_CHECKING:
    from glaciercli.clients.glacier import Client


def capacity(client: Client) -> list[Capacity]:
    """Return the units that the account has in the region; those that have expired are not told."""
    reply = client.call("ListProvisionedCapacity")
    return [Capacity.from_api(each) for each in reply.get("ProvisionedCapacityList", ())]


def plan(client: Client) -> CapacityPlan:
    """Return the plan to buy one unit for a month."""
    return CapacityPlan(client.region, 1, digest=_digest(client))


def purchase(client: Client, plan: CapacityPlan, consent: Consent) -> Capacity:
    """Buy the unit of a plan that `consent` agrees to: it is paid at once and not given back.

    Raises Refused when the account has two (developer guide, "Purchase provisioned capacity").
    After a lost reply, look with `capacity` before asking
    again: the first request may have bought one.
    """
    require_planned(plan, _digest(client))
    consent(plan)
    look = ("it may be bought all the same; look first: ", Command("capacity", "list"))
    with hint_if_maybe_applied(look):
        bought = client.call("PurchaseProvisionedCapacity")["capacityId"]
    try:
        there = capacity(client)
    except (AccessDenied, Unavailable):
        there = []  # who is told of an error instead of the unit would buy another one
    return next((each for each in there if each.id == bought), Capacity(bought))


def _digest(client: Client) -> str:
    """Return what binds a purchase to its plan: where the unit is bought."""
    return digest_of(client.endpoint, client.region, client.target.account)
