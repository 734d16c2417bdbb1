"""A client: what is asked again, what never, and how listings go on."""

import pytest

from glaciercli.clients.glacier import Target
from glaciercli.clients.session import connect
from glaciercli.errors import AccessDenied, LostReply
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
        engine.faults.clear()


def test_pages_are_followed_to_the_end(client):
    for number in range(23):
        client.call("CreateVault", vaultName=f"v{number:02}")

    names = [each["VaultName"] for each in client.pages("ListVaults")]
    assert names == [f"v{number:02}" for number in range(23)]
