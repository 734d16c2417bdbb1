"""Ranges of an output: each is one that the service gives a checksum for."""

from hypothesis import given, settings
from hypothesis import strategies as st

from glaciercli.evidence.proofs import promised
from glaciercli.models import Archive, Job
from glaciercli.transfer.receiving import Content
from glaciercli.treehash import is_tree_hash_aligned
from glaciercli.units import MIB


@st.composite
def retrieved(draw):
    """A job on a tree-hash-aligned range of an archive: a whole subtree, or all to the end."""
    whole = draw(st.integers(1, 200 * MIB))
    leaves = -(-whole // MIB)
    width = 1 << draw(st.integers(0, leaves.bit_length()))
    start = draw(st.integers(0, (leaves - 1) // width)) * width * MIB
    stop = min(start + width * MIB, whole)
    return Job(
        "j",
        "v",
        "ArchiveRetrieval",
        "Succeeded",
        archive_id="a",
        archive_size=whole,
        range=f"{start}-{stop - 1}",
        tree_hash="0" * 64,
    )


@settings(deadline=None)
@given(job=retrieved(), power=st.integers(0, 6))
def test_ranges_cover_an_output_and_each_can_be_proven(job, power):
    content = Content.of(job, promised(Archive("a", "v"), job))
    ranges = list(content.ranges(MIB << power))

    assert content.has_checksums
    assert [0, *(stop for _, stop in ranges)] == [*(start for start, _ in ranges), content.size]
    for start, stop in ranges:
        first, last = content.offset + start, content.offset + stop
        assert 0 < last - first <= MIB << power
        assert is_tree_hash_aligned(first, last, content.whole)
