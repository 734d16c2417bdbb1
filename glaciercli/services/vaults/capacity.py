"""Provisioned capacity: the promise that expedited retrievals are not refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glaciercli.clients.pace import hint_if_maybe_applied
from glaciercli.errors import AccessDenied, Unavailable
from glaciercli.hints import Command
from glaciercli.models import Capacity

if TYPE_CHECKING:
    from glaciercli.clients.glacier import Client


def capacity(client: Client) -> list[Capacity]:
    """Return the units that the account has in the region."""
    reply = client.call("ListProvisionedCapacity")
    return [Capacity.from_api(each) for each in reply.get("ProvisionedCapacityList", ())]


def purchase(client: Client) -> Capacity:
    """Buy one unit for a month; it costs money at once and cannot be given back.

    Raises Refused when the account has two. After a lost reply, look with `capacity` before asking
    again: the first request may have bought one.
    """
    look = ("it may be bought all the same; look first: ", Command("capacity", "list"))
    with hint_if_maybe_applied(look):
        bought = client.call("PurchaseProvisionedCapacity")["capacityId"]
    try:
        there = capacity(client)
    except (AccessDenied, Unavailable):
        there = []  # who is told of an error instead of the unit would buy another one
    return next((each for each in there if each.id == bought), Capacity(bought))
