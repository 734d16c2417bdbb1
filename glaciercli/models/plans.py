"""What an act would do, told before anybody agrees to it.

A plan is made by looking alone. The act is given its plan, compares the plan's digest with what it
finds, has the plan agreed to once, before the first thing that is charged or cannot be undone, and
does no more than the plan says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from glaciercli.errors import Refused
from glaciercli.models.archives import Archive
from glaciercli.models.record import Record, member


@dataclass(frozen=True)
class Billable:
    """What AWS would bill for an act once, in the quantities that it bills.

    A price is put on these, and on nothing else. Storage and traffic go on after the act.
    """

    #: Requests that store: the beginning, each part and the end of an upload.
    upload_requests: int = 0
    #: Jobs that bring archives back, one for each archive or range, and their bytes.
    retrievals: int = 0
    retrieved: int = 0
    #: Standard, Bulk or Expedited; None where nothing is retrieved.
    tier: str | None = None
    #: Bytes of archives deleted within 90 days of their upload.
    early_deleted: int = 0
    #: Units of provisioned capacity, of a month each.
    capacity_units: int = 0


@dataclass(frozen=True)
class UploadPlan(Record):
    """What an upload would do. Its run is bound by its journal, which knows the file."""

    path: str = member("path")
    size: int = member("size")
    part_size: int = member("PartSizeInBytes")
    parts: int = member("parts")
    requests: int = member("requests")

    @property
    def billable(self) -> Billable:
        """What AWS charges for at once: the requests. Storage is charged by the month."""
        return Billable(upload_requests=self.requests)


@dataclass(frozen=True)
class RestorePlan(Record):
    """What restoring a tree would retrieve."""

    vault: str = member("vaultName")
    directory: str = member("directory")
    #: Archives to be retrieved, and of them those whose retrieval is to be started and charged;
    #: that of the others runs or is ready.
    archives: int = member("archives")
    size: int = member("size")
    charged: int = member("charged")
    charged_size: int = member("chargedSize")
    #: Files with the bytes of another, which is there or retrieved: nothing is paid for them.
    copies: int = member("copies")
    #: Files that are there already, as their hashes show.
    already: int = member("alreadyThere")
    folders: int = member("folders")
    #: Archives that their tool has compressed or encrypted: restored as they are.
    packed: int = member("packed")
    tier: str = member("Tier")
    time: str = member("usualTime")
    #: Why a name cannot become a file, by archive id.
    refused: dict[str, str] = member("refused")
    #: Archives that match and are gone or deleted, by state: nothing is retrieved of them.
    left_out: dict[str, int] = member("leftOut")
    #: Of the archives, their places, what may be overwritten there, and the tier.
    digest: str = member("digest")

    @property
    def billable(self) -> Billable:
        """What AWS charges for: the retrievals that are not there already, and their bytes."""
        return Billable(retrievals=self.charged, retrieved=self.charged_size, tier=self.tier)


@dataclass(frozen=True)
class RetrievalPlan(Record):
    """The retrieval of one archive, or of a range of it, that is to be started.

    It is made when the retrieval turns out to be needed and carried out at once, so no digest binds
    the two.
    """

    vault: str = member("vaultName")
    archive_id: str = member("archiveId")
    name: str | None = member("name")
    #: Of what is retrieved; None where the archive's size is not known.
    size: int | None = member("size")
    #: Where more is retrieved than was asked for, to have its checksum: all of it, as `a-b`.
    widened: str | None = member("RetrievalByteRange")
    tier: str = member("Tier")

    @property
    def billable(self) -> Billable:
        """What AWS charges for: one retrieval; of an archive of unknown size, no bytes."""
        return Billable(retrievals=1, retrieved=self.size or 0, tier=self.tier)


@dataclass(frozen=True)
class SamplePlan(Record):
    """What reading a sample of a vault's stored bytes would retrieve."""

    vault: str = member("vaultName")
    samples: int = member("samples")
    #: Chooses the archives and the range of each.
    seed: str = member("seed")
    #: Samples whose retrieval is to be started and charged; that of the others runs or is ready.
    charged: int = member("charged")
    charged_size: int = member("chargedSize")
    tier: str = member("Tier")
    #: Of the archives, the ranges and the tier.
    digest: str = member("digest")

    @property
    def billable(self) -> Billable:
        """What AWS charges for: the retrievals that are not there already, and their bytes."""
        return Billable(retrievals=self.charged, retrieved=self.charged_size, tier=self.tier)


