"""What happens on a connection, seen by raw sockets: good clients, slow ones, broken ones."""

import json
import socket
import struct
import threading
from contextlib import contextmanager

import boto3
import pytest
from botocore.exceptions import ClientError

from glaciercli.local.errors import ConnectionDropped, ServiceError
from glaciercli.local.http._connection import Limits
from glaciercli.local.http.server import Server
from glaciercli.local.http.sigv4 import Authenticator, Credential
from glaciercli.local.wire import FileWindow, Response
from glaciercli.units import GIB, MIB

AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-west-1/glacier/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=00"
)
QUICK = Limits(head_timeout=0.2, body_timeout=0.2, idle_timeout=0.3, grace=0.3)


class Echo:
    """A handler that answers with what it got; its targets ask for more than that."""

    def __init__(self, file=None):
        self.file = file
        self.requests, self.bodies = [], []
        self.entered, self.release = threading.Event(), threading.Event()

    def handle(self, request):
        self.requests.append(request)
        match request.target:
            case "/refuse":
                raise ServiceError("ResourceNotFoundException", "Vault not found")
            case "/drop":
                raise ConnectionDropped
            case "/bug":
                raise RuntimeError("secret detail")
            case "/window":
                return Response(200, {}, FileWindow(self.file, 3, self.file.stat().st_size))
            case "/shrunk":
                return Response(200, {}, FileWindow(self.file, 0, self.file.stat().st_size + 1))
            case "/lie":
                return Response(200, {"Content-Length": "10"}, b"short")
            case "/empty":
                return Response(204)
            case "/wait":
                self.entered.set()
                assert self.release.wait(10)
        body = bytearray()
        while block := request.body.read(MIB):
            body += block
        self.bodies.append(bytes(body))
        content = f"{request.method} {request.target} {len(body)}".encode()
        headers = {"x-amz-region": request.region, "x-amzn-RequestId": "echo"}
        return Response(200, headers, content)


@pytest.fixture
def echo(tmp_path):
    file = tmp_path / "window"
    file.write_bytes(b"abc" + bytes(range(256)) * 4096)
    return Echo(file)


@pytest.fixture
def server(echo):
    with Server(echo) as server:
        yield server


@contextmanager
def connected(server):
    with socket.create_connection((server.host, server.port), timeout=5) as client:
        yield client


def head(server, line="GET / HTTP/1.1", **headers):
    fields = {"Host": f"127.0.0.1:{server.port}", "Authorization": AUTHORIZATION}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [line, *(f"{name}: {value}" for name, value in fields.items() if value is not None)]
    return "\r\n".join([*lines, "", ""]).encode()


def reply(client, method="GET"):
    """Read one reply: its status, headers in lower case, and body."""
    data = b""
    while b"\r\n\r\n" not in data:
        block = client.recv(65536)
        if not block:
            raise EOFError(data)
        data += block
    top, _, body = data.partition(b"\r\n\r\n")
    status, *lines = top.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    length = 0 if method == "HEAD" else int(headers.get("content-length", 0))
    while len(body) < length:
        body += client.recv(65536)
    return int(status.split()[1]), headers, body


def ask(server, data, method="GET"):
    with connected(server) as client:
        client.sendall(data)
        return reply(client, method)


def at_end(client):
    return client.recv(1) == b""


def test_a_reply_has_its_length(server):
    status, headers, body = ask(server, head(server, "GET /x?y=1 HTTP/1.1"))

    assert (status, body) == (200, b"GET /x?y=1 0")
    assert headers["content-length"] == "12"
    assert headers["x-amz-region"] == "eu-west-1"
    assert headers["x-amzn-requestid"] == "echo"
    assert "connection" not in headers


def test_a_header_that_comes_twice_is_joined_as_it_is_signed(server, echo):
    """One after the other, with a comma and no blank: so the test suite of the signature has it."""
    lines = b"X-Amz-Archive-Description: one\r\nx-amz-archive-description:  two \r\n\r\n"
    ask(server, head(server).removesuffix(b"\r\n") + lines)

    assert echo.requests[0].headers["x-amz-archive-description"] == "one,two"


