"""Another user of the machine; to become one, the tests must be root's."""

import codecs
import os
import socket
from contextlib import closing

import pytest
from survival import forks

from glaciercli.local.engine import open_engine
from glaciercli.local.http._peer import is_stranger, tells
from glaciercli.local.http.server import Server
from glaciercli.local.http.sigv4 import Authenticator, Credential

with socket.create_server(("127.0.0.1", 0)) as probe:
    pytestmark = pytest.mark.skipif(not tells(probe), reason="only Linux tells whose a socket is")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
NOBODY = 65534
REQUEST = (
    "PUT /-/vaults/{name} HTTP/1.1\r\nHost: localhost\r\nx-amz-glacier-version: 2012-06-01\r\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/glacier/aws4_request, "
    "SignedHeaders=host, Signature=0\r\nConnection: close\r\n\r\n"
)


def ask(server, name, user=None, *, stay=True):
    """Make a vault in a process of its own, as some user; return the reply's first line."""

    codecs.lookup("idna")  # which another user may not be allowed to load

    def work():
        if user is not None:
            os.setuid(user)
        with socket.create_connection((server.host, server.port), timeout=5) as client:
            client.sendall(REQUEST.format(name=name).encode())
            return client.recv(65536).split(b"\r\n")[0] if stay else b""

    return forks.run(work).require("ask")


@pytest.fixture
def engine(tmp_path):
    with closing(open_engine(tmp_path / "store")) as engine:
        yield engine


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_own_user_is_no_stranger(engine, host):
    with Server(engine, host) as server:
        assert ask(server, "mine") == b"HTTP/1.1 201 Created"


def test_an_address_in_the_other_spelling_is_found():
    """Java connects to 127.0.0.1 by a socket of IPv6."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket(socket.AF_INET6) as client,
    ):
        assert tells(listener)
        client.connect(("::ffff:127.0.0.1", listener.getsockname()[1]))
        with listener.accept()[0] as accepted:
            assert not is_stranger(accepted)
            client.close()
            assert is_stranger(accepted)


@needs_root
@pytest.mark.parametrize("mode", ["off", "parse"])
def test_another_user_is_refused_and_the_store_is_as_it_was(engine, mode, count):
    with Server(engine, auth=Authenticator(mode)) as server:
        assert ask(server, "evil", NOBODY) == b"HTTP/1.1 403 Forbidden"
        ask(server, "evil", NOBODY, stay=False)
        assert ask(server, "mine") == b"HTTP/1.1 201 Created"
        server.stop()

    assert [call.params["vaultName"] for call in engine.log.calls()] == ["mine"]
    count({"attacks on the server refused": 2})


@needs_root
def test_a_signature_that_must_hold_is_asked_of_everybody_alike(engine):
    auth = Authenticator("strict", {"A": Credential("secret")})
    with Server(engine, auth=auth) as server:
        assert ask(server, "evil", NOBODY) == b"HTTP/1.1 403 Forbidden"
