import itertools

import pytest
from helpers import payload
from hypothesis import given, settings
from hypothesis import strategies as st

from glaciercli.errors import Conflict, IntegrityError, Refused
from glaciercli.limits import MAX_ARCHIVE_SIZE, MAX_PARTS
from glaciercli.transfer.parts import (
    DEFAULT_PART_SIZE,
    Window,
    content_range,
    parse_content_range,
    plan,
    smallest_part_size,
)
from glaciercli.transfer.source import Source
from glaciercli.treehash import tree_hash
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
    assert caught.value.hint == "--part-size 2MiB"


@pytest.mark.parametrize("size", [0, MAX_ARCHIVE_SIZE + 1])
def test_what_glacier_cannot_store_is_refused(size):
    with pytest.raises(Refused):
        plan(size)


@settings(deadline=None)
@given(st.integers(0, 1 << 40), st.integers(1, 1 << 40))
def test_content_ranges_survive_a_round_trip(start, length):
    text = content_range(start, start + length).replace("*", str(start + length + 5))

    assert parse_content_range(text) == (start, start + length, start + length + 5)


@pytest.mark.parametrize(
    "text", ["", "bytes */5", "bytes 1-2/*", "bytes -1-2/3", "bytes 1-2/3\r\nX: y"]
)
def test_other_ranges_are_an_integrity_error(text):
    with pytest.raises(IntegrityError):
        parse_content_range(text)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(payload(3 * MIB + 5))
    return Source.open(path)


def test_a_window_gives_its_bytes_and_both_hashes(source, tmp_path):
    expected = (tmp_path / "file").read_bytes()[MIB : 2 * MIB + 7]
    window = Window.over(source.descriptor, MIB, 2 * MIB + 7)

    assert b"".join(bytes(block) for block in iter(window.read, b"")) == expected
    assert window.tree_hash == tree_hash(expected)
    assert len(window) == window.tell() == MIB + 7


def test_a_window_that_is_rewound_gives_bytes_back(source):
    counts = []
    window = Window.over(source.descriptor, 0, MIB, sent=counts.append)
    window.read()
    window.seek(0)

    assert sum(counts) == 0
    assert len(b"".join(bytes(block) for block in iter(window.read, b""))) == sum(counts) == MIB


def test_a_file_that_became_shorter_is_a_conflict(source, tmp_path):
    window = Window.over(source.descriptor, MIB, 3 * MIB)
    (tmp_path / "file").write_bytes(b"short")

    with pytest.raises(Conflict, match=rf"{source.path.name}.* shorter"):
        window.read()
    with pytest.raises(Conflict, match=rf"{source.path.name}.* shorter"):
        Window.over(source.descriptor, MIB, 3 * MIB)


def test_memory_is_one_block_whatever_the_size(source):
    window = Window.over(source.descriptor, 0, 3 * MIB)

    assert len(window._buffer) <= MIB


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