def test_no_length_is_not_a_length_of_0(server, echo):
    for length in (None, 0):
        ask(server, head(server, "POST / HTTP/1.1", Content_Length=length))

    assert [request.length for request in echo.requests] == [None, 0]


def test_a_connection_serves_many_requests(server):
    with connected(server) as client:
        for size in (0, 5, 3 * MIB + 7, 1):
            client.sendall(head(server, "PUT / HTTP/1.1", Content_Length=size) + bytes(size))
            assert reply(client)[2] == f"PUT / {size}".encode()


def test_pipelined_requests_are_answered_in_order(server):
    put = head(server, "PUT /a HTTP/1.1", Content_Length=3)
    with connected(server) as client:
        client.sendall(put + b"one" + head(server, "GET /b HTTP/1.1") + put + b"two")
        data = b""
        while data.count(b"HTTP/1.1 200") < 3 or not data.endswith(b"PUT /a 3"):
            data += client.recv(65536)

    assert [data.find(each) for each in (b"PUT /a 3", b"GET /b 0")] == sorted(
        [data.find(b"PUT /a 3"), data.find(b"GET /b 0")]
    )


def test_a_client_of_http_1_0_is_answered_and_left(server):
    with connected(server) as client:
        client.sendall(head(server, "GET / HTTP/1.0"))
        status, headers, body = reply(client)

        assert (status, body, headers["connection"]) == (200, b"GET / 0", "close")
        assert at_end(client)


def test_connection_close_is_honoured(server):
    with connected(server) as client:
        client.sendall(head(server, Connection="close"))

        assert reply(client)[1]["connection"] == "close"
        assert at_end(client)


def test_head_has_the_length_but_no_body(server):
    with connected(server) as client:
        client.sendall(head(server, "HEAD / HTTP/1.1"))
        assert reply(client, "HEAD")[1]["content-length"] == "8"
        client.sendall(head(server))
        assert reply(client)[2] == b"GET / 0"


def test_no_content_speaks_of_no_length(server):
    status, headers, _ = ask(server, head(server, "GET /empty HTTP/1.1"))

    assert status == 204
    assert "content-length" not in headers


def test_a_window_on_a_file_is_sent_and_closed(server, echo):
    assert ask(server, head(server, "GET /window HTTP/1.1"))[2] == bytes(range(256)) * 4096


def test_a_wrong_length_ends_the_connection(server):
    """Faults of the engine promise more than they send; the client must see the end."""
    with connected(server) as client:
        client.sendall(head(server, "GET /lie HTTP/1.1"))
        data = b""
        while block := client.recv(65536):
            data += block

    assert b"Content-Length: 10\r\n" in data
    assert data.endswith(b"\r\n\r\nshort")


def test_a_client_that_expects_is_told_to_go_on(server):
    with connected(server) as client:
        client.sendall(head(server, "PUT / HTTP/1.1", Content_Length=4, Expect="100-continue"))
        assert client.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"body")

        assert reply(client)[2] == b"PUT / 4"


def test_a_client_that_expects_is_refused_before_it_sends(server):
    request = head(server, "PUT /refuse HTTP/1.1", Content_Length=4 * GIB, Expect="100-continue")
    with connected(server) as client:
        client.sendall(request)
        status, headers, _ = reply(client)

        assert (status, headers["connection"]) == (404, "close")
        assert at_end(client)


def test_the_rest_of_a_refused_body_is_read_and_the_connection_kept(server):
    with connected(server) as client:
        client.sendall(head(server, "PUT /refuse HTTP/1.1", Content_Length=16 * MIB))
        client.sendall(bytes(16 * MIB))
        status, _, body = reply(client)
        client.sendall(head(server))

        assert (status, json.loads(body)["code"]) == (404, "ResourceNotFoundException")
        assert reply(client)[0] == 200


