"""An archive and what makes or brings it: uploads, parts, jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from glaciercli.models.record import Record, member
from glaciercli.ranges import Span, parse_range


@dataclass(frozen=True)
class Archive(Record):
    """An archive, as the catalog or an inventory knows it."""

    id: str = member("archiveId")
    vault: str = member("vaultName")
    size: int | None = member("size", default=None)
    tree_hash: str | None = member("checksum", default=None)
    name: str | None = member("name", default=None)
    description: str = member("archiveDescription", default="")
    created: datetime | None = member("creationDate", default=None)
    modified: datetime | None = member("lastModified", default=None)
    seen: datetime | None = member("lastSeen", default=None)
    deleted: datetime | None = member("deletionDate", default=None)
    path: str | None = member("path", default=None)
    location: str | None = member("location", default=None)
    #: When it was uploaded or imported here; None for another's.
    recorded: datetime | None = member("createdHere", default=None)
    #: Which tool wrote the description (see `descriptions`).
    tool: str | None = member("tool", default=None)
    #: Whose word the tree hash is: upload, import or job; None for an inventory's.
    hash_from: str | None = member("checksumSource", default=None)
    #: An inventory of this date lists it with another size or hash.
    differs: datetime | None = member("differingInventoryDate", default=None)
    #: What the catalog knows of it: new, seen, missing, gone or deleted (see `catalog.states`).
    status: str | None = member("status", default=None)
    #: Since when its vault is not there, where that is why it is gone.
    vault_gone: datetime | None = member("vaultGoneDate", default=None)


@dataclass(frozen=True)
class Part(Record):
    """A stored part of an open upload."""

    range: str = member("RangeInBytes")
    tree_hash: str = member("SHA256TreeHash")

    @property
    def span(self) -> Span:
        """Its place in the archive, [start, stop) in bytes."""
        return parse_range(self.range)


@dataclass(frozen=True)
class Upload(Record):
    """An open multipart upload; `path` where a journal of this machine knows its source."""

    id: str = member("MultipartUploadId")
    vault: str = member("vaultName")
    part_size: int = member("PartSizeInBytes")
    created: datetime | None = member("CreationDate", default=None)
    description: str = member("ArchiveDescription", default="")
    #: What the description says that the file is called.
    name: str | None = member("name", default=None)
    arn: str | None = member("VaultARN", default=None)
    path: str | None = member("path", default=None)
    size: int | None = member("size", default=None)
    sent: int | None = member("sent", default=None)
    parts: tuple[Part, ...] | None = member("Parts", default=None)

    @property
    def account(self) -> str | None:
        """The 12 digits of the account that the vault is in, where the service has told."""
        return self.arn.split(":")[4] if self.arn else None


@dataclass(frozen=True)
class Job(Record):
    """A retrieval, inventory or select job, in progress or done."""

    id: str = member("JobId")
    vault: str = member("vaultName")
    action: str = member("Action")
    status: str = member("StatusCode")
    completed: bool = member("Completed", default=False)
    created: datetime | None = member("CreationDate", default=None)
    finished: datetime | None = member("CompletionDate", default=None)
    status_message: str | None = member("StatusMessage", default=None)
    description: str | None = member("JobDescription", default=None)
    archive_id: str | None = member("ArchiveId", default=None)
    archive_size: int | None = member("ArchiveSizeInBytes", default=None)
    archive_tree_hash: str | None = member("ArchiveSHA256TreeHash", default=None)
    range: str | None = member("RetrievalByteRange", default=None)
    tree_hash: str | None = member("SHA256TreeHash", default=None)
    inventory_size: int | None = member("InventorySizeInBytes", default=None)
    inventory_parameters: dict[str, Any] | None = member(
        "InventoryRetrievalParameters", default=None
    )
    select_parameters: dict[str, Any] | None = member("SelectParameters", default=None)
    output_location: dict[str, Any] | None = member("OutputLocation", default=None)
    output_path: str | None = member("JobOutputPath", default=None)
    tier: str | None = member("Tier", default=None)
    topic: str | None = member("SNSTopic", default=None)
    #: Until when the output is sure to be there: ours, not the service's (see `jobs.from_reply`).
    kept_until: datetime | None = member("OutputExpirationDate", default=None)

    @property
    def succeeded(self) -> bool:
        """Whether the job's output is ready to be fetched."""
        return self.status == "Succeeded"

    @property
    def span(self) -> Span | None:
        """What it brings of its archive, [start, stop) in bytes; None where nothing tells."""
        return None if self.range is None else parse_range(self.range)

    @property
    def output_size(self) -> int | None:
        """Bytes that GetJobOutput will give; None while that is not known."""
        if self.action == "InventoryRetrieval":
            return self.inventory_size
        if self.span is not None:
            return self.span[1] - self.span[0]
        return self.archive_size


@dataclass(frozen=True)
class FileHash(Record):
    """A file on this machine with its tree hash."""

    tree_hash: str = member("checksum")
    path: str = member("path")
    size: int = member("size")
