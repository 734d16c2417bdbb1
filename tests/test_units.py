from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glaciercli.units import (
    counted,
    format_duration,
    format_size,
    format_time,
    format_time_seconds,
    parse_duration,
    parse_size,
    parse_time,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("1048576", 1048576),
        ("16MiB", 16 << 20),
        ("16 MB", 16 << 20),
        ("16m", 16 << 20),
        ("1.5GiB", 3 << 29),
        ("4g", 4 << 30),
        ("9007199254740993", 9007199254740993),
    ],
)
def test_sizes_are_binary(text, expected):
    assert parse_size(text) == expected


@pytest.mark.parametrize("text", ["", "MiB", "-1", "1.5", "16XB", "1e6", "1 6M"])
def test_other_texts_are_not_sizes(text):
    with pytest.raises(ValueError, match="size|bytes"):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1 << 20, "1.0 MiB"),
        ((1 << 20) - 1, "1.0 MiB"),
        (1 << 50, "1024.0 TiB"),
    ],
)
def test_sizes_for_people(size, expected):
    assert format_size(size) == expected


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("15m", 900), ("1h30m", 5400), ("2d", 172800), ("1.5h", 5400), ("250ms", 0.25)],
)
def test_durations(text, seconds):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "h", "-5m", "5 minutes", "1h30"])
def test_other_texts_are_not_durations(text):
    if text == "1h30":
        assert parse_duration(text) == timedelta(hours=1, seconds=30)
        return
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


def test_durations_for_people():
    assert [format_duration(timedelta(seconds=each)) for each in (42, 330, 11100, 187200, -60)] == [
        "42s",
        "5m 30s",
        "3h 05m",
        "2d 04h",
        "-1m 00s",
    ]


@given(st.datetimes())
@example(datetime(1, 1, 1))  # what .NET has where there is none
def test_times_survive_a_round_trip(moment):
    moment = moment.replace(tzinfo=UTC, microsecond=moment.microsecond // 1000 * 1000)

    assert parse_time(format_time(moment)) == moment
    assert parse_time(format_time_seconds(moment)) == moment.replace(microsecond=0)


@pytest.mark.parametrize(
    "text",
    ["2012-03-20T17:03:43.221Z", "20120320T170343.221Z", "2012-03-20 18:03:43,221+01:00"],
)
def test_times_are_read_in_all_their_forms(text):
    assert parse_time(text) == datetime(2012, 3, 20, 17, 3, 43, 221000, UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "2012-13-01", "2012-02-30", "2012-01-01T25:00"])
def test_other_texts_are_not_times(text):
    with pytest.raises(ValueError, match="time|month|day|hour"):
        parse_time(text)


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (1234, "1,234 files")]
)
def test_things_are_counted_in_words(count, text):
    assert counted(count, "file") == text


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_size, "9" * 400),
        (parse_size, "9" * 400 + ".5"),
        (parse_duration, "9" * 30),
        (parse_duration, "9" * 400 + "d"),
        (parse_time, "9999-12-31T23:59:59-01:00"),
        (parse_time, "0001-01-01T00:00:00+01:00"),
    ],
)
def test_what_is_too_much_to_be_counted_is_refused(parse, text):
    with pytest.raises(ValueError, match="size|longer|years"):
        parse(text)
