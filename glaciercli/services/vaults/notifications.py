"""Where a vault says, through SNS, that a job is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from glaciercli.errors import NotFound
from glaciercli.hints import Command
from glaciercli.models import Notifications

if TYPE_CHECKING:
    from glaciercli.clients.glacier import Client

EVENTS = ("ArchiveRetrievalCompleted", "InventoryRetrievalCompleted")


def show(client: Client, vault: str) -> Notifications:
    """Return the configuration of a vault; raises NotFound when it has none."""
    try:
        reply = client.call("GetVaultNotifications", vaultName=vault)
    except NotFound as error:
        if error.is_vault:
            raise
        raise NotFound(
            f"vault {vault!r} has no notifications",
            hint=Command("vault", "notifications", "set", vault, "--topic", "ARN"),
        ) from error
    found = reply["vaultNotificationConfig"]
    return Notifications(vault, found["SNSTopic"], tuple(found["Events"]))


def set_(
    client: Client, vault: str, topic: str, *, events: Sequence[str] = EVENTS
) -> Notifications:
    """Replace the configuration of a vault; `topic` is the ARN of an SNS topic.

    The service does not ask whether that is there or may be written to. Raises Refused for what is
    no ARN, and for another event than those of `EVENTS`.
    """
    config = {"SNSTopic": topic, "Events": list(events)}
    client.call("SetVaultNotifications", vaultName=vault, vaultNotificationConfig=config)
    return Notifications(vault, topic, tuple(events))


def delete(client: Client, vault: str) -> Notifications:
    """Delete the configuration and return what it was; raises NotFound when there is none.

    Messages may still be sent for a short while (developer guide, "Delete vault notifications").
    """
    config = show(client, vault)
    client.call("DeleteVaultNotifications", vaultName=vault)
    return config
