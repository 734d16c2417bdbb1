"""Frozen records of what Glacier holds, and their JSON faces.

Field names are Python's; JSON keys are the service's own (`VaultName`, `archiveId`, `JobId`, ...),
so that scripts written for `aws glacier` carry over. What the service lacks is added in its style.
Times are aware UTC datetimes, sizes are bytes, hashes are lower-case hex.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from datetime import datetime
from typing import Any, ClassVar, Self, dataclass_transform

from glaciercli.errors import Unavailable
from glaciercli.units import format_time, parse_time


def _key(name: str, **default: Any) -> Any:
    """Declare a field together with its JSON key."""
    return field(metadata={"key": name}, **default)


@dataclass_transform(frozen_default=True, field_specifiers=(_key,))
class Record:
    """A frozen dataclass that reads the service's JSON and writes it again."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def as_json(self) -> dict[str, Any]:
        """Return the record under the service's keys; times as ISO 8601, absent values as null."""
        return {each.metadata["key"]: _plain(getattr(self, each.name)) for each in fields(self)}

    @classmethod
    def from_api(cls, reply: Mapping[str, Any], **extra: Any) -> Self:
        """Return the record for a reply of the service; `extra` gives what the reply lacks."""
        known = {
            each.name: _parsed(each, reply[each.metadata["key"]])
            for each in fields(cls)
            if reply.get(each.metadata["key"]) is not None
        }
        return cls(**{**known, **extra})


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, Record):
        return value.as_json()
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value


def _parsed(target: Field[Any], value: Any) -> Any:
    """Return a reply's value as the field has it; raises Unavailable for what it cannot be."""
    kind = str(target.type)
    try:
        if "datetime" in kind and isinstance(value, str):
            return parse_time(value)
    except ValueError:
        raise _strange(target, value) from None
    for name, types in _TYPES.items():
        if kind.startswith(name) and not isinstance(value, types):
            raise _strange(target, value)
    return value


_TYPES: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "datetime": (datetime,),
    "dict": (dict,),
    "int": (int,),
    "str": (str,),
}


def _strange(target: Field[Any], value: Any) -> Unavailable:
    key = target.metadata["key"]
    return Unavailable(f"the service says that {key} is {str(value)[:80]!r}, which it cannot be")


@dataclass(frozen=True)
class Scope:
    """One world of vaults: an endpoint (see `Target.endpoint`), an account, a region."""

    endpoint: str
    account: str
    region: str


@dataclass(frozen=True)
class Vault(Record):
    """A vault; counts and sizes are as of its last inventory, not of now."""

    name: str = _key("VaultName")
    arn: str = _key("VaultARN")
    created: datetime = _key("CreationDate")
    inventoried: datetime | None = _key("LastInventoryDate", default=None)
    archives: int = _key("NumberOfArchives", default=0)
    #: Includes the 32 KiB that the service adds to each archive.
    size: int = _key("SizeInBytes", default=0)


@dataclass(frozen=True)
class Archive(Record):
    """An archive, as the catalog or an inventory knows it."""

    id: str = _key("archiveId")
    vault: str = _key("vaultName")
    size: int | None = _key("size", default=None)
    tree_hash: str | None = _key("checksum", default=None)
    name: str | None = _key("name", default=None)
    description: str = _key("archiveDescription", default="")
    created: datetime | None = _key("creationDate", default=None)
    modified: datetime | None = _key("lastModified", default=None)
    seen: datetime | None = _key("lastSeen", default=None)
    deleted: datetime | None = _key("deletionDate", default=None)
    path: str | None = _key("path", default=None)
    location: str | None = _key("location", default=None)
    #: When it was uploaded or imported here; None for another's.
    recorded: datetime | None = _key("createdHere", default=None)
    #: Which tool wrote the description (see `descriptions`).
    tool: str | None = _key("tool", default=None)
    #: What the catalog knows of it: new, seen, missing, gone or deleted (see `catalog.states`).
    status: str | None = _key("status", default=None)


