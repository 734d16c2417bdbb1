"""Clients in other languages against `local serve`, which asks them for signatures that hold."""

import hashlib
import json
import os
import shutil
import subprocess
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from helpers import payload

from glaciercli.local.engine import OPERATIONS, open_engine
from glaciercli.local.http.server import Server
from glaciercli.local.http.sigv4 import Authenticator, Credential
from glaciercli.treehash import tree_hash
from glaciercli.units import MIB

pytestmark = pytest.mark.slow

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


@pytest.fixture
def engine(tmp_path):
    with closing(open_engine(tmp_path / "vaults")) as engine:
        yield engine


@pytest.fixture
def url(engine):
    with Server(engine, auth=Authenticator("strict", {KEY: Credential(SECRET)})) as server:
        yield server.url


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(payload(3 * MIB + 5))
    return path


def run(*words, **options):
    return subprocess.run(
        words, capture_output=True, text=True, timeout=120, check=False, **options
    )


def javascript(url, file, secret=SECRET):
    keys = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": ""}
    script = Path(__file__).with_name("sdk.js")
    return run("node", script, url, file, env=os.environ | keys)


@pytest.fixture
def node():
    if shutil.which("node") is None:
        pytest.skip("Node.js is not installed")
    if run("node", "-e", "require('@aws-sdk/client-glacier')").returncode:
        pytest.skip("NODE_PATH does not lead to the npm package @aws-sdk/client-glacier")


def test_the_sdk_for_javascript_can_do_every_operation(node, engine, url, file):
    engine.clock.advance(timedelta(hours=5))  # the SDK sets its own clock by the server's replies
    done = javascript(url, file)

    assert done.returncode == 0, done.stderr
    assert {call.operation for call in engine.log.calls()} == set(OPERATIONS)


def test_a_wrong_secret_is_an_invalid_signature_in_javascript(node, engine, url, file):
    done = javascript(url, file, secret="wrong")

    assert "InvalidSignatureException: The request signature we calculated" in done.stderr
    assert engine.log.calls() == []


@pytest.fixture
def curl(url, file):
    """Send a request signed by curl; return its status and what it printed, headers first."""
    if shutil.which("curl") is None or "--aws-sigv4" not in run("curl", "--help", "all").stdout:
        pytest.skip("there is no curl that signs")

    def call(method, path, *options, secret=SECRET):
        signed = ["--aws-sigv4", "aws:amz:us-east-1:glacier", "--user", f"{KEY}:{secret}"]
        version = ["-H", "x-amz-glacier-version: 2012-06-01"]
        words = ["curl", "-si", "-w", "\n%{http_code}", *signed, *version, "-X", method, *options]
        done = run(*words, url + path)
        assert done.returncode == 0, done.stderr
        text, _, status = done.stdout.rpartition("\n")
        return int(status), text

    call("PUT", "/-/vaults/photos")
    return call


@pytest.fixture
def body(file):
    """The words of a request that has the file as its body."""
    data = file.read_bytes()
    headers = {
        "x-amz-content-sha256": hashlib.sha256(data).hexdigest(),
        "x-amz-sha256-tree-hash": tree_hash(data),
    }
    hashes = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    return [*hashes, "--data-binary", f"@{file}"]


@pytest.mark.parametrize("way", [["-H", "Expect: 100-continue"], ["-H", "Expect:"], ["--http1.0"]])
def test_curl_uploads_over_any_http(curl, body, engine, way):
    status, text = curl("POST", "/-/vaults/photos/archives", *way, *body)

    assert status == 201
    assert ("HTTP/1.1 100 Continue" in text) is ("Expect: 100-continue" in way)
    assert json.loads(curl("GET", "/-/vaults/photos")[1].splitlines()[-1])["VaultName"] == "photos"
    assert [call.operation for call in engine.log.calls()][1] == "UploadArchive"


def test_curl_hears_before_it_sends_that_a_vault_is_not_there(curl, body):
    status, text = curl("POST", "/-/vaults/nope/archives", "-H", "Expect: 100-continue", *body)

    assert (status, "100 Continue" in text) == (404, False)


def test_a_body_of_unknown_length_is_refused(curl, body):
    chunked = ["-H", "Transfer-Encoding: chunked"]
    status, text = curl("POST", "/-/vaults/photos/archives", *chunked, *body)

    assert status == 400
    assert "Required parameter missing: Content-Length" in text


def test_a_wrong_secret_is_an_invalid_signature_in_curl(curl):
    status, text = curl("GET", "/-/vaults", secret="wrong")

    assert (status, "InvalidSignatureException" in text) == (403, True)
