"""Whose word a tree hash is: the better the witness, the more a proof against it is worth.

    upload      this machine hashed the file when it was uploaded
    inventory   the service listed the archive, some time before it was asked for its bytes
    import      a file of another tool, or of another machine, told it
    job         the retrieval says so (`ArchiveSHA256TreeHash`), together with the bytes
    checksum    only the hash of what was retrieved (`SHA256TreeHash`), together with the bytes

The last two come from the same service at the same time as the bytes: they find damage on the way,
and cannot find that the service holds something else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from glaciercli.models import Archive


class Kind(Enum):
    """The kinds of witnesses, the best first."""

    UPLOAD = "upload"
    INVENTORY = "inventory"
    IMPORT = "import"
    JOB = "job"
    CHECKSUM = "checksum"


@dataclass(frozen=True)
class Witness:
    """Whose word a hash is, and of which date where the catalog knows one."""

    kind: Kind
    date: datetime | None = None


class Claim(NamedTuple):
    """A tree hash, and whose word it is."""

    by: Witness
    tree_hash: str

    @classmethod
    def of_catalog(cls, archive: Archive) -> Claim | None:
        """Return what the catalog claims of an archive; None where it knows no hash."""
        if archive.tree_hash is None:
            return None
        return cls(_witness(archive), archive.tree_hash)


def _witness(archive: Archive) -> Witness:
    if archive.hash_from == Kind.UPLOAD.value:
        return Witness(Kind.UPLOAD, archive.created)
    if archive.seen is not None and archive.differs is None:
        # It tells the same hash, whoever told that first.
        return Witness(Kind.INVENTORY, archive.seen)
    match archive.hash_from:
        case Kind.IMPORT.value:
            return Witness(Kind.IMPORT, archive.recorded)
        case Kind.JOB.value:
            return Witness(Kind.JOB)
        case _:  # an inventory's, of which a later one tells another hash
            return Witness(Kind.INVENTORY)
