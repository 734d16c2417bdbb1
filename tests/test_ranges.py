import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glaciercli.errors import IntegrityError
from glaciercli.ranges import content_range, format_range, parse_content_range, parse_range


@given(st.integers(0, 1 << 49), st.integers(1, 1 << 40))
def test_ranges_survive_a_round_trip(start, length):
    assert parse_range(format_range(start, start + length)) == (start, start + length)


def test_a_range_is_written_with_its_last_byte():
    assert format_range(0, 1 << 20) == "0-1048575"


@pytest.mark.parametrize(
    "text", ["", "5", "-5", "5-", "5-4", "a-b", "0-1 ", "0-9999999999999999", "\u0660-\u0669"]
)
def test_what_is_no_range_is_a_value_error(text):
    with pytest.raises(ValueError, match="not a range"):
        parse_range(text)


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
