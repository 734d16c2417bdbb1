"""Completion: what is offered, and that real shells offer it."""

import fcntl
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from helpers import payload, run, write

from glaciercli import docgen
from glaciercli.cli.complete import Fish

COMPLETIONS = Path(__file__).parents[2] / "completions"


@pytest.fixture
def completed(monkeypatch):
    """Return what the program offers for the last word of a line."""

    def complete(*words):
        monkeypatch.setenv("_GLACIER_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", "glacier " + " ".join(words))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        return [line.partition(",")[2] for line in run().lines if line]

    return complete


def test_commands_and_options_are_offered(completed):
    assert completed("va") == ["vault"]
    assert completed("vault", "cr") == ["create"]
    assert "--vault" in completed("vault", "show", "--v")
    assert completed("vault", "list", "--output", "js") == ["json", "jsonl"]
    assert completed("job", "start", "inv") == ["inventory"]


def test_a_file_is_left_to_the_shell(completed):
    assert completed("upload", "--vault", "photos", "bi") == ["bi"]
    assert "list" in completed("upload", "l")


@pytest.fixture
def stored(glacier, tmp_path):
    glacier("vault", "create", "photos")
    for name in ("holiday.tar", "home.tar", "bad\x1b[2Jname"):
        glacier("upload", write(tmp_path / name, payload(10)), "--vault", "photos")


def test_names_of_vaults_and_archives_come_from_the_catalog(stored, completed):
    assert completed("archive", "list", "--vault", "ph") == ["photos"]
    assert completed("vault", "show", "") == ["photos"]
    found = completed("archive", "show", "--vault", "photos", "ho")
    assert found == ["holiday.tar", "home.tar"]
    assert completed("archive", "show", "--vault", "other", "ho") == []
    assert completed("archive", "show", "--vault", "photos", "bad") == []


def test_ids_of_jobs_and_uploads_come_from_what_was_done_here(stored, glacier, completed, tmp_path):
    glacier(*["job", "start", "archive", "home.tar", "--vault", "photos"])
    glacier(*["local", "fault", "add", "UploadMultipartPart", "--status", "403"])
    glacier("upload", write(tmp_path / "big.tar", payload(20)), "--vault", "photos", exit=4)
    listing = ("--vault", "photos", "--output", "json")

    jobs, uploads = (glacier(each, "list", *listing).ids for each in ("job", "upload"))

    assert len(jobs) == len(uploads) == 1
    assert completed("job", "show", "") == jobs
    for verb in ("show", "resume", "abort"):
        assert completed("upload", verb, "") == uploads
    assert completed("upload", "show", "--vault", "films", "") == []


def test_nothing_is_made_by_asking(completed, home, monkeypatch):
    monkeypatch.setenv("GLACIER_LOCAL", "1")

    assert completed("archive", "show", "x") == []
    assert not home.exists()


def test_a_damaged_catalog_completes_to_nothing(completed, home, stored):
    for file in (home / "data").glob("catalog.db*"):
        file.write_bytes(b"no database " * 1000)

    assert completed("vault", "show", "") == []


_HOSTILE = [
    "hostile $(touch made)",
    "hostile; touch made",
    "hostile `touch made`",
    "hostile' \"quoted\\",
    "hostile*?[a-z]{1,2}",
    "hostile&|<>#!~",
    "~root",
    "ünïcödé 名",
]


@pytest.fixture
def program(tmp_path):
    program = write(tmp_path / "bin" / "glacier", b"")
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m glaciercli "$@"\n')
    program.chmod(0o755)
    return program


