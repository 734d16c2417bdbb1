"""What the embedded Glacier's meter costs, beside the requests that it counts.

Small requests are the worst case: of a part of a mebibyte, hashing is most. The store is in memory,
so that no disk hides the cost.
"""

import json
import time
from collections.abc import Callable
from contextlib import closing

import pytest
from benchmarks import tell
from local.conftest import Caller

from glaciercli.local import metering
from glaciercli.local.engine import open_engine
from glaciercli.local.wire import Request
from glaciercli.local.world import World

pytestmark = pytest.mark.bench

TIMES = 500


def seconds(act: Callable[[], object]) -> float:
    """Return the processor time of one act, the least of five rounds."""
    rounds = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(TIMES):
            act()
        rounds.append((time.process_time() - began) / TIMES)
    return min(rounds)


def test_meter(scratch):
    with closing(open_engine(scratch / "meter")) as engine:
        call = Caller(engine)
        call.vault()
        archive = call.archive(b"x").headers["x-amz-archive-id"]
        given = json.dumps({"Type": "archive-retrieval", "ArchiveId": archive}).encode()
        job = call("POST", "/-/vaults/v/jobs", given).headers["x-amz-job-id"]
        upload = seconds(lambda: call.archive(b"x"))
        fetch = seconds(lambda: call("GET", f"/-/vaults/v/jobs/{job}/output"))

        request = Request("GET", "/", {}, None, 0)
        world = World(
            engine.store, engine.blobs, engine.clock, engine.account, "us-east-1", request
        )
        with engine.store.write() as db:
            count = seconds(lambda: metering.count(world, db, "UploadArchive"))

        def alone():
            with engine.store.write(durable=False) as db:
                metering.count(world, db, "GetJobOutput", size=1)

        light = seconds(alone)

    tell(
        f"meter: {upload * 1e6:.0f} us an upload of a byte, {fetch * 1e6:.0f} us an output",
        [
            ("CPU of a count against an upload of a byte", count / upload, 0.05),
            ("CPU of a count of its own against an output of a byte", light / fetch, 0.20),
        ],
    )
