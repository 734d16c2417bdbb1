"""Select jobs: `SELECT … FROM archive WHERE …` over an archive that is a CSV file.

DuckDB, an optional extra, evaluates the expression; everything around it is ours, because it has
rules of its own for CSV and trusts whoever writes its SQL. So records are cut and parsed here, as
Glacier's options say, and handed over as one plain file; and of the expression only a checked
syntax tree is run: one SELECT from `archive`, known functions, nothing else. Besides, DuckDB is
locked in: it may open that one file and change no setting.
"""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from glaciercli.units import MIB

MAX_EXPRESSION = 128_000  # characters
MAX_RECORD = MIB  # bytes
MAX_PARENTHESES = 500  # DuckDB 2.0 takes time squared for many that do not close

_ENGINE_LIMITS = {
    "threads": 1,  # keeps the records in order
    "memory_limit": "128MB",  # mostly blocks of the file that it keeps for a second query
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
}
_BATCH = 1_000  # records on their way from the query to the output
# Kinds of expressions in DuckDB's syntax trees; not here are subqueries, windows, lambdas.
_CLASSES = {
    *("STAR", "COLUMN_REF", "CONSTANT", "CAST", "TYPE", "FUNCTION", "OPERATOR"),
    *("COMPARISON", "CONJUNCTION", "BETWEEN", "CASE"),
}
_FUNCTIONS = {
    *("char_length", "character_length", "lower", "upper", "substring", "trim", "coalesce"),
    *("nullif", "date_part", "~~", "!~~", "like_escape", "not_like_escape"),
    *("+", "-", "*", "/", "%", "||"),
}
_POSITIONAL = re.compile(r"_[1-9][0-9]*")


class SelectError(Exception):
    """The query or the archive's text is wrong; the message goes to whoever started the job."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclass(frozen=True)
class Result:
    """What a query went through and gave."""

    scanned: int  # bytes of the archive
    returned: int  # bytes of output
    records: int  # of output


def run(
    source: BinaryIO,
    parameters: Mapping[str, Any],
    output: BinaryIO,
    *,
    directory: Path | None = None,
) -> Result:
    """Write to `output` what the expression selects from the CSV text in `source`.

    `parameters` are the API's SelectParameters. Needs as much room as the archive in `directory`,
    the system's temporary one by default; memory stays flat. Raises SelectError.
    """
    query = check(parameters)
    dialect = _Dialect.read(parameters.get("InputSerialization"))
    writer = _Writer(parameters.get("OutputSerialization"), output)
    with tempfile.TemporaryDirectory(prefix="glacier-select-", dir=directory) as scratch:
        plain = Path(scratch) / "archive.csv"
        with plain.open("w", encoding="utf-8", newline="") as file:
            table = _copy(source, dialect, file)
        _evaluate(query, plain, table, writer)
    return Result(table.size, writer.size, writer.records)


def check(parameters: Mapping[str, Any]) -> Query:
    """Return the expression, checked; raise SelectError for what could never run."""
    _Dialect.read(parameters.get("InputSerialization"))
    _Writer(parameters.get("OutputSerialization"), io.BytesIO())
    if parameters.get("ExpressionType") != "SQL":
        raise SelectError("InvalidExpressionType", "ExpressionType must be SQL")
    expression = parameters.get("Expression") or ""
    if len(expression) > MAX_EXPRESSION:
        raise SelectError("ExpressionTooLong", f"Expression is over {MAX_EXPRESSION} characters")
    if expression.count("(") > MAX_PARENTHESES:
        raise SelectError("UnsupportedSyntax", f"Expression has over {MAX_PARENTHESES} parentheses")
    with _duckdb().connect(config=_ENGINE_LIMITS) as database:
        text = database.execute("SELECT json_serialize_sql(?)", [expression]).fetchone()[0]
        try:
            tree = json.loads(text)
        except RecursionError:
            raise SelectError("UnsupportedSyntax", "Expression is nested too deeply") from None
        if tree["error"]:
            raise SelectError("ParseError", tree["error_message"])
        names = _checked(tree["statements"])
        # The tree is what was checked, so the tree is what is run.
        sql = database.execute("SELECT json_deserialize_sql(?::JSON)", [text]).fetchone()[0]
    return Query(sql, names)


@dataclass(frozen=True)
class Query:
    """A checked SELECT and the names of the columns in it."""

    sql: str
    names: frozenset[str]

    @property
    def positional(self) -> bool:
        return any(_POSITIONAL.fullmatch(name) for name in self.names)


def _duckdb() -> Any:
    try:
        import duckdb  # noqa: PLC0415 - an extra, and 20 MB that only select jobs need
    except ImportError:
        raise SelectError(
            "NotInstalled", "select jobs need DuckDB: pip install 'glaciercli[select]'"
        ) from None
    return duckdb


# --- the expression ---------------------------------------------------------------------------


def _checked(statements: list[dict[str, Any]]) -> frozenset[str]:
    """Return the columns that a syntax tree names; raise unless it is a plain SELECT."""
    if len(statements) != 1:
        raise SelectError("UnsupportedSyntax", "Expression must be one SELECT")
    node = statements[0]["node"]
    if node["type"] != "SELECT_NODE":
        raise SelectError("UnsupportedSyntax", "Only SELECT … FROM archive WHERE … is supported")
    table = node["from_table"]
    if table["type"] != "BASE_TABLE" or table["table_name"].lower() != "archive":
        raise SelectError("UnsupportedSyntax", "Only FROM archive is supported")
    known = {"type", "select_list", "from_table", "where_clause", "aggregate_handling"}
    if (
        any(not _is_empty(value) for name, value in node.items() if name not in known)
        or node["aggregate_handling"] != "STANDARD_HANDLING"  # that of GROUP BY ALL
        or any(table.get(name) for name in ("schema_name", "catalog_name", "sample", "at_clause"))
    ):
        raise SelectError("UnsupportedSyntax", "Only SELECT … FROM archive WHERE … is supported")
    names = set(_columns([node["select_list"], node["where_clause"]]))
    return frozenset(names)


def _is_empty(value: Any) -> bool:
    """Tell whether a part of a SELECT was not written: no GROUP BY, WITH, ORDER BY, LIMIT, …."""
    return all(map(_is_empty, value.values())) if isinstance(value, dict) else not value


def _columns(tree: Any) -> Iterator[str]:
    """Yield the columns of an expression; raise for what is not known to be harmless."""
    if isinstance(tree, list):
        for each in tree:
            yield from _columns(each)
        return
    if not isinstance(tree, dict):
        return
    kind = tree.get("class")
    if kind is not None and kind not in _CLASSES:
        raise SelectError("UnsupportedSyntax", f"{kind} is not supported in an expression")
    if kind == "FUNCTION" and tree["function_name"].lower() not in _FUNCTIONS:
        raise SelectError("UnsupportedFunction", f"{tree['function_name']} is not supported")
    if kind == "COLUMN_REF":
        yield tree["column_names"][-1]
    for value in tree.values():
        yield from _columns(value)


# --- CSV in -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Dialect:
    """InputSerialization.csv."""

    header: str
    comments: str
    field: str
    record: str
    quote: str
    escape: str

    @classmethod
    def read(cls, serialization: Mapping[str, Any] | None) -> _Dialect:
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
class _Table:
    """The plain file: its columns, and how much was read for it."""

    header: list[str]
    width: int = 0
    size: int = 0

    def columns(self, query: Query) -> list[str]:
        """Return the columns' names as the query calls them: by header or by position."""
        names = [f"_{number}" for number in range(1, max(self.width, len(self.header), 1) + 1)]
        if not self.header or query.positional:
            if mixed := {each for each in query.names if not _POSITIONAL.fullmatch(each)}:
                raise SelectError("InvalidColumn", f"No column is called {min(mixed)}")
            return names
        seen: set[str] = set()
        for at, name in enumerate(self.header):
            if name and name.casefold() not in seen:  # of two alike, the first has the name
                seen.add(name.casefold())
                names[at] = name
        return names


