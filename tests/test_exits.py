"""Every exit code of the contract is what the program really ends with."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import run, write
from terminal import GLACIER, Terminal

from glaciercli.errors import Exit

NOBODY = "--region us-east-1 --endpoint-url http://127.0.0.1:1"
FAULT = "local fault add"
LIMIT = "status code=LimitExceededException"
PACK = "tar c . | glacier upload - --name here.tar --vault photos"
ELSEWHERE = "--local-root new"
POLICY = "glacier policy retrieval show; or --tier bulk, which it does not bound"
DRY = "glacier archive download --to . --name a.tar --vault photos --dry-run"
# A code, what is done before, a command that ends with it, and what stderr says.
CASES = [
    (Exit.OK, "", "archive list -V photos", ""),
    (Exit.USAGE, "", "vault delete photos", "hint: add --yes"),
    (Exit.USAGE, "", "vualt list", "no such command 'vualt'; did you mean 'vault'?"),
    (Exit.USAGE, "", "archive lst", "no such command 'lst'; did you mean 'list'?"),
    (Exit.USAGE, "", "download a.tar", "did you mean 'archive download'?"),
    (Exit.USAGE, "", "delete a.tar", "'vault delete' or 'archive delete' or 'policy delete'?"),
    (
        Exit.USAGE,
        "",
        "vault list --qeury x",
        "no such option '--qeury'; did you mean '--query'?",
    ),
    (Exit.USAGE, "", "upload a.tar --tier x", "no such option '--tier'\n"),
    (Exit.USAGE, "", "upload -b.tar", "that begins with a dash, write --"),
    (Exit.USAGE, "", "upload", "missing argument 'FILE...'"),
    (Exit.USAGE, "", "archive download", "no archive is named"),
    (Exit.USAGE, "", "archive download a.tar --dry-run", f"hint: {DRY}"),
    (Exit.USAGE, "", f"vault list --profile nope {NOBODY}", "aws configure list-profiles"),
    (Exit.USAGE, "", "vault create a/b", "1 to 255 letters, digits and _ . -"),
    (Exit.USAGE, "", f"{FAULT} ListVualts throttle", "did you mean ListVaults?"),
    (Exit.USAGE, "", f"{FAULT} ListVaults explode", "is not one of 'status'"),
    (Exit.USAGE, "", "local serve --port 99999", "0<=x<=65535"),
    (Exit.NOT_FOUND, "", "vault show films", "vault 'films' does not exist"),
    (Exit.NOT_FOUND, "", "archive show c.tar -V photos", "'c.tar'"),
    (Exit.NOT_FOUND, "", f"archive show x {ELSEWHERE}", f"glacier {ELSEWHERE} vault create"),
    (Exit.NOT_FOUND, "", "job show nope -V photos", "no job of vault 'photos'"),
    (Exit.NOT_FOUND, "", "upload show nope -V photos", "'nope'"),
    (Exit.ACCESS_DENIED, f"{FAULT} * --status 403", "vault list", "Injected fault"),
    (Exit.ACCESS_DENIED, "", f"vault list {NOBODY}", "credentials"),
    (Exit.CONFLICT, "", "archive download a.tar a.tar -V photos", "exists already"),
    (Exit.CONFLICT, "upload a.tar -V photos", "archive show a.tar -V photos", "2 archives"),
    (Exit.INTEGRITY, f"{FAULT} GetJobOutput corrupt --times 9", "archive download a.tar x", "hash"),
    (Exit.REFUSED, "", "policy set photos {", "is not JSON"),
    (Exit.REFUSED, "", "upload .", f"is a directory\nhint: {PACK}"),
    (Exit.REFUSED, "", "upload . --dry-run", f"is a directory\nhint: {PACK}"),
    (Exit.REFUSED, "", "upload /dev/null", "upload - --name null --vault photos < /dev/null"),
    (Exit.USAGE, "", "upload a.tar --name b", "upload - --name b --vault photos < a.tar"),
    (Exit.REFUSED, "", "archive download a.tar x --range 1-2MiB", "range"),
    (Exit.REFUSED, "policy retrieval set 1B", "archive download a.tar x", f"hint: {POLICY}"),
    (Exit.UNAVAILABLE, f"{FAULT} * --status 503 --times 99", "vault list --timeout 1s", "fault"),
    (Exit.UNAVAILABLE, "", f"vault list --timeout 1s {NOBODY}", "check the network, --region"),
    (Exit.PARTIAL, f"{FAULT} InitiateMultipartUpload {LIMIT}", "upload a.tar b.tar", "1 of 2"),
    (Exit.NOT_READY, "local clock --timing real", "archive download a.tar x --no-wait", "later"),
]
BROKEN = "raise RuntimeError('a broken library')"


@pytest.fixture
def photos(glacier, tmp_path, monkeypatch):
    """A vault with an archive, in a directory with its file."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    monkeypatch.setenv("GLACIER_VAULT", "photos")
    monkeypatch.chdir(write(tmp_path / "here" / "a.tar", b"a tar").parent)
    write(Path("b.tar"), b"b")
    glacier("vault", "create")
    glacier("upload", "a.tar")


