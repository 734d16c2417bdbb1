"""Which Glacier is asked: one place has one name, two have two, and no name holds a secret."""

from contextlib import closing, contextmanager

import pytest
from helpers import payload, run, write

from glaciercli.errors import Exit
from glaciercli.local.engine import open_engine
from glaciercli.local.http.server import Server

SECRET = "SECRETPW"


@pytest.fixture
def url(engine, monkeypatch):
    """Where the embedded engine answers over HTTP."""
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    with Server(engine) as server:
        yield server.url


@pytest.fixture
def file(tmp_path):
    return write(tmp_path / "t.txt", payload(9))


@pytest.fixture
def profile(tmp_path):
    """Write what a profile of the AWS configuration says of its endpoint."""

    def profile(text):
        keys = "aws_access_key_id = AKIDTESTS\naws_secret_access_key = a-key-of-the-tests\n"
        config = f"[profile p]\n{keys}{text}\n"
        return write(tmp_path / "home" / ".aws" / "config", config.encode())

    return profile


def spelled(url, host):
    return url.replace("127.0.0.1", host)


def test_a_file_that_is_there_is_told_however_the_place_is_spelled(url, vault, file):
    run("--endpoint-url", url, "upload", file, "-V", vault, "-q")
    for other in (spelled(url, "localhost") + "/", spelled(url, "LOCALHOST")):
        again = run("--endpoint-url", other, "upload", file, "-V", vault)
        assert "has this file already" in again.stderr


def test_an_upload_goes_on_however_the_place_is_spelled(url, vault, tmp_path, engine):
    big = write(tmp_path / "big.bin", payload(3 << 20))
    words = ("upload", big, "-V", vault, "--part-size", "1MiB")
    run(
        "--endpoint-url",
        spelled(url, "localhost"),
        *words,
        "--max-requests",
        "2",
        exit=Exit.REFUSED,
    )
    run("--endpoint-url", url, *words, "-q")

    assert engine.log.count("InitiateMultipartUpload") == 1


@pytest.mark.parametrize(
    "text",
    ["endpoint_url = {}", "services = ours\n[services ours]\nglacier =\n  endpoint_url = {}"],
)
def test_an_endpoint_of_the_profile_is_no_aws(url, vault, file, profile, text):
    profile(text.format(url))
    run("--profile", "p", "upload", file, "-V", vault, "-q")

    exported = run("--profile", "p", "catalog", "export").stdout
    assert f'"endpoint": "{url}"' in exported
    assert run("--endpoint-url", spelled(url, "localhost"), "catalog", "export").stdout == exported


def test_two_places_of_one_profile_have_journals_each(url, vault, tmp_path, profile, engine):
    """An upload that was begun at one is none of the other's business."""
    big = write(tmp_path / "big.bin", payload(3 << 20))
    words = ("--profile", "p", "upload", big, "-V", vault, "--part-size", "1MiB")
    profile(f"endpoint_url = {url}")
    run(*words, "--max-requests", "2", exit=Exit.REFUSED)
    with closing(open_engine(tmp_path / "other")) as other, Server(other) as server:
        profile(f"endpoint_url = {server.url}")
        run("--profile", "p", "vault", "create", vault)
        run(*words, "-q")
        assert other.log.count("InitiateMultipartUpload") == 1
    profile(f"endpoint_url = {url}")
    run(*words, "-q")

    assert engine.log.count("InitiateMultipartUpload") == 1


@contextmanager
def by_flag(url, tmp_path, monkeypatch):
    yield ("--endpoint-url", url), "--endpoint-url"


@contextmanager
def by_variable(url, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_GLACIER", url)
    yield (), "AWS_ENDPOINT_URL_GLACIER"


@contextmanager
def by_config(url, tmp_path, monkeypatch):
    file = write(tmp_path / "config.toml", f'endpoint-url = "{url}"\n'.encode())
    yield ("--config", file), str(file)


@contextmanager
def by_aws_config(url, tmp_path, monkeypatch):
    write(tmp_path / "home" / ".aws" / "config", f"[profile p]\nendpoint_url = {url}\n".encode())
    yield ("--profile", "p"), "the AWS configuration"


PLACES = [by_flag, by_variable, by_config, by_aws_config]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("form", ["http://bob:{}@{}", "http://bob:{} x@{}", "bob:{}@{}"])
def test_a_password_in_an_endpoint_is_refused_wherever_it_stands(
    url, vault, file, tmp_path, monkeypatch, home, place, form
):
    address = form.format(SECRET, url.removeprefix("http://"))
    log = tmp_path / "log"
    with place(address, tmp_path, monkeypatch) as (flags, where):
        for words in (("upload", file, "-V", vault), ("vault", "list", "--debug")):
            refused = run(*flags, "--log-file", log, *words, exit=Exit.USAGE)
            assert f"the endpoint of {where} has a user or password" in refused.stderr
            assert SECRET not in refused.stdout + refused.stderr
    for path in [log, *home.rglob("*")]:
        assert not path.is_file() or SECRET.encode() not in path.read_bytes()
