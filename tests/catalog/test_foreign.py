"""SQLite files of strangers: what is in their tables is read, and nothing of theirs runs."""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from glaciercli.catalog import _foreign
from glaciercli.catalog.imports import import_file
from glaciercli.catalog.readers import detect
from glaciercli.errors import Conflict, IntegrityError, Refused
from glaciercli.hints import render

COLUMNS = "id, name, vault, key, last_seen_upstream, created_here, deleted_here"
ROW = "'id1', 'a', 'photos', 'AKID', 1367366400, 1367366400, NULL"
ENDLESS = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT {ROW} FROM n"
QUOTED = f"CREATE VIEW archive ({COLUMNS}) AS {ENDLESS}".replace("'", "''")


@pytest.fixture
def made(tmp_path):
    """Make a file by statements, none of which SQLite itself would refuse to whoever opens it."""

    def made(*statements, name="it's 100%?.db"):
        path = tmp_path / name
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA writable_schema=ON")
            for each in statements:
                connection.execute(each)
            connection.commit()
        return path

    return made


def test_a_table_is_read_and_nothing_else_is_done(made, tmp_path):
    path = made("CREATE TABLE a AS SELECT 7 AS b", "CREATE TABLE c (d)")
    before = path.read_bytes()

    assert _foreign.tables(path) == {"a", "c"}
    assert [row["b"] for row in _foreign.rows(path, "a", "SELECT b FROM a ORDER BY b")] == [7]
    for query in ("INSERT INTO a VALUES (1)", "SELECT * FROM c", "SELECT random() FROM a"):
        with pytest.raises(IntegrityError, match="not authorized|prohibited"):
            list(_foreign.rows(path, "a", query))
    with pytest.raises(Refused, match="'missing' of .* is no plain table"):
        list(_foreign.rows(path, "missing", "SELECT 1"))
    with pytest.raises(Conflict):
        _foreign.tables(tmp_path / "missing.db")
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", ["-wal", "-journal"])
def test_a_database_whose_log_holds_rows_is_refused(catalog, scope, made, suffix):
    path = made(f"CREATE TABLE archive ({COLUMNS})", f"INSERT INTO archive VALUES ({ROW})")
    log = path.with_name(path.name + suffix)
    log.write_bytes(b"")  # as a tool leaves it that has ended in good order
    assert import_file(catalog, scope, path).archives == 1

    log.write_bytes(b"rows")
    for read in (detect, lambda each: import_file(catalog, scope, each, tool="glacier-cli")):
        with pytest.raises(Refused, match="holds what is not in") as caught:
            read(path)
    assert render(caught.value.hint).endswith(" \"VACUUM INTO 'whole.db'\"")


def test_the_hint_makes_a_file_that_holds_the_rows_of_the_log(catalog, scope, made, tmp_path):
    path = made("PRAGMA journal_mode=WAL", f"CREATE TABLE archive ({COLUMNS})")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"INSERT INTO archive VALUES ({ROW})")
        connection.commit()
        (tmp_path / "copy.db").write_bytes(path.read_bytes())
        wal = path.with_name(path.name + "-wal")
        (tmp_path / "copy.db-wal").write_bytes(wal.read_bytes())

    with pytest.raises(Refused):
        import_file(catalog, scope, tmp_path / "copy.db")
    with closing(sqlite3.connect(tmp_path / "copy.db")) as connection:
        connection.execute(f"VACUUM INTO '{tmp_path / 'whole.db'}'")  # as the hint has it
    assert import_file(catalog, scope, tmp_path / "whole.db").archives == 1


