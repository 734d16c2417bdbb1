"""The one place that prints data. Data goes to stdout, talk to stderr, both through `safe`.

A record is shown as a table (rich on a terminal, aligned text in a pipe), json, jsonl, csv or
text. Listings are streamed in every format; only `--query` needs the whole of one.
"""

from __future__ import annotations

import csv
import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, TextIO

from glaciercli import limits
from glaciercli.cli import table
from glaciercli.errors import Conflict, UsageError
from glaciercli.present.text import exact, human, is_id, is_number, label, safe

if TYPE_CHECKING:
    from rich.console import Console

    from glaciercli.models import Record

_FLEXIBLE = frozenset(
    {"name", "path", "archiveDescription", "ArchiveDescription", "JobDescription"}
)
_FOLDED = frozenset({"value", "reason"})  # of no use when cut
# Of no use to a person, or told in a sentence.
_FOR_SCRIPTS = frozenset(
    {"location", "watermark", "uploadedSince", "uploadedSizeSince", "deletedSince", "metered"}
)
_NESTED = frozenset({"name", "size", "creationDate", "RangeInBytes", "SHA256TreeHash"})
# First characters that a spreadsheet would run; some take the wide ones of East Asia for them.
_FORMULA = tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20")

_log = logging.getLogger("glaciercli")


