"""What a reply must be, member by member; `hostile` sends the wrong ones over the wire."""

import pytest
from botocore.session import Session

from glaciercli.clients._checks import require_whole
from glaciercli.errors import LostReply, StrangeReply

MODEL = Session().get_service_model("glacier")
ARN = "arn:aws:glacier:us-east-1:000000000000:vaults/photos"
PLACE = "/000000000000/vaults/photos"
VAULT = {"VaultName": "photos", "VaultARN": ARN, "CreationDate": "2026-01-31T12:30:15.678Z"}
JOB = {"JobId": "j" * 92, "Action": "ArchiveRetrieval", "StatusCode": "Succeeded"}
PARTS = {"MultipartUploadId": "u", "PartSizeInBytes": 1 << 20, "Parts": []}
ASKED = {"vaultName": "photos", "jobId": "j" * 92, "uploadId": "u"}


def check(operation, reply):
    require_whole(MODEL.operation_model(operation), reply, ASKED)


@pytest.mark.parametrize(
    ("operation", "reply", "member"),
    [
        ("InitiateMultipartUpload", {"location": "x"}, "uploadId"),
        ("InitiateMultipartUpload", {"uploadId": "../x", "location": "/1/x"}, "uploadId"),
        ("InitiateJob", {"jobId": 5}, "jobId"),
        ("InitiateJob", {"jobId": ""}, "jobId"),
        ("CompleteMultipartUpload", {"archiveId": "a" * 257, "location": "x"}, "archiveId"),
        ("UploadArchive", {"archiveId": "a", "location": "x", "checksum": "5"}, "checksum"),
        ("ListParts", {**PARTS, "PartSizeInBytes": -1}, "PartSizeInBytes"),
        ("ListParts", {**PARTS, "PartSizeInBytes": 3 << 20}, "PartSizeInBytes"),
        ("ListParts", {**PARTS, "Parts": [{"RangeInBytes": "0-1"}]}, "SHA256TreeHash"),
        ("ListJobs", {}, "JobList"),
        ("ListJobs", {"JobList": [{**JOB, "JobId": ""}]}, "JobId"),
        ("ListVaults", {"VaultList": "many"}, "VaultList"),
        ("ListVaults", {"VaultList": [None]}, "VaultList"),
        ("DescribeVault", {**VAULT, "VaultARN": "arn"}, "VaultARN"),
        ("DescribeVault", {**VAULT, "CreationDate": "yesterday"}, "CreationDate"),
        ("DescribeVault", {**VAULT, "CreationDate": "1970-01-01T00:00:00.000Z"}, "CreationDate"),
        ("DescribeVault", {**VAULT, "LastInventoryDate": "9999-12-31T0:0:0Z"}, "LastInventoryDate"),
        ("DescribeVault", {**VAULT, "NumberOfArchives": 2**62}, "NumberOfArchives"),
        ("DescribeVault", {**VAULT, "SizeInBytes": 2**63}, "SizeInBytes"),
        ("DescribeVault", {**VAULT, "SizeInBytes": True}, "SizeInBytes"),
        ("DescribeVault", {**VAULT, "VaultName": "docs"}, "VaultName"),
        ("DescribeJob", {**JOB, "JobId": "another"}, "JobId"),
        ("DescribeJob", {**JOB, "Completed": "no"}, "Completed"),
        ("DescribeJob", {**JOB, "RetrievalByteRange": "9-5"}, "RetrievalByteRange"),
        ("DescribeJob", {**JOB, "ArchiveSizeInBytes": 1 << 50}, "ArchiveSizeInBytes"),
        ("DescribeJob", {**JOB, "ArchiveSizeInBytes": (40_000 << 30) + 1}, "ArchiveSizeInBytes"),
        ("DescribeJob", {**JOB, "ArchiveSizeInBytes": -5}, "ArchiveSizeInBytes"),
        ("DescribeJob", {**JOB, "ArchiveSizeInBytes": 5.0}, "ArchiveSizeInBytes"),
        ("DescribeJob", {**JOB, "InventorySizeInBytes": 1 << 43}, "InventorySizeInBytes"),
        ("DescribeJob", {**JOB, "RetrievalByteRange": f"0-{40_000 << 30}"}, "RetrievalByteRange"),
        ("DescribeJob", {**JOB, "JobDescription": "x" * 70_000}, "JobDescription"),
        ("DescribeJob", {**JOB, "InventoryRetrievalParameters": {"Limit": 5}}, "Limit"),
        ("ListTagsForVault", {"Tags": {"a": None}}, "Tags"),
        ("GetVaultAccessPolicy", {"policy": {"Policy": "{"}}, "Policy"),
        ("GetVaultLock", {"Policy": '{"Statement": [1]}', "State": "Locked"}, "Policy"),
        ("GetVaultLock", {"Policy": "[" * 100_000, "State": "Locked"}, "Policy"),
        ("GetDataRetrievalPolicy", {"Policy": {"Rules": [{}]}}, "Strategy"),
        ("DescribeVault", {**VAULT, "VaultARN": ARN.replace("photos", "docs")}, "VaultARN"),
        ("DescribeJob", {**JOB, "VaultARN": f"{ARN}2"}, "VaultARN"),
        ("ListJobs", {"JobList": [JOB, {**JOB, "VaultARN": f"{ARN}2"}]}, "VaultARN"),
        ("UploadArchive", {"archiveId": "a", "location": "/1/vaults/docs/archives/a"}, "location"),
        ("UploadArchive", {"archiveId": "b", "location": f"{PLACE}/archives/a"}, "location"),
        ("CompleteMultipartUpload", {"archiveId": "b", "location": f"{PLACE}/a"}, "location"),
        ("InitiateJob", {"jobId": "b", "location": f"{PLACE}/jobs/j"}, "location"),
        ("InitiateMultipartUpload", {"uploadId": "u", "location": f"{PLACE}/x/v"}, "location"),
    ],
)
def test_a_reply_that_is_not_what_it_must_be_is_a_lost_one(operation, reply, member):
    with pytest.raises(LostReply, match=f"{operation}: the reply has no usable {member}"):
        check(operation, reply)


