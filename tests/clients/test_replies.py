"""What comes back is looked at before it is believed."""

import io
from http.client import BadStatusLine, InvalidURL

import botocore.exceptions as aws
import pytest

from glaciercli.clients.replies import Output, translate, translated
from glaciercli.errors import (
    AccessDenied,
    BadRequest,
    Conflict,
    IntegrityError,
    LostReply,
    NotFound,
    Refused,
    Throttled,
    Unavailable,
    Unreachable,
    UsageError,
)
from glaciercli.hints import render


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
        (reply("404", 404, "<html>"), LostReply),  # a proxy's word, not Glacier's
        (reply("400", 400, "<html>"), BadRequest),  # likewise
        (reply("BadRequest", 400), BadRequest),
        (reply("", 302), Refused),
        (reply("", 502), Unavailable),
        (aws.EndpointConnectionError(endpoint_url="http://x"), Unreachable),
        (aws.ConnectTimeoutError(endpoint_url="http://x"), Unreachable),
        (aws.ReadTimeoutError(endpoint_url="http://x"), LostReply),
        (aws.ConnectionClosedError(endpoint_url="http://x"), LostReply),
        (aws.IncompleteReadError(actual_bytes=1, expected_bytes=2), LostReply),
        (aws.HTTPClientError(error=ValueError("Invalid header value b'a\\n'")), Refused),
        (aws.HTTPClientError(error=InvalidURL("URL can't contain control characters")), Refused),
        (aws.HTTPClientError(error=BadStatusLine("nonsense")), LostReply),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), LostReply),
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


@pytest.mark.parametrize(("has_left", "kind"), [(False, Refused), (True, LostReply)])
def test_what_goes_wrong_before_a_request_leaves_is_no_lost_reply(has_left, kind):
    error = UnicodeEncodeError("utf-8", "\udcff", 0, 1, "surrogates not allowed")

    assert type(translate(error, "DescribeVault", {}, has_left=has_left)) is kind


def test_our_own_errors_raised_while_botocore_reads_a_body_come_out_again():
    inner = Conflict("the file became shorter")

    assert translate(aws.HTTPClientError(error=inner), "UploadMultipartPart", {}) is inner


def test_a_missing_vault_is_named():
    arn = "arn:aws:glacier:eu-west-1:123456789012:vaults/photos"
    error = reply("ResourceNotFoundException", 404, f"Vault not found for ARN: {arn}")

    found = translate(error, "DescribeVault", {"vaultName": "photos"})
    assert found.message == "vault 'photos' does not exist in eu-west-1"
    assert "another --region" in render(found.hint)


def test_that_another_vault_is_missing_says_nothing_of_this_one():
    arn = "arn:aws:glacier:eu-west-1:123456789012:vaults/films"
    error = reply("ResourceNotFoundException", 404, f"Vault not found for ARN: {arn}")

    found = translate(error, "DescribeVault", {"vaultName": "photos"})
    assert isinstance(found, IntegrityError)
    assert "asked of vault 'photos': Vault not found for ARN" in found.message


@pytest.mark.parametrize(
    ("code", "message", "way_out"),
    [
        (
            "InvalidSignatureException",
            "The request signature we calculated does not ma",
            "secret key",
        ),
        ("InvalidSignatureException", "Signature expired: 20260101T000000Z is now earl", "clock"),
        (
            "UnrecognizedClientException",
            "The security token included in the request is",
            "access key",
        ),
        ("ExpiredTokenException", "The security token included in the request is expired", "renew"),
    ],
)
def test_what_is_wrong_with_credentials_is_told_with_the_way_out(code, message, way_out):
    assert way_out in render(translate(reply(code, 403, message), "ListVaults", {}).hint)


@pytest.mark.parametrize(("said", "kept"), [("7", 7), ("soon", None), ("²", None), ("-1", None)])
def test_retry_after_is_kept_where_it_is_a_number(said, kept):
    found = translate(reply("ServiceUnavailableException", 503, **{"retry-after": said}), "x", {})

    assert found.retry_after == kept


def test_of_a_long_message_the_beginning_is_told():
    assert len(translate(reply("x" * 10**6, 400, "y" * 10**6), "x", {}).message) == 1000


class Breaking(io.RawIOBase):
    def readinto(self, _):
        raise ConnectionResetError


def output(body, length="3"):
    meta = {"HTTPHeaders": {"content-length": length}}
    return Output({"status": 200, "body": body, "ResponseMetadata": meta})


def test_an_output_fills_the_buffer_and_knows_its_end():
    buffer = bytearray(5)
    with output(io.BytesIO(b"abc")) as open_output:
        assert open_output.length == 3
        assert open_output.read_into(memoryview(buffer)) == 3
        assert open_output.finish()


def test_a_connection_that_breaks_in_the_middle_is_a_lost_reply():
    with output(Breaking()) as broken, pytest.raises(LostReply, match="GetJobOutput"):
        broken.read_into(memoryview(bytearray(5)))


@pytest.mark.parametrize("length", ["", "-5", "many", "9" * 5000])
def test_a_length_that_is_none_is_not_believed(length):
    assert output(io.BytesIO(), length).length == -1


def test_what_is_not_botocores_passes():
    with pytest.raises(ZeroDivisionError), translated("x"):
        _ = 1 / 0