def test_a_client_that_reads_only_after_a_large_body_hears_why_it_was_refused(server):
    """boto 2 sends all that it has; a broken pipe on the way would be all it tells."""
    with connected(server) as client:
        client.sendall(head(server, "PUT /refuse HTTP/1.1", Content_Length=96 * MIB))
        for _ in range(96):
            client.sendall(bytes(MIB))

        assert reply(client)[0] == 404
        assert at_end(client)


def test_a_refused_body_without_end_is_not_read_to_its_end(echo):
    with Server(echo, limits=QUICK) as server, connected(server) as client:
        client.sendall(head(server, "PUT /refuse HTTP/1.1", Content_Length=4 * GIB))
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            any(client.sendall(bytes(MIB)) for _ in range(4096))


def test_a_dropped_request_gets_a_reset_and_no_reply(server, echo):
    with connected(server) as client:
        client.sendall(head(server, "GET /drop HTTP/1.1"))

        with pytest.raises(ConnectionResetError):
            client.recv(1)
    assert len(echo.requests) == 1


def test_a_bug_is_told_to_the_log_only(server, caplog):
    status, headers, body = ask(server, head(server, "GET /bug HTTP/1.1"))

    assert (status, headers["content-type"]) == (500, "application/json")
    assert json.loads(body) == {
        "code": "ServiceUnavailableException",
        "message": "Internal failure.",
        "type": "Server",
    }
    assert "secret detail" in caplog.text
    assert headers["x-amzn-requestid"] in caplog.text


def test_an_unsigned_request_does_not_reach_the_handler(server, echo):
    status, headers, body = ask(server, head(server, Authorization=None))

    assert status == 400
    assert len(headers["x-amzn-requestid"]) == 47
    assert headers["date"].endswith(" GMT")
    assert body == (
        b'{"message":"Missing Authentication Token",'
        b'"code":"MissingAuthenticationTokenException","type":"Client"}'
    )
    assert echo.requests == []


def test_a_body_arrives_byte_by_byte(server):
    with connected(server) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in head(server, "PUT / HTTP/1.1", Content_Length=5) + b"12345":
            client.sendall(bytes([byte]))

        assert reply(client)[2] == b"PUT / 5"


def test_a_client_that_ends_its_side_still_hears_the_reply(server):
    with connected(server) as client:
        client.sendall(head(server, "PUT / HTTP/1.1", Content_Length=3) + b"abc")
        client.shutdown(socket.SHUT_WR)

        assert reply(client)[2] == b"PUT / 3"
        assert at_end(client)


@pytest.mark.parametrize("linger", [0, 5], ids=["reset", "close"])
def test_a_client_that_leaves_in_a_body_is_forgotten(echo, linger):
    lines = []
    with Server(echo, access_log=lines.append) as server:
        with connected(server) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, linger))
            client.sendall(head(server, "PUT /wait HTTP/1.1", Content_Length=9) + b"abc")
            assert echo.entered.wait(5)
        echo.release.set()
        server.stop()

    assert echo.bodies == []
    assert lines[0].startswith("PUT /wait 0 0 ")


def test_a_window_on_a_file_that_shrank_ends_the_connection(server, echo):
    size = echo.file.stat().st_size
    with connected(server) as client:
        client.sendall(head(server, "GET /shrunk HTTP/1.1"))
        data = b"".join(iter(lambda: client.recv(65536), b""))

    assert f"Content-Length: {size + 1}\r\n".encode() in data
    assert data.endswith(b"\r\n\r\n" + echo.file.read_bytes())


def test_a_body_that_stalls_is_a_timeout(echo):
    with Server(echo, limits=QUICK) as server:
        status, headers, body = ask(
            server, head(server, "PUT / HTTP/1.1", Content_Length=9) + b"abc"
        )

    assert (status, headers["connection"]) == (408, "close")
    assert json.loads(body)["code"] == "RequestTimeoutException"


