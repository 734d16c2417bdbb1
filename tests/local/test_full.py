"""A full disk: no acknowledgement, a reply that says so, and a store that is whole afterwards.

The system refuses to write a file beyond some size (RLIMIT_FSIZE), so every file of the store is
full at that place: a blob, its leaves, or the database's log.
"""

import resource
import signal
from contextlib import contextmanager

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from helpers import payload, write

from glaciercli.errors import Exit
from glaciercli.local.http.server import Server
from glaciercli.local.verify import info, verify
from glaciercli.treehash import tree_hash
from glaciercli.units import KIB, MIB

DATA = payload(2 * MIB + 5)
LIMITS = [0, 10, 64, 4 * KIB, 64 * KIB, MIB, MIB + 1, 2 * MIB, 2 * MIB + 4]


@contextmanager
def full(limit):
    """Let no file of this process grow beyond `limit` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, previous)


@pytest.fixture
def client(engine):
    with Server(engine) as server:
        client = boto3.client(
            "glacier",
            endpoint_url=server.url,
            region_name="us-east-1",
            config=Config(retries={"total_max_attempts": 1}),
        )
        client.create_vault(vaultName="v")
        yield client
        client.close()


def upload(client):
    client.upload_archive(vaultName="v", body=DATA)


def upload_in_parts(client):
    """The whole is one short part, so that what is full is the same as with one request."""
    given = client.initiate_multipart_upload(vaultName="v", partSize=str(4 * MIB))
    upload = {"vaultName": "v", "uploadId": given["uploadId"]}
    client.upload_multipart_part(**upload, range=f"bytes 0-{len(DATA) - 1}/*", body=DATA)
    client.complete_multipart_upload(**upload, archiveSize=str(len(DATA)), checksum=tree_hash(DATA))


@pytest.mark.parametrize("work", [upload, upload_in_parts])
def test_a_full_disk_is_the_servers_failure_and_loses_nothing(work, client, engine, count):
    work(client)
    for limit in LIMITS:
        with full(limit), pytest.raises(ClientError) as caught:
            work(client)

        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
        assert caught.value.response["Error"]["Code"] == "ServiceUnavailableException"
        assert list(verify(engine)) == []
    work(client)

    assert info(engine).archives == 2
    assert list(verify(engine)) == []
    count({"full disks": len(LIMITS)})


def test_what_filled_the_disk_makes_room_at_once(client, files):
    """Else nothing could be written that would make room.

    Some of the limits let the blob begin, and stop the database when it is to be forgotten.
    """
    for limit in range(0, 256 * KIB, 2 * KIB):
        with full(limit), pytest.raises(ClientError, match="ServiceUnavailable"):
            upload(client)

    assert sum(path.stat().st_size for path in files()) == 0


def test_with_the_engine_in_the_program_it_is_a_conflict_told_in_a_line(glacier, tmp_path):
    file = write(tmp_path / "big.tar", DATA)
    glacier("vault", "create", "photos")
    with full(MIB):
        got = glacier("upload", file, "--vault", "photos", exit=Exit.CONFLICT)
        info = glacier("local", "info", "--output", "json").json

    assert "the local engine" in got.stderr
    assert "File too large" in got.stderr
    assert info["archives"] == 0
    glacier("upload", file, "--vault", "photos")
