"""What the tests share: data, a recording progress, and the program run as a user runs it."""

import json
import random
import threading
from dataclasses import dataclass, field
from pathlib import Path

from click.testing import CliRunner

from glaciercli.cli.root import cli
from glaciercli.errors import Exit

MIB = 1 << 20

#: The secrets of the tests: all that any test prints and writes is searched for them.
CANARIES = ("a-key-of-the-tests", "a-token-of-the-tests")

_IDS = ("archiveId", "JobId", "MultipartUploadId", "CapacityId", "VaultName")


def payload(size, seed=0):
    """Return `size` bytes that do not repeat and are the same for a seed."""
    return random.Random(seed).randbytes(size)


@dataclass(frozen=True)
class Result:
    """What a run of the program printed, and its exit code."""

    exit: int
    stdout: str
    stderr: str
    raw: bytes

    @property
    def json(self):
        return json.loads(self.stdout)

    @property
    def ids(self):
        """The ids in a JSON listing, in its order."""
        return [next(each[key] for key in _IDS if key in each) for each in self.json]

    @property
    def lines(self):
        return self.stdout.splitlines()

    @property
    def error(self):
        """The JSON object on stderr under `--output json`."""
        return json.loads(self.stderr.splitlines()[-1])


def assert_no_secret(data, where):
    """Fail where a secret of the tests is among what the program said or wrote."""
    assert not any(each.encode() in data for each in CANARIES), f"a secret leaks into {where}"


def run(*args, exit=Exit.OK, input=None):  # noqa: A002
    """Run the program in this process; fail unless it ends with the exit code expected."""
    words = [str(each) for each in args]
    got = CliRunner().invoke(cli, words, input=input)
    if got.exception is not None and not isinstance(got.exception, SystemExit):
        raise got.exception
    said = f"glacier {' '.join(words)} -> {got.exit_code}\n{got.stdout}\n{got.stderr}"
    assert_no_secret(got.output_bytes, said)
    assert exit is None or got.exit_code == exit, said
    return Result(got.exit_code, got.stdout, got.stderr, got.stdout_bytes)


@dataclass
class RecordingProgress:
    """A Progress that keeps what it was told."""

    starts: list[tuple[int | None, int]] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    #: Those of the notes that must be told also under `--quiet`.
    warnings: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, total, done=0):
        with self._lock:
            self.starts.append((total, done))

    def advance(self, count):
        with self._lock:
            self.counts.append(count)

    def note(self, text):
        with self._lock:
            self.notes.append(text)

    def warn(self, text):
        with self._lock:
            self.notes.append(text)
            self.warnings.append(text)

    @property
    def done(self):
        """Bytes done by the end: those of the last start and all that came after."""
        return (self.starts[-1][1] if self.starts else 0) + sum(self.counts)


def held(client, vault):
    """Return what a vault holds, bytes by archive id, as any other client would see it."""

    def retrieve(**parameters):
        job = client.call("InitiateJob", vaultName=vault, jobParameters=parameters)["jobId"]
        return client.call("GetJobOutput", vaultName=vault, jobId=job)["body"].read()

    inventory = json.loads(retrieve(Type="inventory-retrieval"))
    ids = [each["ArchiveId"] for each in inventory["ArchiveList"]]
    return {each: retrieve(Type="archive-retrieval", ArchiveId=each) for each in ids}


def write(path: Path, data: bytes) -> Path:
    """Write a file, its directories too, and return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def require_delivered(engine):
    """Fail where a fault was ordered of an engine and never came: it has shown nothing."""
    missed = [fault for fault in engine.faults.list() if not fault.delivered]
    assert not missed, f"ordered and never delivered: {missed}"


def heal(engine):
    """Take back the faults of an engine, each of which must have come by now."""
    require_delivered(engine)
    engine.faults.clear()
