"""A disk that is really full: a command ends and says so; with room made, it is brought to its end.

Each run has a small file system of its own, in namespaces that go with its process.
"""

import errno
import itertools
import os
import re
import resource
import shutil

import pytest
from survival import forks
from survival.mounts import BIND, mount, mounts, own_mounts
from survival.scenarios import BY_NAME
from survival.world import share_session

from glaciercli.errors import Conflict

__all__ = ["mounts"]  # a fixture
KIB = 1024
SIZE = 4 * KIB * KIB  # of the small file system

#: What is on the small disk while a scenario runs, with how it is said and the steps of the sweep.
PLACES = [
    ("upload", "home/state", "journal", 4),
    ("stream", "home/state", "journal|keep a part", 256),
    ("download", "home/state", "journal", 4),
    ("upload", "home/data", "catalog", 4),
    ("download", "out", "cannot write|there is room", 512),
]


def make_small(directory, aside):
    """Have `directory` on a small file system, its content with it; the engine's store stays."""
    directory.mkdir(parents=True, exist_ok=True)
    store = directory / "local"
    if store.exists():
        aside.mkdir()
        mount(store, aside, None, BIND)
    content = [(each, each.read_bytes()) for each in directory.iterdir() if each.is_file()]
    mount("tmpfs", directory, "tmpfs", options=f"size={SIZE},mode=700")
    for each, data in content:
        each.write_bytes(data)
        each.chmod(0o600)
    if aside.exists():
        store.mkdir()
        mount(aside, store, None, BIND)


def fill(directory, free):
    """Leave `free` bytes of a file system; return the file that takes the others."""
    filler = directory / "filler"
    status = os.statvfs(directory)
    filler.write_bytes(bytes(max(0, status.f_bavail * status.f_frsize - free)))
    return filler


def squeeze(world, name, place, said, free):
    """Run with so little room, then with more, and look; return whether it was too little."""

    def run():
        share_session()
        own_mounts()
        directory = world.live / place
        make_small(directory, world.root / "aside")
        filler = fill(directory, free)
        failure = None
        try:
            BY_NAME[name].run(world)
        except Conflict as error:
            failure = error
        filler.unlink()
        if failure is not None:
            BY_NAME[name].run(world)
        BY_NAME[name].check(world)
        return failure

    failure = forks.run(run).require(f"{name} with {free} bytes left in {place}")
    shutil.rmtree(world.root / "aside", ignore_errors=True)
    if failure is None:
        return False
    assert re.search(said, failure.message)
    assert re.search("full|No space|I/O error|there is room", failure.message)
    return True


@pytest.fixture(params=PLACES, ids=lambda each: f"{each[0]} {each[1]}")
def squeezed(request, mounts, world):
    name, place, said, step = request.param
    forks.run(lambda: BY_NAME[name].prepare(world)).require("prepare")
    world.keep()

    def run(steps):
        world.reset()
        return squeeze(world, name, place, said, steps * step * KIB)

    return run


def test_a_full_disk_ends_a_run_and_with_room_made_the_next_goes_on(squeezed, count):
    assert squeezed(0)
    squeezed(1)
    squeezed(3)

    count({"full disks": 3})


@pytest.mark.slow
def test_a_disk_that_fills_at_any_moment_ends_a_run_and_the_next_goes_on(squeezed, count):
    for steps in itertools.count():
        if not squeezed(steps):
            break

    assert steps
    count({"full disks": steps})


@pytest.mark.parametrize("name", ["stream", "download"])
def test_a_limit_on_the_size_of_files_ends_a_run_and_without_it_the_next_goes_on(world, name):
    """Where a disk cannot be filled, this is as near as it gets: a write that takes only half."""
    scenario = BY_NAME[name]
    forks.run(lambda: scenario.prepare(world)).require("prepare")
    world.keep()
    world.reset()

    def run():
        share_session()
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400 * KIB, hard))  # above a catalog's
        with pytest.raises(Conflict, match=os.strerror(errno.EFBIG)):
            scenario.run(world)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        scenario.run(world)
        scenario.check(world)

    forks.run(run).require(name)
