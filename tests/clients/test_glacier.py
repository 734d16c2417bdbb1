"""A client: what is asked again, what never, and how listings go on."""

import time

import pytest
from helpers import heal

from glaciercli.clients.glacier import Target
from glaciercli.clients.session import connect
from glaciercli.errors import AccessDenied, BadRequest, Exit, LostReply, Refused
from glaciercli.hints import render
from glaciercli.local.http.server import Server


def test_what_makes_something_is_not_repeated_blindly(client, engine, vault):
    engine.faults.drop("InitiateMultipartUpload", applied=True, times=5)
    engine.log.clear()
    with pytest.raises(LostReply):
        client.call("InitiateMultipartUpload", vaultName=vault, partSize="1048576")

    assert engine.log.count("InitiateMultipartUpload") == 1


@pytest.mark.parametrize("operation", ["DescribeVault", "CreateVault", "ListVaults"])
def test_what_is_harmless_is_repeated(client, engine, vault, operation):
    fault = engine.faults.drop(operation, times=2)
    named = {} if operation == "ListVaults" else {"vaultName": vault}
    client.call(operation, **named)

    assert engine.faults.delivered(fault) == 2


def test_a_cut_listing_is_asked_for_again(client, engine, vault):
    fault = engine.faults.add("ListVaults", kind="truncate")

    assert [each["VaultName"] for each in client.pages("ListVaults")] == [vault]
    assert engine.faults.delivered(fault) == 1


def test_credentials_that_expire_are_renewed_where_there_are_newer_ones(monkeypatch, engine):
    with Server(engine) as server:
        client = connect(Target(region="us-east-1", endpoint_url=server.url), timeout=1)
        code = {"kind": "status", "code": "ExpiredTokenException", "status": 403}
        engine.faults.add("ListVaults", times=1, **code)
        with pytest.raises(AccessDenied) as caught:
            client.call("ListVaults")
        assert "renew" in render(caught.value.hint)

        engine.faults.add("ListVaults", times=1, **code)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDNEWER")
        assert client.call("ListVaults")["VaultList"] == []


def test_what_was_signed_too_long_ago_is_signed_anew_once(client, engine, vault):
    refusal = {"code": "InvalidSignatureException", "status": 403}
    late = {"message": "Signature expired: 20260101T000000Z is now earlier than ...", **refusal}
    wrong = {"message": "The request signature we calculated does not match ...", **refusal}

    engine.faults.add("InitiateMultipartUpload", kind="status", **late)
    client.call("InitiateMultipartUpload", vaultName=vault, partSize=str(1 << 20))
    assert len(list(client.pages("ListMultipartUploads", vaultName=vault))) == 1

    for refused, times in ((late, 2), (wrong, 1)):
        fault = engine.faults.add("ListVaults", kind="status", times=9, **refused)
        with pytest.raises(AccessDenied):
            client.call("ListVaults")
        assert engine.faults.delivered(fault) == times
        heal(engine)


UNSENDABLE = [
    ("DescribeVault", {"vaultName": "\udcff"}, r"vaultName '\\udcff'"),
    ("DescribeJob", {"jobId": "\ud800"}, r"jobId '\\ud800'"),
    ("InitiateMultipartUpload", {"archiveDescription": "a\nb"}, r"archiveDescription 'a\\nb'"),
    ("InitiateMultipartUpload", {"archiveDescription": "\udcff"}, r"archiveDescription '\\udcff'"),
    ("InitiateMultipartUpload", {"partSize": "1\r2"}, r"partSize '1\\r2'"),
]


@pytest.mark.parametrize(("operation", "parameters", "said"), UNSENDABLE)
def test_what_cannot_be_written_is_refused_at_once_and_is_no_broken_connection(
    engine, client, vault, operation, parameters, said
):
    parameters = {"vaultName": vault, **parameters}
    engine.log.clear()
    with Server(engine) as server:
        wire = connect(Target(region="us-east-1", endpoint_url=server.url), timeout=9)
        with pytest.raises(Refused, match=f"{operation} cannot be sent with {said}"):
            wire.call(operation, **parameters)

    assert wire.pace.retries == 0
    assert engine.log.count() == 0


@pytest.mark.parametrize("operation", ["UploadMultipartPart", "CompleteMultipartUpload"])
def test_a_request_that_the_service_cannot_read_is_sent_again_a_few_times(
    client, engine, vault, operation
):
    upload_id = client.call("InitiateMultipartUpload", vaultName=vault, partSize=str(1 << 20))[
        "uploadId"
    ]
    body = {"range": "bytes 0-0/*", "body": b"x"} if operation == "UploadMultipartPart" else {}
    refusal = {"kind": "status", "code": "BadRequest", "status": 400, "message": "Bad Request"}
    client.pace.timeout = 60.0
    fault = engine.faults.add(operation, times=9, **refusal)
    began = time.monotonic()
    with pytest.raises(BadRequest) as caught:
        client.call(operation, vaultName=vault, uploadId=upload_id, **body)

    assert engine.faults.delivered(fault) == 4
    assert time.monotonic() - began < 10
    assert caught.value.message == f"{operation}: the service cannot read the request: Bad Request"
    assert "run the same command again" in caught.value.hint
    assert caught.value.exit_code == Exit.UNAVAILABLE


def test_pages_are_followed_to_the_end(client):
    for number in range(23):
        client.call("CreateVault", vaultName=f"v{number:02}")

    names = [each["VaultName"] for each in client.pages("ListVaults")]
    assert names == [f"v{number:02}" for number in range(23)]