@dataclass(frozen=True)
class Inventory(Record):
    """A vault's inventory as it was merged into the catalog, and what it changed there."""

    vault: str = _key("vaultName")
    #: When the service made it; what happened since is not in it.
    inventory_date: datetime = _key("InventoryDate")
    job_id: str | None = _key("JobId", default=None)
    archives: int = _key("archives", default=0)
    size: int = _key("size", default=0)
    #: Archives that the catalog did not know before.
    new: int = _key("new", default=0)
    #: Live archives of the vault that were not made here.
    foreign: int = _key("foreign", default=0)
    #: Archives that the inventory should have and lacks; gone when the one before lacked them too.
    missing: int = _key("missing", default=0)
    gone: int = _key("gone", default=0)
    #: Archives made here that no inventory has shown yet.
    unseen: int = _key("notYetInInventory", default=0)
    #: Archives whose size or hash is not what the catalog says.
    differing: int = _key("differing", default=0)


@dataclass(frozen=True)
class Imported(Record):
    """Another tool's file as it was read into the catalog."""

    path: str = _key("path")
    tool: str = _key("tool")
    archives: int = _key("archives")
    #: Archives that the catalog did not know before.
    new: int = _key("new")
    deletions: int = _key("deletions")


@dataclass(frozen=True)
class RestorePlan(Record):
    """What restoring a tree would retrieve."""

    directory: str = _key("directory")
    archives: int = _key("archives")
    size: int = _key("size")
    #: Files that are there already, as their hashes show.
    already: int = _key("alreadyThere")
    folders: int = _key("folders")
    #: Archives that their tool has compressed or encrypted: restored as they are.
    packed: int = _key("packed")
    tier: str = _key("Tier")
    time: str = _key("usualTime")
    #: Why a name cannot become a path, by archive id.
    refused: dict[str, str] = _key("refused")


@dataclass(frozen=True)
class Restored(Record):
    """What restoring a tree has done, this time."""

    directory: str = _key("directory")
    restored: int = _key("restored")
    size: int = _key("size")
    already: int = _key("alreadyThere")
    waiting: int = _key("waiting")
    failed: int = _key("failed")


@dataclass(frozen=True)
class Verified(Record):
    """A file that is what an archive holds."""

    archive_id: str = _key("archiveId")
    vault: str = _key("vaultName")
    path: str = _key("path")
    size: int = _key("size")
    tree_hash: str = _key("checksum")
    #: The newest inventory that lists the archive; None when none does yet.
    seen: datetime | None = _key("lastSeen")


@dataclass(frozen=True)
class Audit(Record):
    """The catalog of a vault against the vault's newest inventory, as counts."""

    vault: str = _key("vaultName")
    inventory_date: datetime = _key("InventoryDate")
    archives: int = _key("archives")
    #: Known here, absent from an inventory that should have them.
    missing: int = _key("missing")
    #: In the vault, but not made here.
    foreign: int = _key("foreign")
    #: Size or hash is not what it was when the archive was made.
    changed: int = _key("changed")
    #: Content that an older archive of the vault holds too.
    duplicates: int = _key("duplicates")
    #: Deleted here, and listed days later all the same.
    undeleted: int = _key("undeleted")

    @property
    def is_sound(self) -> bool:
        """Tell whether everything that should be in the vault is, unchanged."""
        return not (self.missing or self.changed)


@dataclass(frozen=True)
class Sample(Record):
    """A range of an archive that was retrieved and proven; all of it, or one leaf of many."""

    archive_id: str = _key("archiveId")
    vault: str = _key("vaultName")
    name: str | None = _key("name")
    range: str = _key("RetrievalByteRange")
    tree_hash: str = _key("SHA256TreeHash")
    is_whole: bool = _key("provenWhole")


