import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glaciercli.local import rules
from glaciercli.local.errors import ServiceError

MIB = 1 << 20


@pytest.mark.parametrize(
    ("size", "length"),
    [
        (rules.ARCHIVE_ID, 138),
        (rules.UPLOAD_ID, 92),
        (rules.JOB_ID, 92),
        (rules.LOCK_ID, 24),
        (rules.CAPACITY_ID, 24),
        (rules.REQUEST_ID, 47),
    ],
)
def test_ids_have_the_services_lengths(size, length):
    made = rules.new_id(size)

    assert re.fullmatch(rf"[A-Za-z0-9_-]{{{length}}}", made)
    assert made != rules.new_id(size)


def test_an_archive_id_ends_as_the_services_do():
    assert {rules.new_id(rules.ARCHIVE_ID)[-1] for _ in range(50)} <= set("AQgw")


@given(st.integers(0, 1 << 50), st.integers(1, 1 << 32))
def test_a_content_range_is_read_as_it_was_written(start, length):
    text = f"bytes {start}-{start + length - 1}/*"
    if start + length > 10**15:
        return
    assert rules.content_range(text, length) == (start, start + length)


@given(st.text())
def test_no_text_breaks_a_parser(text):
    """Each gives a value or the service's refusal, and never anything else."""
    for parse in (
        rules.part_size,
        rules.archive_size,
        lambda each: rules.content_range(each, 1),
        lambda each: rules.output_range(each, 10),
        lambda each: rules.retrieval_range(each, 10),
        lambda each: rules.limit(each, 50),
        lambda each: rules.decode_marker("jobs", each),
        lambda each: rules.sha256(each, "x"),
        rules.description,
    ):
        with suppress(ServiceError):
            parse(text)


@given(st.lists(st.integers(0, 1 << 60), min_size=1, max_size=3))
def test_a_marker_is_read_as_it_was_written(values):
    marker = rules.encode_marker("kind", *values)

    assert rules.decode_marker("kind", marker, len(values)) == values
    with pytest.raises(ServiceError):
        rules.decode_marker("other", marker, len(values))


@given(st.integers(1, 100), st.integers(0, 120), st.integers(0, 120))
def test_an_output_range_lies_in_the_output(size, first, last):
    if first >= size and first <= last:
        with pytest.raises(ServiceError):
            rules.output_range(f"bytes={first}-{last}", size)
    elif first > last:
        assert rules.output_range(f"bytes={first}-{last}", size) is None
    else:
        start, stop = rules.output_range(f"bytes={first}-{last}", size)
        assert (start, stop) == (first, min(last + 1, size))


@pytest.mark.parametrize("region", ["us-east-1", "cn-north-1", "us-gov-west-1"])
def test_a_region_lies_in_its_partition(region):
    expected = {"us-e": "aws", "cn-n": "aws-cn", "us-g": "aws-us-gov"}[region[:4]]

    assert rules.partition(region) == expected


def test_the_last_part_number_is_10_000():
    assert rules.part_number(9_999 * MIB, 10_000 * MIB, MIB) == 9_999
    with pytest.raises(ServiceError, match="part number 10001"):
        rules.part_number(10_000 * MIB, 10_000 * MIB + 1, MIB)
