import os
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from glaciercli.local._schema import MIGRATIONS
from glaciercli.local.engine import open_engine
from glaciercli.local.errors import StoreError
from glaciercli.local.select import selecting
from glaciercli.local.store import Store


def test_no_directory_of_a_store_can_be_lost_with_what_is_in_it(root, caller, monkeypatch):
    """After it is made, and before what is in it is acknowledged, its name is put on disk."""
    made, mkdir, sync = set(), os.mkdir, os.fsync

    def make(path, *more, **options):
        mkdir(path, *more, **options)
        made.add(Path(path))

    def synced(descriptor):
        sync(descriptor)
        directory = Path(f"/proc/self/fd/{descriptor}").readlink()
        made.difference_update([path for path in made if path.parent == directory])

    monkeypatch.setattr(os, "mkdir", make)
    monkeypatch.setattr(os, "fsync", synced)
    engine = open_engine(root)
    call = caller(engine)
    call.vault()
    call.archive(b"x")
    place = {"S3": {"BucketName": "results"}}
    selecting.announce(root, {"OutputLocation": place, "JobOutputPath": "a/b/job/"})
    engine.close()

    assert (root / "s3/results/a/b/job/job.txt").exists()
    assert made == set()


@pytest.fixture
def store(root):
    store = Store(root)
    yield store
    store.close()


def test_only_the_owner_can_read_whatever_the_umask(root, caller):
    root = root / "deep" / "down"
    before = os.umask(0)
    try:
        engine = open_engine(root)
        call = caller(engine)
        call.vault()
        call.archive(b"x")
        paths = [root, root.parent, root.parent.parent, *root.rglob("*")]
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in paths}
        directories = {path.name for path in paths if path.is_dir()}
        engine.close()
    finally:
        os.umask(before)
    assert len(modes) > 6
    assert all(mode == (0o700 if name in directories else 0o600) for name, mode in modes.items())


def test_a_failed_write_leaves_nothing(store):
    def fail():
        with store.write() as db:
            db.run("UPDATE engine SET timing = 'real'")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    with store.read() as db:
        assert db.get("SELECT timing FROM engine")["timing"] == "instant"


def test_a_read_sees_one_state(store):
    with store.read() as db:
        before = db.get("SELECT timing FROM engine")["timing"]
        with store.write() as other:
            other.run("UPDATE engine SET timing = 'real'")
        assert db.get("SELECT timing FROM engine")["timing"] == before
    with store.read() as db:
        assert db.get("SELECT timing FROM engine")["timing"] == "real"


def test_a_newer_store_is_refused_by_name_and_left_alone(root):
    Store(root).close()
    with closing(sqlite3.connect(root / "glacier.db")) as connection, connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    before = (root / "glacier.db").read_bytes()

    with pytest.raises(StoreError, match=f"has format 99; .* up to {len(MIGRATIONS)}"):
        Store(root)

    assert (root / "glacier.db").read_bytes() == before


def test_what_is_no_store_is_refused(root, tmp_path):
    root.mkdir()
    (root / "glacier.db").write_bytes(b"something else entirely" * 100)
    file = tmp_path / "file"
    file.touch()

    with pytest.raises(StoreError, match="cannot be used"):
        Store(root)
    with pytest.raises(StoreError, match="not a directory"):
        Store(file)


def test_processes_that_open_a_new_store_at_once_agree(root):
    code = "import sys; from pathlib import Path; from glaciercli.local.store import Store;"
    code += "s = Store(Path(sys.argv[1])); print(s.version); s.close()"
    running = [
        subprocess.Popen([sys.executable, "-c", code, root], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]

    said = [process.communicate()[0] for process in running]

    assert said == [f"{len(MIGRATIONS)}\n"] * 3
    assert [process.returncode for process in running] == [0] * 3


def test_opening_a_store_waits_for_no_writer(root, store):
    """A run that was stopped, as by ^Z, may hold the lock for as long as it likes."""
    with store.write():
        Store(root).close()


def test_threads_write_one_after_the_other(store):
    def work():
        for _ in range(20):
            with store.write(durable=False) as db:
                db.run("UPDATE engine SET clock_engine = clock_engine + 1")

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with store.read() as db:
        assert db.get("SELECT clock_engine FROM engine")[0] == 100


def test_an_acknowledged_write_is_synced_and_a_light_one_is_not(store):
    levels = []
    for durable in (True, False, True):
        with store.write(durable=durable) as db:
            levels.append(db.get("PRAGMA synchronous")[0])

    assert levels == [2, 1, 2]
