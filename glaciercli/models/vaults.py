"""A vault and what is set on it; what an account may retrieve."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from glaciercli.models.record import Record, member


@dataclass(frozen=True)
class Scope:
    """One world of vaults: an endpoint (see `Target.endpoint`), an account, a region."""

    endpoint: str
    account: str
    region: str


@dataclass(frozen=True)
class Vault(Record):
    """A vault; counts and sizes are as of its last inventory, not of now."""

    name: str = member("VaultName")
    arn: str = member("VaultARN")
    created: datetime = member("CreationDate")
    inventoried: datetime | None = member("LastInventoryDate", default=None)
    archives: int = member("NumberOfArchives", default=0)
    #: Includes the 32 KiB that the service adds to each archive.
    size: int = member("SizeInBytes", default=0)

    @property
    def account(self) -> str:
        """The account that the vault is in, by its ARN."""
        return self.arn.split(":")[4]


@dataclass(frozen=True)
class VaultDetails(Vault):
    """A vault, and what was done to it from here since the inventory that it is counted by."""

    uploaded: int = member("uploadedSince", default=0)
    uploaded_size: int = member("uploadedSizeSince", default=0)
    deleted: int = member("deletedSince", default=0)


@dataclass(frozen=True)
class Lock(Record):
    """A vault lock: its policy is in force at once, and for ever once `Locked`."""

    vault: str = member("vaultName")
    state: str = member("State")
    policy: dict[str, Any] = member("Policy")
    created: datetime | None = member("CreationDate", default=None)
    #: When a lock that is not completed goes away; None once it is locked.
    expires: datetime | None = member("ExpirationDate", default=None)
    #: Told once, when the lock is started, and needed to complete it.
    id: str | None = member("lockId", default=None)
    forbids: tuple[str, ...] | None = member("forbids", default=None)


@dataclass(frozen=True)
class Policy(Record):
    """The access policy of a vault, as a document."""

    vault: str = member("vaultName")
    document: dict[str, Any] = member("Policy")


@dataclass(frozen=True)
class RetrievalPolicy(Record):
    """What the account lets itself retrieve in a region: `None`, `FreeTier` or `BytesPerHour`."""

    strategy: str = member("Strategy")
    bytes_per_hour: int | None = member("BytesPerHour", default=None)


@dataclass(frozen=True)
class Tag(Record):
    """A tag of a vault."""

    key: str = member("Key")
    value: str = member("Value")
    vault: str = member("vaultName")


@dataclass(frozen=True)
class Notifications(Record):
    """Where a vault says that jobs are done."""

    vault: str = member("vaultName")
    topic: str = member("SNSTopic")
    events: tuple[str, ...] = member("Events")


@dataclass(frozen=True)
class Capacity(Record):
    """A month of provisioned capacity for expedited retrievals."""

    id: str = member("CapacityId")
    start: datetime | None = member("StartDate", default=None)
    expires: datetime | None = member("ExpirationDate", default=None)
