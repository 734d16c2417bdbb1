"""The look at a document's depth, against what a whole parser finds."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glaciercli.catalog._nesting import Shallow

LEVELS = 4

values = st.recursive(
    st.none() | st.integers() | st.text(st.sampled_from('a"\\[]{}é\n'), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.sampled_from('k"\\[{'), max_size=3), inner, max_size=3)
    ),
    max_leaves=20,
)


def depth(value):
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(depth, inner), default=0) if isinstance(value, list | dict) else 0


def looked_through(text, block):
    reader = Shallow(io.BytesIO(text), levels=LEVELS, items=2, longest=1 << 16)
    return b"".join(iter(lambda: reader.read(block), b""))


@given(values, st.integers(1, 50), st.booleans())
def test_a_document_passes_unless_it_goes_too_deep(value, block, is_ascii):
    text = json.dumps(value, ensure_ascii=is_ascii).encode()

    if depth(value) <= LEVELS:
        assert looked_through(text, block) == text
    elif depth(value) > 2 * LEVELS or block == 1:
        with pytest.raises(ValueError, match="deeper than 4 levels"):
            looked_through(text, block)


@given(st.integers(1, 60), st.integers(0, 5))
def test_no_text_hides_a_bracket(block, backslashes):
    """A quote behind an odd number of backslashes is a letter, behind an even one an end."""
    text = json.dumps(["\\" * backslashes + '"]]]]]'] * 20).encode()
    assert looked_through(text, block) == text

    deep = b'["' + b"\\\\" * backslashes + b'",' + b'["]",' * 20
    with pytest.raises(ValueError, match="deeper"):
        looked_through(deep, block)


@pytest.mark.parametrize(
    "text", [b'{"a":["' + b"x" * 200_000, b"[[" + b"9" * 200_000, b'[{"a":[' + b"1," * 200_000]
)
def test_nothing_is_held_that_is_longer_than_an_archive(text):
    with pytest.raises(ValueError, match="more than 65,536 bytes"):
        looked_through(text, 1 << 16)


def test_a_list_may_be_of_any_length():
    text = b'{"a":[' + b'{"b":"c"},' * 50_000 + b"{}]}"

    assert looked_through(text, 4096) == text
