"""Select jobs: `SELECT … FROM archive WHERE …` over an archive that is a CSV file.

DuckDB, an optional extra, evaluates the expression; everything around it is ours, because it has
rules of its own for CSV and trusts whoever writes its SQL. So records are cut and parsed here, as
Glacier's options say, and handed over as one plain file; and of the expression only a checked
syntax tree is run: one SELECT from `archive`, known functions, nothing else. Besides, DuckDB is
locked in: it may open that one file and change no setting.
"""

from __future__ import annotations

import io
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from glaciercli.local.select._serialization import (
    MAX_RECORD,
    Dialect,
    SelectError,
    Table,
    Writer,
    normalize,
)

MAX_EXPRESSION = 128_000  # characters
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


def run(
    source: BinaryIO,
    parameters: Mapping[str, Any],
    output: BinaryIO,
    *,
    directory: Path | None = None,
) -> None:
    """Write to `output` what the expression selects from the CSV text in `source`.

    `parameters` are the API's SelectParameters. Needs as much room as the archive in `directory`,
    the system's temporary one by default; memory stays flat. Raises SelectError.
    """
    query = check(parameters)
    dialect = Dialect.read(parameters.get("InputSerialization"))
    writer = Writer(parameters.get("OutputSerialization"), output)
    with tempfile.TemporaryDirectory(prefix="glacier-select-", dir=directory) as scratch:
        plain = Path(scratch) / "archive.csv"
        with plain.open("w", encoding="utf-8", newline="") as file:
            table = normalize(source, dialect, file)
        _evaluate(query, plain, table, writer)


def check(parameters: Mapping[str, Any]) -> Query:
    """Return the expression, checked; raise SelectError for what could never run."""
    Dialect.read(parameters.get("InputSerialization"))
    Writer(parameters.get("OutputSerialization"), io.BytesIO())
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
            names = _checked(json.loads(text))
        except RecursionError:
            raise SelectError("UnsupportedSyntax", "Expression is nested too deeply") from None
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
        """Whether columns are named by their numbers, as `_1`."""
        return any(_POSITIONAL.fullmatch(name) for name in self.names)


def _duckdb() -> Any:
    try:
        import duckdb  # noqa: PLC0415 - an extra, and 20 MB that only select jobs need
    except ImportError:
        raise SelectError(
            "NotInstalled", "select jobs need DuckDB: pip install 'glaciercli[select]'"
        ) from None
    return duckdb


def _checked(parsed: dict[str, Any]) -> frozenset[str]:
    """Return the columns that a syntax tree names; raise unless it is a plain SELECT."""
    if parsed["error"]:
        raise SelectError("ParseError", parsed["error_message"])
    if len(parsed["statements"]) != 1:
        raise SelectError("UnsupportedSyntax", "Expression must be one SELECT")
    node = parsed["statements"][0]["node"]
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
    return frozenset(_columns([node["select_list"], node["where_clause"]]))


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


def _evaluate(query: Query, plain: Path, table: Table, writer: Writer) -> None:
    duckdb = _duckdb()
    path = _literal(str(plain))
    columns = ", ".join(f"{_literal(name)}: 'VARCHAR'" for name in _column_names(table, query))
    with duckdb.connect(config=_ENGINE_LIMITS) as database:
        for statement in (
            "SET python_enable_replacements = false",  # a name must not reach our own variables
            f"SET allowed_paths = [{path}]",
            "SET enable_external_access = false",
            "SET lock_configuration = true",
        ):
            database.execute(statement)
        try:
            database.execute(
                f"CREATE VIEW archive AS SELECT * FROM read_csv({path}, auto_detect = false, "  # noqa: S608 - literals, quoted
                "header = false, delim = ',', quote = '\"', escape = '\"', nullstr = '', "
                "allow_quoted_nulls = false, null_padding = true, new_line = '\\n', "
                f"parallel = false, max_line_size = {4 * MAX_RECORD}, "
                f"buffer_size = {8 * MAX_RECORD}, columns = {{{columns}}})"
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


def _literal(text: str) -> str:
    """Return text as an SQL string; header names come from the archive and may say anything."""
    return "'" + text.replace("'", "''") + "'"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _column_names(table: Table, query: Query) -> list[str]:
    """Return the columns' names as the query calls them: by header or by position."""
    names = [f"_{number}" for number in range(1, max(table.width, len(table.header), 1) + 1)]
    if not table.header or query.positional:
        if mixed := {each for each in query.names if not _POSITIONAL.fullmatch(each)}:
            raise SelectError("InvalidColumn", f"No column is called {min(mixed)}")
        return names
    seen: set[str] = set()
    for at, name in enumerate(table.header):
        # Of two alike the first has the name; one that looks like a position has none.
        if name and name.casefold() not in seen and not _POSITIONAL.fullmatch(name):
            seen.add(name.casefold())
            names[at] = name
    return names