@pytest.mark.parametrize(
    ("code", "before", "line", "said"), CASES, ids=[f"{int(each[0])}-{each[2]}" for each in CASES]
)
def test_a_command_ends_with_its_code(photos, monkeypatch, code, before, line, said):
    if said == "credentials":
        for each in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(each)
    if before:
        run(*before.split())

    assert said in run(*line.split(), exit=code).stderr


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("WORKERS", "x", "upload a.tar"),
        ("PART_SIZE", "3x", "upload a.tar"),
        ("TIMEOUT", "soon", "vault list"),
        ("BANDWIDTH_LIMIT", "fast", "vault list"),
        ("VAULT", "a/b", "vault show"),
    ],
)
def test_a_wrong_setting_is_told_with_its_place(photos, monkeypatch, name, value, line):
    """A flag that nobody wrote is looked for in vain."""
    monkeypatch.setenv(f"GLACIER_{name}", value)

    said = run(*line.split(), exit=Exit.USAGE).stderr
    setting = name.lower().replace("_", "-")
    assert said.startswith(f"error: {setting} in GLACIER_{name} is {value!r}: ")


def test_a_bug_ends_with_1_and_says_so(photos, tmp_path):
    """Here it is a broken library's."""
    write(tmp_path / "broken" / "jmespath.py", BROKEN.encode())
    environ = {**os.environ, "PYTHONPATH": f"{tmp_path / 'broken'}:{os.environ['PYTHONPATH']}"}

    ended = subprocess.run(
        [*GLACIER, "vault", "list", "--query", "x"],
        env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (ended.returncode, ended.stdout) == (Exit.UNEXPECTED, "")
    error, hint = ended.stderr.splitlines()
    assert error == "error: unexpected RuntimeError: a broken library"
    assert "report it" in hint


def test_later_is_no_news_where_it_is_quiet(photos):
    """Cron sends a mail of all that is printed."""
    run("local", "clock", "--timing", "real")
    line = ["archive", "download", "a.tar", "x", "--no-wait", "--quiet"]

    assert run(*line, exit=Exit.NOT_READY).stderr == ""
    assert run(*line, "--output", "json", exit=Exit.NOT_READY).error["exitCode"] == 75


def test_a_signal_ends_with_128_and_its_number(photos):
    terminal = Terminal("vault", "wait", "films", "--verbose")
    terminal.read(until="DescribeVault films: NotFound")
    terminal.type("\x03")

    assert terminal.end() == Exit.SIGNAL + 2
    hint = "hint: what was done is kept, and the same command goes on: "
    assert f"{hint}glacier vault wait films --verbose" in terminal.lines


def test_the_table_is_whole():
    apart = {Exit.UNEXPECTED, Exit.SIGNAL}

    assert {each[0] for each in CASES} | apart == set(Exit)
