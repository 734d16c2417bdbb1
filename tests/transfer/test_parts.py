import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glaciercli.errors import Refused
from glaciercli.hints import render
from glaciercli.limits import MAX_ARCHIVE_SIZE, MAX_PARTS
from glaciercli.transfer.parts import (
    DEFAULT_PART_SIZE,
    plan,
    smallest_part_size,
)
from glaciercli.units import GIB, MIB


@settings(deadline=None)
@given(st.integers(1, MAX_ARCHIVE_SIZE))
def test_every_legal_size_has_a_plan_within_the_limits(size):
    layout = plan(size)

    assert layout.count <= MAX_PARTS
    assert layout.part_size % MIB == 0
    assert (layout.part_size & (layout.part_size - 1)) == 0
    assert (layout.count - 1) * layout.part_size < size <= layout.count * layout.part_size


@settings(deadline=None)
@given(st.integers(1, 200 * MIB), st.sampled_from([MIB, 4 * MIB, 16 * MIB]))
def test_parts_cover_the_archive_without_gap_or_overlap(size, part_size):
    ranges = list(plan(size, part_size).ranges())

    assert ranges[0][0] == 0
    assert ranges[-1][1] == size
    assert all(left[1] == right[0] for left, right in itertools.pairwise(ranges))
    assert all(stop - start == part_size for start, stop in ranges[:-1])


def test_the_default_grows_only_when_it_must():
    assert plan(1).part_size == DEFAULT_PART_SIZE
    assert plan(MAX_PARTS * DEFAULT_PART_SIZE).part_size == DEFAULT_PART_SIZE
    assert plan(MAX_PARTS * DEFAULT_PART_SIZE + 1).part_size == 2 * DEFAULT_PART_SIZE


@pytest.mark.parametrize("part_size", [0, 1, MIB - 1, 3 * MIB, 8 * GIB, -MIB])
def test_illegal_part_sizes_are_refused(part_size):
    with pytest.raises(Refused, match="power of two"):
        plan(MIB, part_size)


def test_too_many_parts_name_the_size_that_would_do():
    with pytest.raises(Refused, match="10,000 parts") as caught:
        plan(MAX_PARTS * MIB + 1, MIB)
    assert render(caught.value.hint) == "--part-size 2MiB"


@pytest.mark.parametrize("size", [0, MAX_ARCHIVE_SIZE + 1])
def test_what_glacier_cannot_store_is_refused(size):
    with pytest.raises(Refused):
        plan(size)


@pytest.mark.parametrize(
    ("size", "part_size"),
    [
        (1, MIB),
        (10_000 * MIB, MIB),
        (10_000 * MIB + 1, 2 * MIB),
        (40_000 * GIB, 4 * GIB),
    ],
)
def test_the_least_part_size_that_will_do(size, part_size):
    assert smallest_part_size(size) == part_size
