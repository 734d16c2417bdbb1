"""Every accident at every event of every command, then the command again, then the oracle."""

import itertools

import pytest
from survival.accidents import ERROR, KILL, sweep

# What the sums that are printed at the end call them.
_COUNTED = {KILL.name: "kill points", ERROR.name: "I/O errors"}


@pytest.fixture(params=[KILL, ERROR], ids=lambda each: each.name)
def accident(request):
    return request.param


def test_an_accident_at_some_events_is_got_over(accident, scenario, world, count):
    numbers = itertools.count(1, accident.step * scenario.stride)
    met = sweep(accident, scenario, world, numbers)

    assert met >= accident.least  # of a whole command
    count({_COUNTED[accident.name]: met})


@pytest.mark.slow
def test_an_accident_at_the_events_between_is_got_over(accident, scenario, world, count):
    step = accident.step * scenario.stride
    numbers = (each for each in itertools.count(2) if each % step != 1)
    count({_COUNTED[accident.name]: sweep(accident, scenario, world, numbers)})
