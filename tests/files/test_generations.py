"""An older copy of the catalog's file put back beside a newer log: never mixed, and said."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime

import pytest

from glaciercli.catalog import lives
from glaciercli.catalog._schema import MIGRATIONS
from glaciercli.catalog.inventories import Entry
from glaciercli.catalog.merging import merge
from glaciercli.catalog.store import Catalog
from glaciercli.errors import Conflict
from glaciercli.files import _generations
from glaciercli.files.database import Database
from glaciercli.models import Archive, Scope

SCOPE = Scope("aws", "1" * 12, "eu-west-1")

_RECORDING = """
import os, signal, sys
from pathlib import Path
from glaciercli.catalog.store import Catalog
from glaciercli.models import Archive, Scope

catalog = Catalog.open(Path(sys.argv[1]))
for name in sys.argv[2:]:
    catalog.created(Scope("aws", "1" * 12, "eu-west-1"), Archive(f"archive-{name}", "v", name=name))
print("recorded", flush=True)
sys.stdin.read()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "catalog.db"


@pytest.fixture
def backup(tmp_path):
    return tmp_path / "backup.db"


def record(path, *names):
    with closing(Catalog.open(path)) as catalog:
        for name in names:
            catalog.created(SCOPE, Archive(f"archive-{name}", "v", name=name))


def recording(path, *names):
    """Return a process that has recorded archives, and is killed when its input ends."""
    words = [sys.executable, "-c", _RECORDING, path, *names]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "recorded\n"
    return process


def kill(process):
    with process:
        process.communicate()
    assert process.returncode == -signal.SIGKILL


def killed(path, *names):
    """Record archives in a process that is killed: all of it is in the log alone."""
    kill(recording(path, *names))


def names_of(catalog):
    return sorted(each.name for each in catalog.archives(SCOPE))


def log_of(path):
    return path.with_name(path.name + "-wal")


def put_back(backup, path):
    """As `cp` does it: the file stays the same one, and the log beside it stays."""
    shutil.copyfile(backup, path)


def test_the_log_of_a_killed_run_is_read(path):
    record(path, "a")
    killed(path, "b", "c")
    assert log_of(path).stat().st_size > 0

    with closing(Catalog.open(path)) as catalog:
        assert catalog.stale_log is None
        assert names_of(catalog) == ["a", "b", "c"]


def test_the_log_of_a_first_run_that_was_killed_is_read(path):
    killed(path, "a")

    with closing(Catalog.open(path)) as catalog:
        assert catalog.stale_log is None
        assert names_of(catalog) == ["a"]


def test_a_log_that_was_copied_back_in_part_is_read(path):
    """What of it is in the file already, as after 1000 pages, makes the file no other one."""
    record(path, "a")
    process = recording(path, "b")
    with closing(Catalog.open(path)) as catalog:
        catalog.database._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    kill(process)
    killed(path, "c")

    with closing(Catalog.open(path)) as catalog:
        assert catalog.stale_log is None
        assert names_of(catalog) == ["a", "b", "c"]


def test_an_older_copy_beside_a_newer_log_is_told_and_the_log_kept(path, backup):
    record(path, "a")
    shutil.copyfile(path, backup)
    record(path, *(f"b{number}" for number in range(100)))
    killed(path, "c")
    log = log_of(path).read_bytes()
    put_back(backup, path)

    with closing(Catalog.open(path)) as catalog:
        assert catalog.stale_log.read_bytes() == log
        assert names_of(catalog) == ["a"]
        with catalog.database.shared_connection() as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    with closing(Catalog.open(path)) as catalog:
        assert catalog.stale_log is None
        assert names_of(catalog) == ["a"]


def test_the_file_of_another_catalog_beside_a_log_is_told(path, backup):
    record(backup, "z")
    record(path, "a")
    killed(path, "b")
    put_back(backup, path)

    with closing(Catalog.open(path)) as catalog:
        assert catalog.stale_log is not None
        assert names_of(catalog) == ["z"]


def test_an_empty_file_beside_a_log_does_not_cost_the_log(path):
    """SQLite itself would delete the log without a word."""
    record(path, "a")
    killed(path, "b")
    log = log_of(path).read_bytes()
    path.unlink()

    with closing(Catalog.open(path)) as catalog:
        assert catalog.stale_log.read_bytes() == log
        assert names_of(catalog) == []


