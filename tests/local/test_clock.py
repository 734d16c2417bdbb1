from datetime import UTC, datetime, timedelta

import pytest

from glaciercli.local.clock import instant, moment, written, written_seconds
from glaciercli.local.engine import open_engine
from glaciercli.local.timing import Timing

START = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


class World:
    """A real time that a test can move."""

    now = START

    def __call__(self):
        return self.now


@pytest.fixture
def world():
    return World()


@pytest.fixture
def engine(root, world):
    engine = open_engine(root, clock=world)
    yield engine
    engine.close()


def hours(number):
    return timedelta(hours=number)


def test_a_new_engine_follows_the_world(engine, world):
    assert engine.clock.now() == START
    world.now += hours(1)
    assert engine.clock.now() == START + hours(1)


def test_time_can_be_let_pass(engine, world):
    assert engine.clock.advance(hours(5)) == START + hours(5)
    world.now += hours(1)
    assert engine.clock.now() == START + hours(6)


def test_a_frozen_clock_stands_but_can_be_advanced(engine, world):
    engine.clock.freeze()
    world.now += hours(9)
    assert engine.clock.now() == START
    engine.clock.advance(hours(1))
    assert engine.clock.now() == START + hours(1)
    assert engine.clock.rate == 0


def test_a_scaled_clock_runs_faster_from_where_it_was(engine, world):
    engine.clock.advance(hours(1))
    engine.clock.scale(60)
    world.now += timedelta(minutes=1)
    assert engine.clock.now() == START + hours(2)


def test_back_to_real_never_goes_back(engine, world):
    engine.clock.advance(hours(5))
    engine.clock.freeze()
    world.now += hours(1)
    assert engine.clock.real() == START + hours(5)
    world.now += hours(1)
    assert engine.clock.now() == START + hours(6)


def test_back_to_real_catches_up_with_the_world(engine, world):
    engine.clock.freeze()
    world.now += hours(3)
    assert engine.clock.real() == START + hours(3)


@pytest.mark.parametrize("wrong", [timedelta(seconds=-1), timedelta(days=4_000_000)])
def test_a_step_back_or_out_of_the_calendar_is_refused(engine, wrong):
    with pytest.raises(ValueError, match="engine's clock"):
        engine.clock.advance(wrong)
    assert engine.clock.now() == START


@pytest.mark.parametrize("factor", [-1, 1e10, float("nan")])
def test_a_factor_without_sense_is_refused(engine, factor):
    with pytest.raises(ValueError, match="factor"):
        engine.clock.scale(factor)


def test_a_clock_that_raced_to_the_end_of_its_calendar_still_tells_the_time(engine, world):
    engine.clock.scale(1e9)
    world.now += timedelta(hours=1)

    assert engine.clock.freeze().year == engine.clock.now().year == 9998


def test_all_engines_on_a_store_have_one_clock_and_timing(engine, root, world):
    other = open_engine(root, clock=world)
    engine.clock.advance(hours(7))
    engine.timing = "real"

    assert other.clock.now() == START + hours(7)
    assert other.timing is Timing.REAL
    other.close()


def test_an_instant_is_milliseconds():
    assert moment(instant(START)) == START
    assert written(instant(START) + 5) == "2026-01-31T12:00:00.005Z"
    assert written_seconds(instant(START) + 999) == "2026-01-31T12:00:00Z"
    assert written(None) is None
