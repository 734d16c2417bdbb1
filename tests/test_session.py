"""The door to Glacier: which place, whose credentials, how often."""

import pytest

from glaciercli.errors import AccessDenied, Conflict, LostReply, Refused, UsageError
from glaciercli.local.server import Server
from glaciercli.session import Target, connect


@pytest.mark.parametrize("url", ["http://example.com", "http://10.0.0.1:80", "ftp://127.0.0.1"])
def test_an_endpoint_in_the_clear_is_refused(url):
    with pytest.raises(Refused, match="in the clear"):
        connect(Target(region="us-east-1", endpoint_url=url))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_loopback_may_be_in_the_clear(host):
    assert connect(Target(region="us-east-1", endpoint_url=f"http://{host}:1"))


def test_a_missing_region_or_profile_is_a_usage_error(monkeypatch):
    with pytest.raises(UsageError, match="region"):
        connect(Target())
    with pytest.raises(UsageError, match="nope"):
        connect(Target(region="us-east-1", profile="nope"))


def test_missing_credentials_are_told_with_the_way_out(monkeypatch, engine):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with Server(engine) as server:
        client = connect(Target(region="us-east-1", endpoint_url=server.url), timeout=1)
        with pytest.raises(AccessDenied, match="credentials") as caught:
            client.call("ListVaults")
    assert "--local" in caught.value.hint


def test_local_never_leaves_the_machine_whatever_the_environment_says(monkeypatch, local_root):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    client = connect(Target(local_root=local_root), timeout=1)

    assert client.call("ListVaults")["VaultList"] == []
    client.engine.close()


def test_a_store_that_cannot_be_is_a_conflict(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Conflict, match="local engine"):
        connect(Target(local_root=tmp_path / "file"))


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
        assert "renew" in caught.value.hint

        engine.faults.add("ListVaults", times=1, **code)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDNEWER")
        assert client.call("ListVaults")["VaultList"] == []


def test_pages_are_followed_to_the_end(client):
    for number in range(23):
        client.call("CreateVault", vaultName=f"v{number:02}")

    names = [each["VaultName"] for each in client.pages("ListVaults")]
    assert names == [f"v{number:02}" for number in range(23)]
