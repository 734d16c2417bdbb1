"""The engine's own accidents: killed at any moment, and a disk that is full at any place.

A killed store opens again with everything that it acknowledged. Of a full disk there is no
acknowledgement but a reply that says so, and the store is whole afterwards. The system refuses to
write a file beyond some size (RLIMIT_FSIZE), so every file of the store is full at that place: a
blob, its leaves, or the database's log.
"""

import random
import re
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from helpers import payload, require_delivered, write

from glaciercli.errors import Exit
from glaciercli.local.clock import DAY
from glaciercli.local.engine import open_engine
from glaciercli.local.http.server import Server
from glaciercli.local.verify import info, verify
from glaciercli.treehash import tree_hash
from glaciercli.units import KIB, MIB

UPLOADER = Path(__file__).with_name("uploader.py")
DATA = payload(2 * MIB + 5)
LIMITS = [0, 10, 64, 4 * KIB, 64 * KIB, MIB, MIB + 1, 2 * MIB, 2 * MIB + 4]


@pytest.fixture
def root(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def engine(root):
    engine = open_engine(root)
    yield engine
    require_delivered(engine)
    engine.close()


@pytest.fixture
def files(root):
    """Return the blobs on disk, without their leaves."""
    pattern = re.compile(r"[0-9a-f]{32}")
    return lambda: [path for path in root.glob("blobs/*/*") if pattern.fullmatch(path.name)]


# --- killed


def start(root, seed):
    return subprocess.Popen(
        [sys.executable, UPLOADER, root, str(seed)], stdout=subprocess.PIPE, text=True
    )


def kill_after(process, lines):
    """Read so many lines, kill the process, and return all that it printed."""
    said = [process.stdout.readline() for _ in range(lines)]
    process.kill()
    rest, _ = process.communicate()
    return [line.split() for line in "".join([*said, rest]).splitlines()]


def check(root, said):
    """Hold the store against what was acknowledged."""
    engine = open_engine(root)
    try:
        assert list(verify(engine)) == []
        with engine.store.read() as db:
            archives = {row["id"]: row["tree_hash"] for row in db.all("SELECT * FROM archives")}
            parts = {
                (row["id"], row["part"]): row["tree_hash"]
                for row in db.all("SELECT * FROM parts JOIN uploads ON number = upload")
            }
            still_open = {
                row["id"] for row in db.all("SELECT id FROM uploads WHERE state = 'open'")
            }
            counted = db.get("SELECT archives, bytes FROM vaults")
            summed = db.get("SELECT count(*), sum(size) FROM archives")
        told = {words[1]: words[2] for words in said if words[0] == "archive"}
        assert told.items() <= archives.items()
        assert len(archives) - len(told) <= 1  # the one whose reply was on its way
        assert (counted[0], counted[1]) == (summed[0], summed[1] or 0)
        for words in said:
            if words[0] == "part" and words[1] in still_open:
                assert parts[words[1], int(words[2]) >> 20] == words[3]
    finally:
        engine.close()


@pytest.mark.parametrize("seed", range(4))
def test_nothing_acknowledged_is_lost_to_a_kill(root, seed):
    said = kill_after(start(root, seed), random.Random(seed).randrange(2, 14))

    assert said[0] == ["ready"]
    check(root, said)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 140))
def test_nothing_acknowledged_is_lost_to_many_kills_on_one_store(root, seed):
    said = []
    for number in range(3):
        said += kill_after(start(root, seed + number * 1000), random.Random(seed).randrange(2, 20))
    engine = open_engine(root)
    assert list(verify(engine)) == []
    with engine.store.read() as db:
        archives = {row["id"]: row["tree_hash"] for row in db.all("SELECT * FROM archives")}
    engine.close()
    assert {
        words[1]: words[2] for words in said if words[0] == "archive"
    }.items() <= archives.items()


def test_what_a_kill_leaves_behind_is_swept_in_time(root, files):
    kill_after(start(root, 1), 3)
    engine = open_engine(root)
    name = engine.blobs.create()  # as if killed right after
    with engine.store.write() as db:
        db.run("UPDATE uploads SET touched_at = 0")
        db.run("UPDATE strays SET due = ?", engine.clock.instant(db) + 7 * DAY)
    assert engine.blobs.path(name).exists()
    with engine.store.write() as db:
        db.run("UPDATE strays SET due = 0")
    engine.close()

    engine = open_engine(root)

    assert not engine.blobs.path(name).exists()
    engine.close()


def test_two_processes_share_a_store(root):
    first, second = start(root, 1), start(root, 2)

    said = [kill_after(process, 13) for process in (first, second)]

    engine = open_engine(root)
    assert list(verify(engine)) == []
    with engine.store.read() as db:
        archives = {row["id"] for row in db.all("SELECT id FROM archives")}
    engine.close()
    for lines in said:
        told = {words[1] for words in lines if words[0] == "archive"}
        assert len(told) >= 2
        assert told <= archives


# --- full


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


def test_a_full_disk_stops_no_output_that_is_ready(client, engine, caplog):
    """What is served is metered, which takes room; the bytes matter more than their count."""
    archive = client.upload_archive(vaultName="v", body=DATA)["archiveId"]
    given = {"Type": "archive-retrieval", "ArchiveId": archive}
    job = client.initiate_job(vaultName="v", jobParameters=given)["jobId"]
    with full(0):
        body = client.get_job_output(vaultName="v", jobId=job)["body"].read()

    assert body == DATA
    assert info(engine).metered.served == 0
    assert "is not metered" in caplog.text


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
