"""What the embedded Glacier tells of itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from glaciercli.models.record import Record, member


@dataclass(frozen=True)
class Metered(Record):
    """What AWS would have billed for what the embedded Glacier has granted."""

    #: When the meter began; None for the store's beginning.
    since: datetime | None = member("since")
    #: Paid requests by operation; those for inventories are apart.
    requests: dict[str, int] = member("requests")
    #: Jobs that bring archives back, those that select from them, and their bytes, by tier.
    retrievals: dict[str, int] = member("retrievals")
    retrieved: dict[str, int] = member("retrievedBytes")
    selects: dict[str, int] = member("selects")
    scanned: dict[str, int] = member("scannedBytes")
    #: Jobs for inventories; whether they are paid requests is not known.
    inventories: int = member("inventories")
    #: Bytes of jobs' outputs.
    served: int = member("servedBytes")
    #: Archives deleted within 90 days of their upload, and their bytes.
    early_deletions: int = member("earlyDeletions")
    early_deleted: int = member("earlyDeletedBytes")
    #: Bytes with their overhead, times the hours of the 90 days that lacked.
    early_byte_hours: int = member("earlyDeletedByteHours")
    capacity_units: int = member("capacityUnits")


@dataclass(frozen=True)
class LocalStore(Record):
    """What the embedded Glacier holds."""

    path: str = member("path")
    version: int = member("version")
    vaults: int = member("vaults")
    archives: int = member("archives")
    size: int = member("size")
    uploads: int = member("uploads")
    jobs: int = member("jobs")
    metered: Metered = member("metered")


@dataclass(frozen=True)
class LocalClock(Record):
    """The time of the embedded Glacier, how fast it runs, and what takes time."""

    now: datetime = member("now")
    rate: float = member("rate")
    timing: str = member("timing")


@dataclass(frozen=True)
class Served(Record):
    """Where the embedded Glacier listens."""

    url: str = member("url")


@dataclass(frozen=True)
class Damage(Record):
    """Something in the embedded Glacier that is not what it was."""

    kind: str = member("kind")
    vault: str = member("vaultName")
    id: str = member("id")
    reason: str = member("reason")
    region: str = member("region")
    start: int | None = member("start", default=None)


@dataclass(frozen=True)
class FaultRule(Record):
    """A fault that the embedded Glacier was asked for."""

    number: int = member("number")
    operation: str = member("operation")
    kind: str = member("kind")
    arguments: dict[str, Any] = member("arguments")
    skip: int = member("skip")
    remaining: int = member("remaining")
    delivered: int = member("delivered")


@dataclass(frozen=True)
class Notice(Record):
    """A message as SNS would have delivered it."""

    time: datetime = member("Timestamp")
    topic: str = member("TopicArn")
    message: str = member("Message")
    id: str | None = member("MessageId", default=None)
    subject: str | None = member("Subject", default=None)
