"""The catalog's file: whose it is, what is refused, what is moved aside, what survives."""

import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime

import others
import pytest

from glaciercli.catalog._schema import INDEXES, MIGRATIONS
from glaciercli.catalog.store import Catalog
from glaciercli.errors import Conflict, GlacierError, IntegrityError, Refused
from glaciercli.files.database import Database, _quick_check
from glaciercli.models import Archive, Scope

SCOPE = Scope("aws", "1" * 12, "eu-west-1")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "catalog.db"


@pytest.fixture
def ground():
    yield from others.common_ground()


def fill(path, count=20):
    catalog = Catalog.open(path)
    catalog.created_all(
        SCOPE, [Archive(f"archive-{number:08}", "v", name=f"n{number}") for number in range(count)]
    )
    catalog.close()


def test_the_file_is_its_owners_alone_whatever_the_umask(path):
    before = os.umask(0)
    try:
        catalog = Catalog.open(path)
        catalog.learn_account("default", "aws", "1" * 12)
        found = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    finally:
        os.umask(before)
    catalog.close()

    assert {"catalog.db", "catalog.db-wal", "catalog.db-shm", "catalog.db.lock"} == set(found)
    assert set(found.values()) == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_log_is_written_ahead_and_synced_in_full(path):
    database = Database(path, MIGRATIONS)
    with database.shared_connection() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2
    database.close()


def test_a_newer_version_is_refused_by_name(path):
    fill(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}")
    connection.close()
    before = path.read_bytes()

    with pytest.raises(Refused, match=f"is of version {len(MIGRATIONS) + 1}"):
        Catalog.open(path)
    assert path.read_bytes() == before


def test_every_version_from_the_oldest_comes_up_to_date(path):
    for version in range(len(MIGRATIONS)):
        old = Database(path.with_name(f"v{version}.db"), MIGRATIONS[:version])
        old.close()

        catalog = Catalog.open(old.path)
        catalog.created(SCOPE, Archive("a", "v"))
        assert [each.id for each in catalog.archives(SCOPE)] == ["a"]
        catalog.close()


def test_a_migration_that_fails_changes_nothing(path):
    def broken(connection):
        connection.execute("CREATE TABLE half (a)")
        raise RuntimeError("in the middle")

    fill(path)
    with pytest.raises(RuntimeError):
        Database(path, [*MIGRATIONS, broken])

    with closing(Catalog.open(path)) as catalog:
        assert catalog.totals(SCOPE).count == 20


def test_another_programs_file_is_refused(path):
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE a (b)")

    with pytest.raises(Refused, match="not a catalog"):
        Catalog.open(path)


