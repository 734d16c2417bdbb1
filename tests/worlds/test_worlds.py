"""Whatever happens in a world, what the program says of it is so, and it comes to rest.

Said to be *proven* are the bytes that were stored, said to be *stored* is what is there with the
file's bytes of now, said to be *deleted*, *missing* or *gone* is what is not there, *listed* is
what was there; no archive is stored twice unsaid, none is forgotten, and nothing ends in 75 for
ever. Held to the truth after each move of a random history, and when all has come to rest.
"""

from collections import Counter

import pytest
from hypothesis import HealthCheck, assume, given, settings
from worlds.histories import THEMES, histories

_UNHURRIED = settings(
    deadline=None,
    database=None,
    print_blob=True,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


def hold(play, theme, examples, **options):
    """Play histories of a theme; return what happened in them."""
    counts = Counter()

    @settings(_UNHURRIED, max_examples=examples, **options)
    @given(history=histories(theme))
    def holds(history):
        done = play(history).counts
        # Where nothing happened of all that was planned, nothing was proven.
        assume(done["accidents that happened"] or not done["accidents planned"])
        counts.update(done, histories=1)

    holds()
    return counts


def report(counts):
    """Name the counts as the end of the run prints them."""
    return {f"{name} in random worlds": number for name, number in counts.items() if number}


@pytest.mark.parametrize("theme", THEMES)
def test_what_is_said_is_so(play, count, theme):
    counts = hold(play, theme, 3, derandomize=True)

    assert counts["histories"] >= 3
    count(report(counts))


@pytest.mark.slow
@pytest.mark.parametrize("theme", THEMES)
def test_what_is_said_is_so_in_hundreds_of_worlds(play, count, theme):
    counts = hold(play, theme, 80)

    assert counts["histories"] >= 80
    assert counts["accidents that happened"] >= 40
    assert counts["accidents that happened"] >= counts["accidents planned"] / 3
    count(report(counts))
