import itertools

import pytest
from helpers import payload

from glaciercli.treehash import tree_hash

MIB = 1 << 20
TOO_MANY = "This is part number 10001 for the current multipart upload."
ARN = "arn:aws:glacier:eu-central-1:000000000000:vaults/photos"


def fetch(glacier, archive_id):
    given = {"Type": "archive-retrieval", "ArchiveId": archive_id}
    job = glacier.initiate_job(jobParameters=given)["jobId"]
    return glacier.get_job_output(jobId=job)["body"].read()


def complete(glacier, upload_id, data, **more):
    given = {"archiveSize": str(len(data)), "checksum": tree_hash(data)} | more
    return glacier.complete_multipart_upload(uploadId=upload_id, **given)


def put(glacier, upload_id, start, data, **more):
    return glacier.upload_multipart_part(
        uploadId=upload_id, range=f"bytes {start}-{start + len(data) - 1}/*", body=data, **more
    )


@pytest.mark.parametrize("size", [1, MIB, MIB + 1, 5 * MIB + 3])
def test_parts_become_an_archive(glacier, upload, size):
    data = payload(size)

    got = upload(data)

    assert got["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert got["checksum"] == tree_hash(data)
    assert got["location"].endswith(f"/vaults/photos/archives/{got['archiveId']}")
    assert fetch(glacier, got["archiveId"]) == data


@pytest.mark.parametrize("order", list(itertools.permutations([0, 2 * MIB, 4 * MIB])))
def test_parts_come_in_any_order(glacier, upload, order):
    data = payload(5 * MIB + 1)

    archive = upload(data, part_size=2 * MIB, order=order)["archiveId"]

    assert fetch(glacier, archive) == data


def test_the_last_writer_of_a_part_wins(glacier, upload):
    data, other = payload(3 * MIB), payload(MIB, seed=1)
    upload_id = upload(data, complete=False)

    put(glacier, upload_id, MIB, other)
    changed = data[:MIB] + other + data[2 * MIB :]

    assert glacier.list_parts(uploadId=upload_id)["Parts"][1]["SHA256TreeHash"] == tree_hash(other)
    assert fetch(glacier, complete(glacier, upload_id, changed)["archiveId"]) == changed


def test_a_part_may_be_replaced_many_times(glacier, upload, engine):
    data = payload(2 * MIB)
    upload_id = upload(payload(2 * MIB, seed=9), complete=False)
    for seed in range(3):
        put(glacier, upload_id, MIB, payload(MIB, seed))
    put(glacier, upload_id, 0, data[:MIB])
    put(glacier, upload_id, MIB, data[MIB:])

    archive = complete(glacier, upload_id, data)["archiveId"]

    assert fetch(glacier, archive) == data
    files = [path for path in engine.store.root.glob("blobs/*/*") if path.suffix != ".leaves"]
    assert len(files) == 1


def test_a_refused_rewrite_spoils_nothing(glacier, upload, refused):
    data = payload(2 * MIB)
    upload_id = upload(data, complete=False)

    got = refused(
        put, glacier=glacier, upload_id=upload_id, start=0, data=b"y" * MIB, checksum="0" * 64
    )

    assert got[1] == "InvalidParameterValueException"
    assert fetch(glacier, complete(glacier, upload_id, data)["archiveId"]) == data


def test_a_refused_first_write_can_be_repeated(glacier, refused, engine):
    upload_id = glacier.initiate_multipart_upload(partSize=str(MIB))["uploadId"]
    refused(put, glacier=glacier, upload_id=upload_id, start=0, data=b"y" * MIB, checksum="0" * 64)
    put(glacier, upload_id, 0, b"x" * MIB)

    with engine.store.read() as db:
        assert db.get("SELECT aside FROM parts")["aside"] is None
    assert complete(glacier, upload_id, b"x" * MIB)["archiveId"]


@pytest.mark.parametrize("size", ["0", "1", "1048575", "3145728", "8589934592", "x", "1e6", ""])
def test_a_bad_part_size_is_refused(glacier, refused, size):
    got = refused(glacier.initiate_multipart_upload, partSize=size)

    assert got[:2] == (400, "InvalidParameterValueException")
    assert got[2] == (
        f"Invalid part size: {size or 'null'}. Part size must not be null, must be a power of two"
        " and be between 1048576 and 4294967296 bytes."
    )


def test_a_part_size_is_needed(glacier, refused):
    assert "must not be null" in refused(glacier.initiate_multipart_upload)[2]


def test_blanks_around_a_description_go(glacier):
    glacier.initiate_multipart_upload(partSize=str(MIB), archiveDescription="  two words ")

    assert glacier.list_multipart_uploads()["UploadsList"][0]["ArchiveDescription"] == "two words"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("bytes 0-9/*", "Content-Range: bytes 0-9/* is incompatible with Content-Length: 4"),
        ("bytes 1-4/*", "Invalid Content-Range: bytes 1-4/*"),
        ("0-3", "Invalid Content-Range: 0-3"),
        ("bytes 3-0/*", "Invalid Content-Range: bytes 3-0/*"),
        ("bytes 0-3/3", "Invalid Content-Range: bytes 0-3/3"),
        ("bytes 0-3/", "Invalid Content-Range: bytes 0-3/"),
        (
            f"bytes {10_000 * MIB}-{10_000 * MIB + 3}/*",
            f"{TOO_MANY} It exceeds the limit of 10000 parts.",
        ),
    ],
)
def test_a_bad_range_is_refused(glacier, refused, given, text):
    upload_id = glacier.initiate_multipart_upload(partSize=str(MIB))["uploadId"]

    got = refused(glacier.upload_multipart_part, uploadId=upload_id, range=given, body=b"data")

    assert got == (400, "InvalidParameterValueException", text)


