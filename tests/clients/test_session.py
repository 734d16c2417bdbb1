"""The door to Glacier: which place, and whose credentials."""

import socket
import ssl
import threading
from pathlib import Path

import pytest

from glaciercli.clients.glacier import Target
from glaciercli.clients.session import connect
from glaciercli.errors import AccessDenied, Conflict, Refused, Unavailable, UsageError
from glaciercli.hints import render
from glaciercli.local.http.server import Server

CERTIFICATE = Path(__file__).parents[1] / "data" / "self-signed.pem"


@pytest.mark.parametrize("url", ["http://example.com", "http://10.0.0.1:80", "ftp://127.0.0.1"])
def test_an_endpoint_in_the_clear_is_refused(url):
    with pytest.raises(Refused, match="in the clear"):
        connect(Target(region="us-east-1", endpoint_url=url))


@pytest.mark.parametrize("url", ["http://[::1", "http://127.0.0.1:99999", "https://[zz]:1"])
def test_an_endpoint_that_is_no_url_is_a_usage_error(url):
    with pytest.raises(UsageError, match="is no URL"):
        connect(Target(region="us-east-1", endpoint_url=url))


def test_no_time_at_all_is_one_attempt(local_root):
    client = connect(Target(local_root=local_root), timeout=0)
    fault = client.engine.faults.add("ListVaults", kind="status")
    with pytest.raises(Unavailable):
        client.call("ListVaults")
    assert client.engine.faults.delivered(fault) == 1
    assert client.call("ListVaults")["VaultList"] == []
    client.engine.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_loopback_may_be_in_the_clear(host):
    assert connect(Target(region="us-east-1", endpoint_url=f"http://{host}:1"))


@pytest.mark.parametrize(
    "place",
    ["endpoint_url = {url}", "services = ours\n[services ours]\nglacier =\n  endpoint_url = {url}"],
)
def test_an_endpoint_of_the_profile_in_the_clear_is_refused_too(tmp_path, monkeypatch, place):
    config = tmp_path / "config"
    config.write_text("[profile nas]\nregion = eu-west-1\n" + place.format(url="http://10.0.0.1"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))

    with pytest.raises(Refused, match="in the clear"):
        connect(Target(profile="nas"))


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_what_may_be_in_the_clear_meets_no_proxy(monkeypatch, engine, variable):
    """It may be because nobody is in between."""
    with socket.create_server(("127.0.0.1", 0)) as proxy, Server(engine) as server:
        monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        client = connect(Target(region="us-east-1", endpoint_url=server.url), timeout=2)

        assert client.call("ListVaults")["VaultList"] == []
        proxy.setblocking(False)
        with pytest.raises(BlockingIOError):
            proxy.accept()


@pytest.fixture
def stranger():
    """A server that proves itself with a certificate of its own; it counts who believes it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    believed = []

    def serve():
        while True:
            try:
                with context.wrap_socket(listener.accept()[0], server_side=True) as client:
                    believed.append(client.recv(65536))
                    body = b'{"Marker":null,"VaultList":[]}'
                    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
                    client.sendall(head.encode() + body)
            except OSError:  # a client that does not believe it, or the end
                if listener.fileno() < 0:
                    return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}", believed
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.mark.parametrize(
    ("setting", "error"),
    [
        ({}, Refused),
        ({"PYTHONHTTPSVERIFY": "0"}, Refused),
        ({"AWS_NO_VERIFY_SSL": "true", "AWS_VERIFY_SSL": "false"}, Refused),
        ({"CURL_CA_BUNDLE": ""}, Refused),
        ({"AWS_PROFILE": "lax"}, Refused),
        # With these, older releases of botocore would believe anybody.
        ({"AWS_CA_BUNDLE": ""}, UsageError),
        ({"REQUESTS_CA_BUNDLE": " "}, UsageError),
        ({"AWS_PROFILE": "blank"}, UsageError),
    ],
    ids=str,
)
def test_a_stranger_is_not_believed_and_nothing_turns_that_off(
    stranger, monkeypatch, tmp_path, setting, error
):
    (tmp_path / "config").write_text(
        "[profile lax]\nverify_ssl = false\nverify = false\n[profile blank]\nca_bundle =\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    url, believed = stranger
    with pytest.raises(error, match="TLS|CA bundle"):
        connect(Target(region="us-east-1", endpoint_url=url), timeout=2).call("ListVaults")
    assert believed == []


def test_a_certificate_that_one_trusts_is_believed(stranger, monkeypatch):
    monkeypatch.setenv("AWS_CA_BUNDLE", str(CERTIFICATE))
    url, believed = stranger
    client = connect(Target(region="us-east-1", endpoint_url=url), timeout=2)

    assert client.call("ListVaults")["VaultList"] == []
    assert believed[0].startswith(b"GET /-/vaults ")


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
    assert "--local" in render(caught.value.hint)


def test_local_never_leaves_the_machine_whatever_the_environment_says(monkeypatch, local_root):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    client = connect(Target(local_root=local_root), timeout=1)

    assert client.call("ListVaults")["VaultList"] == []
    client.engine.close()


def test_local_stands_in_for_the_account_that_is_named(local_root):
    def arns(account):
        client = connect(Target(local_root=local_root, account_id=account))
        client.call("CreateVault", vaultName="photos")
        vaults = client.call("ListVaults")["VaultList"]
        client.engine.close()
        return [each["VaultARN"].split(":")[4] for each in vaults]

    assert arns("111122223333") == ["111122223333"]
    assert arns("-") == ["000000000000"]
    with pytest.raises(Refused, match="Invalid account ID: 1111-2222"):
        arns("1111-2222")


def test_a_store_that_cannot_be_is_a_conflict_in_plain_words(tmp_path):
    file = tmp_path / "file"
    file.touch()
    for root, why in ((file, " is not a directory"), (file / "below", ": Not a directory")):
        with pytest.raises(Conflict) as caught:
            connect(Target(local_root=root))

        assert caught.value.message == f"the local engine: {root}{why}"
