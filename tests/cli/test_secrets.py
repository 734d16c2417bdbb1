"""Canaries: an access key, its secret and its token, looked for wherever they must not be."""

import base64
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from helpers import heal, payload, run, write

from glaciercli.errors import Exit
from glaciercli.local.http.server import Server
from glaciercli.local.http.sigv4 import Authenticator, Credential
from glaciercli.units import MIB

KEY = "AKIDCANARYCANARY"
SECRET = "canary/Secret+that=nobody/must+see"
TOKEN = "canary//Token+that==nobody/must/see"
WRONG = "canary-of-a-wrong-secret"


def spellings(text):
    """Return a secret as it would stand in JSON, in an address, in a header or in base 64."""
    data = text.encode()
    codes = (base64.b64encode(data)[:20], base64.urlsafe_b64encode(data)[:20], data.hex().encode())
    return {data, json.dumps(text)[1:-1].encode(), quote(text, safe="").encode(), *codes}


CANARIES = set().union(*map(spellings, (SECRET, TOKEN, WRONG)))


def from_environment(home, monkeypatch, secret):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)


def from_profile(home, monkeypatch, secret):
    lines = f"aws_access_key_id={KEY}\naws_secret_access_key={secret}\naws_session_token={TOKEN}\n"
    write(home / ".aws" / "credentials", f"[nas]\n{lines}".encode())
    from_nothing(monkeypatch)


def from_process(home, monkeypatch, secret):
    given = {"Version": 1, "AccessKeyId": KEY, "SecretAccessKey": secret, "SessionToken": TOKEN}
    document = write(home / "given.json", json.dumps(given).encode())
    write(home / ".aws" / "config", f"[profile nas]\ncredential_process=cat {document}\n".encode())
    from_nothing(monkeypatch)


