"""The man pages of section 5 say what the code writes: no kind, member, table or column differs."""

import re
import shlex
import sqlite3
from contextlib import closing

import pytest
from hostile.test_corpus import make

from glaciercli.config import SETTINGS
from glaciercli.docgen import ROOT
from glaciercli.transfer.download_journal import DownloadState
from glaciercli.transfer.journal import Journal
from glaciercli.transfer.state import folded
from glaciercli.transfer.upload_state import UploadState

PAGES = {path.name: path.read_text() for path in (ROOT / "man" / "man5").iterdir()}
# Lines that the sample of all formats does not have, because its upload took the other way.
_ELSEWHERE = {"single", "reopened", "not_stored", "over", "answered"}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return a directory with one file of each kind, as the program writes them."""
    where = tmp_path_factory.mktemp("formats") / "present"
    make(where)
    return where


def section(page, heading):
    """Return the text of a page under a heading, up to the next one of the same depth or above."""
    level = heading.split()[0]
    end = r"\n\.S[HS] |\Z" if level == ".SS" else r"\n\.SH |\Z"
    found = re.search(re.escape(f"\n{heading}\n") + rf"(.*?)(?={end})", PAGES[page], re.DOTALL)
    assert found is not None, f"{page} has no {heading}"
    return found[1]


def entries(text):
    """Return the names that stand as terms of a list, each with the text below it."""
    found = {}
    for term, body in re.findall(r"^\.TP\n(\.BR? .*)\n((?:(?!\.TP).*\n?)*)", text, re.MULTILINE):
        for name in re.findall(r'[a-z][\w\\-]*|"[ ,]+"', term.partition(" ")[2]):
            if not name.startswith('"'):
                found[name.replace("\\-", "-")] = body
    return found


def members(text):
    """Return the members that the entry of a line names."""
    after = text.partition("Member")[2]
    return set(re.findall(r"^\.BR? ([a-z_]+)", after, re.MULTILINE))


@pytest.mark.parametrize(
    ("heading", "file", "state"),
    [
        (".SH LINES OF AN UPLOAD", "upload", UploadState),
        (".SH LINES OF A DOWNLOAD", "download", DownloadState),
    ],
    ids=["upload", "download"],
)
def test_a_journal_has_the_lines_of_its_page(written, heading, file, state):
    documented = entries(section("glacier-journal.5", heading))

    with Journal.open(written, file) as journal:
        lines = {line["kind"]: set(line) - {"v", "kind"} for line in journal.found}
        before = folded(state(), journal.found)

    assert {kind: members(text) for kind, text in documented.items() if kind in lines} == lines
    for kind in documented.keys() - lines.keys():
        assert kind in _ELSEWHERE
        before.after({"kind": kind})  # it is known


def tables(page, path):
    """Return the tables of a page and those of a database, each with its columns."""
    text = section(page, ".SH TABLES")
    names = re.findall(r"^\.SS (\w+)$", f"\n{text}", re.MULTILINE)
    documented = {name: set(entries(section(page, f".SS {name}"))) for name in names}
    with closing(sqlite3.connect(path)) as connection:
        there = {
            name: {row[1] for row in connection.execute(f"PRAGMA table_info({name})")}
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
            )
        }
    return documented, there


def test_the_catalog_has_the_tables_of_its_page(written):
    documented, there = tables("glacier-catalog.5", written / "catalog.db")

    assert documented == there


def test_the_store_has_the_tables_of_its_page(written):
    documented, there = tables("glacier-store.5", written / "store" / "glacier.db")

    assert documented == there


def test_config_has_the_settings_of_its_page():
    documented = entries(section("glacier-config.5", ".SH SETTINGS"))

    assert {
        name: set(re.findall(r"[A-Z]+_[A-Z_]+", text)) for name, text in documented.items()
    } == {setting.name: set(setting.variables) for setting in SETTINGS}


STORIES = [
    line.replace("\\-", "-")
    for path in sorted((ROOT / "man" / "man7").iterdir())
    for line in re.findall(
        r"^(?:\S+ \S+ \* \* \*  )?(glacier [^|\n]*)", path.read_text(), re.MULTILINE
    )
]


@pytest.mark.parametrize("line", STORIES)
def test_a_command_of_a_story_can_be_typed(glacier, line):
    words = shlex.split(line, comments=True)[1:]

    assert "Usage: glacier" in glacier(*words, "--help").stdout
