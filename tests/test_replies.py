"""What comes back is looked at before it is believed."""

import io

import botocore.exceptions as aws
import pytest

from glaciercli.errors import (
    AccessDenied,
    Conflict,
    LostReply,
    NotFound,
    Refused,
    Throttled,
    Unavailable,
    Unreachable,
    UsageError,
)
from glaciercli.replies import Output, require_whole, translate, translated


def reply(code, status, message="text", **headers):
    meta = {"HTTPStatusCode": status, "HTTPHeaders": headers}
    return aws.ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": meta}, "DescribeVault"
    )


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (reply("ThrottlingException", 400), Throttled),
        (reply("ResourceNotFoundException", 404), NotFound),
        (reply("ExpiredTokenException", 403), AccessDenied),
        (reply("", 302), Refused),
        (reply("", 502), Unavailable),
        (aws.EndpointConnectionError(endpoint_url="http://x"), Unreachable),
        (aws.ConnectTimeoutError(endpoint_url="http://x"), Unreachable),
        (aws.ReadTimeoutError(endpoint_url="http://x"), LostReply),
        (aws.ConnectionClosedError(endpoint_url="http://x"), LostReply),
        (aws.IncompleteReadError(actual_bytes=1, expected_bytes=2), LostReply),
        (aws.SSLError(endpoint_url="https://x", error="bad certificate"), Refused),
        (aws.NoCredentialsError(), AccessDenied),
        (aws.NoRegionError(), UsageError),
        (aws.ProfileNotFound(profile="nope"), UsageError),
        (aws.ResponseParserError("<html>"), LostReply)
        if hasattr(aws, "ResponseParserError")
        else (ValueError("<html>"), LostReply),
    ],
    ids=lambda each: getattr(each, "__name__", type(each).__name__),
)
def test_every_failure_becomes_one_of_ours(error, kind):
    assert type(translate(error, "DescribeVault", {})) is kind


def test_our_own_errors_raised_while_botocore_reads_a_body_come_out_again():
    inner = Conflict("the file became shorter")

    assert translate(aws.HTTPClientError(error=inner), "UploadMultipartPart", {}) is inner


def test_a_missing_vault_is_named():
    error = reply("ResourceNotFoundException", 404, "Vault not found for ARN: arn:x")

    found = translate(error, "DescribeVault", {"vaultName": "photos"})
    assert found.message == "vault 'photos' does not exist"
    assert found.hint == "glacier vault create photos"


def test_retry_after_is_kept():
    found = translate(reply("ServiceUnavailableException", 503, **{"retry-after": "7"}), "x", {})

    assert found.retry_after == 7


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("InitiateMultipartUpload", {"location": "/1/vaults/x"}),
        ("InitiateMultipartUpload", {"uploadId": "../../etc", "location": "/1/vaults/x"}),
        ("InitiateJob", {"jobId": 5}),
        ("InitiateJob", {"jobId": ""}),
        ("ListParts", {"MultipartUploadId": "u", "PartSizeInBytes": -1, "Parts": []}),
        ("ListJobs", {}),
        ("ListVaults", {"VaultList": "many"}),
        ("CompleteMultipartUpload", {"archiveId": "a" * 257, "location": "x"}),
    ],
)
def test_a_reply_without_what_it_must_have_is_a_lost_one(operation, answer):
    with pytest.raises(LostReply, match=operation):
        require_whole(operation, answer, 200)


def answered(status, length=None):
    headers = {} if length is None else {"content-length": length}
    return {"ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers}}


@pytest.mark.parametrize("length", [None, "1234"])
@pytest.mark.parametrize(("operation", "code"), [("DeleteArchive", 204), ("CreateVault", 201)])
def test_a_page_of_text_is_no_yes(operation, code, length):
    with pytest.raises(LostReply, match=operation):
        require_whole(operation, answered(200, length), code)


def test_a_whole_reply_passes():
    require_whole("InitiateJob", {"jobId": "j" * 92}, 202)
    require_whole("DeleteVault", answered(204), 204)
    require_whole("DeleteVault", answered(200, "0"), 204)


class Breaking(io.RawIOBase):
    def readinto(self, _):
        raise ConnectionResetError


def output(body, length="3"):
    meta = {"HTTPHeaders": {"content-length": length}}
    return Output({"status": 200, "body": body, "ResponseMetadata": meta}, "GetJobOutput")


def test_an_output_fills_the_buffer_and_knows_its_end():
    buffer = bytearray(5)
    with output(io.BytesIO(b"abc")) as open_output:
        assert open_output.length == 3
        assert open_output.read_into(memoryview(buffer)) == 3
        assert open_output.finish()


def test_a_connection_that_breaks_in_the_middle_is_a_lost_reply():
    with output(Breaking()) as broken, pytest.raises(LostReply, match="GetJobOutput"):
        broken.read_into(memoryview(bytearray(5)))


@pytest.mark.parametrize("length", ["", "-5", "many"])
def test_a_length_that_is_none_is_not_believed(length):
    assert output(io.BytesIO(), length).length == -1


def test_what_is_not_botocores_passes():
    with pytest.raises(ZeroDivisionError), translated("x"):
        _ = 1 / 0
