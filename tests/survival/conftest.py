"""A world in memory for each test, and the counts of the whole run at its end."""

import functools
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import boto3
import pytest
from survival.world import World, memory_directory, share_session

_MARK = "survived: "


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
    return World(room / "world")


@pytest.fixture
def count(request):
    """Count things that were proven; the sums are printed when all tests have run."""

    def add(numbers):
        request.node.user_properties.extend((_MARK + name, n) for name, n in numbers.items())

    return add


def pytest_terminal_summary(terminalreporter):
    # From the reports, which also come from workers in other processes.
    sums = Counter()
    for report in terminalreporter.getreports("passed"):
        for name, number in report.user_properties:
            if name.startswith(_MARK) and report.when == "call":
                sums[name.removeprefix(_MARK)] += number
    for name, number in sorted(sums.items()):
        terminalreporter.write_line(f"{_MARK}{number:>6} {name}")
