"""Sizes in binary units, durations, and times as Glacier writes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)
_LONGEST = 40  # characters of a number; 2**100 has 31
_LONGEST_WAIT = 100 * 365 * 86400.0  # seconds
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, None: 1.0}
_TIME = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)"
    r"(?:[T ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?)?"
)


def parse_size(text: str) -> int:
    """Return bytes for `1048576`, `16MiB`, `16M`, `16MB` or `1.5GiB`.

    All units are binary, as Glacier's own are: to Glacier a megabyte is 1,048,576 bytes.
    Raises ValueError for anything else.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a size; write it like 16MiB")
    number, unit, _ = match.groups()
    if len(number) > _LONGEST:
        raise ValueError(f"{text[:_LONGEST]!r}... is no size of anything")
    size = float(number) * 1024 ** _POWERS[unit.lower()]
    if size != int(size):
        raise ValueError(f"{text!r} is not a whole number of bytes")
    # Beyond 2**53 a float would round; whole numbers are multiplied as integers.
    return int(number) * 1024 ** _POWERS[unit.lower()] if number.isdigit() else int(size)


def parse_rate(text: str) -> int:
    """Return bytes a second for `5MiB/s` or `5MiB`; raises ValueError for anything else."""
    return parse_size(text.strip().removesuffix("/s"))


def format_size(size: int) -> str:
    """Return `size` bytes for a person: `0 B`, `512 B`, `1.0 MiB`, `3.2 GiB`."""
    if size < KIB:
        return f"{size} B"
    value = float(size)
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        value /= 1024
        # 1023.95 would print as 1024.0; the next unit says it better.
        if value < 1023.95 or unit == "TiB":
            return f"{value:.1f} {unit}"
    raise AssertionError("unreachable")


def parse_duration(text: str) -> timedelta:
    """Return the duration for `90`, `90s`, `15m`, `25h`, `2d` or `1h30m`; bare numbers are seconds.

    Raises ValueError for anything else.
    """
    seconds, position, stripped = 0.0, 0, text.strip()
    while position < len(stripped):
        match = _DURATION.match(stripped, position)
        if match is None or (match[2] is None and match.end() != len(stripped)):
            raise ValueError(f"{text!r} is not a duration; write it like 15m or 25h")
        seconds += float(match[1]) * _SECONDS[match[2]]
        if seconds > _LONGEST_WAIT:
            raise ValueError(f"{text[:_LONGEST]!r} is longer than anybody waits")
        position = match.end()
    if not stripped:
        raise ValueError("an empty text is not a duration; write it like 15m or 25h")
    return timedelta(seconds=seconds)


def format_duration(duration: timedelta) -> str:
    """Return a duration for a person, in its two largest units: `3h 05m`, `2d 04h`, `42s`."""
    seconds = int(duration.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    if seconds < 60:
        return f"{sign}{seconds}s"
    if seconds < 3600:
        return f"{sign}{seconds // 60}m {seconds % 60:02d}s"
    if seconds < 86400:
        return f"{sign}{seconds // 3600}h {seconds % 3600 // 60:02d}m"
    return f"{sign}{seconds // 86400}d {seconds % 86400 // 3600:02d}h"


def counted(count: int, thing: str) -> str:
    """Return `1 archive` or `1,200 archives`; for nouns whose plural has an s."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def parse_time(text: str) -> datetime:
    """Return an aware UTC time for ISO 8601 text, basic or extended, date alone or with time.

    A text without a zone is UTC, as all of Glacier's times are. Raises ValueError.
    """
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a time; write it like 2026-01-31T23:59:59Z")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    moment = datetime(
        int(year),
        int(month),
        int(day),
        int(hour or 0),
        int(minute or 0),
        int(second or 0),
        int((fraction or "0").ljust(6, "0")[:6]),
        tzinfo=UTC,
    )
    if zone and zone != "Z":
        digits = zone[1:].replace(":", "")
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        try:
            moment = moment - offset if zone[0] == "+" else moment + offset
        except OverflowError:
            raise ValueError(f"{text!r} is not in the years 1 to 9999") from None
    return moment


def format_time(moment: datetime) -> str:
    """Return `2012-03-20T17:03:43.221Z`: milliseconds, as vaults, jobs and uploads have them."""
    return _written(moment, "milliseconds")


def format_time_seconds(moment: datetime) -> str:
    """Return `2012-03-20T17:03:43Z`: whole seconds, as inventories have them."""
    return _written(moment, "seconds")


def _written(moment: datetime, precision: str) -> str:
    # Not by strftime: what it makes of years before 1000 is the system's choice.
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=precision) + "Z"
