"""The data retrieval policy of an account: how much it lets itself retrieve in a region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glaciercli.errors import UsageError
from glaciercli.models import RetrievalPolicy
from glaciercli.units import parse_size

if TYPE_CHECKING:
    from glaciercli.clients.glacier import Client

_STRATEGIES = {"none": "None", "free-tier": "FreeTier"}


def show(client: Client) -> RetrievalPolicy:
    """Return what the account lets itself retrieve in the region; where nothing is set, all."""
    reply = client.call("GetDataRetrievalPolicy")
    rules = reply.get("Policy", {}).get("Rules") or [{"Strategy": "None"}]
    return RetrievalPolicy.from_api(rules[0])


def set_(client: Client, limit: str) -> RetrievalPolicy:
    """Set it to `none`, `free-tier`, or a size an hour such as `10GiB`; raises UsageError.

    It holds within minutes, and for no job that was accepted before (developer guide, "Set data
    retrieval policy").
    """
    rule: dict[str, str | int]
    if limit.lower() in _STRATEGIES:
        rule = {"Strategy": _STRATEGIES[limit.lower()]}
    else:
        try:
            rule = {"Strategy": "BytesPerHour", "BytesPerHour": parse_size(limit)}
        except ValueError:
            words = "none, free-tier, or bytes an hour such as 10GiB"
            raise UsageError(f"{limit!r} is not a limit; write {words}") from None
    client.call("SetDataRetrievalPolicy", Policy={"Rules": [rule]})
    return RetrievalPolicy.from_api(rule)
