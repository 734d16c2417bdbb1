"""What the benchmarks share: a fair clock, a table of ratios, the sink as a process.

A figure is a ratio of two programs run in turn on the same file in the same run, by the processor
time of the whole process; wall time is a second witness. `GLACIER_BENCH_MIB` sets the file's size,
`GLACIER_BENCH_RIVAL` names the program of glacier-upload, an older tool, to be compared with.
"""

import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from glaciercli.units import MIB

BENCH = Path(__file__).parent / "bench"
SIZE = int(os.environ.get("GLACIER_BENCH_MIB", "1024")) * MIB
RIVAL = os.environ.get("GLACIER_BENCH_RIVAL")
ROUNDS = 3


@dataclass(frozen=True)
class Cost:
    """What a process cost: processor and wall seconds, and its peak memory in MiB."""

    cpu: float
    wall: float
    peak: float


def run(*command, env=None) -> Cost:
    """Run a command to its successful end and return what it cost."""
    started = time.perf_counter()
    child = subprocess.Popen(
        list(map(str, command)), env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    child.stderr.close()
    assert child.returncode == 0, said.decode()
    return Cost(
        usage.ru_utime + usage.ru_stime, time.perf_counter() - started, usage.ru_maxrss / 1024
    )


def in_turn(rounds=ROUNDS, **commands) -> dict[str, Cost]:
    """Run commands in turn, several rounds, and return the median cost of each."""
    costs = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            costs[name].append(command())
    return {
        name: Cost(
            statistics.median(each.cpu for each in got),
            statistics.median(each.wall for each in got),
            max(each.peak for each in got),
        )
        for name, got in costs.items()
    }


def tell(title, rows):
    """Print a table of measured against allowed; fail on a row that is over."""
    sys.stdout.write(f"\n{title}\n")
    over = []
    for what, got, must in rows:
        mark = "" if must is None else (" ok" if got <= must else " OVER")
        limit = "" if must is None else f"  must {must:g}{mark}"
        sys.stdout.write(f"  {what:<58} {got:8.2f}{limit}\n")
        over += [what] if mark == " OVER" else []
    assert not over, over


def make_file(path, size):
    """Write a file whose megabytes all differ."""
    block = bytearray(os.urandom(MIB))
    with path.open("wb") as file:
        for number in range(size // MIB):
            block[:8] = number.to_bytes(8, "little")
            file.write(block)
    return path


class Sink:
    """A running sink: where it listens, and what it was asked."""

    def __init__(self, path=None, delay=0.0):
        self.process = subprocess.Popen(
            [sys.executable, BENCH / "sink.py", str(path or ""), str(delay)],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = int(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"

    def counts(self):
        with urllib.request.urlopen(f"{self.url}/counts") as reply:
            return json.load(reply)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
