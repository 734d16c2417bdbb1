"""Faults that a client sees, the same on every transport."""

import pytest
from botocore.exceptions import ConnectionClosedError, IncompleteReadError, ResponseStreamingError
from helpers import payload

MIB = 1 << 20


@pytest.fixture
def output(glacier):
    """Read the output of a finished job."""
    archive = glacier.upload_archive(body=payload(2 * MIB))["archiveId"]
    given = {"Type": "archive-retrieval", "ArchiveId": archive}
    job = glacier.initiate_job(jobParameters=given)["jobId"]
    return lambda **more: glacier.get_job_output(jobId=job, **more)


def test_a_request_dropped_before_is_not_applied(client, glacier, engine):
    fault = engine.faults.drop("UploadArchive")

    with pytest.raises(ConnectionClosedError):
        glacier.upload_archive(body=b"x")

    assert engine.faults.delivered(fault) == 1
    assert glacier.describe_vault()["NumberOfArchives"] == 0


def test_a_reply_dropped_after_was_applied(glacier, engine):
    fault = engine.faults.drop("UploadArchive", applied=True)

    with pytest.raises(ConnectionClosedError):
        glacier.upload_archive(body=b"x")

    assert engine.faults.delivered(fault) == 1
    assert glacier.describe_vault()["NumberOfArchives"] == 1


def test_botocore_retries_make_a_second_archive(connect, vault, engine):
    """Why the program never lets botocore retry an upload."""
    fault = engine.faults.drop("UploadArchive", applied=True)
    retrying = connect(attempts=3)

    retrying.upload_archive(vaultName=vault, body=b"x")

    assert engine.faults.delivered(fault) == 1
    assert retrying.describe_vault(vaultName=vault)["NumberOfArchives"] == 2
    assert engine.log.count("UploadArchive") == 2


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"code": "ServiceUnavailableException"}, (500, "ServiceUnavailableException")),
        ({"code": "RequestTimeoutException"}, (408, "RequestTimeoutException")),
        ({"code": "ExpiredTokenException"}, (403, "ExpiredTokenException")),
        ({"code": "NoLongerSupportedException"}, (400, "NoLongerSupportedException")),
        ({"code": "InsufficientCapacityException"}, (503, "InsufficientCapacityException")),
        ({"code": "SlowDown", "status": 503}, (503, "SlowDown")),
        ({"status": 429, "code": "TooManyRequestsException"}, (429, "TooManyRequestsException")),
    ],
)
def test_any_refusal_can_be_asked_for(glacier, engine, refused, arguments, expected):
    fault = engine.faults.add("DescribeVault", kind="status", skip=1, **arguments)

    glacier.describe_vault()
    got = refused(glacier.describe_vault)
    glacier.describe_vault()

    assert got[:2] == expected
    assert engine.faults.delivered(fault) == 1


def test_a_throttled_request_is_http_400(glacier, engine, refused):
    fault = engine.faults.add("*", kind="throttle", times=2)

    got = [refused(glacier.describe_vault), refused(glacier.list_jobs)]

    assert got == [(400, "ThrottlingException", "Rate exceeded")] * 2
    assert engine.faults.delivered(fault) == 2


def test_a_reply_can_ask_to_wait(client, vault, engine):
    fault = engine.faults.add("DescribeVault", kind="status", status=429, retry_after=7)

    with pytest.raises(client.exceptions.ClientError) as caught:
        client.describe_vault(vaultName=vault)

    headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["retry-after"] == "7"
    assert engine.faults.delivered(fault) == 1


def test_an_output_can_be_cut_short(engine, output):
    fault = engine.faults.add("GetJobOutput", kind="truncate", keep=MIB + 5)
    body = output()["body"]

    with pytest.raises((IncompleteReadError, ResponseStreamingError)):
        body.read()

    assert engine.faults.delivered(fault) == 1
    assert output()["body"].read() == payload(2 * MIB)


def test_an_output_can_be_corrupted_on_its_way(engine, output):
    fault = engine.faults.add("GetJobOutput", kind="corrupt", at=MIB + 5)

    got = output(range=f"bytes={MIB // 2}-")["body"].read()

    good = payload(2 * MIB)[MIB // 2 :]
    assert engine.faults.delivered(fault) == 1
    assert [at for at, pair in enumerate(zip(got, good, strict=True)) if len({*pair}) > 1] == [
        MIB + 5
    ]
    assert output()["body"].read() == payload(2 * MIB)


@pytest.mark.parametrize("name", ["Date", "x-amzn-RequestId", "Content-Type"])
def test_what_every_reply_bears_can_be_lost(client, engine, name):
    fault = engine.faults.add("ListVaults", kind="header", name=name)

    headers = client.list_vaults()["ResponseMetadata"]["HTTPHeaders"]

    assert name.lower() not in headers
    assert engine.faults.delivered(fault) == 1


def test_a_header_can_be_changed_or_lost(engine, output):
    lost = engine.faults.add("GetJobOutput", kind="header", name="x-amz-sha256-tree-hash")
    wrong = engine.faults.add(
        "GetJobOutput", kind="header", name="x-amz-sha256-tree-hash", value="0" * 64
    )

    assert "checksum" not in output()
    assert output()["checksum"] == "0" * 64
    assert (engine.faults.delivered(lost), engine.faults.delivered(wrong)) == (1, 1)


def test_a_range_can_be_ignored(engine, output):
    fault = engine.faults.add("GetJobOutput", kind="whole")

    got = output(range="bytes=0-5")

    assert (got["status"], len(got["body"].read())) == (200, 2 * MIB)
    assert engine.faults.delivered(fault) == 1


def test_botocore_takes_a_cut_control_reply_for_an_empty_one(glacier, engine):
    """It enforces no Content-Length and drops what is no JSON: callers must look for fields."""
    fault = engine.faults.add("DescribeVault", kind="truncate")

    got = glacier.describe_vault()

    assert set(got) == {"ResponseMetadata"}
    assert engine.faults.delivered(fault) == 1


def test_an_upload_can_expire_under_the_clients_hands(glacier, upload, engine, refused):
    upload_id = upload(b"x", complete=False)
    fault = engine.faults.add("UploadMultipartPart", kind="expire")

    got = refused(glacier.upload_multipart_part, uploadId=upload_id, range="bytes 0-0/*", body=b"x")

    assert got[:2] == (404, "ResourceNotFoundException")
    assert engine.faults.delivered(fault) == 1


def test_a_job_can_expire_under_the_clients_hands(engine, output, refused):
    fault = engine.faults.add("GetJobOutput", kind="expire")

    assert refused(output)[:2] == (404, "ResourceNotFoundException")
    assert engine.faults.delivered(fault) == 1


def test_a_request_can_be_delayed(glacier, engine):
    fault = engine.faults.add("DescribeVault", kind="delay", seconds=0.001)

    assert glacier.describe_vault()
    assert engine.faults.delivered(fault) == 1
