"""What each member of a reply must be, before anybody relies on it.

The types are those of the service's own model. botocore checks types of what is sent, never of what
comes: it takes a cut document for an empty one, and text for a list of letters. What the model does
not say (ids, hashes, ranges, how large a size can be) is said here, by the member's name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from glaciercli import limits
from glaciercli.errors import LostReply, StrangeReply
from glaciercli.ranges import parse_range
from glaciercli.units import parse_time

if TYPE_CHECKING:
    from botocore.model import OperationModel, Shape

Check = Callable[[Any], bool]

_LONGEST = 64 * 1024  # characters of a text; a policy has 20 KB, a description 1,024
_LARGEST = 1 << 63  # what the catalog can hold; all the world's vaults hold less


def _matching(pattern: str) -> Check:
    return re.compile(pattern, re.ASCII).fullmatch  # type: ignore[return-value]


def _is_time(text: str) -> bool:
    try:
        return limits.is_time(parse_time(text))
    except ValueError:
        return False


def _is_range(text: str) -> bool:
    """Tell whether text is `first-last` within an archive, the last byte included."""
    try:
        return parse_range(text)[1] <= limits.MAX_ARCHIVE_SIZE
    except ValueError:
        return False


def _at_most(largest: int) -> Check:
    return lambda number: bool(number <= largest)


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


_FORMS: dict[str, Check] = {
    "ArchiveId": limits.is_id,
    "ArchiveSHA256TreeHash": limits.is_tree_hash,
    "ArchiveSizeInBytes": limits.is_archive_size,
    "CapacityId": limits.is_id,
    "CompletionDate": _is_time,
    "CreationDate": _is_time,
    "ExpirationDate": _is_time,
    "InventorySizeInBytes": _at_most(limits.MAX_INVENTORY_SIZE),
    "JobId": limits.is_id,
    "LastInventoryDate": _is_time,
    "MultipartUploadId": limits.is_id,
    "NumberOfArchives": _at_most(limits.MAX_ARCHIVES),
    "PartSizeInBytes": limits.is_part_size,
    "RangeInBytes": _is_range,
    "RetrievalByteRange": _is_range,
    "SHA256TreeHash": limits.is_tree_hash,
    "SizeInBytes": _at_most(limits.MAX_VAULT_SIZE),
    "VaultARN": _matching(r"arn:[\w-]+:glacier:[\w-]*:[\w-]*:vaults/[\w.-]{1,255}"),
    "VaultName": limits.is_vault_name,
    "archiveId": limits.is_id,
    "capacityId": limits.is_id,
    "checksum": limits.is_tree_hash,
    "jobId": limits.is_id,
    "lockId": limits.is_id,
    "uploadId": limits.is_id,
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


#: The ids that a reply tells twice, the second time in its Location.
_NAMED_IN_LOCATION = ("archiveId", "jobId", "uploadId")
# `/<account>/vaults/<vault>/archives/<id>`; servers of another make write a whole URL, or no id.
_LOCATION = re.compile(r"/vaults/([^/]+)/(?:[^/]+/)?([\w-]+)/?", re.ASCII)


class _Flaw(NamedTuple):
    """What is wrong with a reply: a member that is not there, or is what it cannot be."""

    member: str
    is_absent: bool = False


def require_whole(
    operation: OperationModel, reply: Mapping[str, Any], parameters: Mapping[str, Any]
) -> None:
    """Raise LostReply for a reply that is not what it must be: whatever was asked may be done.

    StrangeReply where a member is there, and says what cannot be.
    """
    shape = operation.output_shape
    flaw = None
    if shape is not None:
        # Of any other member nothing is read, whatever it is.
        told = {name: value for name, value in reply.items() if name in shape.members}
        flaw = _flaw(shape, told, operation.name)
        flaw = flaw or _disagreement(operation.name, told, parameters)
    if flaw is not None:
        kind = LostReply if flaw.is_absent else StrangeReply
        raise kind(f"{operation.name}: the reply has no usable {flaw.member}")
    code = operation.http.get("responseCode", 200)
    if code in {201, 204} and (shape is None or shape.name not in _REQUIRED):
        # All that such a reply says is its status; another one with a page of text is the answer
        # of some portal in between.
        meta = reply["ResponseMetadata"]
        is_empty = meta["HTTPHeaders"].get("content-length") == "0"
        if meta["HTTPStatusCode"] != code and not is_empty:
            raise LostReply(f"{operation.name}: the reply is none of Glacier's")


def _disagreement(
    name: str, reply: Mapping[str, Any], parameters: Mapping[str, Any]
) -> _Flaw | None:
    """Return the member by which a reply speaks of something else than it was asked for.

    A sound one names the vault that was asked for in each of its ARNs and in its Location, and
    there the very thing that it names beside it.
    """
    member, parameter = _REPEATED.get(name, ("", ""))
    if member and reply[member] != parameters[parameter]:
        return _Flaw(member)
    vault = parameters.get("vaultName")
    if vault is None:
        return None
    for each in (reply, *reply.get("JobList", ()), *reply.get("UploadsList", ())):
        if "VaultARN" in each and each["VaultARN"].rpartition("/")[2] != vault:
            return _Flaw("VaultARN")
    found = _LOCATION.search(reply.get("location", ""))
    ids = [reply[each] for each in _NAMED_IN_LOCATION if each in reply]
    if found is not None and ids and found.groups() != (vault, *ids):
        return _Flaw("location")
    return None


def _flaw(shape: Shape, value: Any, name: str) -> _Flaw | None:
    """Return the first member that cannot be what it says; None for a sound value."""
    kind = shape.type_name
    if kind == "structure":
        return _flaw_of_members(shape, value, name)
    if kind == "list":
        items = value if isinstance(value, list) else [None]
        return next(filter(None, (_flaw(shape.member, each, name) for each in items)), None)
    if kind == "map":
        texts = isinstance(value, dict) and all(map(_is_text, (*value, *value.values())))
        return None if texts else _Flaw(name)
    is_form = _FORMS.get(name)
    is_sound = _TYPES[kind](value) and (is_form is None or is_form(value))
    return None if is_sound else _Flaw(name)


def _flaw_of_members(shape: Shape, value: Any, name: str) -> _Flaw | None:
    if not isinstance(value, dict):
        return _Flaw(name)
    for member in _REQUIRED.get(shape.name, ()):
        if value.get(member) in (None, ""):
            return _Flaw(member, is_absent=True)
    if shape.name in _POLICIES and not _is_policy(value["Policy"]):
        return _Flaw("Policy")
    found = (
        _flaw(shape.members[member], each, member)
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
