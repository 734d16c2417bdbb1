"""A million archives in one vault: nothing that a user waits for gets slow, and memory is flat."""

import json
import resource
import time

import pytest

COUNT = 1_000_000


@pytest.fixture
def full(call, engine):
    """A vault with a million archives, put there without uploading them."""
    with engine.store.write() as db:
        vault = db.get("SELECT number FROM vaults")["number"]
        now = engine.clock.instant(db)
        db.run(
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers"
            f" WHERE n < {COUNT})"
            " INSERT INTO archives (vault, born, id, description, created_at, size, tree_hash,"
            " blob) SELECT ?, n, printf('%0138d', n), printf('file %d', n), ?, 100,"
            " printf('%064x', n), printf('%032x', n) FROM numbers",
            *(vault, now),
        )
        db.run(
            "UPDATE vaults SET archives = ?, writes = ?, bytes = ?, written_at = ?",
            *(COUNT, COUNT, COUNT * 100, now),
        )
    return call


def timed(function):
    start = time.perf_counter()
    result = function()
    return result, time.perf_counter() - start


@pytest.mark.slow
def test_a_million_archives(full, capsys):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    described, describe = timed(lambda: full("GET", "/-/vaults/v").json)
    _, listing = timed(lambda: full("GET", "/-/vaults"))
    archive, upload = timed(lambda: full.archive(b"x").headers["x-amz-archive-id"])
    _, delete = timed(lambda: full("DELETE", f"/-/vaults/v/archives/{archive}"))
    asked = json.dumps({"Type": "inventory-retrieval"}).encode()
    job, inventory = timed(lambda: full("POST", "/-/vaults/v/jobs", asked))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) / 1024

    shown = full("GET", f"/-/vaults/v/jobs/{job.headers['x-amz-job-id']}").json
    with capsys.disabled():
        print(  # noqa: T201
            f"\ndescribe {describe * 1000:.1f} ms, list {listing * 1000:.1f} ms,"
            f" upload {upload * 1000:.1f} ms, delete {delete * 1000:.1f} ms,"
            f" inventory {inventory:.1f} s of {shown['InventorySizeInBytes'] >> 20} MiB,"
            f" memory +{grown:.0f} MiB"
        )
    assert described["NumberOfArchives"] == COUNT
    assert max(describe, listing) < 0.1
    assert max(upload, delete) < 1
    assert grown < 32
    document = full("GET", f"/-/vaults/v/jobs/{shown['JobId']}/output").json
    assert len(document["ArchiveList"]) == COUNT
