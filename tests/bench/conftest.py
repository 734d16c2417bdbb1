"""Fixtures of the benchmarks: files in memory, the limit in C, the real program."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from benchmarks import BENCH, SIZE, make_file, run


@pytest.fixture(scope="session")
def scratch():
    """A directory in memory, so that no disk is measured."""
    root = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
    path = Path(tempfile.mkdtemp(dir=root))
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def big_file(scratch):
    return make_file(scratch / "big", SIZE)


@pytest.fixture(scope="session")
def limit(scratch):
    """The floor in C; skipped where there is no compiler or no OpenSSL to compile against."""
    program = scratch / "limit"
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler to build the limit with")
    built = subprocess.run(
        [compiler, "-O2", "-o", program, BENCH / "limit.c", "-lcrypto", "-lpthread"],
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode:
        pytest.skip(f"cannot build the limit: {built.stderr.splitlines()[:1]}")
    return program


@pytest.fixture
def home(scratch, tmp_path):
    """The environment of a user with keys for the sink, and state in memory."""
    place = scratch / tmp_path.name
    place.mkdir()
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.environ.get("PYTHONPATH", str(BENCH.parent.parent)),
        "GLACIER_HOME": str(place),
        "AWS_ACCESS_KEY_ID": "AKIDBENCH",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",  # for us
        "AWS_DEFAULT_REGION": "us-east-1",  # for botocore, which knows no other
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@pytest.fixture
def glacier(home):
    """The real program in a process of its own."""

    def command(*words):
        return lambda: run(sys.executable, "-m", "glaciercli", *words, env=home)

    return command
