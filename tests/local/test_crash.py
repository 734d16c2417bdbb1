"""Killed at any moment, a store opens again with everything that it acknowledged."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from glaciercli.local import verify
from glaciercli.local.clock import DAY
from glaciercli.local.engine import open_engine

UPLOADER = Path(__file__).with_name("uploader.py")


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
        assert list(verify.verify(engine)) == []
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
    assert list(verify.verify(engine)) == []
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
    assert list(verify.verify(engine)) == []
    with engine.store.read() as db:
        archives = {row["id"] for row in db.all("SELECT id FROM archives")}
    engine.close()
    for lines in said:
        told = {words[1] for words in lines if words[0] == "archive"}
        assert len(told) >= 2
        assert told <= archives
