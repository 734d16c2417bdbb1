import io
import os

import pytest
from botocore.utils import calculate_tree_hash
from helpers import payload
from hypothesis import given, settings
from hypothesis import strategies as st

from glaciercli.treehash import (
    TreeHash,
    combine,
    combine_hex,
    hash_file,
    hash_range,
    is_megabyte_aligned,
    is_tree_hash_aligned,
    tree_hash,
)
from glaciercli.units import MIB

# Published with the service's documentation and with older clients' tests, all recomputed.
VECTORS = {
    b"": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    b"a": "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
    b"a" * MIB: "9bc1b2a288b26af7257a36277ae3816a7d4f16e89c1e7e77d0a5c48bad62b360",
    b"a" * (MIB + 1): "8dd49bbc6297567fac3852c2deddcdbc57358bc403c10d4f6dc64b143ad9b27b",
    b"a" * (2 * MIB): "560c2c9333c719cb00cfdffee3ba293db17f58743cdd1f7e4055373ae6300afa",
    b"a" * (3 * MIB): "70239f4f2ead7561f69d48b956b547edef52a1280a93c262c0b582190be7db17",
    b"a" * (4 * MIB): "9491cb2ed1d4e7cd53215f4017c23ec4ad21d7050a1e6bb636c4f67e8cddb844",
    b"a" * (4 * MIB + 20): "12f3cbd6101b981cde074039f6f728071da8879d6f632de8afc7cdf00661b08f",
    b"a" * (5 * MIB): "1ca676a2caf9791fcf24580c2c6f9b051ebbf689720da6ff8c41f2d01cdde5ea",
    b"a" * (7 * MIB + 1): "836b6b7f501bf8ea8b9dacc72fad2bb26d2de4ca062723f991eaf5ab16982840",
    bytes(4_608_000): "3d760edb291bfc9d90d35809243de092aea4c47b308290ad12d084f69988ae0c",
}

DATA = payload(9 * MIB + 12345)


@pytest.mark.parametrize(("data", "expected"), VECTORS.items(), ids=len)
def test_the_published_vectors(data, expected):
    assert tree_hash(data) == expected


@given(st.integers(0, len(DATA)))
@settings(max_examples=15, deadline=None)
def test_botocore_agrees(size):
    assert tree_hash(DATA[:size]) == calculate_tree_hash(io.BytesIO(DATA[:size]))


@given(st.lists(st.integers(0, 4 * MIB), max_size=6))
@settings(max_examples=25, deadline=None)
def test_any_split_of_the_bytes_gives_the_same_hash(cuts):
    whole = TreeHash(linear=True)
    position = 0
    for cut in [*cuts, len(DATA)]:
        whole.update(memoryview(DATA)[position : position + cut])
        position = min(position + cut, len(DATA))

    assert whole.hexdigest() == tree_hash(DATA)
    assert whole.size == len(DATA)


@pytest.mark.parametrize("power", range(5))
def test_parts_combine_to_the_whole_for_every_part_size(power):
    part = MIB << power
    hashes = [tree_hash(DATA[start : start + part]) for start in range(0, len(DATA), part)]

    assert combine_hex(hashes) == tree_hash(DATA)


def test_the_linear_hash_comes_from_the_same_pass():
    both = TreeHash(linear=True)
    both.update(b"a" * MIB)

    assert both.sha256 == both.hexdigest()  # one leaf: the two are the same
    assert TreeHash().sha256 is None


def test_no_digests_are_no_tree():
    with pytest.raises(ValueError, match="at least one"):
        combine([])


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_file_is_hashed_the_same_by_any_number_of_workers(tmp_path, workers):
    path = tmp_path / "file"
    path.write_bytes(DATA * 8)  # more than two stripes
    with path.open("rb") as file:
        assert hash_file(file.fileno(), 8 * len(DATA), workers=workers) == tree_hash(DATA * 8)


def test_an_empty_file_has_the_hash_of_nothing(tmp_path):
    with (tmp_path / "file").open("w+b") as file:
        assert hash_file(file.fileno(), 0) == VECTORS[b""]


def test_a_file_that_ends_early_shows_in_the_size(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"short")
    descriptor = os.open(path, os.O_RDONLY)

    assert hash_range(descriptor, 0, MIB).size == 5
    os.close(descriptor)


def _nodes(leaves):
    """The leaf spans under every node of a tree, by building it."""
    level = [(leaf, leaf + 1) for leaf in range(leaves)]
    spans = set(level)
    while len(level) > 1:
        pairs = [
            (level[i][0], level[min(i + 1, len(level) - 1)][1]) for i in range(0, len(level), 2)
        ]
        spans |= set(pairs)
        level = pairs
    return spans


@pytest.mark.parametrize("leaves", range(1, 40))
@pytest.mark.parametrize("tail", [0, 1])
def test_aligned_ranges_are_exactly_the_nodes_of_the_tree(leaves, tail):
    size = leaves * MIB - tail
    nodes = _nodes(leaves)
    for first in range(leaves):
        for last in range(first + 1, leaves + 1):
            start, stop = first * MIB, min(last * MIB, size)

            assert is_tree_hash_aligned(start, stop, size) == ((first, last) in nodes)


def test_ranges_that_are_not_megabytes_are_not_aligned():
    size = 10 * MIB + 7
    assert is_megabyte_aligned(0, size, size)
    assert is_megabyte_aligned(10 * MIB, size, size)
    assert not is_megabyte_aligned(1, MIB, size)
    assert not is_megabyte_aligned(0, MIB - 1, size)
    assert not is_megabyte_aligned(MIB, MIB, size)
    assert not is_tree_hash_aligned(0, size + 1, size)
