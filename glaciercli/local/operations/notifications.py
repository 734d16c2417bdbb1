"""Vault notifications: the configuration, and the messages in the engine's outbox.

Nothing leaves the machine. A message is kept as the envelope that SNS would deliver, its body the
finished job as DescribeJob shows it.
"""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

from glaciercli.local.clock import written
from glaciercli.local.errors import invalid, missing, not_found
from glaciercli.local.store import Row, Store, Transaction
from glaciercli.local.wire import Params, complete, dump, model
from glaciercli.local.world import World

_EVENTS = {
    "ArchiveRetrieval": "ArchiveRetrievalCompleted",
    "InventoryRetrieval": "InventoryRetrievalCompleted",
}
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:([a-z0-9-]+):\d{12}:[A-Za-z0-9_.-]{1,256}")


def set_(world: World, params: Params) -> dict[str, Any]:
    """Answer SetVaultNotifications: the configuration replaces the one there was.

    Topic and events are both required; that the topic exists is not asked, as in the service.
    """
    given = params.get("vaultNotificationConfig", {})
    for name in ("SNSTopic", "Events"):
        if not given.get(name):
            raise missing(name)
    for event in given["Events"]:
        if event not in _EVENTS.values():
            raise invalid(f"Invalid event: {event}")
    configuration = {
        "Events": list(dict.fromkeys(given["Events"])),
        "SNSTopic": check_topic(world, given["SNSTopic"]),
    }
    with world.store.write() as db:
        _store(db, world.vault(db, params), json.dumps(configuration))
    return {}


def get(world: World, params: Params) -> dict[str, Any]:
    """Answer GetVaultNotifications; raises where no configuration is set (404)."""
    with world.store.read() as db:
        vault = world.vault(db, params)
    if vault["notifications"] is None:
        raise not_found(f"No notification configuration is set for vault: {vault['name']}")
    return {"vaultNotificationConfig": json.loads(vault["notifications"])}


def delete(world: World, params: Params) -> dict[str, Any]:
    """Answer DeleteVaultNotifications; where there is none, that is no error."""
    with world.store.write() as db:
        _store(db, world.vault(db, params), None)
    return {}


def _store(db: Transaction, vault: Row, configuration: str | None) -> None:
    db.run("UPDATE vaults SET notifications = ? WHERE number = ?", configuration, vault["number"])


def check_topic(world: World, topic: str | None) -> str | None:
    """Return a topic if it could be one here; whether it exists is not asked."""
    match = _TOPIC.fullmatch(topic) if topic else None
    if topic and match is None:
        raise invalid(f"Invalid SNS topic ARN: {topic}")
    if match is not None and match[1] != world.region:
        raise invalid(f"SNS topics must be in the local AWS region: {topic}")
    return topic or None


def send(db: Transaction, job: Row, document: dict[str, Any]) -> None:
    """Put a finished job's messages into the outbox, in the transaction that finishes it.

    The job's own topic and the vault's are independent: if both are set, both get one.
    """
    topics = [document["SNSTopic"]] if document.get("SNSTopic") else []
    vault = db.get("SELECT notifications FROM vaults WHERE number = ?", job["vault"])
    configuration = json.loads(vault["notifications"] or "null")
    if configuration and _EVENTS.get(job["action"]) in configuration["Events"]:
        topics.append(configuration["SNSTopic"])
    message = dump(complete(document, model().shape_for("GlacierJobDescription")), sort=True)
    for topic in topics:
        envelope = {
            "Type": "Notification",
            "MessageId": str(uuid.uuid4()),
            "TopicArn": topic,
            "Message": message.decode(),
            "Timestamp": written(job["ready_at"]),
            "SignatureVersion": "1",
            "Signature": "",  # nobody signs here, and so there is no certificate
            "SigningCertURL": "",
            "UnsubscribeURL": "",
        }
        db.run("INSERT INTO outbox (topic, envelope) VALUES (?, ?)", topic, dump(envelope).decode())


def outbox(store: Store) -> list[dict[str, Any]]:
    """Return all messages, the oldest first."""
    with store.read() as db:
        return [json.loads(row["envelope"]) for row in db.all("SELECT * FROM outbox ORDER BY 1")]
