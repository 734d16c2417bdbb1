"""What a command has done or has found, as it is told to the user."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from glaciercli.models.archives import Archive, Job
from glaciercli.models.record import Record, member


@dataclass(frozen=True)
class Inventory(Record):
    """A vault's inventory as it was merged into the catalog, and what it changed there."""

    vault: str = member("vaultName")
    #: When the service made it; what happened since is not in it.
    inventory_date: datetime = member("InventoryDate")
    job_id: str | None = member("JobId", default=None)
    archives: int = member("archives", default=0)
    size: int = member("size", default=0)
    #: Archives that the catalog did not know before.
    new: int = member("new", default=0)
    #: Live archives of the vault that were not made here.
    foreign: int = member("foreign", default=0)
    #: Archives that the inventory should have and lacks; gone when the one before lacked them too.
    missing: int = member("missing", default=0)
    gone: int = member("gone", default=0)
    #: Archives made here that no inventory has shown yet.
    unseen: int = member("notYetInInventory", default=0)
    #: Archives whose size or hash is not what the catalog says.
    differing: int = member("differing", default=0)
    #: Archives deleted here days before the inventory, which lists them: they are in the vault.
    returned: int = member("deletedButListed", default=0)
    #: Archives whose size or hash an import had told otherwise; the catalog has this one's now.
    corrected: int = member("importsCorrected", default=0)


@dataclass(frozen=True)
class Imported(Record):
    """Another tool's file as it was read into the catalog."""

    path: str = member("path")
    tool: str = member("tool")
    archives: int = member("archives")
    #: Archives that the catalog did not know before.
    new: int = member("new")
    deletions: int = member("deletions")


@dataclass(frozen=True)
class Exported(Record):
    """What was written of the catalog, and where."""

    path: str = member("path")
    archives: int = member("archives")


@dataclass(frozen=True)
class Restored(Record):
    """What restoring a tree has done, this time."""

    directory: str = member("directory")
    restored: int = member("restored")
    size: int = member("size")
    already: int = member("alreadyThere")
    waiting: int = member("waiting")
    failed: int = member("failed")
    #: How many of the restored files are proven by whose word (see `evidence.witnesses`).
    proven_by: dict[str, int] = member("provenBy")
    #: Archives that match and are gone or deleted, by state.
    left_out: dict[str, int] = member("leftOut")


@dataclass(frozen=True)
class Received(Archive):
    """An archive, or a range of it, that is in the file `path`, and what proves it."""

    #: By whose word: a kind of witness (see `evidence.witnesses`); None where nothing proves it.
    proven_by: str | None = member("provenBy", default=None)
    proven_date: datetime | None = member("provenDate", default=None)


@dataclass(frozen=True)
class Fetched(Job):
    """A job whose output is in the file `path`, and what proves that."""

    path: str | None = member("path", default=None)
    #: As in `Received`; None for an inventory.
    proven_by: str | None = member("provenBy", default=None)
    proven_date: datetime | None = member("provenDate", default=None)


@dataclass(frozen=True)
class Verified(Record):
    """A file that is what an archive holds."""

    archive_id: str = member("archiveId")
    vault: str = member("vaultName")
    path: str = member("path")
    size: int = member("size")
    tree_hash: str = member("checksum")
    #: The newest inventory that lists the archive; None when none does yet.
    seen: datetime | None = member("lastSeen")
    #: What the catalog knows of the archive: new or seen.
    status: str | None = member("status")
    #: The vault's newest inventory; None while the catalog has none.
    inventory_date: datetime | None = member("InventoryDate")
    #: Whose word the hash is (see `evidence.witnesses`).
    proven_by: str = member("provenBy")
    proven_date: datetime | None = member("provenDate")


@dataclass(frozen=True)
class Audit(Record):
    """The catalog of a vault against the vault's newest inventory, as counts."""

    vault: str = member("vaultName")
    inventory_date: datetime = member("InventoryDate")
    archives: int = member("archives")
    #: Known here, absent from an inventory that should have them.
    missing: int = member("missing")
    #: In the vault, but not made here.
    foreign: int = member("foreign")
    #: Size or hash is not what it was when the archive was made.
    changed: int = member("changed")
    #: Content that an older archive of the vault holds too.
    duplicates: int = member("duplicates")
    #: Deleted here, and listed days later all the same.
    undeleted: int = member("undeleted")

    @property
    def is_sound(self) -> bool:
        """Tell whether everything that should be in the vault is, unchanged."""
        return not (self.missing or self.changed)


@dataclass(frozen=True)
class Sample(Record):
    """A range of an archive that was retrieved and proven; all of it, or one leaf of many."""

    archive_id: str = member("archiveId")
    vault: str = member("vaultName")
    name: str | None = member("name")
    range: str = member("RetrievalByteRange")
    tree_hash: str = member("SHA256TreeHash")
    is_whole: bool = member("provenWhole")
    #: By whose word: a kind of witness (see `evidence.witnesses`), and of which date.
    proven_by: str = member("provenBy")
    proven_date: datetime | None = member("provenDate")


@dataclass(frozen=True)
class Emptied(Record):
    """What emptying a vault has deleted, this time."""

    vault: str = member("vaultName")
    deleted: int = member("deletedArchives")
    size: int = member("deletedSize")
    vault_deleted: bool = member("vaultDeleted")


@dataclass(frozen=True)
class SettingInForce(Record):
    """A setting, its value, and the place that it came from."""

    name: str = member("setting")
    value: Any = member("value")
    source: str = member("source")
