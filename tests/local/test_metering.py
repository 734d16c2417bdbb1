"""What AWS would bill is counted exactly, whatever becomes of the reply."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from helpers import MIB, payload

from glaciercli.local import metering
from glaciercli.local._schema import MIGRATIONS
from glaciercli.local.engine import open_engine
from glaciercli.local.errors import ConnectionDropped
from glaciercli.local.metering import Metered
from glaciercli.local.rules import OVERHEAD

TIERS = ("Standard", "Bulk", "Expedited")


def metered(engine):
    return metering.read(engine.store)


def start(call, archive_id, status=None, **more):
    """Start the retrieval of an archive; return its job."""
    given = {"Type": "archive-retrieval", "ArchiveId": archive_id, **more}
    reply = call("POST", "/-/vaults/v/jobs", json.dumps(given).encode(), status=status)
    return reply.headers.get("x-amz-job-id")


def output(call, job, **headers):
    return call("GET", f"/-/vaults/v/jobs/{job}/output", **headers).body


def store(call, size, seed=0):
    return call.archive(payload(size, seed)).headers["x-amz-archive-id"]


def test_a_new_store_has_billed_nothing(engine, call):
    assert metered(engine) == Metered(None)


def test_an_upload_is_its_requests(engine, call):
    store(call, 5)
    data = payload(2 * MIB + 1)
    upload = call.upload()
    for at in (0, MIB, 2 * MIB, 2 * MIB):  # the last part comes twice
        call.part(upload, at, data[at : at + MIB])
    for _ in range(2):
        call.complete(upload, data)

    assert metered(engine).requests == {
        "UploadArchive": 1,
        "InitiateMultipartUpload": 1,
        "UploadMultipartPart": 4,
        "CompleteMultipartUpload": 2,
    }


@pytest.mark.parametrize("tier", TIERS)
def test_a_retrieval_is_its_range_by_tier(engine, call, tier):
    archive = store(call, 3 * MIB)
    jobs = [
        start(call, archive, Tier=tier),
        start(call, archive, Tier=tier, RetrievalByteRange=f"{MIB}-{2 * MIB - 1}"),
    ]
    output(call, jobs[1])
    output(call, jobs[1], range="bytes=0-9")

    found = metered(engine)
    assert (found.retrievals, found.retrieved) == ({tier: 2}, {tier: 4 * MIB})
    assert (found.requests["InitiateJob"], found.served) == (2, MIB + 10)


def test_an_inventory_is_counted_apart(engine, call):
    store(call, 5)
    job = call("POST", "/-/vaults/v/jobs", b'{"Type": "inventory-retrieval"}')
    got = output(call, job.headers["x-amz-job-id"])

    found = metered(engine)
    assert (found.inventories, found.served) == (1, len(got))
    assert found.requests == {"UploadArchive": 1}


@pytest.mark.parametrize(("age", "hours"), [(0, 2160), (30, 1440), (89.99, 1), (90, 0)])
def test_a_deletion_is_billed_for_the_rest_of_ninety_days(engine, call, age, hours):
    engine.clock.freeze()
    archive = store(call, 1000)
    engine.clock.advance(timedelta(days=age))
    for _ in range(2):  # one that is gone already costs nothing more
        call("DELETE", f"/-/vaults/v/archives/{archive}")

    found = metered(engine)
    early = 1 if hours else 0
    assert (found.early_deletions, found.early_deleted) == (early, 1000 * early)
    assert found.early_byte_hours == (1000 + OVERHEAD) * hours
    assert found.requests == {"UploadArchive": 1}


def test_a_unit_of_capacity_is_counted(engine, call):
    for status in (201, 201, 400):  # no third is sold
        call("POST", "/-/provisioned-capacity", status=status)

    assert metered(engine) == Metered(None, capacity_units=2)


def test_what_is_refused_costs_nothing(engine, call):
    archive = store(call, 5)
    upload = call.upload()
    before = metered(engine)
    rule = {"Policy": {"Rules": [{"Strategy": "BytesPerHour", "BytesPerHour": 1}]}}
    call("PUT", "/-/policies/data-retrieval", json.dumps(rule).encode())
    start(call, archive, status=400)  # by the account's policy
    start(call, archive[:-1] + "!", status=404)
    start(call, archive, status=400, Tier="Cheap")
    call.part(upload, 0, payload(MIB), body=payload(MIB, 1), status=403)
    call.complete(upload, payload(MIB), status=400)
    call.archive(b"x", vault="other", status=404)

    assert metered(engine) == before


@pytest.mark.parametrize(("applied", "counted"), [(False, 0), (True, 1)])
def test_a_lost_reply_is_billed_where_the_request_was_granted(engine, call, applied, counted):
    archive = store(call, 5)
    for operation in ("InitiateJob", "InitiateMultipartUpload"):
        engine.faults.drop(operation, applied=applied)
    with pytest.raises(ConnectionDropped):
        start(call, archive)
    with pytest.raises(ConnectionDropped):
        call.upload()

    found = metered(engine)
    assert found.retrievals == ({"Standard": 1} if counted else {})
    assert found.requests.get("InitiateMultipartUpload", 0) == counted


def test_vaults_accounts_and_days_are_one_sum_and_outlive_the_vault(root, caller):
    for account in ("111111111111", "222222222222"):
        with closing(open_engine(root, account=account)) as engine:
            call = caller(engine)
            call.vault()
            archive = store(call, 5)
            engine.clock.advance(timedelta(days=91))
            call("DELETE", f"/-/vaults/v/archives/{archive}")
            call("DELETE", "/-/vaults/v")
            found = metered(engine)

    assert found.requests == {"UploadArchive": 2}
    with closing(sqlite3.connect(root / "glacier.db")) as connection:
        rows = connection.execute("SELECT account, day, count FROM meter ORDER BY day").fetchall()
    assert [(account, count) for account, _, count in rows] == [
        ("111111111111", 1),
        ("222222222222", 1),
    ]
    assert rows[1][1] - rows[0][1] == 91


def test_a_meter_that_begins_anew_tells_what_it_had_and_since_when(engine, call):
    engine.clock.freeze()
    store(call, 5)
    before = metering.reset(engine.store, engine.clock)
    store(call, 6)

    assert before == Metered(None, requests={"UploadArchive": 1})
    assert metered(engine) == Metered(engine.clock.now(), requests={"UploadArchive": 1})


@pytest.mark.parametrize("used", [False, True])
def test_a_store_from_before_the_meter_says_since_when_it_counts(root, used):
    root.mkdir(mode=0o700)
    file = root / "glacier.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        for statement in MIGRATIONS[0]:
            connection.execute(statement)
        connection.execute("PRAGMA user_version=1")
        connection.execute("UPDATE engine SET clock_rate = 0, clock_engine = 1704067200000")
        if used:
            connection.execute(
                "INSERT INTO vaults (account, region, name, created_at)"
                " VALUES ('000000000000', 'us-east-1', 'v', 0)"
            )
    file.chmod(0o600)
    with closing(open_engine(root)) as engine:
        found = metered(engine)
        assert engine.store.check() == []

    assert found == Metered(datetime(2024, 1, 1, tzinfo=UTC) if used else None)


class Rehearsal:
    """Random requests, some of them lost, with a count of what was granted."""

    def __init__(self, engine, call, seed):
        self.engine, self.call = engine, call
        self.chance = random.Random(seed)
        self.expected = Metered(None)
        self.archives = {}  # each with its size and its birth

    def ask(self, operation, act, *arguments, **more):
        """Do one request; return its reply, if any, and whether it was granted."""
        applied = self.chance.choice([None, None, None, False, True])
        if applied is None:
            return act(*arguments, **more), True
        self.engine.faults.drop(operation, applied=applied)
        with pytest.raises(ConnectionDropped):
            act(*arguments, **more)
        return None, applied

    def add(self, counts, key, number):
        if number:
            counts[key] = counts.get(key, 0) + number

    def step(self):
        self.engine.clock.advance(timedelta(days=self.chance.randrange(20)))
        acts = [self.store, self.part, self.list]
        if self.archives:
            acts += [self.fetch, self.fetch, self.delete]
        self.chance.choice(acts)()

    def store(self):
        data = payload(self.chance.randrange(1, 3 * MIB), self.chance.random())
        reply, granted = self.ask("UploadArchive", self.call.archive, data)
        self.add(self.expected.requests, "UploadArchive", granted)
        if reply:
            archive = reply.headers["x-amz-archive-id"]
            self.archives[archive] = len(data), self.engine.clock.now()

    def part(self):
        upload, data = self.call.upload(), payload(self.chance.randrange(1, MIB))
        self.add(self.expected.requests, "InitiateMultipartUpload", 1)
        _, granted = self.ask("UploadMultipartPart", self.call.part, upload, 0, data)
        self.add(self.expected.requests, "UploadMultipartPart", granted)

    def list(self):
        given = b'{"Type": "inventory-retrieval"}'
        _, granted = self.ask("InitiateJob", self.call, "POST", "/-/vaults/v/jobs", given)
        self.expected.inventories += granted

    def fetch(self):
        archive, tier = self.chance.choice(sorted(self.archives)), self.chance.choice(TIERS)
        size, _ = self.archives[archive]
        more = {"RetrievalByteRange": f"0-{MIB - 1}"} if size > MIB else {}
        stop = min(size, MIB)
        job, granted = self.ask("InitiateJob", start, self.call, archive, Tier=tier, **more)
        self.add(self.expected.requests, "InitiateJob", granted)
        self.add(self.expected.retrievals, tier, granted)
        self.add(self.expected.retrieved, tier, stop * granted)
        if job:
            _, granted = self.ask("GetJobOutput", output, self.call, job)
            self.expected.served += stop * granted

    def delete(self):
        archive = self.chance.choice(sorted(self.archives))
        size, born = self.archives.pop(archive)
        path = f"/-/vaults/v/archives/{archive}"
        _, granted = self.ask("DeleteArchive", self.call, "DELETE", path)
        left = timedelta(days=90) - (self.engine.clock.now() - born)
        if granted and left > timedelta(0):
            self.expected.early_deletions += 1
            self.expected.early_deleted += size
            self.expected.early_byte_hours += (size + OVERHEAD) * -(-left // timedelta(hours=1))


@pytest.mark.parametrize("seed", range(3))
def test_a_random_rehearsal_is_counted_exactly(engine, call, seed):
    engine.clock.freeze()
    rehearsal = Rehearsal(engine, call, seed)
    for _ in range(80):
        rehearsal.step()

    assert metered(engine) == rehearsal.expected


_RUN = """
import random, sys
from pathlib import Path
from glaciercli.clients.glacier import Target
from glaciercli.clients.session import connect

