"""The catalog's file after commands have ended, well or not: one file, that can be copied."""

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager

import pytest
from helpers import write

GLACIER = [sys.executable, "-m", "glaciercli"]


def start(*words):
    return subprocess.Popen(
        [*GLACIER, *map(str, words)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(*words, code=0):
    with start(*words) as process:
        stdout, stderr = process.communicate()
    assert process.returncode == code, stderr
    return stdout


@pytest.fixture
def data(home):
    return home / "data"


@pytest.fixture
def uploaded(glacier, tmp_path):
    """A file that a process of its own has uploaded."""
    glacier("vault", "create", "photos")
    file = write(tmp_path / "one.txt", b"one")
    finish("upload", file, "-V", "photos")
    return file


def names_in(path):
    """Return the names that the one file holds, whatever lies beside it."""
    with closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM archives ORDER BY 1")]


def beside(data):
    return sorted(each.name for each in data.glob("catalog.db-*"))


def test_a_command_leaves_all_in_one_file(uploaded, data):
    assert beside(data) == []
    assert names_in(data / "catalog.db") == ["one.txt"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("archive", "list", "-V", "photos"), 0),
        (("archive", "show", "nothing", "-V", "photos"), 3),
        (("upload", "{two}", "{empty}", "-V", "photos"), 9),
    ],
)
def test_a_command_that_reads_or_fails_leaves_one_file_too(uploaded, data, words, code):
    two = write(uploaded.with_name("two.txt"), b"two")
    empty = write(uploaded.with_name("empty.txt"), b"")
    finish(*(each.format(two=two, empty=empty) for each in words), code=code)

    assert beside(data) == []
    assert names_in(data / "catalog.db")[0] == "one.txt"


@contextmanager
def hanging(engine, uploaded):
    """Start a process that uploads two.txt, and hangs in the middle of three.txt."""
    files = [write(uploaded.with_name(f"{name}.txt"), name.encode()) for name in ("two", "three")]
    fault = engine.faults.add("UploadMultipartPart", kind="delay", seconds=30, skip=1)
    with start("upload", *files, "-V", "photos", "--workers", "1") as process:
        deadline = time.monotonic() + 20
        while not engine.faults.delivered(fault):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield process
        process.communicate(timeout=10)


def test_a_command_that_is_stopped_leaves_one_file_too(engine, uploaded, data):
    with hanging(engine, uploaded) as process:
        assert beside(data) == ["catalog.db-shm", "catalog.db-wal"]
        process.send_signal(signal.SIGTERM)

    assert process.returncode == 128 + signal.SIGTERM
    assert beside(data) == []
    assert names_in(data / "catalog.db") == ["one.txt", "two.txt"]


def test_an_older_copy_put_back_beside_a_log_is_said_and_not_mixed(
    glacier, engine, uploaded, data, tmp_path
):
    shutil.copyfile(data / "catalog.db", tmp_path / "copy.db")
    finish("upload", write(tmp_path / "other.txt", b"other"), "-V", "photos")
    with hanging(engine, uploaded) as process:
        process.kill()
    log = (data / "catalog.db-wal").read_bytes()
    shutil.copyfile(tmp_path / "copy.db", data / "catalog.db")

    listed = glacier("archive", "list", "-V", "photos", "--output", "json")
    assert "another copy than the log" in listed.stderr
    (stale,) = data.glob("catalog.db-wal.stale-*")
    assert stale.read_bytes() == log
    assert [each["name"] for each in listed.json] == ["one.txt"]


def test_the_last_one_out_leaves_one_file(catalog, uploaded, data):
    """While another process has the catalog open its log stays, and is whole."""
    finish("upload", write(uploaded.with_name("two.txt"), b"two"), "-V", "photos")
    assert beside(data) == ["catalog.db-shm", "catalog.db-wal"]

    catalog.close()
    assert beside(data) == []
    assert names_in(data / "catalog.db") == ["one.txt", "two.txt"]
