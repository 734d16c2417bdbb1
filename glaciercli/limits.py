"""What the service allows, and the form of what it tells: beyond it nothing is believed.

Numbers are those of Amazon's developer guide ("Quotas for Amazon Glacier", "Uploading large
archives in parts", "Create vault"); where it sets no bound, the sentence says that it is ours.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from glaciercli.units import GIB, MIB

MIN_PART_SIZE = MIB  # Glacier's smallest part, and the step of its tree hash
MAX_PART_SIZE = 4 * GIB  # Glacier's largest part
MAX_PARTS = 10_000  # per multipart upload, Glacier's limit
MAX_ARCHIVE_SIZE = MAX_PARTS * MAX_PART_SIZE

# Ours: a vault has no limit, but a trillion archives would be billed as 32 PiB of overhead alone.
MAX_ARCHIVES = 10**12  # in a vault
MAX_VAULT_SIZE = 1 << 62  # bytes; ours, what the catalog can hold and add up
MAX_INVENTORY_SIZE = 1 << 42  # bytes of a document; ours, more than five billion archives fill

#: An archive that is deleted younger is charged the rest of it ("Amazon Glacier pricing").
EARLY_DELETION = timedelta(days=90)

EARLIEST = datetime(2012, 8, 1, tzinfo=UTC)  # Glacier was opened on 2012-08-21
LATEST = datetime(3000, 1, 1, tzinfo=UTC)  # ours; further no rehearsal's clock is put

_ID = re.compile(r"[A-Za-z0-9_-]{1,256}")  # opaque; an archive's has 138, others 24 to 92
_VAULT_NAME = re.compile(r"[A-Za-z0-9_.-]{1,255}")
_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[A-Za-z0-9-]{1,63}")  # as botocore wants it; other makes have `local`
_TREE_HASH = re.compile(r"[0-9a-f]{64}")


def is_id(text: str) -> bool:
    """Tell whether the service may have given this id, to an archive, a job or an upload."""
    return _ID.fullmatch(text) is not None


def is_vault_name(text: str) -> bool:
    """Tell whether a vault may have this name; `.` and `..` do not survive in a URL."""
    return _VAULT_NAME.fullmatch(text) is not None and text not in {".", ".."}


def is_account(text: str) -> bool:
    """Tell whether text is the number of an AWS account."""
    return _ACCOUNT.fullmatch(text) is not None


def is_region(text: str) -> bool:
    """Tell whether text has the form of a region's name, such as `eu-west-1`."""
    return _REGION.fullmatch(text) is not None


def is_tree_hash(text: str) -> bool:
    """Tell whether text is a SHA-256 tree hash as the service writes it: 64 digits, lower case."""
    return _TREE_HASH.fullmatch(text) is not None


def is_archive_size(size: int) -> bool:
    """Tell whether an archive may have so many bytes; 0 is what other tools write for unknown."""
    return 0 <= size <= MAX_ARCHIVE_SIZE


def is_part_size(size: int) -> bool:
    """Tell whether parts may have so many bytes: a power of two from 1 MiB to 4 GiB."""
    return MIN_PART_SIZE <= size <= MAX_PART_SIZE and size & (size - 1) == 0


def is_time(moment: datetime) -> bool:
    """Tell whether the service can have dated anything so."""
    return EARLIEST <= moment < LATEST