@dataclass(frozen=True)
class DeletePlan(Record):
    """Which archives of a vault would be deleted."""

    vault: str = member("vaultName")
    archives: tuple[Archive, ...] = member("archives")
    #: Archives of less than 90 days, whose deletion is charged, and their bytes.
    early: int = member("earlyDeletions")
    early_size: int = member("earlyDeletionSize")
    #: Of the vault's account and the archives.
    digest: str = member("digest")

    @property
    def billable(self) -> Billable:
        """What AWS charges for: bytes that are deleted within 90 days of their upload."""
        return Billable(early_deleted=self.early_size)


@dataclass(frozen=True)
class EmptyPlan(Record):
    """What emptying a vault would delete."""

    vault: str = member("vaultName")
    arn: str = member("VaultARN")
    archives: int = member("archives")
    size: int = member("size")
    oldest: datetime | None = member("oldest")
    newest: datetime | None = member("newest")
    #: Archives of less than 90 days, whose deletion is charged, and their bytes.
    early: int = member("earlyDeletions")
    early_size: int = member("earlyDeletionSize")
    #: Of the inventory that this is known by; what is newer is known from here only.
    inventory_date: datetime | None = member("InventoryDate")
    #: Open multipart uploads: completed, they would make archives that no plan has counted.
    uploads: int = member("openUploads")
    first: tuple[Archive, ...] = member("firstArchives")
    last: tuple[Archive, ...] = member("lastArchives")
    #: The catalog's state that was counted: what is recorded after it is not deleted.
    watermark: int = member("watermark")
    #: Whether the vault itself is deleted then.
    with_vault: bool = member("deleteVault")
    #: Of the vault's ARN, the watermark, which archives are meant, and the vault's own end.
    digest: str = member("digest")

    @property
    def billable(self) -> Billable:
        """What AWS charges for: bytes that are deleted within 90 days of their upload."""
        return Billable(early_deleted=self.early_size)


@dataclass(frozen=True)
class CapacityPlan(Record):
    """Units of provisioned capacity that would be bought in a region, for a month each."""

    region: str = member("region")
    units: int = member("units")
    #: Of the endpoint, the region and the units.
    digest: str = member("digest")

    @property
    def billable(self) -> Billable:
        """What AWS charges for: units of provisioned capacity, each for a month."""
        return Billable(capacity_units=self.units)


#: What is agreed to. An upload is not: nobody is asked before it.
Plan: TypeAlias = RestorePlan | RetrievalPlan | SamplePlan | DeletePlan | EmptyPlan | CapacityPlan
#: Returns when a plan is agreed to; else raises Refused, or UsageError where nobody can answer.
Consent: TypeAlias = Callable[[Plan], None]


def agreed(_: Plan) -> None:
    """Consent to a part of what a whole plan was agreed to for."""


def digest_of(*parts: object) -> str:
    """Return the SHA-256 of what a plan is about: records, texts, numbers, times, None."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(repr(part).encode("utf-8", "surrogatepass"))
        whole.update(b"\0")  # repr escapes it, so two parts are never one
    return whole.hexdigest()


class _Bound(Protocol):
    """A plan that a run is given, and has to be of what the run finds."""

    @property
    def digest(self) -> str: ...


def require_planned(plan: _Bound, digest: str) -> None:
    """Raise Refused unless `digest`, of what is found now, is that of the plan."""
    if plan.digest != digest:
        raise Refused(
            "what was planned is not what is there now; nothing was done",
            hint="run the same command again, for a new plan",
        )