def _copy(source: BinaryIO, dialect: _Dialect, target: TextIO) -> _Table:
    """Write the records of `source` as CSV of one kind: every field quoted, absent ones not."""
    table = _Table([])
    # The module's limit is the process's; it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_RECORD))
    reader = csv.reader(
        _records(source, dialect, table),
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


def _records(source: BinaryIO, dialect: _Dialect, table: _Table) -> Iterator[str]:
    """Yield the text of each record that is neither empty nor a comment.

    A record ends at its delimiter even between quotes, as in Glacier Select.
    """
    delimiter = dialect.record.encode()
    rest = b""
    while block := source.read(MIB):
        table.size += len(block)
        *whole, rest = (rest + block).split(delimiter)
        yield from _texts(whole, dialect)
        if len(rest) > MAX_RECORD:
            break
    yield from _texts([rest], dialect)


def _texts(records: list[bytes], dialect: _Dialect) -> Iterator[str]:
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


# --- the query and CSV out --------------------------------------------------------------------


def _evaluate(query: Query, plain: Path, table: _Table, writer: _Writer) -> None:
    duckdb = _duckdb()
    names = table.columns(query)
    path = str(plain).replace("'", "''")
    columns = json.dumps(dict.fromkeys(names, "VARCHAR"))
    with duckdb.connect(config=_ENGINE_LIMITS) as database:
        for statement in (
            "SET python_enable_replacements = false",  # a name must not reach our own variables
            f"SET allowed_paths = ['{path}']",
            "SET enable_external_access = false",
            "SET lock_configuration = true",
        ):
            database.execute(statement)
        try:
            database.execute(
                f"CREATE VIEW archive AS SELECT * FROM read_csv('{path}', auto_detect = false, "  # noqa: S608 - our own path; names are a bound literal
                "header = false, delim = ',', quote = '\"', escape = '\"', nullstr = '', "
                "allow_quoted_nulls = false, null_padding = true, new_line = '\\n', "
                f"parallel = false, max_line_size = {4 * MAX_RECORD}, "
                f"buffer_size = {8 * MAX_RECORD}, columns = {columns})"
            )
            # As text in DuckDB's own spelling, so that no type of it needs one of ours.
            database.execute(f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ({query.sql})")  # noqa: S608 - the checked tree
            while rows := database.fetchmany(_BATCH):
                writer.write(rows)
        except duckdb.ConversionException as error:
            raise SelectError("CastFailed", _first_line(error)) from None
        except duckdb.BinderException as error:
            raise SelectError("InvalidColumn", _first_line(error)) from None
        except duckdb.Error as error:
            raise SelectError("EvaluationFailed", _first_line(error)) from None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


class _Writer:
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
        self.size = 0
        self.records = 0

    def write(self, rows: list[tuple[str | None, ...]]) -> None:
        lines = (self._field.join(map(self._quoted, row)) + self._record for row in rows)
        data = "".join(lines).encode()
        self._output.write(data)
        self.size += len(data)
        self.records += len(rows)

    def _quoted(self, value: str | None) -> str:
        text = value or ""
        if not self._always and not self._special.search(text):
            return text
        if self._escape != self._quote:
            text = text.replace(self._escape, self._escape * 2)
        return self._quote + text.replace(self._quote, self._escape + self._quote) + self._quote