class Output:
    """Prints what commands return, in the format that the user asked for."""

    safe = staticmethod(safe)

    def __init__(
        self,
        form: str = "table",
        *,
        query: str | None = None,
        color: str = "auto",
        quiet: bool = False,
    ) -> None:
        self.form = form
        self.query = _compiled(query)
        self.color = color
        self.quiet = quiet

    @property
    def is_plain(self) -> bool:
        """Tell whether a person reads this: no format for scripts, no query."""
        return self.form == "table" and self.query is None

    @property
    def stdout(self) -> TextIO:
        """Where data goes; raises Conflict where it was closed before the command began."""
        if sys.stdout is None:
            raise Conflict("stdout is closed, so there is nowhere to print to")
        return sys.stdout

    def note(self, text: str) -> None:
        """Say one line to the person at the terminal; `--quiet` keeps it to the log."""
        _log.info("%s", safe(text))
        if not self.quiet:
            _say(text)

    def note_below(self, text: str) -> None:
        """Say one line below bytes that went to stdout, which may be the same terminal."""
        if not self.quiet and self.stdout.isatty():
            _say("")
        self.note(text)

    def warn(self, text: str) -> None:
        """Say one line that a person must know, also one who asked for quiet: cron mails it."""
        _log.warning("%s", safe(text))
        _say(text)

    def show(
        self,
        record: Record,
        columns: Sequence[str] = (),
        *,
        brief: bool = False,
        told: Mapping[str, str] | None = None,
    ) -> None:
        """Print one record; `columns` are those that text has, and with `brief` a person too.

        `told` are further lines for a person, by their labels.
        """
        if self.query is not None:
            self._found(record.as_json())
        elif self.form == "table":
            self._pairs(record, columns if brief else (), told or {})
        elif self.form == "json":
            self._json(record.as_json())
        elif self.form == "jsonl":
            self._line(record.as_json())
        else:
            self._rows([record], columns or _keys(record))
        self.flush()

    def done(self, record: Record, *sentences: str) -> None:
        """Print what was or would be done: sentences for a person, the record for a script."""
        if self.is_plain:
            self.lines(sentences)
        else:
            self.show(record)

    def listing(
        self, records: Iterable[Record], columns: Sequence[str], empty: str | Callable[[], str] = ""
    ) -> None:
        """Print a listing as it arrives; `empty` is what a person reads when there is nothing.

        What came before an error is printed whole, and then the error is raised: a record may tell
        of what was done.
        """
        rest = iter(records)
        first = next(rest, None)
        failed: list[Exception] = []
        there = [] if first is None else chain([first], _until_error(rest, failed))
        if self.query is not None:
            self._found([each.as_json() for each in there])
        elif self.form == "json":
            self._json_list(there)
        elif self.form == "jsonl":
            for each in there:
                self._line(each.as_json())
        elif first is not None:
            self._rows(there, columns)
        elif empty and self.form == "table":
            self.note(empty if isinstance(empty, str) else empty())
        self.flush()
        if failed:
            raise failed[0]

    def document(self, document: Any) -> None:
        """Print a JSON document, such as a policy, that is itself what was asked for."""
        if self.query is not None:
            self._found(document)
        elif self.form in {"table", "json"}:
            self._json(document)
        else:
            self._line(document)
        self.flush()

    def lines(self, lines: Iterable[str]) -> None:
        """Print plain lines to a person."""
        for each in lines:
            self.stdout.write(safe(each) + "\n")
        self.flush()

    def flush(self) -> None:
        """Push everything out now, so that a full disk or a closed pipe is an error here."""
        self.stdout.flush()

    @cached_property
    def _console(self) -> Console | None:
        """Rich's console where a person looks; None in a pipe or a file."""
        if self.color != "always" and not self.stdout.isatty():
            return None
        from rich.console import Console  # noqa: PLC0415 - costs more than the rest of the start

        plain = self.color == "never" or (self.color == "auto" and bool(os.environ.get("NO_COLOR")))
        return Console(
            file=self.stdout,
            color_system=None if plain else "auto",
            force_terminal=True if self.color == "always" else None,
            markup=False,
            highlight=False,
            emoji=False,
        )

    def _pairs(self, record: Record, only: Sequence[str], told: Mapping[str, str]) -> None:
        values = dict(_picked(record, only or _keys(record)))
        nested = {key: value for key, value in values.items() if _is_listing(value)}
        documents = {
            key: value for key, value in values.items() if value and isinstance(value, dict)
        }
        pairs = [
            (label(key), human(key, value, short=False))
            for key, value in values.items()
            if value is not None
            and value != ""
            and not {key} & {*nested, *documents, *_FOR_SCRIPTS}
        ]
        pairs += [(name, safe(text)) for name, text in told.items()]
        if self._console is not None:
            table.write_rich_pairs(self._console, pairs)
        else:
            table.write_pairs(self.stdout, pairs)
        for key, document in documents.items():
            self.stdout.write(f"\n{label(key)}\n")
            self._json(document)
        for key, items in nested.items():
            if items:
                self.stdout.write(f"\n{label(key)}\n")
                self._table(items, [each for each in _keys(items[0]) if each in _NESTED])

    def _rows(self, records: Iterable[Record], columns: Sequence[str]) -> None:
        if self.form == "table":
            self._table(records, columns)
        elif self.form == "csv":
            self._csv(each.as_json() for each in records)
        else:
            for each in records:
                values = each.as_json()
                self._text(values[key] for key in columns)

    def _table(self, records: Iterable[Record], columns: Sequence[str]) -> None:
        rest = iter(records)
        first = next(rest)
        sample = _values(first)
        titles = [label(key) for key in columns]
        right = [is_number(key, sample.get(key)) for key in columns]
        cut = self._console is not None
        rows = (
            [human(key, value, short=True, cut=cut) for key, value in _picked(each, columns)]
            for each in chain([first], rest)
        )
        if self._console is None:
            table.write_plain(self.stdout, titles, right, rows)
        else:
            firmness = [_firmness(key, sample.get(key)) for key in columns]
            folded = [key in _FOLDED for key in columns]
            table.write_rich(self._console, titles, right, rows, firmness=firmness, folded=folded)

    def _csv(self, rows: Iterable[Mapping[str, Any]]) -> None:
        writer = None
        for row in rows:
            if writer is None:
                writer = csv.DictWriter(self.stdout, list(row), lineterminator="\n")
                writer.writerow({key: _cell("", key) for key in row})
            writer.writerow({key: _cell(key, value) for key, value in row.items()})

    def _text(self, values: Iterable[Any]) -> None:
        self.stdout.write("\t".join(safe(exact(each)) for each in values) + "\n")

    def _json(self, value: Any) -> None:
        self.stdout.write(_dumps(value, indent=2) + "\n")

    def _json_list(self, records: Iterable[Record]) -> None:
        opening = "[\n"
        for each in records:
            body = _dumps(each.as_json(), indent=2).replace("\n", "\n  ")
            self.stdout.write(f"{opening}  {body}")
            opening = ",\n"
        self.stdout.write("[]\n" if opening == "[\n" else "\n]\n")

    def _line(self, value: Any) -> None:
        self.stdout.write(_dumps(value) + "\n")

    def _found(self, document: Any) -> None:
        """Print what `--query` finds: any JSON value, in the format asked for."""
        assert self.query is not None
        found = self.query.search(document)
        items = found if isinstance(found, list) else [found]
        if self.form == "json":
            self._json(found)
        elif self.form == "jsonl":
            for each in items:
                self._line(each)
        elif self.form == "csv" and all(isinstance(each, dict) for each in items):
            self._csv(items)
        elif self.form == "table" and items and all(isinstance(each, dict) for each in items):
            self._query_table(items)
        else:
            for each in items:
                values = each.values() if isinstance(each, dict) else each
                self._text(values if not isinstance(values, str) and _many(values) else [each])

    def _query_table(self, items: Sequence[Mapping[str, Any]]) -> None:
        keys = list(items[0])
        rows = [[safe(exact(each.get(key))) for key in keys] for each in items]
        right = [is_number(key, items[0][key]) for key in keys]
        if self._console is None:
            table.write_plain(self.stdout, keys, right, rows)
        else:
            table.write_rich(
                self._console,
                keys,
                right,
                rows,
                firmness=[0] * len(keys),
                folded=[False] * len(keys),
            )