def from_nothing(monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_PROFILE", "nas")


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A home directory that boto3 looks into, too."""
    home = tmp_path / "home"
    for name, file in (
        ("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
        ("AWS_CONFIG_FILE", "config"),
    ):
        monkeypatch.setenv(name, str(home / ".aws" / file))
    return home


@pytest.fixture
def served(engine, monkeypatch):
    """The engine behind HTTP that asks for a signature that holds; and its access log."""
    lines = []
    auth = Authenticator("strict", {KEY: Credential(SECRET, TOKEN)})
    with Server(engine, auth=auth, access_log=lines.append) as server:
        monkeypatch.setenv("GLACIER_ENDPOINT_URL", server.url)
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        yield lines


@pytest.fixture
def seen(tmp_path, home, served):
    """Run a command, `--debug` and with a log; keep all that it said."""
    said = []

    def call(*words, **expected):
        log = tmp_path / "glacier.log"
        got = run(*words, "--debug", "--log-file", log, "--timeout", "1s", **expected)
        said.append((got.stdout + got.stderr).encode())
        return got

    call.said = said
    call.everything = lambda: [
        *said,
        *(line.encode() for line in served),
        *(
            path.read_bytes()
            for path in tmp_path.rglob("*")
            if path.is_file() and tmp_path / "home" not in path.parents
        ),
    ]
    return call


def leaks(texts):
    return [
        text[max(0, text.find(each) - 300) :][:600]
        for text in texts
        for each in CANARIES
        if each in text
    ]


@pytest.mark.parametrize("source", [from_environment, from_profile, from_process])
def test_no_command_lets_a_secret_out(source, house, monkeypatch, seen, engine, tmp_path, count):
    source(house, monkeypatch, SECRET)
    file = write(tmp_path / "big.tar", payload(MIB + 5))
    seen("vault", "create", "photos")
    seen("upload", file, "--vault", "photos", "--part-size", "1MiB")
    seen("vault", "list")
    seen("vault", "inventory", "photos")
    seen("archive", "list", "--vault", "photos")
    seen("archive", "download", "big.tar", tmp_path / "back", "--vault", "photos")
    seen("job", "list", "--vault", "photos")
    seen("catalog", "sync")
    seen("catalog", "list")
    seen("config", "show")
    seen("tags", "add", "photos", "a=b")
    seen("policy", "show", "photos", exit=Exit.NOT_FOUND)
    seen("vault", "show", "nope", exit=Exit.NOT_FOUND)
    seen("vault", "show", "bad/name", exit=Exit.USAGE)
    for kind in ("drop-after", "truncate"):
        engine.faults.add("ListVaults", kind=kind, times=100)
        seen("vault", "list", exit=Exit.UNAVAILABLE)
        heal(engine)
    engine.faults.add("ListVaults", kind="status", code="ExpiredTokenException", status=403)
    seen("vault", "list", exit=Exit.ACCESS_DENIED)

    assert engine.log.count() > 20
    assert leaks(seen.everything()) == []
    count({"commands searched for secrets": len(seen.said)})


@pytest.mark.parametrize("source", [from_environment, from_profile, from_process])
def test_a_wrong_secret_is_not_told_nor_the_token_that_it_signed(
    source, house, monkeypatch, seen, count
):
    """The service tells what should have been signed, with the token in it."""
    source(house, monkeypatch, WRONG)
    got = seen("vault", "list", exit=Exit.ACCESS_DENIED)
    seen("vault", "list", "--output", "json", exit=Exit.ACCESS_DENIED)

    assert "signature we calculated does not match" in got.stderr
    assert leaks(seen.everything()) == []
    count({"commands searched for secrets": len(seen.said)})


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("credentials", f"[nas]\naws_access_key_id={KEY}\naws_secret_access_key {SECRET}\n"),
        ("credentials", f"aws_secret_access_key={SECRET}\n"),
        ("credentials", f"[nas]\naws_secret_access_key={SECRET}\naws_secret_access_key={SECRET}\n"),
        ("credentials", f"[nas]\naws_secret_access_key={SECRET}\n"),
        ("config", f"[profile nas]\ncredential_process=echo {SECRET}\n"),
        (
            "config",
            f"[profile nas]\ncredential_process=echo {json.dumps({'SecretAccessKey': SECRET})}\n",
        ),
    ],
)
def test_credentials_that_cannot_be_read_are_not_told(file, text, house, monkeypatch, seen, count):
    write(house / ".aws" / file, text.encode())
    from_nothing(monkeypatch)
    got = run("vault", "list", "--debug", "--timeout", "1s", exit=None)

    assert got.exit in {Exit.ACCESS_DENIED, Exit.USAGE}
    assert leaks([(got.stdout + got.stderr).encode()]) == []
    count({"commands searched for secrets": 1})


@pytest.mark.parametrize("user", ["bob:CANARYPW", "CANARYPW", "bob:1@CANARYPW", "bob:CANARYPW/1"])
@pytest.mark.parametrize("proxy", ["socks5://{}@127.0.0.1:1", "http://{}@127.0.0.1:99999"])
def test_a_password_of_a_proxy_is_not_told(user, proxy, house, monkeypatch, tmp_path):
    from_environment(house, monkeypatch, SECRET)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("HTTPS_PROXY", proxy.format(user))
    log = tmp_path / "glacier.log"
    got = run("vault", "list", "-v", "--log-file", log, "--timeout", "1s", exit=None)

    assert got.exit in {Exit.UNAVAILABLE, Exit.REFUSED}
    assert "ListVaults" in got.stderr
    assert "ListVaults" in log.read_text()
    assert "CANARYPW" not in got.stdout + got.stderr + log.read_text()


def test_a_traceback_does_not_tell_the_password_of_a_proxy(house, monkeypatch):
    from_environment(house, monkeypatch, SECRET)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("HTTPS_PROXY", "http://bob:CANARYPW@127.0.0.1:99999")
    got = run("vault", "list", "--debug", "--timeout", "1s", exit=Exit.REFUSED)

    assert "Traceback" in got.stderr
    assert "CANARYPW" not in got.stderr


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="needs Linux's /proc")
def test_a_running_program_shows_no_secret_and_leaves_no_core(house, monkeypatch):
    from_environment(house, monkeypatch, SECRET)
    words = [sys.executable, "-m", "glaciercli", "local", "serve", "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout.readline().startswith("Serving")
            process = Path("/proc", str(program.pid))
            limits = (process / "limits").read_text().splitlines()
            shown = [(process / name).read_bytes() for name in ("cmdline", "comm")]
        finally:
            program.terminate()

    assert next(line.split()[4] for line in limits if line.startswith("Max core file")) == "0"
    assert leaks(shown) == []
