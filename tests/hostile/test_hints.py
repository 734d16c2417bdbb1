"""Hints are pasted into a shell; whatever words of others stand in them, only our commands run."""

import ast
import os
import re
import shlex
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from helpers import payload, run, write

PACKAGE = Path(__file__).parents[2] / "glaciercli"
STUBS = ("glacier", "rm", "chmod", "chown", "mkdir", "tar", "sqlite3")

WORDS = [
    "$(touch canary)",
    "' ; touch canary; '",
    "it's $(touch canary)",
    "x glacier vault $(touch canary)",
    "-V$(touch canary)",
]
WORDS += [
    pytest.param(each, marks=pytest.mark.slow)
    for each in (
        "`touch canary`",
        "; touch canary;",
        '" ; touch canary; "',
        "a\n touch canary\n",
        "| touch canary #",
        "&& touch canary",
        "id:$(touch canary)",
        "\\'; touch canary; \\'",
        "> canary",
    )
]


@pytest.fixture
def paste(tmp_path):
    """Paste a hint into a shell, whole and from each of its commands on; tell if another ran."""
    programs, where = tmp_path / "bin", tmp_path / "where"
    for each in STUBS:
        write(programs / each, b"#!/bin/sh\nexit 0\n").chmod(0o700)
    (programs / "touch").symlink_to("/usr/bin/touch")
    where.mkdir()

    def paste(hint):
        starts = [match.start() for match in re.finditer("|".join(STUBS), hint)]
        for start in (0, *(each for each in starts if is_bare(hint[:each]))):
            subprocess.run(
                ["/bin/sh", "-c", hint[start:]], cwd=where, env={"PATH": str(programs)},
                stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=20,
            )  # fmt: skip
        return bool(list(where.iterdir()))

    return paste


def test_the_shell_runs_what_is_not_quoted(paste):
    """Else the other tests here would prove nothing."""
    assert paste("name it: glacier archive show id:$(touch canary) -V photos")


def is_bare(before):
    """Tell whether what stands before a word has no quotation that is still open."""
    try:
        shlex.split(before)
    except ValueError:
        return False
    return True


def hints(*words):
    """Run a command; return its hints, and the candidates that it names to choose from."""
    said = run(*words, exit=None).stderr.splitlines()
    found = [line.removeprefix("hint: ") for line in said if line.startswith("hint: ")]
    choices = [line.partition(" archives: ")[2] for line in said if " archives: " in line]
    return found + choices


def hostile_catalog(home, word):
    """Put rows into the catalog as an import of an earlier version might have done."""
    run("vault", "create", "photos")
    run("catalog", "list")
    with closing(sqlite3.connect(home / "data" / "catalog.db")) as connection, connection:
        endpoint = connection.execute("SELECT endpoint FROM accounts").fetchone()[0]
        world = (endpoint, "000000000000", "us-east-1")
        for key, vault in ((90, "photos"), (91, word), (92, f"{word}2")):
            connection.execute(
                "INSERT OR REPLACE INTO vaults (key, endpoint, account, region, name) "
                "VALUES (?, ?, ?, ?, ?)",
                (key, *world, vault),
            )
            for number, name in enumerate((f"../{word}", "twice", "twice", word, word)):
                ident = f"{word}#{number}"
                connection.execute(
                    "INSERT INTO archives (vault, id, name, created, size) VALUES (?, ?, ?, 1, 5)",
                    (key, ident, name),
                )


@pytest.mark.parametrize("word", WORDS)
def test_ids_names_and_vaults_of_the_catalog_are_quoted(glacier, home, paste, tmp_path, word):
    hostile_catalog(home, word)
    found = [
        *hints("archive", "download", "--to", tmp_path / "out", "-V", "photos", "--yes"),
        *hints("archive", "show", "twice", "-V", "photos"),
        *hints("archive", "show", "twice"),
        *hints("archive", "show", word, "-V", "photos"),
        *hints("archive", "show", f"{word}@2", "-V", "photos"),
        *hints("archive", "download", word, "-V", "photos", "--dry-run"),
        *hints("archive", "download", word, tmp_path / "out.bin", "-V", "photos", "--no-wait"),
        *hints("archive", "verify", word, __file__, "-V", "photos"),
        *hints("archive", "delete", "twice", "-V", "photos", "--yes"),
        *hints("job", "show", word, "-V", "photos"),
        *hints("upload", "show", word, "-V", "photos"),
        *hints("catalog", "sync"),
        *hints("catalog", "verify"),
        *hints("vault", "empty", "photos", "--yes"),
    ]  # fmt: skip

    assert len(found) > 9
    assert [each for each in found if paste(each)] == []


@pytest.mark.parametrize("word", WORDS)
def test_paths_are_quoted(glacier, paste, tmp_path, word):
    glacier("vault", "create", "photos")
    folder = tmp_path / f"in {word}"
    file = write(folder / word, payload(5))
    os.mkfifo(folder / f"pipe{word}")
    kept_open = os.open(folder / f"pipe{word}", os.O_RDWR)  # else a shell would wait for a writer
    loose = tmp_path / f"loose{word}"
    loose.mkdir()
    loose.chmod(0o777)
    cache = folder / "cache.db"
    with closing(sqlite3.connect(cache)) as connection:
        connection.execute("CREATE TABLE archive (id)")
        connection.commit()
    write(folder / "cache.db-wal", b"rows")
    settings = write(folder / "config.toml", b"")
    settings.chmod(0o666)
    archive = glacier("upload", file, "-V", "photos", "--output", "json").json["archiveId"]
    found = [
        *hints("upload", folder, "-V", "photos"),
        *hints("upload", folder / f"pipe{word}", "-V", "photos"),
        *hints("upload", file, "--name", word, "-V", "photos"),
        *hints("upload", folder / "missing", "-V", "photos"),
        *hints("archive", "download", archive, folder / "no" / word, "-V", "photos"),
        *hints("archive", "download", archive, folder, "-V", "photos"),
        *hints("archive", "download", "--to", loose, "-V", "photos", "--yes"),
        *hints("catalog", "import", cache),
        *hints("catalog", "list", "--config", settings),
    ]

    assert len(found) > 6
    assert [each for each in found if paste(each)] == []
    os.close(kept_open)


# --- in the source: commands of ours are data, and words of other programs' commands are quoted

_OURS = re.compile(r"(?<!of )(?<!newer )\bglacier [a-z]+ ")
_OTHERS = re.compile(r"\b(?:rm|chmod [\w,+-]+|chown \S+|mkdir -p|tar c|sqlite3|upload -) ")


def interpolated():
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            before = ""
            for part in node.values if isinstance(node, ast.JoinedStr) else ():
                if isinstance(part, ast.Constant):
                    before += part.value
                elif "`" not in before:  # that would be documentation
                    yield f"{path.relative_to(PACKAGE)}:{node.lineno}", before, part.value


def test_every_word_in_a_command_is_quoted():
    places = list(interpolated())
    bare = [
        f"{where}: {ast.unparse(value)}"
        for where, before, value in places
        if _OURS.search(before)
        or (_OTHERS.search(before) and not ast.unparse(value).startswith(("quoted(", "shlex.")))
    ]

    assert sum(bool(_OTHERS.search(before)) for _, before, _ in places) > 6
    assert bare == []
