"""A world in memory for each test."""

import functools
import shutil
import tempfile
from pathlib import Path

import boto3
import pytest
from disks import memory_directory
from survival import forks
from survival.scenarios import SCENARIOS
from survival.world import World, share_session

from glaciercli import system


@pytest.fixture
def room():
    """A directory for a test's worlds, in memory where the system has that."""
    path = Path(tempfile.mkdtemp(prefix="glacier-", dir=memory_directory()))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def world(room, monkeypatch):
    # For this test alone: others want sessions that read the environment afresh.
    session = functools.partial(boto3.Session, botocore_session=share_session())
    monkeypatch.setattr(boto3, "Session", session)
    world = World(room / "world")
    monkeypatch.setattr(system, "BOOT_ID", world.boot)
    return world


@pytest.fixture(params=SCENARIOS, ids=lambda each: each.name)
def scenario(request, world):
    """A scenario, prepared: each run begins by `world.reset()`."""
    forks.run(lambda: request.param.prepare(world)).require("prepare")
    world.keep()
    return request.param
