"""Profiles whose credentials a person, a program or a service gives: or does not."""

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
from helpers import write
from terminal import Terminal

from glaciercli.errors import Exit
from glaciercli.local.http.server import Server

ROLE = "arn:aws:iam::123456789012:role/backup"
DEVICE = "arn:aws:iam::123456789012:mfa/anna"


class SecurityTokens(ThreadingHTTPServer):
    """The service that gives a role's credentials for a right code; it keeps those that came."""

    def __init__(self, code="123456", life=timedelta(hours=1)):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.code = code
        self.life = life
        self.codes = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        code = asked.get("TokenCode", [None])[0]
        self.server.codes.append(code)
        if code == self.server.code:
            until = (datetime.now(UTC) + self.server.life).strftime("%Y-%m-%dT%H:%M:%SZ")
            self._say(200, _GIVEN.format(until=until))
        else:
            self._say(403, _REFUSED)

    def _say(self, status, text):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


_GIVEN = (
    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId>"
    "<SecretAccessKey>x</SecretAccessKey><SessionToken>y</SessionToken>"
    "<Expiration>{until}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
)
_REFUSED = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>MultiFactor"
    "Authentication failed with invalid MFA one time pass code. </Message></Error></ErrorResponse>"
)


@pytest.fixture
def tokens():
    with SecurityTokens() as server:
        yield server
        server.shutdown()


@pytest.fixture
def environment(tmp_path, monkeypatch, engine, tokens):
    """The variables of a run whose profiles are those of `config`."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    write(
        tmp_path / "credentials",
        b"[keys]\naws_access_key_id = AKIDKEYS\naws_secret_access_key = x\n",
    )
    with Server(engine) as server:
        yield {
            **os.environ,
            "AWS_CONFIG_FILE": str(tmp_path / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
            "AWS_ENDPOINT_URL_STS": tokens.url,
            "AWS_REGION": "us-east-1",
            "GLACIER_ENDPOINT_URL": server.url,
            "PYTHONPATH": os.pathsep.join(sys.path),
        }


@pytest.fixture
def mfa(tmp_path):
    profile = f"role_arn = {ROLE}\nsource_profile = keys\nmfa_serial = {DEVICE}"
    write(tmp_path / "config", f"[profile mfa]\n{profile}\n".encode())


def glacier(environment, *words, **options):
    """Run the program as cron does: nobody is at a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "glaciercli", *words], env=environment, text=True,
        capture_output=True, start_new_session=True, stdin=subprocess.DEVNULL, timeout=60,
        check=False, **options,
    )  # fmt: skip


def test_a_profile_that_wants_a_code_says_so_where_nobody_can_type_it(environment, mfa, tokens):
    run = glacier(environment, "vault", "list", "--profile", "mfa")

    assert run.returncode == Exit.ACCESS_DENIED, run.stderr
    assert run.stderr.splitlines() == [
        "error: profile 'mfa' wants an MFA code, and nobody is at a terminal to type it",
        "hint: run it at a terminal, or name a --profile that wants none",
    ]
    assert tokens.codes == []


def test_at_a_terminal_the_code_is_asked_for_once(environment, mfa, tokens, vault):
    """Also where stdin is the bytes of an archive, and many workers wait for it."""
    line = (
        f"head -c 3000000 /dev/zero | {sys.executable} -m glaciercli upload - --name zeros "
        "-V photos --part-size 1MiB --profile mfa && echo it was sent"
    )
    terminal = Terminal("-c", line, program=("/bin/sh",), env=environment)
    assert "MFA code of profile mfa: " in terminal.read("mfa: ")
    terminal.type("123456\n")
    shown = terminal.read()

    assert terminal.end() == 0, shown
    assert "it was sent" in shown
    assert "123456" not in shown  # what is typed is not shown
    assert tokens.codes == ["123456"]


def test_a_wrong_code_is_told_and_not_asked_for_again(environment, mfa, tokens):
    words = ("vault", "list", "--profile", "mfa")
    terminal = Terminal(*words, env=environment)
    terminal.read("mfa: ")
    terminal.type("999999\n")
    terminal.read()

    assert terminal.end() == Exit.ACCESS_DENIED
    assert "profile 'mfa' gives no credentials: MultiFactorAuthentication failed" in terminal.text
    assert tokens.codes == ["999999"]


