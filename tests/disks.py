"""Disks of a size of the test's own choice, real ones; a test is skipped where none can be made."""

import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(path, size):
    """Make a file system of some bytes in a directory."""
    path.mkdir()
    line = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", path]
    try:
        subprocess.run(line, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"only root can make a disk, and on Linux alone in this way: {error}")
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)  # an error may hold a file open


def memory_directory():
    """Return a directory in memory, where syncing costs nothing; None where there is none."""
    shared = Path("/dev/shm")
    return shared if shared.is_dir() and os.access(shared, os.W_OK) else None
