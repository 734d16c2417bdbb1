"""Parameter types: what a person may write for a size, a duration, a time, an id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from glaciercli.cli.words import ID_MARK
from glaciercli.limits import is_vault_name
from glaciercli.units import parse_duration, parse_size, parse_time


class Parsed(click.ParamType):
    """Text that one function reads; its ValueError is what the user is told."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def parse_range(text: str) -> tuple[int, int]:
    """Return the first byte and the byte after the last one for `0-16MiB`; raises ValueError."""
    first, dash, last = text.partition("-")
    try:
        start, stop = parse_size(first), parse_size(last)
    except ValueError:
        start = stop = 0
    if not dash or start >= stop:
        raise ValueError(f"{text!r} is not a range; write it like 0-16MiB")
    return start, stop


def parse_reference(text: str) -> str:
    """Return an id, the beginning of one, or a name; `id:abc` says that it is no name."""
    # What a table shows ends in an ellipsis, and is copied with it.
    found = text.rstrip("…")
    if not found.removeprefix(ID_MARK):
        raise ValueError("an empty text is not an id")
    return found


def parse_vault(text: str) -> str:
    """Return a vault's name; raises ValueError for what the service would refuse."""
    if not is_vault_name(text):
        raise ValueError(f"{text!r} is not a vault's name: 1 to 255 letters, digits and _ . -")
    return text


SIZE = Parsed("size", parse_size)
DURATION = Parsed("duration", parse_duration)
TIME = Parsed("time", parse_time)
RANGE = Parsed("range", parse_range)
REFERENCE = Parsed("id", parse_reference)
VAULT = Parsed("vault", parse_vault)
