import os
import signal
import socket
import threading
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from helpers import payload

from glaciercli.local.engine import open_engine
from glaciercli.local.http._connection import Limits
from glaciercli.local.http.server import Server
from glaciercli.local.wire import Response
from glaciercli.treehash import tree_hash
from glaciercli.units import MIB


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


def test_a_system_without_threads_to_spare_costs_one_connection(caplog):
    with Server(Answer()) as server:
        threading.stack_size(1 << 46)  # no room for that, wherever it is asked
        try:
            with connect(server) as refused:
                assert everything(refused) == b""
        finally:
            threading.stack_size(0)
        with connect(server) as client:
            client.sendall(request(server))
            assert client.recv(65536).endswith(b"here")

    assert "can't start new thread" in caplog.text


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


# --- the real engine behind it, seen by boto3 ---


@pytest.fixture
def engine(tmp_path):
    engine = open_engine(tmp_path / "vaults")
    yield engine
    engine.close()


@pytest.fixture
def server(engine):
    with Server(engine) as server:
        yield server


@pytest.fixture
def client(server):
    return boto3.client(
        "glacier",
        endpoint_url=server.url,
        region_name="us-east-1",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=10),
    )


@pytest.fixture
def vault(client):
    client.create_vault(vaultName="photos")
    return "photos"


def test_replies_tell_the_time_of_the_world(client, vault, engine):
    """The SDK for JavaScript signs its next request with it, and `strict` goes by the world's."""
    engine.clock.advance(timedelta(hours=5))

    headers = client.list_vaults()["ResponseMetadata"]["HTTPHeaders"]

    assert abs(parsedate_to_datetime(headers["date"]) - datetime.now(UTC)) < timedelta(minutes=1)


def test_an_archive_goes_up_in_parts_and_comes_down(client, vault):
    data = payload(2 * MIB + 5)
    upload = client.initiate_multipart_upload(vaultName=vault, partSize=str(MIB))["uploadId"]
    for start in range(0, len(data), MIB):
        part = data[start : start + MIB]
        client.upload_multipart_part(
            vaultName=vault,
            uploadId=upload,
            range=f"bytes {start}-{start + len(part) - 1}/*",
            body=part,
        )
    archive = client.complete_multipart_upload(
        vaultName=vault, uploadId=upload, archiveSize=str(len(data)), checksum=tree_hash(data)
    )["archiveId"]
    job = client.initiate_job(
        vaultName=vault, jobParameters={"Type": "archive-retrieval", "ArchiveId": archive}
    )["jobId"]

    whole = client.get_job_output(vaultName=vault, jobId=job)
    part = client.get_job_output(vaultName=vault, jobId=job, range=f"bytes={MIB}-{2 * MIB - 1}")

    assert (whole["status"], whole["body"].read()) == (200, data)
    assert (part["status"], part["body"].read()) == (206, data[MIB : 2 * MIB])
    assert part["checksum"] == tree_hash(data[MIB : 2 * MIB])


@pytest.mark.parametrize("size", [MIB, 16 * MIB, 64 * MIB])
def test_a_large_body_for_a_missing_vault_gets_its_answer(client, size):
    """The reply must not be lost to the reset of a connection with unread input."""
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.upload_archive(vaultName="missing", body=bytes(size))


def test_a_reply_that_the_engine_drops_is_a_closed_connection(client, engine):
    fault = engine.faults.add("ListVaults", kind="drop-after")

    with pytest.raises(BotoCoreError):
        client.list_vaults()

    assert engine.faults.delivered(fault) == 1
    assert client.list_vaults()["VaultList"] == []


def test_a_reply_that_the_engine_cuts_is_seen_to_be_short(client, vault, engine):
    client.upload_archive(vaultName=vault, body=payload(MIB))
    job = client.initiate_job(
        vaultName=vault,
        jobParameters={
            "Type": "archive-retrieval",
            "ArchiveId": client.upload_archive(vaultName=vault, body=b"x" * MIB)["archiveId"],
        },
    )["jobId"]
    engine.faults.add("GetJobOutput", kind="truncate", keep=1000)

    with pytest.raises(BotoCoreError):
        client.get_job_output(vaultName=vault, jobId=job)["body"].read()


def test_the_log_names_the_request_as_the_reply_does(engine):
    lines = []
    with Server(engine, access_log=lines.append) as server:
        client = boto3.client("glacier", endpoint_url=server.url, region_name="us-east-1")
        reply = client.list_vaults()
        server.stop()

    (line,) = lines
    assert line.endswith(" " + reply["ResponseMetadata"]["RequestId"])
    assert line.startswith("GET /-/vaults 200 ")
