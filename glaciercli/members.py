"""What each member of a reply must be, before anybody relies on it.

The types are those of the service's own model. botocore checks types of what is sent, never of what
comes: it takes a cut document for an empty one, and text for a list of letters. What the model does
not say (ids, hashes, ranges, how large a size can be) is said here, by the member's name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from glaciercli.errors import LostReply
from glaciercli.units import GIB, MIB, parse_time

if TYPE_CHECKING:
    from botocore.model import OperationModel, Shape

Check = Callable[[Any], bool]

_LONGEST = 64 * 1024  # characters of a text; a policy has 20 KB, a description 1,024
_LARGEST = 1 << 63  # what the catalog can hold; all the world's vaults hold less
_LARGEST_ARCHIVE = 10_000 * 4 * GIB


def _matching(pattern: str) -> Check:
    return re.compile(pattern, re.ASCII).fullmatch  # type: ignore[return-value]


def _is_time(text: str) -> bool:
    try:
        parse_time(text)
    except ValueError:
        return False
    return True


def _is_range(text: str) -> bool:
    """Tell whether text is `first-last` within an archive, the last byte included."""
    match = re.fullmatch(r"(\d{1,15})-(\d{1,15})", text, re.ASCII)
    return match is not None and int(match[1]) <= int(match[2]) < _LARGEST_ARCHIVE


def _is_archive_size(size: int) -> bool:
    return size <= _LARGEST_ARCHIVE


def _is_part_size(size: int) -> bool:
    return MIB <= size <= 4 * GIB and size & (size - 1) == 0


def _is_policy(text: str) -> bool:
    """Tell whether text is a JSON object whose statements are objects."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return False
    if not isinstance(document, dict):
        return False
    statements = document.get("Statement", [])
    return all(
        isinstance(each, dict)
        for each in (statements if isinstance(statements, list) else [statements])
    )


_is_id = _matching(r"[\w-]{1,256}")  # opaque, never longer
_is_hash = _matching(r"[0-9a-f]{64}")

_FORMS: dict[str, Check] = {
    "ArchiveId": _is_id,
    "ArchiveSHA256TreeHash": _is_hash,
    "ArchiveSizeInBytes": _is_archive_size,
    "CapacityId": _is_id,
    "CompletionDate": _is_time,
    "CreationDate": _is_time,
    "ExpirationDate": _is_time,
    "InventorySizeInBytes": _is_archive_size,
    "JobId": _is_id,
    "LastInventoryDate": _is_time,
    "MultipartUploadId": _is_id,
    "PartSizeInBytes": _is_part_size,
    "RangeInBytes": _is_range,
    "RetrievalByteRange": _is_range,
    "SHA256TreeHash": _is_hash,
    "VaultARN": _matching(r"arn:[\w-]+:glacier:[\w-]*:[\w-]*:vaults/[\w.-]{1,255}"),
    "VaultName": _matching(r"[\w.-]{1,255}"),
    "archiveId": _is_id,
    "capacityId": _is_id,
    "checksum": _is_hash,
    "jobId": _is_id,
    "lockId": _is_id,
    "uploadId": _is_id,
}
_POLICIES = {"VaultAccessPolicy", "GetVaultLockOutput"}  # whose member Policy is JSON in text

#: The members that we cannot do without, by the name of their structure in the model.
_REQUIRED: dict[str, tuple[str, ...]] = {
    "ArchiveCreationOutput": ("archiveId",),
    "DataRetrievalRule": ("Strategy",),
    "DescribeVaultOutput": ("VaultName", "VaultARN", "CreationDate"),
    "GetVaultAccessPolicyOutput": ("policy",),
    "GetVaultLockOutput": ("Policy", "State"),
    "GetVaultNotificationsOutput": ("vaultNotificationConfig",),
    "GlacierJobDescription": ("JobId", "Action", "StatusCode"),
    "InitiateJobOutput": ("jobId",),
    "InitiateMultipartUploadOutput": ("uploadId",),
    "InitiateVaultLockOutput": ("lockId",),
    "ListJobsOutput": ("JobList",),
    "ListMultipartUploadsOutput": ("UploadsList",),
    "ListPartsOutput": ("MultipartUploadId", "PartSizeInBytes", "Parts"),
    "ListProvisionedCapacityOutput": ("ProvisionedCapacityList",),
    "ListVaultsOutput": ("VaultList",),
    "PartListElement": ("RangeInBytes", "SHA256TreeHash"),
    "ProvisionedCapacityDescription": ("CapacityId",),
    "PurchaseProvisionedCapacityOutput": ("capacityId",),
    "UploadListElement": ("MultipartUploadId", "VaultARN", "CreationDate", "PartSizeInBytes"),
    "VaultAccessPolicy": ("Policy",),
    "VaultNotificationConfig": ("SNSTopic", "Events"),
}
#: What a reply must repeat of what was asked, so that it is not an answer to another question.
_REPEATED = {
    "DescribeJob": ("JobId", "jobId"),
    "DescribeVault": ("VaultName", "vaultName"),
    "ListParts": ("MultipartUploadId", "uploadId"),
}


def require_whole(
    operation: OperationModel, reply: Mapping[str, Any], parameters: Mapping[str, Any]
) -> None:
    """Raise LostReply for a reply that is not what it must be: whatever was asked may be done."""
    shape = operation.output_shape
    strange = None if shape is None else _strange(shape, reply, operation.name)
    member, parameter = _REPEATED.get(operation.name, ("", ""))
    if strange is None and member and reply[member] != parameters[parameter]:
        strange = member
    if strange is not None:
        raise LostReply(f"{operation.name}: the reply has no usable {strange}")
    code = operation.http.get("responseCode", 200)
    if code in {201, 204} and (shape is None or shape.name not in _REQUIRED):
        # All that such a reply says is its status; another one with a page of text is the answer
        # of some portal in between.
        meta = reply["ResponseMetadata"]
        is_empty = meta["HTTPHeaders"].get("content-length") == "0"
        if meta["HTTPStatusCode"] != code and not is_empty:
            raise LostReply(f"{operation.name}: the reply is none of Glacier's")


def _strange(shape: Shape, value: Any, name: str) -> str | None:
    """Return the name of the first member that cannot be what it says; None for a sound value."""
    kind = shape.type_name
    if kind == "structure":
        return _strange_member(shape, value, name)
    if kind == "list":
        items = value if isinstance(value, list) else [None]
        return next(filter(None, (_strange(shape.member, each, name) for each in items)), None)
    if kind == "map":
        texts = isinstance(value, dict) and all(map(_is_text, (*value, *value.values())))
        return None if texts else name
    is_form = _FORMS.get(name)
    is_sound = _TYPES[kind](value) and (is_form is None or is_form(value))
    return None if is_sound else name


def _strange_member(shape: Shape, value: Any, name: str) -> str | None:
    if not isinstance(value, dict):
        return name
    for member in _REQUIRED.get(shape.name, ()):
        if value.get(member) in (None, ""):
            return member
    if shape.name in _POLICIES and not _is_policy(value["Policy"]):
        return "Policy"
    found = (
        _strange(shape.members[member], each, member)
        for member, each in value.items()
        if member in shape.members
    )
    return next(filter(None, found), None)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LARGEST


_TYPES: dict[str, Check] = {
    "blob": lambda _: True,  # a job's output, which is proven as it comes
    "boolean": lambda value: isinstance(value, bool),
    "integer": _is_number,
    "long": _is_number,
    "string": _is_text,
}