@dataclass(frozen=True)
class EmptyPlan(Record):
    """What emptying a vault would delete."""

    vault: str = _key("vaultName")
    arn: str = _key("VaultARN")
    archives: int = _key("archives")
    size: int = _key("size")
    oldest: datetime | None = _key("oldest")
    newest: datetime | None = _key("newest")
    #: Archives of less than 90 days, whose deletion is charged, and their bytes.
    early: int = _key("earlyDeletions")
    early_size: int = _key("earlyDeletionSize")
    #: Of the inventory that this is known by; what is newer is known from here only.
    inventory_date: datetime | None = _key("InventoryDate")
    #: Open multipart uploads: completed, they would make archives that no plan has counted.
    uploads: int = _key("openUploads")
    first: tuple[Archive, ...] = _key("firstArchives")
    last: tuple[Archive, ...] = _key("lastArchives")
    #: The catalog's state that was counted: what is recorded after it is not deleted.
    watermark: int = _key("watermark")


@dataclass(frozen=True)
class Emptied(Record):
    """What emptying a vault has deleted, this time."""

    vault: str = _key("vaultName")
    deleted: int = _key("deletedArchives")
    size: int = _key("deletedSize")
    vault_deleted: bool = _key("vaultDeleted")


@dataclass(frozen=True)
class Part(Record):
    """A stored part of an open upload, [start, stop)."""

    range: str = _key("RangeInBytes")
    tree_hash: str = _key("SHA256TreeHash")

    @property
    def start(self) -> int:
        return int(self.range.partition("-")[0])

    @property
    def stop(self) -> int:
        return int(self.range.partition("-")[2]) + 1


@dataclass(frozen=True)
class Upload(Record):
    """An open multipart upload; `path` where a journal of this machine knows its source."""

    id: str = _key("MultipartUploadId")
    vault: str = _key("vaultName")
    part_size: int = _key("PartSizeInBytes")
    created: datetime | None = _key("CreationDate", default=None)
    description: str = _key("ArchiveDescription", default="")
    arn: str | None = _key("VaultARN", default=None)
    path: str | None = _key("path", default=None)
    size: int | None = _key("size", default=None)
    sent: int | None = _key("sent", default=None)
    parts: tuple[Part, ...] | None = _key("Parts", default=None)

    @property
    def account(self) -> str | None:
        """The 12 digits of the account that the vault is in, where the service has told."""
        return self.arn.split(":")[4] if self.arn else None


@dataclass(frozen=True)
class Job(Record):
    """A retrieval, inventory or select job, in progress or done."""

    id: str = _key("JobId")
    vault: str = _key("vaultName")
    action: str = _key("Action")
    status: str = _key("StatusCode")
    completed: bool = _key("Completed", default=False)
    created: datetime | None = _key("CreationDate", default=None)
    finished: datetime | None = _key("CompletionDate", default=None)
    status_message: str | None = _key("StatusMessage", default=None)
    description: str | None = _key("JobDescription", default=None)
    archive_id: str | None = _key("ArchiveId", default=None)
    archive_size: int | None = _key("ArchiveSizeInBytes", default=None)
    archive_tree_hash: str | None = _key("ArchiveSHA256TreeHash", default=None)
    range: str | None = _key("RetrievalByteRange", default=None)
    tree_hash: str | None = _key("SHA256TreeHash", default=None)
    inventory_size: int | None = _key("InventorySizeInBytes", default=None)
    inventory_parameters: dict[str, Any] | None = _key("InventoryRetrievalParameters", default=None)
    select_parameters: dict[str, Any] | None = _key("SelectParameters", default=None)
    output_location: dict[str, Any] | None = _key("OutputLocation", default=None)
    output_path: str | None = _key("JobOutputPath", default=None)
    tier: str | None = _key("Tier", default=None)
    topic: str | None = _key("SNSTopic", default=None)

    @property
    def succeeded(self) -> bool:
        return self.status == "Succeeded"

    @property
    def output_size(self) -> int | None:
        """Bytes that GetJobOutput will give; None while that is not known."""
        if self.action == "InventoryRetrieval":
            return self.inventory_size
        if self.range is not None:
            first, _, last = self.range.partition("-")
            return int(last) - int(first) + 1
        return self.archive_size


