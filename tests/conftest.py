"""Fixtures: a home of its own for each test, an engine in it, and the ways to reach it."""

import os

import helpers
import pytest


@pytest.fixture(autouse=True)
def clean_env(tmp_path, monkeypatch):
    """Nothing of this machine's accounts and settings reaches a test, nor a test this machine."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "GLACIER_", "BOTO")) or name in {"NO_COLOR", "COLUMNS"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GLACIER_HOME", str(tmp_path / "glacier"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDTESTS")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-key-of-the-tests")
    monkeypatch.setenv("TZ", "UTC")


@pytest.fixture
def home(tmp_path):
    """The directory that GLACIER_HOME names."""
    return tmp_path / "glacier"


@pytest.fixture
def local_root(home):
    """Where `--local` keeps its vaults."""
    return home / "data" / "local"


@pytest.fixture
def engine(local_root):
    """The embedded engine that `glacier` and `client` talk to; its clock, faults and log."""
    from glaciercli.local.engine import open_engine

    engine = open_engine(local_root)
    yield engine
    engine.close()


@pytest.fixture
def target(local_root):
    from glaciercli.session import Target

    return Target(local_root=local_root)


@pytest.fixture
def client(engine, target):
    """A client of the embedded engine that gives up soon."""
    from glaciercli.session import connect

    return connect(target, timeout=5.0)


@pytest.fixture
def glacier(monkeypatch):
    """The program on the embedded engine; asserts success unless told what exit to expect."""
    monkeypatch.setenv("GLACIER_LOCAL", "true")
    return helpers.run
