"""I/O errors: the Nth call fails, N = 1, 2, ... until a run ends untouched; then the command again.

A run that meets an error may end with one, never with success and damage; the next one succeeds.
"""

import errno
import itertools
import sqlite3

import pytest
from survival import forks
from survival.events import CALLS, Watch
from survival.scenarios import SCENARIOS
from survival.test_kill import recover
from survival.world import share_session

from glaciercli.errors import GlacierError

ERRORS = [errno.ENOSPC, errno.EIO, errno.EDQUOT]
FAILED, GOT_OVER, UNTOUCHED = "failed", "got over", "untouched"
_FAILING = {"open", *CALLS}


def failing(scenario, world, number, code):
    """Return the work of a run whose call of that number fails; it says how it went."""

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
            return FAILED
        return GOT_OVER if delivered else UNTOUCHED

    return run


def _is_of_the_catalog(event):
    return event.name == "COMMIT" and str(event.arguments[0]).endswith("catalog.db")


def _error(event, code):
    if event.name == "COMMIT":
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        return error
    return OSError(code, "injected")


def sweep(scenario, world, numbers):
    """Fail at each of `numbers`, until a run is untouched; return how often an error happened."""
    for errors, number in enumerate(numbers):
        world.reset()
        ended = forks.run(failing(scenario, world, number, ERRORS[number % len(ERRORS)]))
        outcome = ended.require(f"{scenario.name} with error {number}")
        if outcome == FAILED:
            forks.run(recover(scenario, world)).require(f"{scenario.name} after error {number}")
        else:
            forks.run(lambda: scenario.check(world)).require(f"{scenario.name} over {number}")
        if outcome == UNTOUCHED:
            return errors
    raise AssertionError("unreachable")


@pytest.fixture(params=SCENARIOS, ids=lambda each: each.name)
def scenario(request, world):
    forks.run(lambda: request.param.prepare(world)).require("prepare")
    world.keep()
    return request.param


def test_an_error_at_any_eleventh_call_ends_a_run_and_the_next_goes_on(scenario, world, count):
    errors = sweep(scenario, world, itertools.count(1, 11))

    assert errors >= 2
    count({"I/O errors": errors})


@pytest.mark.slow
def test_an_error_at_calls_between_ends_a_run_and_the_next_goes_on(scenario, world, count):
    # Scenarios share most of their calls: one has the even ones, the next has the odd ones.
    numbers = itertools.count(2 + SCENARIOS.index(scenario) % 2, 2)
    count({"I/O errors": sweep(scenario, world, numbers)})


def test_writes_that_take_only_half_are_finished(scenario, world):
    def run():
        Watch(lambda _: None, short=True).install(share_session())
        scenario.run(world)
        scenario.check(world)

    world.reset()
    forks.run(run).require(f"{scenario.name} with short writes")


@pytest.mark.parametrize("scenario", [SCENARIOS[7]], indirect=True, ids=lambda each: each.name)
def test_a_file_gets_its_name_where_there_are_no_hard_links(scenario, world):
    links = []

    def see(event):
        if event.name == "link":
            links.append(event)
            raise OSError(errno.EPERM, "no links here")

    def run():
        Watch(see).install(share_session())
        scenario.run(world)
        scenario.check(world)
        return len(links)

    world.reset()
    assert forks.run(run).require("a download without links") == 1
