"""What a policy can speak of: Glacier's actions, and the condition keys of their requests.

Actions and Glacier's own keys are those of the developer guide's table of permissions
(glacier-api-permissions-ref), the others those of IAM's list of global condition keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_ACTIONS = """
    AbortMultipartUpload AbortVaultLock AddTagsToVault CompleteMultipartUpload CompleteVaultLock
    CreateVault DeleteArchive DeleteVault DeleteVaultAccessPolicy DeleteVaultNotifications
    DescribeJob DescribeVault GetDataRetrievalPolicy GetJobOutput GetVaultAccessPolicy GetVaultLock
    GetVaultNotifications InitiateJob InitiateMultipartUpload InitiateVaultLock ListJobs
    ListMultipartUploads ListParts ListProvisionedCapacity ListTagsForVault ListVaults
    PurchaseProvisionedCapacity RemoveTagsFromVault SetDataRetrievalPolicy SetVaultAccessPolicy
    SetVaultNotifications UploadArchive UploadMultipartPart
"""
ACTIONS = frozenset(_ACTIONS.split())

#: Actions on an account: a vault is not their resource, so no policy of a vault reaches them.
ON_ACCOUNT = frozenset(
    {
        *("CreateVault", "ListVaults", "GetDataRetrievalPolicy", "SetDataRetrievalPolicy"),
        *("ListProvisionedCapacity", "PurchaseProvisionedCapacity"),
    }
)
ON_VAULT = ACTIONS - ON_ACCOUNT

#: Actions whose requests bear the age of an archive, and those that bear the tags of the vault.
WITH_AGE = frozenset({"DeleteArchive", "InitiateJob"})
WITH_TAGS = frozenset(
    each for each in ON_VAULT if not each.startswith(("Abort", "Describe", "Get", "List"))
)

Kind = Literal["text", "number", "date", "time", "boolean", "address", "ARN"]


@dataclass(frozen=True)
class Key:
    """A condition key: its name as the guides write it, what it holds, who bears it."""

    name: str
    kind: Kind
    actions: frozenset[str] = ON_VAULT


_GLACIER = [
    Key("glacier:ArchiveAgeInDays", "number", WITH_AGE),
    Key("glacier:ResourceTag/", "text", WITH_TAGS),
]

# A key that ends in a slash has the name of a tag behind it. Of other services' keys, those that
# come with the credentials of a role go along with requests to every service.
_EVERYWHERE: dict[Kind, str] = {
    "text": """
        aws:CalledVia aws:CalledViaFirst aws:CalledViaLast aws:Ec2InstanceSourceVpc
        aws:FederatedProvider aws:PrincipalAccount aws:PrincipalOrgID aws:PrincipalOrgPaths
        aws:PrincipalServiceName aws:PrincipalServiceNamesList aws:PrincipalTag/ aws:PrincipalType
        aws:referer aws:RequestedRegion aws:ResourceAccount aws:ResourceOrgID aws:ResourceOrgPaths
        aws:SourceAccount aws:SourceIdentity aws:SourceOrgID aws:SourceOrgPaths aws:SourceVpc
        aws:SourceVpce aws:UserAgent aws:userid aws:username aws:VpceAccount aws:VpceOrgID
        aws:VpceOrgPaths glue:CredentialIssuingService glue:RoleAssumedBy identitystore:UserId
    """,
    "number": "aws:MultiFactorAuthAge ec2:RoleDelivery",
    "date": "aws:CurrentTime aws:TokenIssueTime",
    "time": "aws:EpochTime",  # seconds since 1970: compared as a date or as a number
    "boolean": """
        aws:AssumedRoot aws:MultiFactorAuthPresent aws:PrincipalIsAWSService aws:SecureTransport
        aws:ViaAWSService
    """,
    "address": "aws:Ec2InstanceSourcePrivateIPv4 aws:SourceIp aws:VpcSourceIp",
    "ARN": """
        aws:ChatbotSourceArn aws:PrincipalArn aws:SignInSessionArn aws:SourceArn aws:SourceVpcArn
        ec2:SourceInstanceArn lambda:SourceFunctionArn ssm:SourceInstanceArn
    """,
}
_KEYS = {
    each.name.casefold(): each
    for each in [
        *_GLACIER,
        *(Key(name, kind) for kind, names in _EVERYWHERE.items() for name in names.split()),
    ]
}
KEY_NAMES = tuple(each.name for each in _KEYS.values())  # Glacier's own first


def key(name: str) -> Key | None:
    """Return the condition key of a name, compared without case; None where Glacier has none."""
    head, slash, tag = name.casefold().partition("/")
    if slash and not tag:
        return None
    return _KEYS.get(head + slash)