DISGUISED = {
    "a view": [f"CREATE VIEW archive AS SELECT {ROW}"],
    "a view without an end": [f"CREATE VIEW archive ({COLUMNS}) AS {ENDLESS}"],
    "a view that says it is a table": [
        f"CREATE VIEW archive ({COLUMNS}) AS {ENDLESS}",
        "UPDATE sqlite_master SET type = 'table'",
    ],
    "a view behind a table": [
        "CREATE TABLE other (id)",
        "UPDATE sqlite_master SET name = 'archive', tbl_name = 'archive'",
        f"INSERT INTO sqlite_master VALUES ('view', 'x', 'x', 0, '{QUOTED}')",
    ],
    "a virtual table": [f"CREATE VIRTUAL TABLE archive USING fts5({COLUMNS})"],
    "a generated column": [
        "CREATE TABLE archive (id, vault, key, last_seen_upstream, created_here, deleted_here)",
        "ALTER TABLE archive ADD COLUMN name AS (printf('%.*c', 100000000, 'x'))",
        "INSERT INTO archive VALUES ('id1', 'photos', 'AKID', 1, 1, NULL)",
    ],
}  # fmt: skip


@pytest.mark.parametrize("statements", DISGUISED.values(), ids=DISGUISED)
def test_what_is_no_plain_table_is_refused_at_once(catalog, scope, made, statements):
    path = made(*statements)
    started = time.process_time()

    for tool in (None, "glacier-cli"):
        with pytest.raises((Refused, IntegrityError)):
            import_file(catalog, scope, path, tool=tool)
    assert time.process_time() - started < 2
    assert list(catalog.archives(scope)) == []


def test_a_cell_of_any_size_takes_no_memory(catalog, scope, made):
    huge = ROW.replace("'a'", "CAST(zeroblob(200000000) AS TEXT)")
    path = made(f"CREATE TABLE archive ({COLUMNS})", f"INSERT INTO archive SELECT {huge}")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(IntegrityError, match="too big"):
        import_file(catalog, scope, path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


@pytest.fixture
def endless(made):
    """A file whose pages point at each other: eighteen pages are more rows than can be read."""
    path = made(
        "PRAGMA page_size=512",
        "VACUUM",
        f"CREATE TABLE archive ({COLUMNS})",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) "
        f"INSERT INTO archive SELECT {ROW} FROM n",
    )
    with closing(sqlite3.connect(path)) as connection:
        root = connection.execute("SELECT rootpage FROM sqlite_master").fetchone()[0]
    data = bytearray(path.read_bytes())
    page = data[(root - 1) * 512 : root * 512]
    assert page[0] == 0x05  # an interior page of a table
    cells = int.from_bytes(page[3:5], "big")
    places = [int.from_bytes(page[at : at + 2], "big") for at in range(12, 12 + 2 * cells, 2)]
    leaf = int.from_bytes(page[places[0] : places[0] + 4], "big")
    count = len(data) // 512
    below = [*range(count + 1, count + 16), leaf]
    for number, next_page in zip([root, *below], below, strict=False):
        level = bytearray(page)
        for at in (8, *places):
            level[at : at + 4] = next_page.to_bytes(4, "big")
        data[(number - 1) * 512 : number * 512] = level
    data[28:32] = (len(data) // 512).to_bytes(4, "big")
    path.write_bytes(data)
    return path


def test_rows_without_an_end_come_to_one(catalog, scope, endless):
    started = time.process_time()

    with pytest.raises(IntegrityError, match="has no end for its size"):
        import_file(catalog, scope, endless)
    assert time.process_time() - started < 5
    assert list(catalog.archives(scope)) == []


@pytest.mark.parametrize(("number", "exit"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_query_that_takes_for_ever(endless, home, number, exit):  # noqa: A002
    os.truncate(endless, 40 << 30)  # which takes no room, and allows as many steps as a day has
    environment = {**os.environ, "GLACIER_LOCAL": "true", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(
        [sys.executable, "-m", "glaciercli", "vault", "create", "v"], env=environment, check=True
    )
    run = subprocess.Popen(
        [sys.executable, "-m", "glaciercli", "catalog", "import", endless],
        env=environment, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    time.sleep(4)  # it reads; nothing tells when it has begun
    assert run.poll() is None
    run.send_signal(number)
    asked = time.monotonic()

    _, said = run.communicate(timeout=20)
    assert run.returncode == exit, said
    assert time.monotonic() - asked < 3  # and not by the grace that a run has to put its state down
    assert f"stopped by signal {int(number)}" in said