def test_when_the_session_is_over_the_run_ends_and_says_how_to_go_on(
    environment, mfa, tokens, vault, tmp_path
):
    tokens.life = timedelta(minutes=5)  # so short that the second request wants another one
    file = write(tmp_path / "file", bytes(1000))
    terminal = Terminal("upload", file, "-V", "photos", "--profile", "mfa", env=environment)
    terminal.read("mfa: ")
    terminal.type("123456\n")
    terminal.read()

    assert terminal.end() == Exit.ACCESS_DENIED, terminal.text
    assert "the session of profile 'mfa' is over" in terminal.text
    assert "run the same command again" in terminal.text
    assert tokens.codes == ["123456"]


ANSWERS = {
    "fails and says nothing": ("exit 3", "it failed, and said nothing"),
    "fails and says why": ("echo no ticket >&2; exit 1", "no ticket"),
    "ends well and says nothing": ("true", "Expecting value"),
    "says what is no JSON": ("echo hello", "Expecting value"),
    "says a list": ("echo []", "'list' object"),
    "says bytes that are no text": ("printf '\\377'", "codec can't decode"),
    "says another version": ("echo '{\"Version\": 2}'", "Unsupported version"),
    "leaves the key out": ("echo '{\"Version\": 1}'", "Missing required key"),
}


@pytest.mark.parametrize(("script", "why"), ANSWERS.values(), ids=ANSWERS)
def test_a_program_that_gives_no_credentials_is_named_by_its_profile(
    environment, tmp_path, script, why
):
    program = write(tmp_path / "give", f"#!/bin/sh\n{script}\n".encode())
    program.chmod(0o700)
    write(tmp_path / "config", f"[profile nas]\ncredential_process = {program}\n".encode())

    run = glacier(environment, "vault", "list", "--profile", "nas")

    assert run.returncode == Exit.ACCESS_DENIED, run.stderr
    error, hint = run.stderr.splitlines()
    assert error.startswith("error: profile 'nas' gives no credentials: ")
    assert why in error
    assert hint == "hint: to see what it says: aws sts get-caller-identity --profile nas"


def test_a_program_that_is_not_there_is_named(environment, tmp_path):
    write(tmp_path / "config", b"[profile nas]\ncredential_process = /no/such/program --secret x\n")

    run = glacier(environment, "vault", "list", "--profile", "nas")

    assert run.returncode == Exit.ACCESS_DENIED, run.stderr
    assert "profile 'nas' gives no credentials: /no/such/program: No such file" in run.stderr
    assert "secret" not in run.stderr


def test_a_program_that_fails_when_it_renews_is_named_too(environment, tmp_path):
    soon = (datetime.now(UTC) + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    keys = f'{{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "x", "Expiration": "{soon}"}}'
    once = f"test -e {tmp_path}/given && exit 1\ntouch {tmp_path}/given\necho '{keys}'"
    program = write(tmp_path / "give", f"#!/bin/sh\n{once}\n".encode())
    program.chmod(0o700)
    write(tmp_path / "config", f"[profile nas]\ncredential_process = {program}\n".encode())

    run = glacier(environment, "vault", "list", "--profile", "nas")

    assert run.returncode == Exit.ACCESS_DENIED, run.stderr
    assert "profile 'nas' gives no credentials: custom-process: it failed, and said" in run.stderr


def test_credentials_that_are_over_when_they_come_are_told(environment, tmp_path):
    """Of a program that keeps old ones, or by a clock that is wrong."""
    past = "2020-01-01T00:00:00Z"
    keys = f'{{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "x", "Expiration": "{past}"}}'
    program = write(tmp_path / "give", f"#!/bin/sh\necho '{keys}'\n".encode())
    program.chmod(0o700)
    write(tmp_path / "config", f"[profile nas]\ncredential_process = {program}\n".encode())

    run = glacier(environment, "vault", "list", "--profile", "nas")

    assert run.returncode == Exit.ACCESS_DENIED, run.stderr
    assert "profile 'nas' gives no credentials: Credentials were refreshed, but" in run.stderr