@pytest.mark.parametrize(
    ("operation", "reply"),
    [
        ("InitiateJob", {"jobId": "j" * 92}),
        ("DescribeVault", VAULT),
        ("DescribeJob", {**JOB, "JobDescription": "", "ArchiveSizeInBytes": 40_000 << 30}),
        ("ListJobs", {"JobList": []}),
        ("ListTagsForVault", {}),
        ("ListTagsForVault", {"Tags": {"a": ""}}),
        ("GetDataRetrievalPolicy", {}),
        ("UploadArchive", {"archiveId": "a", "location": f"{PLACE}/archives/a"}),
        ("UploadArchive", {"archiveId": "a", "location": f"http://[::1]:80{PLACE}/archives/a/"}),
        ("UploadArchive", {"archiveId": "a", "location": "as another server writes it"}),
        ("DescribeJob", {**JOB, "VaultARN": ARN}),
        ("GetVaultAccessPolicy", {"policy": {"Policy": '{"Statement": {"Effect": "Deny"}}'}}),
    ],
)
def test_a_whole_reply_passes(operation, reply):
    check(operation, reply)


def answered(status, length=None):
    headers = {} if length is None else {"content-length": length}
    return {"ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers}}


@pytest.mark.parametrize("length", [None, "1234"])
@pytest.mark.parametrize("operation", ["DeleteArchive", "CreateVault"])
def test_a_page_of_text_is_no_yes(operation, length):
    with pytest.raises(LostReply, match=operation):
        check(operation, answered(200, length))


@pytest.mark.parametrize("reply", [answered(204), answered(200, "0")])
def test_nothing_at_all_is_a_yes(reply):
    check("DeleteVault", reply)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ({}, LostReply),  # botocore makes this of a document that was cut
        ({**JOB, "StatusCode": None}, LostReply),
        ({**JOB, "ArchiveSizeInBytes": 1 << 55}, StrangeReply),
        ({**JOB, "JobId": "another"}, StrangeReply),
    ],
)
def test_what_is_absent_is_told_from_what_is_strange(reply, kind):
    with pytest.raises(LostReply) as caught:
        check("DescribeJob", reply)
    assert type(caught.value) is kind
