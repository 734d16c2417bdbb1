import re
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glaciercli.present.text import exact, human, label, safe, safe_lines


@given(st.text())
def test_safe_text_is_always_printable(text):
    assert safe(text).isprintable()


@given(st.text(alphabet=st.characters(exclude_categories=["C", "Zl", "Zp", "Zs"])))
def test_printable_text_stays_as_it_is(text):
    assert safe(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\tc\rd", "a\\x0ab\\x09c\\x0dd"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\u2028", "\\u2028"),
        ("\udcff", "\\udcff"),
        ("\U000e0001", "\\U000e0001"),
        ("Zürich 東京", "Zürich 東京"),
    ],
)
def test_what_acts_on_a_terminal_is_shown_as_an_escape(text, expected):
    assert safe(text) == expected


def test_talk_keeps_its_own_lines():
    assert safe_lines("a\n\tb\x07") == "a\n\tb\\x07"


@pytest.mark.parametrize(
    ("key", "value", "short", "expected"),
    [
        ("size", 0, True, "0 B"),
        ("SizeInBytes", 3 << 30, True, "3.0 GiB"),
        ("SizeInBytes", 3 << 30, False, "3.0 GiB (3221225472 bytes)"),
        ("NumberOfArchives", 1234567, True, "1234567"),
        ("archiveId", "a" * 138, True, "a" * 138),
        ("Completed", True, True, "yes"),
        ("name", None, True, ""),
        ("InventoryRetrievalParameters", {"Format": "JSON"}, True, '{"Format": "JSON"}'),
    ],
)
def test_values_for_a_person(key, value, short, expected):
    assert human(key, value, short=short) == expected


def test_ids_are_cut_only_for_the_width_of_a_terminal():
    assert human("archiveId", "a" * 138, short=True, cut=True) == "a" * 12 + "…"
    assert human("archiveId", "brief", short=True, cut=True) == "brief"
    assert human("name", "a" * 138, short=True, cut=True) == "a" * 138


def test_times_are_local_for_a_person(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    moment = datetime(2026, 1, 31, 22, 59, 59, tzinfo=UTC)

    assert human("CreationDate", moment, short=True) == "2026-01-31 23:59"
    assert human("CreationDate", moment, short=False) == "2026-01-31 23:59:59 +0100"

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def test_values_for_a_script_are_exact():
    assert [exact(each) for each in (None, True, 5, "x", {"a": [1]})] == [
        "",
        "true",
        "5",
        "x",
        '{"a": [1]}',
    ]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("VaultARN", "Vault arn"),
        ("lastSeen", "Last seen"),
        ("StatusMessage", "Status message"),
        ("SNSTopic", "SNS topic"),
        ("path", "Path"),
        ("part-size", "Part size"),
    ],
)
def test_keys_become_words(key, expected):
    assert label(key) == expected


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize(
    "moment", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)]
)
def test_the_ends_of_the_calendar_are_times_like_any_other(monkeypatch, zone, moment):
    """What .NET has where there is no time: descriptions of its programs hold it."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    shown = human("lastModified", moment, short=False)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()

    assert re.fullmatch(rf"{moment.year:04d}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d+", shown)