def test_a_completed_name_is_a_word_of_the_shell_and_nothing_more(glacier, program, tmp_path):
    """What bash puts on the line is run when the user presses enter."""
    glacier("vault", "create", "photos")
    for name in (*_HOSTILE, "--yes", "-rf", "two\nlines", "esc\x1b[2J"):
        file = write(tmp_path / "in", payload(10))
        glacier("upload", "-", "--name", name, "-V", "photos", input=file.read_bytes())
    script = f"""
        source {COMPLETIONS}/glacier.bash
        COMP_WORDS=(glacier archive show -V photos "") COMP_CWORD=5
        _glacier_completion {program}
        for each in "${{COMPREPLY[@]}}"; do
            eval "words=($each)"
            printf '%s\\0' "${{#words[@]}}" "${{words[@]}}"
        done
    """
    got = subprocess.run(
        ["bash", "--norc", "-c", script], cwd=tmp_path, capture_output=True, check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip

    words = got.stdout.decode().split("\0")[:-1]
    assert got.stderr == b""
    assert words[::2] == ["1"] * len(_HOSTILE)
    assert sorted(words[1::2]) == sorted(_HOSTILE)
    assert not (tmp_path / "made").exists()


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("archive show -V photos a", ["a, b,c"]),
        ("upload ~/ho", ["~/home, sweet.tar"]),
        ("upload -V photos $HOME/ho", ["$HOME/home, sweet.tar"]),
        ("archive download a --to ~/d", ["~/dir/"]),
    ],
)
def test_fish_completes_the_whole_of_a_name(glacier, program, tmp_path, monkeypatch, word, found):
    glacier("vault", "create", "photos")
    glacier("upload", "-", "--name", "a, b,c", "-V", "photos", input=payload(10))
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path / "home, sweet.tar", b"")
    (tmp_path / "dir").mkdir()
    script = write(tmp_path / "glacier.fish", docgen.completion(Fish).encode())
    asked = f"complete --do-complete 'glacier {word}'"
    got = subprocess.run(
        ["fish", "--no-config", "-c", f"source {script}; {asked}"],
        capture_output=True, check=True, text=True,
        env={
            **os.environ,
            "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        },
    )  # fmt: skip

    assert [line.partition("\t")[0] for line in got.stdout.splitlines()] == found


def test_what_is_told_of_a_word_cannot_act_on_the_terminal(glacier, monkeypatch, tmp_path):
    glacier("vault", "create", "photos")
    glacier("local", "fault", "add", "UploadMultipartPart", "status", "--status", "403")
    hostile = write(tmp_path / "esc\x1b[2J\nplain", payload(10))
    glacier("upload", hostile, "-V", "photos", exit=4)
    monkeypatch.setenv("_GLACIER_COMPLETE", "zsh_complete")
    monkeypatch.setenv("COMP_WORDS", "glacier upload show -V photos ")
    monkeypatch.setenv("COMP_CWORD", "5")

    lines = run().stdout.split("\n")
    assert len(lines) == 4
    assert lines[2] == "esc\\x1b[2J\\x0aplain"


SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "source {}/glacier.bash"),
    "zsh": (["zsh", "-f", "-i"], "fpath=({} $fpath); autoload -U compinit; compinit -D -u"),
    "fish": (["fish", "--no-config", "-i"], "source {}/glacier.fish"),
}


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
def test_a_real_shell_completes(shell, stored, program, tmp_path):
    """Typed into a terminal, as a person does."""
    command, setup = SHELLS[shell]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{shell} is not installed")
    environ = {
        **os.environ,
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "TERM": "xterm",
        "PS1": "$ ",
    }
    leader, follower = pty.openpty()
    with subprocess.Popen(
        command, stdin=follower, stdout=follower, stderr=follower, env=environ,
        start_new_session=True, cwd=tmp_path,
        # A shell wants a terminal of its own.
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
    ) as process:  # fmt: skip
        os.close(follower)
        try:
            say(leader, setup.format(COMPLETIONS) + "\n")
            say(leader, "echo re''ady\n", until="ready")
            assert say(leader, "glacier vau\t", until="glacier vault")
            assert say(leader, "sh\t", until="show")
            assert say(leader, "--vault pho\t", until="photos")
        finally:
            process.kill()
            os.close(leader)


def say(terminal, text, until=None):
    """Type, and return what the terminal shows by the time that it shows `until`."""
    os.write(terminal, text.encode())
    shown, deadline = "", time.monotonic() + 20
    while until is not None and until not in shown:
        assert time.monotonic() < deadline, shown
        if select.select([terminal], [], [], 0.2)[0]:
            raw = os.read(terminal, 4096).decode(errors="replace")
            if "\x1b[c" in raw or "\x1b[0c" in raw:
                os.write(terminal, b"\x1b[?1;2c")  # fish asks what terminal this is, and waits
            shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|[\r\x0f]", "", shown + raw)
    return shown
