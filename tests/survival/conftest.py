"""A world in memory for each test, and the counts of the whole run at its end."""

import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from survival.world import World, memory_directory, share_session

_counts = Counter()


@pytest.fixture
def room():
    """A directory for a test's worlds, in memory where the system has that."""
    path = Path(tempfile.mkdtemp(prefix="glacier-", dir=memory_directory()))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def world(room):
    share_session()
    return World(room / "world")


@pytest.fixture
def count():
    """Count things that were proven; the sums are printed when all tests have run."""
    return _counts.update


def pytest_terminal_summary(terminalreporter):
    for name in sorted(_counts):
        terminalreporter.write_line(f"survived: {_counts[name]:>6} {name}")
