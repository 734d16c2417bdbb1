"""One run at a time: what holds a lock, and when it is gone. Whole programs: survival."""

import os

import pytest

from glaciercli.errors import Busy
from glaciercli.files.locks import try_lock


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.journal"
    path.touch()
    return path


def opened(path):
    return os.open(path, os.O_RDWR | os.O_CLOEXEC)


def test_a_lock_is_of_the_open_file_and_goes_with_it(path):
    first, second = opened(path), opened(path)
    try_lock(first, path)
    with pytest.raises(Busy):
        try_lock(second, path)
    os.close(first)

    try_lock(second, path)
    os.close(second)


def test_a_file_that_another_has_taken_the_place_of_has_a_lock_of_its_own(path):
    first = opened(path)
    try_lock(first, path)
    path.unlink()
    path.touch()
    second = opened(path)

    try_lock(second, path)
    os.close(first)
    os.close(second)
