"""Tables: drawn by rich on a terminal, aligned plain text in a pipe; long ones row by row."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

_CHUNK = 500  # rows that are measured, and held, at a time
_NARROWEST = 8  # characters that a squeezed column keeps
_GAP = 2


def write_plain(
    stream: TextIO, titles: Sequence[str], right: Sequence[bool], rows: Iterable[Sequence[str]]
) -> None:
    """Write aligned columns, nothing cut: a pipe has no edge."""
    for first, widths, chunk in _measured(titles, rows):
        for row in [[each.upper() for each in titles], *chunk] if first else chunk:
            cells = (
                " " * (width - _width(cell)) + cell
                if at_right
                else cell + " " * (width - _width(cell))
                for cell, width, at_right in zip(row, widths, right, strict=True)
            )
            stream.write((" " * _GAP).join(cells).rstrip() + "\n")


def write_rich(
    console: Console,
    titles: Sequence[str],
    right: Sequence[bool],
    rows: Iterable[Sequence[str]],
    *,
    firmness: Sequence[int],
    folded: Sequence[bool],
) -> None:
    """Draw a table no wider than the terminal: the least firm columns give way first.

    What does not fit is cut, or continued below where `folded`.
    """
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415 - text that reads no markup

    fitted: list[int] | None = None
    for first, widths, chunk in _measured(titles, rows):
        fitted = fitted or _fit(widths, firmness, console.width)
        table = Table(box=None, show_header=first, pad_edge=False, padding=(0, _GAP, 0, 0))
        for title, width, at_right, fold in zip(titles, fitted, right, folded, strict=True):
            table.add_column(
                Text(title.upper()),
                justify="right" if at_right else "left",
                width=width,
                no_wrap=not fold,
                overflow="fold" if fold else "ellipsis",
                header_style="bold",
            )
        for row in chunk:
            table.add_row(*map(Text, row))
        console.print(table)


def write_pairs(stream: TextIO, pairs: Sequence[tuple[str, str]]) -> None:
    """Write one record as `label  value` lines."""
    width = max((len(title) for title, _ in pairs), default=0)
    stream.writelines(f"{title:<{width}}{' ' * _GAP}{value}\n" for title, value in pairs)


def write_rich_pairs(console: Console, pairs: Sequence[tuple[str, str]]) -> None:
    """Draw one record; a value longer than the line is folded, never cut, so it can be copied."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, _GAP, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for title, value in pairs:
        table.add_row(Text(title), Text(value))
    console.print(table)


def _measured(
    titles: Sequence[str], rows: Iterable[Sequence[str]]
) -> Iterator[tuple[bool, list[int], list[Sequence[str]]]]:
    """Yield chunks of rows with the widths of the first one: a long table is never held whole."""
    widths: list[int] = []
    rest = iter(rows)
    while chunk := list(islice(rest, _CHUNK)):
        first = not widths
        if first:
            columns = zip(titles, *chunk, strict=True)
            widths = [max(map(_width, column)) for column in columns]
        yield first, widths, chunk


def _fit(widths: Sequence[int], firmness: Sequence[int], limit: int) -> list[int]:
    fitted = list(widths)
    excess = sum(fitted) + _GAP * (len(fitted) - 1) - limit
    for least in sorted(set(firmness)):
        while excess > 0:
            wide = [
                index
                for index, firm in enumerate(firmness)
                if firm <= least and fitted[index] > _NARROWEST
            ]
            if not wide:
                break
            widest = max(wide, key=fitted.__getitem__)
            fitted[widest] -= 1
            excess -= 1
    return fitted


def _width(text: str) -> int:
    """Return the cells that text takes: two for East Asian wide characters, none for accents."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(each) else 1 + (unicodedata.east_asian_width(each) in "WF")
        for each in text
    )
