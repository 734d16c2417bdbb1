"""CSV as Glacier Select reads and writes it: InputSerialization and OutputSerialization."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, TextIO

from glaciercli.units import MIB

MAX_RECORD = MIB  # bytes, the service's limit


class SelectError(Exception):
    """The query or the archive's text is wrong; the message goes to whoever started the job."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclass(frozen=True)
class Dialect:
    """InputSerialization.csv."""

    header: str
    comments: str
    field: str
    record: str
    quote: str
    escape: str

    @classmethod
    def read(cls, serialization: Mapping[str, Any] | None) -> Dialect:
        """Return the dialect of CSV that a job's InputSerialization asks for.

        Raises SelectError for what no CSV can have.
        """
        options = _csv_options(serialization, "InputSerialization")
        header = (options.get("FileHeaderInfo") or "NONE").upper()
        if header not in {"USE", "IGNORE", "NONE"}:
            raise SelectError("InvalidFileHeaderInfo", "FileHeaderInfo must be USE, IGNORE or NONE")
        quote = _character(options, "QuoteCharacter", '"')
        return cls(
            header=header,
            comments=_character(options, "Comments", ""),
            field=_character(options, "FieldDelimiter", ","),
            record=options.get("RecordDelimiter") or "\n",
            quote=quote,
            escape=_character(options, "QuoteEscapeCharacter", "") or quote,
        )


@dataclass
class Table:
    """The columns of the plain file."""

    header: list[str]
    width: int = 0


def normalize(source: BinaryIO, dialect: Dialect, target: TextIO) -> Table:
    """Write the records of `source` as CSV of one kind: every field quoted, absent ones not."""
    table = Table([])
    # The module's limit is the process's; it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_RECORD))
    reader = csv.reader(
        _records(source, dialect),
        strict=True,
        delimiter=dialect.field,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        doublequote=dialect.escape == dialect.quote,
        escapechar=dialect.escape if dialect.escape != dialect.quote else None,
    )
    try:
        for number, fields in enumerate(reader, 1):
            if reader.line_num != number:
                raise SelectError("CSVParsingError", f"record {number}: a quote is not closed")
            if number == 1 and dialect.header != "NONE":
                table.header = fields if dialect.header == "USE" else []
                continue
            table.width = max(table.width, len(fields))
            target.write(",".join('"' + field.replace('"', '""') + '"' for field in fields) + "\n")
    except csv.Error as error:
        raise SelectError("CSVParsingError", f"record {reader.line_num}: {error}") from None
    return table


def _records(source: BinaryIO, dialect: Dialect) -> Iterator[str]:
    """Yield the text of each record that is neither empty nor a comment.

    A record ends at its delimiter even between quotes, as in Glacier Select.
    """
    delimiter = dialect.record.encode()
    rest = b""
    while block := source.read(MIB):
        *whole, rest = (rest + block).split(delimiter)
        yield from _texts(whole, dialect)
        if len(rest) > MAX_RECORD:
            break
    yield from _texts([rest], dialect)


def _texts(records: list[bytes], dialect: Dialect) -> Iterator[str]:
    for record in records:
        if len(record) > MAX_RECORD:
            raise SelectError("OverMaxRecordSize", f"a record is over {MAX_RECORD} bytes")
        try:
            text = record.decode()
        except UnicodeDecodeError:
            raise SelectError("InvalidTextEncoding", "the archive is not UTF-8 text") from None
        if text.rstrip("\r") and not (dialect.comments and text.startswith(dialect.comments)):
            yield text


def _csv_options(serialization: Mapping[str, Any] | None, name: str) -> Mapping[str, Any]:
    options = (serialization or {}).get("csv")
    if options is None:
        raise SelectError("InvalidDataSource", f"{name} must have a member csv")
    return dict(options)


def _character(options: Mapping[str, Any], name: str, default: str) -> str:
    value = options.get(name, default)
    if value is None:
        return default
    if len(value) > 1 or value in {"\r", "\n"} or (not value and name == "FieldDelimiter"):
        raise SelectError("InvalidRequestParameter", f"{name} must be one character")
    return str(value)


class Writer:
    """OutputSerialization.csv."""

    def __init__(self, serialization: Mapping[str, Any] | None, output: BinaryIO) -> None:
        options = _csv_options(serialization, "OutputSerialization")
        quoting = (options.get("QuoteFields") or "ASNEEDED").upper()
        if quoting not in {"ALWAYS", "ASNEEDED"}:
            raise SelectError("InvalidQuoteFields", "QuoteFields must be ALWAYS or ASNEEDED")
        self._always = quoting == "ALWAYS"
        self._quote = _character(options, "QuoteCharacter", '"') or '"'
        self._escape = _character(options, "QuoteEscapeCharacter", "") or self._quote
        self._field = _character(options, "FieldDelimiter", ",")
        self._record = options.get("RecordDelimiter") or "\n"
        special = {self._quote, self._escape, self._field, "\r", "\n", *self._record}
        self._special = re.compile(f"[{re.escape(''.join(special))}]")
        self._output = output

    def write(self, rows: list[tuple[str | None, ...]]) -> None:
        """Write rows of the result; None is an empty field."""
        lines = (self._field.join(map(self._quoted, row)) + self._record for row in rows)
        self._output.write("".join(lines).encode())

    def _quoted(self, value: str | None) -> str:
        text = value or ""
        if not self._always and not self._special.search(text):
            return text
        if self._escape != self._quote:
            text = text.replace(self._escape, self._escape * 2)
        return self._quote + text.replace(self._quote, self._escape + self._quote) + self._quote
