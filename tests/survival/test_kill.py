"""Kill sweep: SIGKILL at each event of a command, then the command again, then the oracle.

A killed run that had told its result, and had acknowledged it, is over: its user does not repeat
it. Any other is repeated once, and must succeed.
"""

import itertools
import os
import random
import signal

import pytest
from survival import forks
from survival.events import Watch
from survival.scenarios import SCENARIOS
from survival.world import DATA, VAULT, share_session

from glaciercli.services import uploads


def dying(work, world, number):
    """Return the work of a run that kills itself at its event of that number."""

    def see(event):
        if event.number == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def run():
        Watch(see, halves=True).install(share_session())
        work(world)

    return run


def recover(scenario, world):
    """Run the command once more if its user would, then look at everything."""

    def again():
        if not world.is_over:
            scenario.run(world)
        scenario.check(world)
        return world.damaged_journals

    return again


def sweep(scenario, world, numbers):
    """Kill at each of `numbers`, until a run ends untouched; return how often it was killed."""
    kills = 0
    for number in numbers:
        world.reset()
        ended = forks.run(dying(scenario.run, world, number))
        if not ended.killed:
            ended.require(f"{scenario.name} untouched")
        kills += ended.killed
        damaged = forks.run(recover(scenario, world))
        assert damaged.require(f"{scenario.name} after event {number}") == []
        if not ended.killed:
            break
    return kills


@pytest.fixture(params=SCENARIOS, ids=lambda each: each.name)
def scenario(request, world):
    forks.run(lambda: request.param.prepare(world)).require("prepare")
    world.keep()
    return request.param


def test_a_run_killed_at_any_eighth_event_is_brought_to_its_end(scenario, world, count):
    kills = sweep(scenario, world, itertools.count(1, 8))

    assert kills >= 3  # of a whole command
    count({"kill points": kills})


@pytest.mark.slow
def test_a_run_killed_at_the_events_between_is_brought_to_its_end(scenario, world, count):
    numbers = (number for number in itertools.count(2) if number % 8 != 1)
    count({"kill points": sweep(scenario, world, numbers)})


@pytest.mark.slow
def test_a_run_whose_recoveries_are_killed_too_is_brought_to_its_end(scenario, world, count):
    chance = random.Random(scenario.name)
    for _ in range(8):
        world.reset()
        kills = 0
        for _ in range(3):
            if not world.is_over:
                number = chance.randrange(1, 90)
                ended = forks.run(dying(scenario.run, world, number))
                kills += ended.killed
        forks.run(recover(scenario, world)).require(f"{scenario.name} after {kills} kills")
        count({"kill points": kills})


def test_what_was_told_of_several_files_is_forgotten_in_one_go(world):
    """A run that is killed in between is run again, and stores again what it had forgotten."""
    SCENARIOS[0].prepare(world)
    other = world.source.with_name("other.tar")
    other.write_bytes(DATA[:9])

    def run():
        client, catalog, seen = world.client(), world.catalog(), []
        archives = [
            uploads.start(client, path, VAULT, journals=world.journals, catalog=catalog)
            for path in (world.source, other)
        ]
        Watch(seen.append).install(share_session())
        uploads.acknowledge(client, *archives, journals=world.journals)
        return [each.name for each in seen]

    names = forks.run(run).require("acknowledge")
    assert names[names.index("unlink") :] == ["unlink", "unlink"]
    assert world.journal_files == []