def _until_error(records: Iterator[Record], failed: list[Exception]) -> Iterator[Record]:
    try:
        yield from records
    except Exception as error:  # noqa: BLE001 - raised again when what came before it is printed
        failed.append(error)


def _compiled(query: str | None) -> Any:
    if query is None:
        return None
    import jmespath  # noqa: PLC0415 - only --query pays for it

    try:
        return jmespath.compile(query)
    except jmespath.exceptions.ParseError as error:
        reason = " ".join(str(error).split())
        raise UsageError(
            f"--query: {reason}", hint="see https://jmespath.org/tutorial.html"
        ) from error


def _dumps(value: Any, indent: int | None = None) -> str:
    # ASCII only, and DEL with it: nothing in JSON output can act on a terminal.
    return json.dumps(value, ensure_ascii=True, indent=indent).replace("\x7f", "\\u007f")


def _keys(record: Record) -> list[str]:
    return [each.metadata["key"] for each in fields(record)]


def _values(record: Record) -> dict[str, Any]:
    return {each.metadata["key"]: getattr(record, each.name) for each in fields(record)}


def _picked(record: Record, columns: Sequence[str]) -> Iterator[tuple[str, Any]]:
    values = _values(record)
    return ((key, values[key]) for key in columns)


def _firmness(key: str, value: Any) -> int:
    """Return how late a column gives way on a narrow terminal: names first, times last."""
    if key in _FLEXIBLE:
        return 0
    return 2 if is_number(key, value) or key.endswith("Date") else 1


def _is_listing(value: Any) -> bool:
    return isinstance(value, tuple) and all(hasattr(each, "as_json") for each in value)


def _many(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | dict)


def _cell(key: str, value: Any) -> str:
    """Return a csv cell that no spreadsheet runs; numbers and sound ids stay as they are.

    A sound id may begin with a dash, and scripts hand it on: its letters call nothing.
    """
    text = exact(value)
    is_sound = not isinstance(value, str) or (is_id(key) and limits.is_id(text))
    return safe(text) if is_sound or not text.startswith(_FORMULA) else f"'{safe(text)}"


def _say(text: str) -> None:
    if sys.stderr is not None:
        with suppress(OSError):  # a terminal that is gone, a full disk: the work goes on
            print(safe(text), file=sys.stderr)  # noqa: T201 - this is the place