@pytest.mark.parametrize("total", ["*", "4", "104861921"])
def test_a_part_may_come_with_the_size_of_the_whole(glacier, total):
    """As glacier-upload sends it; what the whole is tells the end of the upload alone."""
    upload_id = glacier.initiate_multipart_upload(partSize=str(MIB))["uploadId"]

    glacier.upload_multipart_part(uploadId=upload_id, range=f"bytes 0-3/{total}", body=b"data")

    assert glacier.list_parts(uploadId=upload_id)["Parts"][0]["RangeInBytes"] == "0-3"


def test_an_upload_that_ran_out_is_gone_for_every_operation_at_once(
    client, glacier, refused, advance
):
    upload_id = glacier.initiate_multipart_upload(partSize=str(MIB))["uploadId"]
    put(glacier, upload_id, 0, b"data")
    assert refused(glacier.delete_vault)[0] == 400
    advance(days=1)

    gone = (404, "ResourceNotFoundException", f"The upload ID was not found: {upload_id}")
    assert refused(glacier.list_parts, uploadId=upload_id) == gone
    assert refused(glacier.abort_multipart_upload, uploadId=upload_id) == gone
    glacier.delete_vault()
    assert client.list_vaults()["VaultList"] == []


def test_a_part_is_at_most_a_part_long(glacier, refused):
    upload_id = glacier.initiate_multipart_upload(partSize=str(MIB))["uploadId"]

    got = refused(put, glacier=glacier, upload_id=upload_id, start=0, data=b"x" * (MIB + 1))

    assert got[2] == f"Invalid Content-Range: bytes 0-{MIB}/*"


def test_a_range_is_needed(glacier, refused):
    upload_id = glacier.initiate_multipart_upload(partSize=str(MIB))["uploadId"]

    got = refused(glacier.upload_multipart_part, uploadId=upload_id, body=b"data")

    assert got[:2] == (400, "MissingParameterValueException")


def test_complete_refuses_and_leaves_the_upload_open(glacier, upload, refused):
    data = payload(3 * MIB)
    upload_id = upload(data, order=[0, 2 * MIB], complete=False)

    def attempt(**more):
        return refused(complete, glacier=glacier, upload_id=upload_id, data=data, **more)

    assert attempt()[2] == f"Missing range: bytes {MIB}-{2 * MIB - 1}"
    put(glacier, upload_id, MIB, data[MIB : 2 * MIB])
    assert attempt(archiveSize="5")[2] == "Invalid x-amz-archive-size: 5"
    assert attempt(archiveSize="x")[2] == "Invalid x-amz-archive-size: x"
    wrong = tree_hash(b"other")
    assert attempt(checksum=wrong)[2] == f"Invalid x-amz-sha256-tree-hash: {wrong}"
    assert attempt(checksum="zz")[2] == "Invalid x-amz-sha256-tree-hash: zz"
    assert glacier.list_multipart_uploads()["UploadsList"] != []
    assert fetch(glacier, complete(glacier, upload_id, data)["archiveId"]) == data


def test_a_short_part_in_the_middle_fails_at_the_end(glacier, refused):
    upload_id = glacier.initiate_multipart_upload(partSize=str(MIB))["uploadId"]
    put(glacier, upload_id, 0, b"short")
    put(glacier, upload_id, MIB, b"last")

    got = refused(complete, glacier=glacier, upload_id=upload_id, data=b"shortlast")

    assert got[2] == f"Missing range: bytes 5-{MIB - 1}"


def test_no_parts_make_no_archive(glacier, refused):
    upload_id = glacier.initiate_multipart_upload(partSize=str(MIB))["uploadId"]

    got = refused(complete, glacier=glacier, upload_id=upload_id, data=b"")

    assert got[:2] == (400, "InvalidParameterValueException")


@pytest.mark.parametrize("missing", ["archiveSize", "checksum"])
def test_complete_needs_size_and_hash(glacier, upload, refused, missing):
    upload_id = upload(b"x", complete=False)
    given = {"archiveSize": "1", "checksum": tree_hash(b"x")}
    del given[missing]

    got = refused(glacier.complete_multipart_upload, uploadId=upload_id, **given)

    assert got[:2] == (400, "MissingParameterValueException")