@pytest.mark.parametrize(
    "planted",
    [
        "CREATE TRIGGER t AFTER INSERT ON archives BEGIN DELETE FROM archives; END",
        "CREATE VIEW v AS SELECT * FROM archives",
    ],
)
def test_a_planted_trigger_or_view_is_refused(path, planted):
    fill(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(planted)
    connection.close()

    with pytest.raises(Refused, match="not ours"):
        Catalog.open(path)


def test_links_are_refused(path, tmp_path):
    fill(tmp_path / "real.db")
    path.parent.mkdir()
    path.symlink_to(tmp_path / "real.db")
    with pytest.raises(Refused, match="link"):
        Catalog.open(path)

    path.unlink()
    path.hardlink_to(tmp_path / "real.db")
    with pytest.raises(Refused, match="link"):
        Catalog.open(path)


def test_a_file_that_others_can_write_is_refused(path):
    fill(path)
    path.chmod(0o666)

    with pytest.raises(Refused, match="other users"):
        Catalog.open(path)


def test_a_directory_that_others_can_write_is_refused(path):
    """They could put another file there between the look at it and its opening by name."""
    fill(path)
    path.parent.chmod(0o777)

    with pytest.raises(Refused, match="directory .*other.* user"):
        Catalog.open(path)


@pytest.mark.parametrize("what", ["file", "log", "directory"])
def test_a_catalog_that_cannot_be_written_is_a_conflict_and_stays_as_it_is(ground, what):
    """Else it would be met after an archive is stored, and the log be unwritable for ever."""
    user = others.account()
    os.chown(ground, user.pw_uid, user.pw_gid)
    path = ground / "data" / "catalog.db"
    with others.acting_as("nobody"):
        fill(path)
        log = path.with_name(f"{path.name}-wal")
        log.touch(mode=0o600)
        {"file": path, "log": log, "directory": path.parent}[what].chmod(0o500)
        before = sorted(path.parent.iterdir())

        with pytest.raises(Conflict, match="cannot be written|cannot write into") as raised:
            Catalog.open(path)

        assert "chmod u+rw" in raised.value.hint
        assert sorted(path.parent.iterdir()) == before


@pytest.mark.parametrize("content", [b"not a database" * 99, b"SQLite format 3\0" + b"\xff" * 9000])
def test_a_damaged_file_is_moved_aside_whole(path, content):
    path.parent.mkdir(parents=True)
    path.write_bytes(content)

    catalog = Catalog.open(path)

    assert catalog.set_aside.read_bytes() == content
    assert list(catalog.archives(SCOPE)) == []
    catalog.close()


class Unreadable:
    """A connection to a file that has a page which the disk does not give."""

    def execute(self, _):
        return self

    def fetchone(self):
        return ("*** in database main ***\nPage 7: unable to get the page. error code=8458",)


def test_what_the_disk_does_not_give_is_not_taken_for_damage(path):
    """Else a loose cable would cost the names: sound, the file is moved aside for nothing."""
    with pytest.raises(Conflict, match="unable to get the page"):
        _quick_check(Unreadable(), path)


def test_a_read_that_failed_once_is_not_taken_for_damage(path):
    fill(path)
    failures = [sqlite3.DatabaseError("database disk image is malformed")]
    failures[0].sqlite_errorcode = sqlite3.SQLITE_CORRUPT  # what SQLite makes of an EIO

    def migrate(_):
        if failures:
            raise failures.pop()

    with closing(Database(path, [*MIGRATIONS, migrate])) as database:
        assert failures == []
        assert database.set_aside is None


def test_random_damage_gives_the_truth_or_our_errors_and_loses_no_byte(path):
    fill(path, 300)
    sound = path.read_bytes()
    dice = random.Random(5)
    aside = 0
    for _ in range(150):
        broken = bytearray(sound)
        for _ in range(dice.randint(1, 40)):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        if dice.random() < 0.3:
            del broken[dice.randrange(len(broken)) :]
        path.write_bytes(broken)
        try:
            catalog = Catalog.open(path)
        except GlacierError:
            assert path.read_bytes() == broken
            continue
        try:
            assert catalog.totals(SCOPE).count in range(301)
            assert len(list(catalog.archives(SCOPE))) <= 300
        except GlacierError:
            pass
        if catalog.set_aside is not None:
            aside += 1
            assert catalog.set_aside.read_bytes() == broken
        catalog.close()
        for each in path.parent.iterdir():
            each.unlink()
    assert aside > 20


def test_damage_met_later_is_found_at_the_next_opening(path):
    fill(path, 50_000)
    size = path.stat().st_size
    assert size > 4 << 20  # a smaller one is read through whenever it is opened
    with path.open("r+b") as file:
        file.seek(size // 3)
        file.write(b"\xff" * (size // 3))

    catalog = Catalog.open(path)
    with pytest.raises(IntegrityError, match="damaged"):
        list(catalog.archives(SCOPE))
    catalog.close()

    catalog = Catalog.open(path)
    assert catalog.set_aside is not None
    assert not path.with_name("catalog.db.suspect").exists()
    catalog.close()


@pytest.mark.parametrize(
    ("whole", "damaged"),
    [(b"size        INTEGER", b"syze        INTEGER"), (b"archives_by_c", b"archives_by_k")],
)
def test_a_letter_of_the_schema_that_was_lost_is_damage(path, whole, damaged):
    """The file is in order all the same; only a statement that misses the name finds it."""
    fill(path)
    content = path.read_bytes()
    assert whole in content
    path.write_bytes(content.replace(whole, damaged))

    with (
        closing(Catalog.open(path)) as catalog,
        pytest.raises(IntegrityError, match="is damaged: no such"),
    ):
        catalog.totals(SCOPE)

    with closing(Catalog.open(path)) as catalog:
        assert catalog.set_aside is not None


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT nonsense FROM archives",
        "SELECT 1 FROM nowhere",
        "SELEKT 1",
        "INSERT INTO aliases VALUES (1, NULL, 'id')",
    ],
)
def test_a_slip_in_our_own_sql_is_not_told_as_damage(path, statement):
    fill(path)
    catalog = Catalog.open(path)
    merged = INDEXES["archives_by_name"]
    with catalog.database.bulk() as connection:  # as every large merge does
        connection.execute("DROP INDEX archives_by_name")
        connection.execute(merged)
        connection.execute("ANALYZE")

    with pytest.raises(sqlite3.DatabaseError), catalog.database.shared_connection() as connection:
        connection.execute(statement)
    catalog.close()

    with closing(Catalog.open(path)) as catalog:
        assert catalog.set_aside is None
        assert catalog.totals(SCOPE).count == 20


def test_check_reads_the_whole_file(path):
    fill(path)
    database = Database(path, MIGRATIONS)

    database.check()
    database.close()


def test_a_catalog_in_use_is_a_conflict(path):
    fill(path)
    one, two = Catalog.open(path), Catalog.open(path)
    with two.database.shared_connection() as connection:
        connection.execute("PRAGMA busy_timeout=10")  # ms, in place of minutes

    with (
        one.database.write(),
        pytest.raises(Conflict, match="written by another run"),
        two.database.write(),
    ):
        pass
    one.close()
    two.close()


def test_a_transaction_that_fails_leaves_nothing(path):
    catalog = Catalog.open(path)
    with pytest.raises(ZeroDivisionError):
        catalog.created_all(SCOPE, (Archive(str(1 // (2 - n)), "v") for n in range(3)))

    assert catalog.totals(SCOPE).count == 0
    catalog.close()


_WRITER = """
import itertools
import sys
from pathlib import Path
from glaciercli.catalog.store import Catalog
from glaciercli.models import Archive, Scope

catalog = Catalog.open(Path(sys.argv[1]))
for number in itertools.count():
    catalog.created(Scope("aws", "1" * 12, "eu-west-1"), Archive(f"{sys.argv[2]}{number}", "v"))
    print(number, flush=True)
"""


def start_writer(path, name):
    return subprocess.Popen(
        [sys.executable, "-c", _WRITER, path, name], stdout=subprocess.PIPE, text=True
    )


def test_what_was_acknowledged_survives_kill_minus_nine(path):
    """Two processes write at once from an empty directory; both are killed."""
    writers = [start_writer(path, name) for name in "ab"]
    told = {}
    for name, writer in zip("ab", writers, strict=True):
        for line in writer.stdout:
            told[name] = int(line)
            if told[name] == 20:
                break
    for name, writer in zip("ab", writers, strict=True):
        writer.kill()
        told[name] = max([told[name], *(int(each) for each in writer.stdout if each.strip())])
        assert writer.wait() == -signal.SIGKILL
        writer.stdout.close()

    catalog = Catalog.open(path)
    assert catalog.set_aside is None
    found = {each.id for each in catalog.archives(SCOPE)}
    for name, last in told.items():
        assert {f"{name}{number}" for number in range(last + 1)} <= found
    catalog.database.check()
    catalog.close()


def test_times_are_kept_to_the_millisecond(path):
    catalog = Catalog.open(path)
    moment = datetime(2013, 5, 1, 1, 2, 3, 456000, tzinfo=UTC)
    catalog.created(SCOPE, Archive("a", "v", created=moment))

    assert catalog.find(SCOPE, "v", "a").created == moment
    catalog.close()


def test_without_a_log_a_reader_keeps_nobody_waiting(path):
    """As on a network file system; a run empties a vault while it reads what is in it."""
    with closing(Catalog.open(path, network="nfs4")) as catalog:
        catalog.created_all(SCOPE, [Archive(f"archive-{n:08}", "v") for n in range(2000)])
        reading = catalog.archives(SCOPE)
        first = next(reading)
        catalog.deleted(SCOPE, "v", first.id, datetime(2026, 11, 28, tzinfo=UTC))

        assert len(list(reading)) == 1999
        assert catalog.totals(SCOPE).count == 1999
    assert [each.name for each in path.parent.iterdir() if each != path] == ["catalog.db.lock"]
