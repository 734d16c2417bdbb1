"""What happens to a run, at its event of a number: it is killed, or a call of it fails."""

import errno
import itertools
import os
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from survival import forks
from survival.events import CALLS, Watch
from survival.scenario import Scenario
from survival.world import World, share_session

from glaciercli.errors import GlacierError

_ERRORS = [errno.ENOSPC, errno.EIO, errno.EDQUOT]
_FAILING = {"open", *CALLS}


@dataclass(frozen=True)
class Accident:
    """`happen` lives through a run with it; returns whether it was delivered.

    After it the command was run again, if its user would, and everything was looked at. One sweep
    takes each `step`th event and must meet at least `least` of them.
    """

    name: str
    happen: Callable[[Scenario, World, int], bool]
    step: int
    least: int


def recover(scenario, world):
    """Return the work that runs the command once more, if its user would, and then looks."""

    def again():
        if not world.is_over:
            scenario.run(world)
        scenario.check(world)
        return world.damaged_journals

    return again


def sweep(accident, scenario, world, numbers):
    """Have the accident at each of `numbers` until a run ends untouched; return how many it met."""
    for met, number in enumerate(numbers):
        world.reset()
        if not accident.happen(scenario, world, number):
            return met
    raise AssertionError("unreachable: a command has an end")


# --- SIGKILL


def dying(work, world, number):
    """Return the work of a run that kills itself at its event of that number."""

    def see(event):
        if event.number == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def run():
        Watch(see, halves=True).install(share_session())
        work(world)

    return run


def _kill(scenario, world, number):
    """A killed run that had told its result is over: its user does not repeat it."""
    ended = forks.run(dying(scenario.run, world, number))
    if not ended.killed:
        ended.require(f"{scenario.name} untouched")
    damaged = forks.run(recover(scenario, world))
    assert damaged.require(f"{scenario.name} after event {number}") == []
    return ended.killed


# --- I/O errors


def failing(scenario, world, number, code):
    """Return the work of a run whose call of that number fails.

    It returns whether the error was delivered, and whether the run has failed by it.
    """

    def run():
        calls = itertools.count(1)
        delivered = []

        def see(event):
            can_fail = event.name in _FAILING or _is_of_the_catalog(event)
            if can_fail and next(calls) == number:
                delivered.append(event)
                raise _error(event, code)

        Watch(see).install(share_session())
        try:
            scenario.run(world)
        except (GlacierError, OSError):
            assert delivered
            return True, True
        return bool(delivered), False

    return run


def _is_of_the_catalog(event):
    return event.name == "COMMIT" and str(event.arguments[0]).endswith("catalog.db")


def _error(event, code):
    if event.name == "COMMIT":
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        return error
    return OSError(code, "injected")


def _fail(scenario, world, number):
    """A run that meets an error may end with one, never with success and damage."""
    ended = forks.run(failing(scenario, world, number, _ERRORS[number % len(_ERRORS)]))
    delivered, failed = ended.require(f"{scenario.name} with error {number}")
    if failed:
        forks.run(recover(scenario, world)).require(f"{scenario.name} after error {number}")
    else:
        forks.run(lambda: scenario.check(world)).require(f"{scenario.name} over {number}")
    return delivered


KILL = Accident("kill", _kill, step=23, least=1)
ERROR = Accident("I/O error", _fail, step=29, least=1)