def test_a_dripping_body_is_a_timeout(echo):
    """Each byte is in time, the whole is not."""
    limits = Limits(body_timeout=0.2, body_rate=10 * MIB, grace=0.3)
    with Server(echo, limits=limits) as server, connected(server) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(head(server, "PUT / HTTP/1.1", Content_Length=MIB))
        client.settimeout(0.02)
        for _ in range(100):
            try:
                client.sendall(b"x")
                assert reply(client)[0] == 408
            except TimeoutError:
                continue
            break
        else:
            pytest.fail("the server never gave up")
    assert echo.bodies == []


def test_a_client_that_never_reads_is_left(tmp_path):
    """Its replies fill the buffers of the system; what waits to be sent must not wait for ever."""
    file = tmp_path / "window"
    with file.open("wb") as stream:
        stream.truncate(64 * MIB)
    lines, told = [], threading.Event()

    def tell(line):
        lines.append(line)
        told.set()

    with (
        Server(Echo(file), limits=QUICK, access_log=tell) as server,
        connected(server) as client,
    ):
        client.sendall(head(server, "GET /window HTTP/1.1"))
        assert told.wait(5)
        got = b"".join(iter(lambda: client.recv(MIB), b""))

    assert len(lines) == 1
    assert len(got) < 64 * MIB


@pytest.mark.parametrize("start", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: 127.0.0.1"])
def test_a_head_that_does_not_come_ends_the_connection(echo, start):
    with Server(echo, limits=QUICK) as server, connected(server) as client:
        client.sendall(start)

        assert at_end(client)


def test_a_dripping_head_has_one_deadline(echo):
    """Each byte is in time, the whole is not."""
    limits = Limits(head_timeout=0.3, grace=0.3)
    with Server(echo, limits=limits) as server, connected(server) as client:
        client.settimeout(0.05)
        client.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        for _ in range(100):
            try:
                client.sendall(b"x")
                assert client.recv(1) == b""
            except TimeoutError:
                continue
            except ConnectionError:
                pass
            break
        else:
            pytest.fail("the server never gave up")
    assert echo.requests == []


@pytest.mark.parametrize("beginning", [b"", b"GET / HT"])
def test_the_longest_idle_connection_makes_room(echo, beginning):
    """Neither many idle clients nor many that never end a head keep the others out."""
    with (
        Server(echo, limits=Limits(connections=2)) as server,
        connected(server) as first,
        connected(server) as second,
    ):
        first.sendall(beginning)
        # The first never asks: after a reply it is the server's moment when a client is idle again.
        second.sendall(head(server))
        assert reply(second)[0] == 200

        assert ask(server, head(server))[0] == 200
        assert at_end(first)
        second.sendall(head(server))
        assert reply(second)[0] == 200


def test_the_access_log_has_a_line_for_each_request_and_no_secrets(echo):
    lines = []
    with Server(echo, access_log=lines.append) as server:
        ask(server, head(server, "PUT /-/vaults/x HTTP/1.1", Content_Length=0))
        ask(server, b"\x1b[31mnonsense\r\n\r\n")
        server.stop()

    first, second = sorted(lines, reverse=True)  # each connection has a thread, and they race
    assert first.startswith("PUT /-/vaults/x 200 17 ")
    assert first.endswith(" echo")
    assert second.startswith("- - 400 ")
    assert not any("AKIA" in line or not line.isprintable() for line in lines)


def test_strict_reads_a_body_without_hash_and_hands_it_on(echo):
    def client(server, secret):
        return boto3.client(
            "glacier",
            region_name="eu-west-1",
            endpoint_url=f"http://localhost:{server.port}",
            aws_access_key_id="AKIA",
            aws_secret_access_key=secret,
        )

    with Server(echo, auth=Authenticator("strict", {"AKIA": Credential("right")})) as server:
        client(server, "right").add_tags_to_vault(vaultName="x", Tags={"a": "b"})
        with pytest.raises(ClientError, match="InvalidSignatureException"):
            client(server, "wrong").add_tags_to_vault(vaultName="x", Tags={"a": "b"})

    assert echo.bodies == [b'{"Tags": {"a": "b"}}']