def test_complete_can_be_repeated_for_a_day(glacier, upload, refused, advance):
    data = payload(MIB)
    upload_id = upload(data, complete=False)

    first = complete(glacier, upload_id, data)["archiveId"]
    second = complete(glacier, upload_id, data)["archiveId"]
    other = refused(complete, glacier=glacier, upload_id=upload_id, data=data, archiveSize="1")
    advance(hours=25)

    assert first == second
    assert other == (400, "InvalidParameterValueException", "Invalid x-amz-archive-size: 1")
    late = refused(complete, glacier=glacier, upload_id=upload_id, data=data)
    assert late[:2] == (404, "ResourceNotFoundException")
    assert glacier.describe_vault()["NumberOfArchives"] == 1


def test_an_upload_that_became_an_archive_is_gone(glacier, upload, refused):
    data = payload(10)
    upload_id = upload(data, complete=False)
    complete(glacier, upload_id, data)

    expected = (404, "ResourceNotFoundException", f"The upload ID was not found: {upload_id}")
    assert refused(glacier.list_parts, uploadId=upload_id) == expected
    assert refused(glacier.abort_multipart_upload, uploadId=upload_id) == expected
    assert refused(put, glacier=glacier, upload_id=upload_id, start=0, data=data) == expected
    assert glacier.list_multipart_uploads()["UploadsList"] == []


def test_abort_can_be_repeated_and_takes_the_bytes_away(glacier, upload, refused, engine):
    upload_id = upload(payload(2 * MIB), complete=False)
    for _ in range(2):
        got = glacier.abort_multipart_upload(uploadId=upload_id)
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 204

    assert refused(glacier.list_parts, uploadId=upload_id)[0] == 404
    assert refused(put, glacier=glacier, upload_id=upload_id, start=0, data=b"x")[0] == 404
    assert [path for path in engine.store.root.glob("blobs/*/*") if path.is_file()] == []


def test_an_unknown_upload_is_named(glacier, refused):
    got = refused(glacier.list_parts, uploadId="x")

    assert got == (404, "ResourceNotFoundException", "The upload ID was not found: x")


def test_an_upload_of_another_vault_is_unknown(client, upload, refused):
    upload_id = upload(b"x", complete=False)
    client.create_vault(vaultName="other")

    assert refused(client.list_parts, vaultName="other", uploadId=upload_id)[0] == 404


def test_an_idle_upload_expires_after_a_day(glacier, upload, refused, advance, engine):
    upload_id = upload(payload(MIB), complete=False)
    advance(hours=23)
    put(glacier, upload_id, MIB, b"more")
    advance(hours=23, minutes=59)
    assert len(glacier.list_parts(uploadId=upload_id)["Parts"]) == 2
    advance(minutes=1)

    assert refused(glacier.list_parts, uploadId=upload_id)[0] == 404
    assert glacier.list_multipart_uploads()["UploadsList"] == []
    assert [path for path in engine.store.root.glob("blobs/*/*") if path.is_file()] == []


def test_parts_are_listed_in_their_order(glacier, upload, client):
    data = payload(3 * MIB + 5)
    upload_id = upload(data, order=[2 * MIB, 0, 3 * MIB, MIB], complete=False, description="d")

    got = glacier.list_parts(uploadId=upload_id)
    paged = client.get_paginator("list_parts").paginate(
        vaultName="photos", uploadId=upload_id, PaginationConfig={"PageSize": 3}
    )

    del got["ResponseMetadata"]
    starts = range(0, len(data), MIB)
    assert got == {
        "ArchiveDescription": "d",
        "CreationDate": "2026-01-31T12:30:15.678Z",
        "MultipartUploadId": upload_id,
        "PartSizeInBytes": MIB,
        "VaultARN": ARN,
        "Parts": [
            {
                "RangeInBytes": f"{start}-{min(start + MIB, len(data)) - 1}",
                "SHA256TreeHash": tree_hash(data[start : start + MIB]),
            }
            for start in starts
        ],
    }
    assert [part for page in paged for part in page["Parts"]] == got["Parts"]
    assert len(upload_id) == 92


def test_uploads_are_listed_page_by_page(client, glacier, refused):
    made = [glacier.initiate_multipart_upload(partSize=str(MIB))["uploadId"] for _ in range(5)]

    pages = list(
        client.get_paginator("list_multipart_uploads").paginate(
            vaultName="photos", PaginationConfig={"PageSize": 2}
        )
    )

    listed = [each["MultipartUploadId"] for page in pages for each in page["UploadsList"]]
    assert listed == made
    assert [len(page["UploadsList"]) for page in pages] == [2, 2, 1]
    assert (
        refused(glacier.list_multipart_uploads, marker="nonsense")[2] == "Invalid marker: nonsense"
    )
    parts_marker = refused(glacier.list_parts, uploadId=made[0], marker=pages[0]["Marker"])
    assert parts_marker[:2] == (400, "InvalidParameterValueException")
