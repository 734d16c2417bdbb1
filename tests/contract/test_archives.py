import hashlib

import pytest
from helpers import payload

from glaciercli.treehash import tree_hash

MIB = 1 << 20
ARN = "arn:aws:glacier:eu-central-1:000000000000:vaults/"


def fetch(glacier, archive_id, **more):
    """Retrieve an archive and return GetJobOutput's reply."""
    given = {"Type": "archive-retrieval", "ArchiveId": archive_id}
    return glacier.get_job_output(jobId=glacier.initiate_job(jobParameters=given)["jobId"], **more)


@pytest.mark.parametrize("size", [1, MIB - 1, MIB, MIB + 1, 3 * MIB + 17])
def test_an_archive_comes_back_as_it_went(glacier, size):
    data = payload(size)

    got = glacier.upload_archive(archiveDescription="a file", body=data)

    assert got["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert got["checksum"] == tree_hash(data)
    assert got["location"] == f"/000000000000/vaults/photos/archives/{got['archiveId']}"
    assert len(got["archiveId"]) == 138
    output = fetch(glacier, got["archiveId"])
    assert output["body"].read() == data
    assert output["checksum"] == tree_hash(data)
    assert output["archiveDescription"] == "a file"


def test_equal_bytes_make_another_archive(glacier):
    ids = {glacier.upload_archive(body=b"x")["archiveId"] for _ in range(2)}

    assert len(ids) == 2
    assert glacier.describe_vault()["NumberOfArchives"] == 2


def test_a_body_may_be_a_file(glacier, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(payload(2 * MIB + 5))
    with path.open("rb") as file:
        archive = glacier.upload_archive(body=file)["archiveId"]

    assert fetch(glacier, archive)["body"].read() == path.read_bytes()


def test_each_archive_weighs_32_kib_more(glacier):
    glacier.upload_archive(body=b"12345")

    assert glacier.describe_vault()["SizeInBytes"] == 32_773


def test_an_empty_archive_is_refused(glacier, refused):
    got = refused(glacier.upload_archive, body=b"")

    assert got == (400, "InvalidParameterValueException", "Invalid Content-Length: 0")


def test_a_wrong_tree_hash_is_refused(glacier, refused, engine):
    wrong = tree_hash(b"other")

    got = refused(glacier.upload_archive, body=b"data", checksum=wrong)

    text = f"Checksum mismatch: expected {wrong}, computed {tree_hash(b'data')}"
    assert got == (400, "InvalidParameterValueException", text)
    assert glacier.describe_vault()["NumberOfArchives"] == 0
    with engine.store.read() as db:
        assert db.all("SELECT * FROM strays") == []


def test_a_wrong_payload_hash_is_a_wrong_signature(own_client, vault, refused):
    wrong = hashlib.sha256(b"other").hexdigest()

    def lie(params, **_):
        params["headers"]["x-amz-content-sha256"] = wrong

    own_client.meta.events.register_first("before-call.glacier.UploadArchive", lie)
    got = refused(own_client.upload_archive, vaultName=vault, body=b"data")

    text = "The value passed in as x-amz-content-sha256 does not match the computed payload hash."
    right = hashlib.sha256(b"data").hexdigest()
    assert got == (
        403,
        "InvalidSignatureException",
        f"{text} Computed digest: {right} expected hash: {wrong}",
    )


@pytest.mark.parametrize("header", ["x-amz-content-sha256", "x-amz-sha256-tree-hash"])
def test_an_upload_must_announce_its_hashes(own_client, vault, refused, header):
    def drop(params, **_):
        params["headers"].pop(header)

    own_client.meta.events.register_last("before-call.glacier.UploadArchive", drop)
    got = refused(own_client.upload_archive, vaultName=vault, body=b"data")

    assert got == (400, "MissingParameterValueException", f"Required parameter missing: {header}")


def test_a_description_is_printable_ascii_of_at_most_1024(glacier, refused):
    glacier.upload_archive(body=b"x", archiveDescription="d" * 1024)

    got = refused(glacier.upload_archive, body=b"x", archiveDescription="d" * 1025)

    assert got[:2] == (400, "InvalidParameterValueException")


def test_deleting_an_archive_can_be_repeated(glacier):
    archive = glacier.upload_archive(body=b"x")["archiveId"]

    for _ in range(2):
        got = glacier.delete_archive(archiveId=archive)
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert glacier.describe_vault()["NumberOfArchives"] == 0


def test_deleting_what_never_was_is_no_error(glacier):
    glacier.delete_archive(archiveId="A" * 138)


@pytest.mark.parametrize("archive", ["A" * 137, "A" * 139, "." * 138, "x"])
def test_a_malformed_archive_id_is_refused(glacier, refused, archive):
    got = refused(glacier.delete_archive, archiveId=archive)

    assert got == (400, "InvalidParameterValueException", f"Invalid archive ID: {archive}")


def test_an_archive_of_another_vault_is_not_touched(client, glacier, refused):
    archive = glacier.upload_archive(body=b"x")["archiveId"]
    client.create_vault(vaultName="other")

    deleted = refused(client.delete_archive, vaultName="other", archiveId=archive)
    retrieval = {"Type": "archive-retrieval", "ArchiveId": archive}
    started = refused(client.initiate_job, vaultName="other", jobParameters=retrieval)

    text = f"Invalid vault name: {ARN}other"
    assert deleted == started == (400, "InvalidParameterValueException", text)
    assert glacier.describe_vault()["NumberOfArchives"] == 1


def test_bytes_of_a_deleted_archive_leave_the_disk(glacier, engine):
    archive = glacier.upload_archive(body=b"x")["archiveId"]
    glacier.delete_archive(archiveId=archive)

    assert [path for path in engine.store.root.glob("blobs/*/*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("operation", "given"),
    [
        ("upload_archive", {"body": b"x"}),
        ("delete_archive", {"archiveId": "A" * 138}),
        ("initiate_multipart_upload", {"partSize": "1048576"}),
        ("upload_multipart_part", {"uploadId": "u", "range": "bytes 0-0/*", "body": b"x"}),
        ("complete_multipart_upload", {"uploadId": "u"}),
        ("abort_multipart_upload", {"uploadId": "u"}),
        ("list_parts", {"uploadId": "u"}),
        ("list_multipart_uploads", {}),
        ("initiate_job", {"jobParameters": {"Type": "inventory-retrieval"}}),
        ("describe_job", {"jobId": "j"}),
        ("list_jobs", {}),
        ("get_job_output", {"jobId": "j"}),
        ("set_vault_notifications", {}),
        ("get_vault_notifications", {}),
        ("delete_vault_notifications", {}),
        ("set_vault_access_policy", {}),
        ("get_vault_access_policy", {}),
        ("delete_vault_access_policy", {}),
        ("initiate_vault_lock", {}),
        ("get_vault_lock", {}),
        ("complete_vault_lock", {"lockId": "l"}),
        ("abort_vault_lock", {}),
        ("add_tags_to_vault", {}),
        ("remove_tags_from_vault", {}),
        ("list_tags_for_vault", {}),
        ("describe_vault", {}),
    ],
)
def test_no_operation_works_on_a_vault_that_is_not_there(client, refused, operation, given):
    got = refused(getattr(client, operation), vaultName="nope", **given)

    assert got == (404, "ResourceNotFoundException", f"Vault not found for ARN: {ARN}nope")