client = connect(Target(local_root=Path(sys.argv[1])), timeout=30.0)
chance = random.Random(sys.argv[2])
archives = [client.call("UploadArchive", vaultName="v", body=b"first")["archiveId"]]
print("UploadArchive 1", flush=True)
while True:
    match chance.randrange(4):
        case 0:
            body = bytes(chance.randrange(1, 9999))
            archives.append(client.call("UploadArchive", vaultName="v", body=body)["archiveId"])
            print("UploadArchive 1", flush=True)
        case 1:
            upload = client.call("InitiateMultipartUpload", vaultName="v", partSize=str(1 << 20))
            print("InitiateMultipartUpload 1", flush=True)
        case _:
            parameters = {"Type": "archive-retrieval", "ArchiveId": chance.choice(archives)}
            job = client.call("InitiateJob", vaultName="v", jobParameters=parameters)["jobId"]
            print("InitiateJob 1", flush=True)
            body = client.call("GetJobOutput", vaultName="v", jobId=job)["body"]
            print("GetJobOutput", len(body.read()), flush=True)
"""


def test_nothing_is_lost_or_counted_twice_when_it_is_killed(root, engine, call):
    """What the meter says is what the other rows of the store say, and what was told came true."""
    told = Counter()
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    kills = 6
    for seed in range(kills):
        process = subprocess.Popen(
            [sys.executable, "-c", _RUN, root, str(seed)],
            stdout=subprocess.PIPE,
            env=environ,
            text=True,
        )
        for number, line in enumerate(process.stdout):
            operation, count = line.split()
            told[operation] += int(count)
            if number == 5 + 7 * seed:
                process.send_signal(signal.SIGKILL)  # whatever it is about to do
        process.wait()
        process.stdout.close()

    found = metered(engine)
    with engine.store.read() as db:
        jobs = db.get("SELECT count(*) AS count, sum(size) AS size FROM jobs")
        archives = db.get("SELECT count(*) FROM archives")[0]
        uploads = db.get("SELECT count(*) FROM uploads")[0]
    assert found.requests == {
        "InitiateJob": jobs["count"],
        "InitiateMultipartUpload": uploads,
        "UploadArchive": archives,
    }
    assert (found.retrievals, found.retrieved) == (
        {"Standard": jobs["count"]},
        {"Standard": jobs["size"]},
    )
    for operation, count in found.requests.items():
        assert told[operation] <= count <= told[operation] + kills
    assert told["GetJobOutput"] <= found.served <= jobs["size"]
