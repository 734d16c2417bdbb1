import os
import signal
import socket
import threading

import pytest

from glaciercli.local.connection import Limits
from glaciercli.local.server import Server
from glaciercli.local.wire import Response


class Answer:
    def handle(self, request):
        return Response(200, {}, b"here")


class Patient:
    """A handler that answers when it is told to."""

    def __init__(self):
        self.entered, self.release = threading.Event(), threading.Event()

    def handle(self, request):
        self.entered.set()
        assert self.release.wait(10)
        return Response(200, {}, b"late")


def request(server):
    return (
        f"GET / HTTP/1.1\r\nHost: localhost:{server.port}\r\n"
        "Authorization: AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/glacier/aws4_request, "
        "SignedHeaders=host, Signature=0\r\n\r\n"
    ).encode()


def connect(server):
    return socket.create_connection((server.host, server.port), timeout=5)


def everything(client):
    return b"".join(iter(lambda: client.recv(65536), b""))


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:"),
        ("localhost", "http://127.0.0.1:"),
        ("127.0.0.2", "http://127.0.0.2:"),
        ("::1", "http://[::1]:"),
    ],
)
def test_it_listens_on_loopback(host, url):
    with Server(Answer(), host) as server:
        assert server.url == f"{url}{server.port}"
        with connect(server) as client:
            client.sendall(request(server))
            assert client.recv(65536).endswith(b"here")


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.1", "example.com", "", "127.1", "localhost.example.com"]
)
def test_it_listens_nowhere_else(host):
    with pytest.raises(ValueError, match="is not a loopback address"):
        Server(Answer(), host)


def test_a_taken_port_is_an_error():
    with Server(Answer()) as server, pytest.raises(OSError, match="in use"):
        Server(Answer(), port=server.port)


def test_stop_ends_idle_connections_and_can_be_repeated():
    server = Server(Answer()).start()
    with connect(server) as client:
        client.sendall(request(server))
        assert client.recv(65536).endswith(b"here")

        server.stop()
        server.stop()

        assert client.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        connect(server)


def test_a_server_that_never_ran_can_be_stopped():
    server = Server(Answer())

    server.stop()

    with pytest.raises(ConnectionRefusedError):
        connect(server)


def test_stop_lets_a_request_in_flight_finish():
    patient = Patient()
    server = Server(patient).start()
    with connect(server) as client:
        client.sendall(request(server))
        assert patient.entered.wait(5)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        patient.release.set()
        stopping.join(5)

        assert not stopping.is_alive()
        assert everything(client).endswith(b"late")


def test_stop_does_not_wait_for_ever():
    patient = Patient()
    server = Server(patient, limits=Limits(grace=0.1)).start()
    with connect(server) as client:
        client.sendall(request(server))
        assert patient.entered.wait(5)

        server.stop()

        assert everything(client) == b""
    patient.release.set()


def test_a_signal_handler_can_stop_it():
    """The handler runs in the serving thread, which cannot wait for itself."""
    server = Server(Answer())
    previous = signal.signal(signal.SIGUSR1, lambda *_: server.stop())
    sender = threading.Timer(0, os.kill, (os.getpid(), signal.SIGUSR1))
    try:
        sender.start()
        server.serve_forever()
    finally:
        sender.join()
        signal.signal(signal.SIGUSR1, previous)

    with pytest.raises(ConnectionRefusedError):
        connect(server)
