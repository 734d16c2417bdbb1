"""Transfers against what the machine can do and against boto3 as people write it.

    pytest -m bench -s tests/bench

The limits are those that the project holds itself to; a row that is over fails.
"""

import shutil
import sys

import pytest
from benchmarks import BENCH, RIVAL, ROUNDS, SIZE, Sink, in_turn, make_file, run, tell

from glaciercli.treehash import hash_file
from glaciercli.units import GIB, MIB

pytestmark = pytest.mark.bench

# Start-up is the same for any size, so the ratios that are promised are those of 4 GiB.
WHOLE = SIZE >= 4 * GIB
NAIVE = BENCH / "naive.py"
PARTS = SIZE // (16 * MIB)


def test_tree_hash(big_file, limit, glacier, home):
    cost = in_turn(
        limit=lambda: run(limit, "treehash", big_file, 2),
        ours=glacier("treehash", big_file),
        botocore=lambda: run(sys.executable, NAIVE, "treehash", big_file, env=home),
    )

    tell(
        f"tree hash of {SIZE // MIB} MiB, with start-up",
        [
            ("CPU against the C limit", cost["ours"].cpu / cost["limit"].cpu, None),
            ("wall against botocore's", cost["ours"].wall / cost["botocore"].wall, None),
            ("peak MiB", cost["ours"].peak, 80),
        ],
    )


def test_upload(big_file, limit, glacier, home):
    with Sink() as sink:
        words = ["--endpoint-url", sink.url, "upload", big_file, "--vault", "bench", "-q"]
        cost = in_turn(
            limit=lambda: run(limit, "upload", big_file, 2, sink.port),
            ours=glacier(*words),
            naive=lambda: run(sys.executable, NAIVE, "upload", big_file, sink.url, env=home),
        )

    tell(
        f"upload of {SIZE // MIB} MiB in parts of 16 MiB, with start-up",
        [
            (
                "CPU against the C limit",
                cost["ours"].cpu / cost["limit"].cpu,
                1.30 if WHOLE else 1.50,
            ),
            ("CPU against a boto3 thread pool", cost["ours"].cpu / cost["naive"].cpu, 0.75),
            ("wall against a boto3 thread pool", cost["ours"].wall / cost["naive"].wall, 0.65),
            ("peak MiB", cost["ours"].peak, 80),
        ],
    )


def test_upload_of_another_tool(big_file, glacier, home):
    """Against glacier-upload, at the part size of both and with its own number of threads."""
    if RIVAL is None:
        pytest.skip("GLACIER_BENCH_RIVAL does not name the program of glacier-upload")
    with Sink() as sink:
        words = ["--endpoint-url", sink.url, "upload", big_file, "--vault", "bench", "-q"]
        env = {**home, "AWS_ENDPOINT_URL": sink.url}
        cost = in_turn(
            ours=glacier(*words),
            theirs=lambda: run(RIVAL, "upload", "-p", 16, "bench", big_file, env=env),
        )

    tell(
        f"upload of {SIZE // MIB} MiB in parts of 16 MiB",
        [
            (
                "CPU against glacier-upload",
                cost["ours"].cpu / cost["theirs"].cpu,
                0.75 if WHOLE else 0.85,
            ),
            ("wall against glacier-upload", cost["ours"].wall / cost["theirs"].wall, None),
        ],
    )


def test_download(big_file, limit, glacier, home, scratch):
    into = scratch / "into"

    def anew(command):
        """Let each program make the file anew: new pages cost the same for all."""

        def run_anew():
            into.unlink(missing_ok=True)
            return command()

        return run_anew

    with big_file.open("rb") as file:
        expected = hash_file(file.fileno(), SIZE)
    with Sink(big_file) as sink:
        words = ["--endpoint-url", sink.url, "archive", "download", "a" * 138, into]
        cost = in_turn(
            limit=anew(lambda: run(limit, "download", into, 2, sink.port, SIZE)),
            ours=anew(glacier(*words, "--vault", "bench", "-q")),
            naive=anew(
                lambda: run(sys.executable, NAIVE, "download", into, sink.url, expected, env=home)
            ),
        )

    tell(
        f"download of {SIZE // MIB} MiB, verified, with start-up",
        [
            (
                "CPU against the C limit",
                cost["ours"].cpu / cost["limit"].cpu,
                1.45 if WHOLE else 2.0,
            ),
            (
                "wall against one boto3 stream",
                cost["ours"].wall / cost["naive"].wall,
                0.85,
            ),
            ("peak MiB", cost["ours"].peak, 80),
        ],
    )


def test_latency(scratch, glacier, home):
    """With 50 ms to the service, the workers must hide what one worker waits for."""
    path = make_file(scratch / "latency", 2 * GIB)
    with Sink(None, 0.05) as sink:
        words = ["--endpoint-url", sink.url, "upload", path, "--vault", "bench", "-q"]
        cost = in_turn(1, default=glacier(*words), one=glacier(*words, "--workers", "1"))

    ratio = cost["default"].wall / cost["one"].wall
    tell("upload at 50 ms latency", [("wall against one worker", ratio, 0.35)])


@pytest.mark.parametrize("part_size", ["1MiB", "16MiB", "64MiB"])
def test_memory_does_not_grow_with_the_part(big_file, glacier, part_size):
    with Sink() as sink:
        words = ["--endpoint-url", sink.url, "upload", big_file, "--vault", "bench", "-q"]
        cost = glacier(*words, "--part-size", part_size)()

    tell(f"memory of an upload in parts of {part_size}", [("peak MiB", cost.peak, 80)])


def test_requests(big_file, glacier):
    with Sink() as sink:
        glacier("--endpoint-url", sink.url, "upload", big_file, "--vault", "bench", "-q")()
        counts = sink.counts()

    tell(
        "requests",
        [(f"for {PARTS} parts", sum(counts.values()), PARTS + 2)],
    )


def test_growth(scratch, glacier):
    """Sixteen times the bytes cost sixteen times the work and no more."""
    costs = {}
    with Sink() as sink:
        for name, size in (("start", MIB), ("one", GIB), ("many", 16 * GIB)):
            path = scratch / name
            with path.open("wb") as file:
                file.truncate(size)  # a hole is hashed and sent like any other bytes
            words = ["--endpoint-url", sink.url, "upload", path, "--vault", "bench", "-q"]
            costs[name] = in_turn(1 if name == "many" else ROUNDS, ours=glacier(*words))["ours"]

    start = costs["start"].cpu
    ratio = (costs["many"].cpu - start) / 16 / (costs["one"].cpu - start)
    tell("an upload of 16 GiB", [("CPU a GiB against that of 1 GiB", ratio, 1.1)])


def test_embedded(big_file, glacier, scratch):
    """The embedded engine hashes what comes in once more, writes it and syncs it."""
    store = scratch / "store"
    local = ["--local-root", store]
    words = ["upload", big_file, "--vault", "bench", "-q"]

    def embedded():
        """Into a store made anew: memory that nobody touched yet can cost more than the upload."""
        shutil.rmtree(store, ignore_errors=True)
        glacier(*local, "vault", "create", "bench", "-q")()
        return glacier(*local, *words)()

    with Sink() as sink:
        cost = in_turn(embedded=embedded, sink=glacier("--endpoint-url", sink.url, *words))

    ratio = cost["embedded"].cpu / cost["sink"].cpu
    tell("upload with --local", [("CPU against an upload to a sink", ratio, 2.2)])
