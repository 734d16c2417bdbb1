"""Servers that fall silent, or send a byte now and then: each is given up, as `--timeout` says."""

import ssl
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from helpers import run
from loopback import Listener, read_head

from glaciercli.clients.glacier import Target
from glaciercli.clients.session import connect
from glaciercli.errors import Exit, LostReply, Unavailable

CERTIFICATE = Path(__file__).parents[1] / "data" / "self-signed.pem"
BODY = b'{"Marker":null,"VaultList":[]}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
OUTPUT = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
KIBIBYTE = b"400\r\n" + b" " * 1024 + b"\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
TIMEOUT = 0.3  # seconds
_SOON = 4 * TIMEOUT + 2  # a first attempt, a second one, and a slow machine


def drip(data=b" ", size=1, pause=0.05):
    """Yield a few bytes now and then, and never come to an end."""
    while True:
        for start in range(0, len(data), size):
            time.sleep(pause)
            yield data[start : start + size]


def silence():
    """Yield nothing, and never come to an end."""
    while True:
        time.sleep(0.05)
        yield b""


class Slow(Listener):
    """Reads a request, and says what `reply()` yields."""

    def __init__(self, reply, context=None):
        self._reply = reply
        self._context = context
        super().__init__()

    def serve(self, client):
        try:
            if self._context is not None:
                client = self._context.wrap_socket(client, server_side=True)
            with client, client.makefile("rb") as reader:
                while read_head(reader) is not None:
                    for block in self._reply():
                        client.sendall(block)
        except OSError:
            pass  # the client has had enough


@contextmanager
def slow(*blocks, context=None):
    def reply():
        for each in blocks:
            yield from [each] if isinstance(each, bytes) else each()

    server = Slow(reply, context)
    try:
        yield server
    finally:
        server.close()


SLOWNESS = {
    "silent after the request": [silence],
    "a head that drips": [lambda: drip(HEAD % len(BODY) + b"x: y\r\n")],
    "a head that comes by headers": [
        b"HTTP/1.1 200 OK\r\n", lambda: drip(b"x: y\r\n", size=6, pause=0.1)
    ],
    "leave to go on, again and again": [lambda: drip(b"HTTP/1.1 100 Continue\r\n\r\n", 25)],
    "silent after the head": [HEAD % len(BODY), silence],
    "a body that drips": [HEAD % 10_000, drip],
    "blanks without an end": [CHUNKED, lambda: drip(b"1\r\n \r\n", 6)],
    "a body that comes fast, without an end": [CHUNKED, lambda: drip(KIBIBYTE, len(KIBIBYTE))],
    "an error that drips": [b"HTTP/1.1 500 X\r\nContent-Length: 99\r\n\r\n", drip],
}  # fmt: skip


@pytest.mark.parametrize("blocks", SLOWNESS.values(), ids=SLOWNESS)
def test_a_reply_that_does_not_come_is_given_up(blocks):
    with slow(*blocks) as server:
        client = connect(Target(region="us-east-1", endpoint_url=server.url), timeout=TIMEOUT)
        started = time.monotonic()

        with pytest.raises(Unavailable, match="given up after"):
            client.call("ListVaults")
    assert time.monotonic() - started < _SOON
    assert server.connections >= 2  # it was asked again before


def test_the_command_line_gives_up_too(monkeypatch):
    with slow(HEAD % 10_000, drip) as server:
        monkeypatch.setenv("GLACIER_ENDPOINT_URL", server.url)
        started = time.monotonic()
        words = ("vault", "list", "--region", "us-east-1", "--timeout", "1s")
        said = run(*words, exit=Exit.UNAVAILABLE)

    assert time.monotonic() - started < _SOON
    assert "given up after 1 s" in said.stderr


@pytest.mark.parametrize("block", [b" ", b" " * 20])
def test_a_drip_through_tls_is_given_up_too(monkeypatch, block):
    monkeypatch.setenv("AWS_CA_BUNDLE", str(CERTIFICATE))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with slow(HEAD % 10_000, lambda: drip(block, len(block)), context=context) as server:
        url = server.url.replace("http:", "https:")
        client = connect(Target(region="us-east-1", endpoint_url=url), timeout=TIMEOUT)
        started = time.monotonic()

        with pytest.raises(Unavailable, match="given up after"):
            client.call("ListVaults")
    assert time.monotonic() - started < _SOON


def test_a_whole_reply_may_come_slowly():
    with slow(lambda: pieces(HEAD % len(BODY) + BODY, 20)) as server:
        client = connect(Target(region="us-east-1", endpoint_url=server.url), timeout=5)

        assert client.call("ListVaults")["VaultList"] == []
        assert client.call("ListVaults")["VaultList"] == []
    assert server.connections == 1  # the same connection, with no deadline of the one before


def pieces(data, size):
    for start in range(0, len(data), size):
        time.sleep(0.1)
        yield data[start : start + size]


def output(server):
    client = connect(Target(region="us-east-1", endpoint_url=server.url), timeout=TIMEOUT)
    return client.output(vaultName="photos", jobId="x" * 92)


STREAMS = {
    "silence": silence,
    "a drip": drip,
    "half a kibibyte a second": lambda: drip(b" " * 25, 25),
}


@pytest.mark.parametrize("head", [OUTPUT, CHUNKED + b"f4240\r\n"], ids=["plain", "chunked"])
@pytest.mark.parametrize("rest", STREAMS.values(), ids=STREAMS)
def test_an_output_that_does_not_move_is_given_up(head, rest):
    with slow(head + b"x" * 100, rest) as server, output(server) as came:
        started = time.monotonic()

        with pytest.raises(LostReply, match="GetJobOutput"):
            came.read_into(memoryview(bytearray(1_000_000)))
    assert time.monotonic() - started < _SOON


def test_an_output_that_moves_takes_as_long_as_it_likes():
    with slow(OUTPUT, lambda: drip(b"x" * 1000, 1000)) as server, output(server) as came:
        started = time.monotonic()

        assert came.read_into(memoryview(bytearray(60_000))) == 60_000
    assert time.monotonic() - started > 2 * TIMEOUT


def test_a_pause_of_our_own_is_not_the_servers():
    """A bandwidth limit, or a disk that is slow, between two reads of what has long come."""
    with slow(OUTPUT + b"x" * 3000, silence) as server, output(server) as came:
        for _ in range(3):
            assert came.read_into(memoryview(bytearray(1000))) == 1000
            time.sleep(TIMEOUT)