@dataclass(frozen=True)
class Lock(Record):
    """A vault lock: its policy is in force at once, and for ever once `Locked`."""

    vault: str = _key("vaultName")
    state: str = _key("State")
    policy: dict[str, Any] = _key("Policy")
    created: datetime | None = _key("CreationDate", default=None)
    #: When a lock that is not completed goes away; None once it is locked.
    expires: datetime | None = _key("ExpirationDate", default=None)
    #: Told once, when the lock is started, and needed to complete it.
    id: str | None = _key("lockId", default=None)
    forbids: tuple[str, ...] | None = _key("forbids", default=None)


@dataclass(frozen=True)
class Policy(Record):
    """The access policy of a vault, as a document."""

    vault: str = _key("vaultName")
    document: dict[str, Any] = _key("Policy")


@dataclass(frozen=True)
class RetrievalPolicy(Record):
    """What the account lets itself retrieve in a region: `None`, `FreeTier` or `BytesPerHour`."""

    strategy: str = _key("Strategy")
    bytes_per_hour: int | None = _key("BytesPerHour", default=None)


@dataclass(frozen=True)
class Tag(Record):
    """A tag of a vault."""

    key: str = _key("Key")
    value: str = _key("Value")
    vault: str = _key("vaultName")


@dataclass(frozen=True)
class Notifications(Record):
    """Where a vault says that jobs are done."""

    vault: str = _key("vaultName")
    topic: str = _key("SNSTopic")
    events: tuple[str, ...] = _key("Events")


@dataclass(frozen=True)
class Capacity(Record):
    """A month of provisioned capacity for expedited retrievals."""

    id: str = _key("CapacityId")
    start: datetime | None = _key("StartDate", default=None)
    expires: datetime | None = _key("ExpirationDate", default=None)


@dataclass(frozen=True)
class FileHash(Record):
    """A file on this machine with its tree hash."""

    tree_hash: str = _key("checksum")
    path: str = _key("path")
    size: int = _key("size")


@dataclass(frozen=True)
class SettingInForce(Record):
    """A setting, its value, and the place that it came from."""

    name: str = _key("setting")
    value: Any = _key("value")
    source: str = _key("source")


@dataclass(frozen=True)
class UploadPlan(Record):
    """What an upload would do."""

    path: str = _key("path")
    size: int = _key("size")
    part_size: int = _key("PartSizeInBytes")
    parts: int = _key("parts")
    requests: int = _key("requests")


@dataclass(frozen=True)
class LocalStore(Record):
    """What the embedded Glacier holds."""

    path: str = _key("path")
    version: int = _key("version")
    vaults: int = _key("vaults")
    archives: int = _key("archives")
    size: int = _key("size")
    uploads: int = _key("uploads")
    jobs: int = _key("jobs")


@dataclass(frozen=True)
class LocalClock(Record):
    """The time of the embedded Glacier, how fast it runs, and what takes time."""

    now: datetime = _key("now")
    rate: float = _key("rate")
    timing: str = _key("timing")


@dataclass(frozen=True)
class Damage(Record):
    """Something in the embedded Glacier that is not what it was."""

    kind: str = _key("kind")
    vault: str = _key("vaultName")
    id: str = _key("id")
    reason: str = _key("reason")
    region: str = _key("region")
    start: int | None = _key("start", default=None)


@dataclass(frozen=True)
class FaultRule(Record):
    """A fault that the embedded Glacier was asked for."""

    number: int = _key("number")
    operation: str = _key("operation")
    kind: str = _key("kind")
    arguments: dict[str, Any] = _key("arguments")
    skip: int = _key("skip")
    remaining: int = _key("remaining")
    delivered: int = _key("delivered")


@dataclass(frozen=True)
class Notice(Record):
    """A message as SNS would have delivered it."""

    time: datetime = _key("Timestamp")
    topic: str = _key("TopicArn")
    message: str = _key("Message")
    id: str | None = _key("MessageId", default=None)
    subject: str | None = _key("Subject", default=None)