def test_a_copy_of_the_first_format_beside_a_newer_log_is_told(path, backup):
    Database(backup, MIGRATIONS[:1]).close()
    record(path, "a")
    killed(path, "b")
    put_back(backup, path)

    with closing(Catalog.open(path)) as catalog:
        assert catalog.stale_log is not None
        assert names_of(catalog) == []


def test_a_killed_run_that_brought_the_first_format_up_to_date_is_read(path):
    Database(path, MIGRATIONS[:1]).close()
    killed(path, "a")

    with closing(Catalog.open(path)) as catalog:
        assert catalog.stale_log is None
        assert names_of(catalog) == ["a"]


@pytest.mark.parametrize("replace", [shutil.copyfile, os.replace])
def test_the_log_of_a_run_that_is_alive_is_left_to_it(path, backup, replace):
    record(path, "a")
    shutil.copyfile(path, backup)
    record(path, "b")
    process = recording(path, "c")
    log = log_of(path).read_bytes()
    replace(backup, path)

    with pytest.raises(Conflict, match="replaced while another run"):
        Catalog.open(path)
    assert log_of(path).read_bytes() == log
    kill(process)


def test_the_log_of_a_run_that_is_alive_and_writes_is_never_taken_for_another_one(path):
    """Its file and its log both move on between two looks at them."""
    record(path, "a")
    process = subprocess.Popen([sys.executable, "-c", _WRITING, path], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"writing\n"
    for _ in range(40):
        with closing(Catalog.open(path)) as catalog:
            assert catalog.stale_log is None
    process.kill()
    with process:
        process.communicate()

    with closing(Catalog.open(path)) as catalog:
        assert catalog.stale_log is None
        assert "a" in names_of(catalog)


_WRITING = """
import itertools, sys
from pathlib import Path
from glaciercli.catalog.store import Catalog
from glaciercli.models import Archive, Scope

catalog = Catalog.open(Path(sys.argv[1]))
connection = catalog.database._connection
connection.execute("PRAGMA wal_autocheckpoint=3")
for number in itertools.count():
    catalog.created(Scope("aws", "1" * 12, "eu-west-1"), Archive(f"b{number}", "v", name="b"))
    if number == 3:
        print("writing", flush=True)
"""


def commits(log):
    """Return the transactions of a log: of each, the generations that its pages name."""
    data, found, named = log.read_bytes(), [], []
    size = int.from_bytes(data[8:12], "big")
    for at in range(32, len(data), 24 + size):
        if data[at + 8 : at + 16] != data[16:24]:
            break
        named += _generations.SAID.findall(data, at + 24, at + 24 + size)
        if data[at + 4 : at + 8] != bytes(4):
            found.append(named)
            named = []
    return found


def test_each_step_of_a_schema_names_its_generation_too(path):
    steps = [*MIGRATIONS, *(lambda db, n=n: db.execute(f"CREATE TABLE t{n} (c)") for n in range(2))]
    with closing(Database(path, steps)):
        found = commits(log_of(path))

    _, first, *chain = (named[0] if named else None for named in found)
    assert first is not None
    assert [old for _, old in chain] == [new for new, _ in (first, *chain[:-1])]


def test_every_transaction_names_its_generation_and_the_one_before(path):
    """Else an older copy of the file could pass for the one that a log was begun on."""
    with closing(Catalog.open(path)) as catalog:
        when = datetime(2026, 11, 28, tzinfo=UTC)
        entries = [Entry(f"id{number}", "name", when, 5, bytes(32)) for number in range(20)]
        catalog.learn_account("default", "aws", "1" * 12)
        catalog.created(SCOPE, Archive("archive-a", "v", name="a"))
        for _ in range(2):
            merge(catalog, SCOPE, "v", entries, made=when, asked=when)
        catalog.deleted(SCOPE, "v", "archive-a", when)
        lives.deleted(catalog, SCOPE, "v", when)
        found = commits(log_of(path))

    assert len(found) > 6
    before, *chain = found  # the first step of the schema had no generations yet
    assert before == []
    assert all(len(named) == 1 for named in chain)
    chain = [named[0] for named in chain]
    assert [old for _, old in chain] == [b"0" * 32, *(new for new, _ in chain[:-1])]
