"""The theatre: one for all tests of a process, as its world takes a while to build."""

import functools
import os
import shutil
import tempfile
from pathlib import Path

import boto3
import botocore.session
import pytest
from disks import memory_directory
from hostile.endpoint import Endpoint
from hostile.scenes import KEY, SECRET, Theatre


@pytest.fixture(scope="session")
def _theatre():
    room = Path(tempfile.mkdtemp(prefix="glacier-", dir=memory_directory()))
    theatre = Theatre(room, Endpoint())
    with pytest.MonkeyPatch.context() as patch:
        _enter(patch, theatre)
        theatre.rehearse()
    yield theatre
    theatre.endpoint.close()
    theatre.elsewhere.close()
    shutil.rmtree(room)


@pytest.fixture
def theatre(_theatre, monkeypatch):
    _enter(monkeypatch, _theatre)
    return _theatre


def _enter(patch, theatre):
    for name in list(os.environ):
        if name.startswith(("AWS_", "GLACIER_", "BOTO")):
            patch.delenv(name)
    for name, value in theatre.environment.items():
        patch.setenv(name, value)
    patch.setattr(boto3, "Session", functools.partial(boto3.Session, botocore_session=_session()))


@functools.cache
def _session():
    """Return one session for all runs: to load it takes longer than a run."""
    session = botocore.session.Session()
    session.set_credentials(KEY, SECRET)
    return session
