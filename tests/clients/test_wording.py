"""Which thing is missing: by Amazon's words, and by a look at the vault where they are others'."""

import pytest
from helpers import payload

from glaciercli.clients import wording
from glaciercli.errors import NotFound
from glaciercli.units import MIB

IDS = {
    "DescribeJob": {"jobId": "x" * 92},
    "ListParts": {"uploadId": "x" * 92},
    "GetVaultAccessPolicy": {},
    "GetVaultLock": {},
    "GetVaultNotifications": {},
}
THINGS = ["job", "upload", "policy", "lock", "notifications"]


@pytest.mark.parametrize(("operation", "thing"), list(zip(IDS, THINGS, strict=True)))
def test_the_words_of_the_service_name_what_is_missing(client, engine, vault, operation, thing):
    with pytest.raises(NotFound) as caught:
        client.call(operation, vaultName=vault, **IDS[operation])

    assert wording.missing(caught.value) == thing
    assert not caught.value.is_vault
    assert engine.log.count("DescribeVault") == 0


@pytest.mark.parametrize("operation", IDS)
def test_a_vault_that_is_missing_is_told_as_such(client, engine, operation):
    with pytest.raises(NotFound, match="vault 'nope' does not exist") as caught:
        client.call(operation, vaultName="nope", **IDS[operation])

    assert caught.value.is_vault
    assert engine.log.count("DescribeVault") == 0


@pytest.mark.parametrize("there", [True, False])
def test_in_other_words_one_look_tells_whether_it_is_the_vault(client, engine, vault, there):
    other = {"code": "ResourceNotFoundException", "status": 404, "message": "no such thing"}
    fault = engine.faults.add("DescribeJob", kind="status", **other)
    name = vault if there else "nope"

    with pytest.raises(NotFound) as caught:
        client.call("DescribeJob", vaultName=name, jobId="x" * 92)

    assert engine.faults.delivered(fault) == 1
    assert caught.value.is_vault is not there
    assert ("no such thing" in caught.value.message) is there
    assert engine.log.count("DescribeVault") == 1


def test_an_archive_that_is_missing_is_told_as_such(client, vault):
    parameters = {"Type": "archive-retrieval", "ArchiveId": "x" * 138}

    with pytest.raises(NotFound) as caught:
        client.call("InitiateJob", vaultName=vault, jobParameters=parameters)

    assert wording.missing(caught.value) == "archive"


def test_an_upload_whose_parts_are_not_what_was_said_is_disputed(client, vault):
    begun = client.call("InitiateMultipartUpload", vaultName=vault, partSize=str(MIB))
    upload = {"vaultName": vault, "uploadId": begun["uploadId"]}
    client.call("UploadMultipartPart", **upload, range="bytes 0-8/*", body=payload(9))

    with pytest.raises(Exception) as caught:  # noqa: PT011 - any make of refusal
        client.call("CompleteMultipartUpload", **upload, archiveSize="9", checksum="0" * 64)

    assert wording.disputes_parts(caught.value)
    assert wording.disputes_content(caught.value)
