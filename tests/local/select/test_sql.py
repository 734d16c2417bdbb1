import io
import resource
import sys

import pytest

from glaciercli.local.select import _sql
from glaciercli.local.select._serialization import (
    MAX_RECORD,
    Dialect,
    SelectError,
    Writer,
    normalize,
)
from glaciercli.local.select._sql import check, run

pytest.importorskip("duckdb", reason="the extra `select` is not installed")

PEOPLE = b"name,age,city\nann,31,Oslo\nbob,7,Rome\ncy,,\n"


def parameters(expression, output=None, **options):
    return {
        "Expression": expression,
        "ExpressionType": "SQL",
        "InputSerialization": {"csv": options},
        "OutputSerialization": {"csv": output or {}},
    }


def query(expression, data=PEOPLE, output=None, **options):
    target = io.BytesIO()
    run(io.BytesIO(data), parameters(expression, output, **options), target)
    return target.getvalue().decode()


def by_header(expression, data=PEOPLE):
    return query(expression, data, FileHeaderInfo="USE")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("SELECT * FROM archive WHERE name = 'bob'", "bob,7,Rome\n"),
        ("SELECT name, city FROM archive WHERE CAST(NULLIF(age, '') AS INT) > 9", "ann,Oslo\n"),
        ("SELECT a.name FROM archive a WHERE a.city LIKE 'R%'", "bob\n"),
        ("select _1 from archive where _2 = '31'", "ann\n"),
        ("SELECT s._1 FROM archive s WHERE s._3 = 'Rome';", "bob\n"),
        ("SELECT archive.name FROM ARCHIVE WHERE NAME IN ('ann', 'x')", "ann\n"),
        ("SELECT upper(name) FROM archive WHERE city IS NULL OR city = ''", "CY\n"),
        ("SELECT name || '-' || age FROM archive WHERE age BETWEEN '3' AND '4'", "ann-31\n"),
        ("SELECT SUBSTRING(name FROM 1 FOR 1) FROM archive", "a\nb\nc\n"),
        ("SELECT CHAR_LENGTH(TRIM(name)) FROM archive WHERE NOT name = 'cy'", "3\n3\n"),
        ("SELECT CAST(age AS INT) + 1 FROM archive WHERE age <> ''", "32\n8\n"),
        ("SELECT CASE WHEN age = '7' THEN 'child' ELSE '?' END FROM archive", "?\nchild\n?\n"),
        ("SELECT age = '7' FROM archive WHERE name = 'bob'", "true\n"),
        ("SELECT COALESCE(NULLIF(age, ''), '?') FROM archive WHERE name = 'cy'", "?\n"),
        ("SELECT CAST('2026-01-02' AS DATE) FROM archive WHERE name = 'cy'", "2026-01-02\n"),
        ("SELECT name FROM archive WHERE name LIKE '%!_%' ESCAPE '!'", ""),
        ("SELECT * FROM archive -- all", "ann,31,Oslo\nbob,7,Rome\ncy,,\n"),
        ('SELECT "name" FROM archive WHERE "age" = \'7\'', "bob\n"),
    ],
)
def test_a_select_with_a_where(expression, expected):
    assert by_header(expression) == expected


@pytest.mark.parametrize("header", ["USE", "use", "IGNORE", "Ignore"])
def test_a_header_is_no_record(header):
    assert query("SELECT _1 FROM archive", FileHeaderInfo=header) == "ann\nbob\ncy\n"


@pytest.mark.parametrize("header", ["NONE", "None", None])
def test_without_a_header_the_first_line_is_a_record(header):
    assert query("SELECT _1 FROM archive", FileHeaderInfo=header) == "name\nann\nbob\ncy\n"


def test_names_of_an_ignored_header_are_unknown():
    with pytest.raises(SelectError, match="No column is called name"):
        query("SELECT name FROM archive", FileHeaderInfo="IGNORE")


def test_names_and_positions_are_not_mixed():
    with pytest.raises(SelectError, match="No column is called name"):
        by_header("SELECT name, _2 FROM archive")


def test_of_two_columns_of_one_name_the_first_has_it():
    assert by_header("SELECT a FROM archive", b"a,A\n1,2\n") == "1\n"
    assert by_header("SELECT * FROM archive", b"a,A\n1,2\n") == "1,2\n"


@pytest.mark.parametrize(
    "name",
    [
        "it's",
        'the "best"',
        "a': 'VARCHAR'}); DROP VIEW archive; --",
        'a": "VARCHAR"}); DROP VIEW archive; --',
        "back\\slash",
        "_2",
        "x" * 10_000,
    ],
)
def test_a_header_is_never_code(name):
    data = b'"%s",,\n1,2,3\n' % name.replace('"', '""').encode()

    assert by_header("SELECT * FROM archive", data) == "1,2,3\n"
    assert by_header("SELECT _1 FROM archive", data) == "1\n"
    if name != "_2":
        quoted = name.replace('"', '""')
        assert by_header(f'SELECT "{quoted}" FROM archive', data) == "1\n"


@pytest.mark.parametrize(
    ("options", "data", "expected"),
    [
        ({"FieldDelimiter": ";"}, b"a;b\n", "a|b\n"),
        ({"FieldDelimiter": "\t"}, b"a\tb\n", "a|b\n"),
        ({"RecordDelimiter": "\r\n"}, b"a,b\r\nc,d\r\n", "a|b\nc|d\n"),
        ({"RecordDelimiter": ";"}, b"a,b;c,d", "a|b\nc|d\n"),
        ({"QuoteCharacter": "'"}, b"'a,x',\"b\n", 'a,x|"""b"\n'),
        ({"QuoteCharacter": ""}, b'"a",b\n', '"""a"""|b\n'),
        ({"QuoteEscapeCharacter": "\\"}, b'"a\\"x",b\n', '"a""x"|b\n'),
        ({}, b'"a""x",b\n', '"a""x"|b\n'),
        ({"Comments": "#"}, b"#c\na,b#x\n", "a|b#x\n"),
        ({}, b"#c,d\n", "#c|d\n"),
        ({}, b"a,b\r\n\nc,d", "a|b\nc|d\n"),
        ({}, b"a\nb,c,d\n", "a||\nb|c|d\n"),
        ({}, "é,\x00\n".encode(), "é|\x00\n"),
        ({}, b"", ""),
    ],
)
def test_each_option_of_the_input(options, data, expected):
    assert query("SELECT * FROM archive", data, {"FieldDelimiter": "|"}, **options) == expected


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ({}, 'a,b|c,\n"x,y",1,"p""q"\n'),
        ({"FieldDelimiter": "|"}, 'a|"b|c"|\nx,y|1|"p""q"\n'),
        ({"FieldDelimiter": "]"}, 'a]b|c]\nx,y]1]"p""q"\n'),
        ({"RecordDelimiter": ";"}, 'a,b|c,;"x,y",1,"p""q";'),
        ({"QuoteFields": "ALWAYS"}, '"a","b|c",""\n"x,y","1","p""q"\n'),
        ({"QuoteFields": "AsNeeded"}, 'a,b|c,\n"x,y",1,"p""q"\n'),
        ({"QuoteCharacter": "'"}, "a,b|c,\n'x,y',1,p\"q\n"),
        ({"QuoteEscapeCharacter": "\\"}, 'a,b|c,\n"x,y",1,"p\\"q"\n'),
    ],
)
def test_each_option_of_the_output(output, expected):
    data = b'a,b|c\n"x,y",1,"p""q"\n'

    assert query("SELECT * FROM archive", data, output) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "SELEC",
        "SELECT 1",
        "SELECT * FROM archive; SELECT * FROM archive",
        "SELECT * FROM other",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM main.archive",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM archive, archive b",
        "SELECT * FROM archive JOIN archive b ON true",
        "SELECT * FROM archive TABLESAMPLE 10%",
        "SELECT * FROM (SELECT * FROM archive)",
        "SELECT (SELECT content FROM read_text('/etc/passwd')) FROM archive",
        "SELECT * FROM archive WHERE EXISTS (SELECT 1)",
        "SELECT * FROM archive WHERE _1 IN (SELECT filename FROM read_text('/etc/passwd'))",
        "WITH RECURSIVE t AS (SELECT 1 UNION ALL SELECT * FROM t) SELECT * FROM archive",
        "SELECT * FROM archive UNION SELECT * FROM archive",
        "SELECT DISTINCT _1 FROM archive",
        "SELECT _1 FROM archive GROUP BY _1",
        "SELECT _1 FROM archive GROUP BY ALL",
        "SELECT _1 FROM archive HAVING true",
        "SELECT _1 FROM archive QUALIFY true",
        "SELECT _1 FROM archive ORDER BY _1",
        "SELECT _1 FROM archive LIMIT 1",
        "SELECT count(*) FROM archive",
        "SELECT row_number() OVER () FROM archive",
        "SELECT getenv('HOME') FROM archive",
        "SELECT current_setting('allowed_paths') FROM archive",
        "SELECT repeat(_1, 1000000000) FROM archive",
        "SELECT nextval('x') FROM archive",
        "SELECT list_transform([1], lambda x: x) FROM archive",
        "SELECT $1 FROM archive",
        "SELECT #1 FROM archive",
        "VALUES (1)",
        "FROM archive PIVOT (max(_1) FOR _2 IN (1))",
        "COPY archive TO '/tmp/evil'",
        "COPY (SELECT 1) TO '/tmp/evil'",
        "CREATE TABLE x AS SELECT 1",
        "INSERT INTO archive VALUES (1)",
        "ATTACH '/tmp/evil.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "PRAGMA database_list",
        "CALL pragma_version()",
        "EXPLAIN SELECT * FROM archive",
        "SELECT * FROM archive) TO '/tmp/evil' --",
        "SELECT * FROM archive WHERE " + "(" * 50_000,
        "SELECT * FROM archive WHERE " + "NOT " * 2_000 + "true",
        "SELECT '" + "x" * 128_000 + "' FROM archive",
    ],
)
def test_an_expression_that_is_not_a_plain_select_is_refused(expression):
    with pytest.raises(SelectError):
        check(parameters(expression))


def test_the_locked_engine_stands_alone(tmp_path):
    """Even were a hostile tree to pass the check, DuckDB may open nothing but the one file."""
    secret, plain, output = tmp_path / "secret", tmp_path / "archive.csv", io.BytesIO()
    secret.write_text("hidden")
    with plain.open("w", encoding="utf-8", newline="") as file:
        table = normalize(io.BytesIO(PEOPLE), Dialect.read({"csv": {}}), file)

    def unchecked(source):
        statement = _sql.Query(f"SELECT * FROM {source}", frozenset())
        _sql._evaluate(statement, plain, table, Writer({"csv": {}}, output))

    for source in (f"read_text('{secret}')", f"'{secret}.csv'", f"glob('{tmp_path}/*')", "secret"):
        with pytest.raises(SelectError):
            unchecked(source)
    assert output.getvalue() == b""
    unchecked("archive")
    assert b"Oslo" in output.getvalue()


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("SELECT CAST(name AS INT) FROM archive", "CastFailed"),
        ("SELECT nobody FROM archive", "InvalidColumn"),
        ("SELECT _9 FROM archive", "InvalidColumn"),
        ("SELECT x.name FROM archive a", "InvalidColumn"),
    ],
)
def test_a_query_that_fails_says_why(expression, code):
    with pytest.raises(SelectError) as caught:
        by_header(expression)
    assert caught.value.code == code
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b'a,"b\nc",d\n', "CSVParsingError"),
        (b'a,"b', "CSVParsingError"),
        (b'a,"b"c\n', "CSVParsingError"),
        (b"a\rb\n", "CSVParsingError"),
        (b"a,\xff\n", "InvalidTextEncoding"),
        (b"x" * (MAX_RECORD + 1) + b"\n", "OverMaxRecordSize"),
        (b"x" * (3 * MAX_RECORD), "OverMaxRecordSize"),
    ],
)
def test_text_that_is_no_csv_fails(data, code):
    with pytest.raises(SelectError) as caught:
        query("SELECT * FROM archive", data)
    assert caught.value.code == code


def test_the_largest_record_passes():
    data = b'"' * (MAX_RECORD - 2)

    assert len(query("SELECT * FROM archive", b'"' + data + b'"\n')) == MAX_RECORD + 1


@pytest.mark.parametrize(
    "change",
    [
        {"ExpressionType": "JSON"},
        {"InputSerialization": None},
        {"InputSerialization": {"parquet": {}}},
        {"InputSerialization": {"csv": {"FileHeaderInfo": "MAYBE"}}},
        {"InputSerialization": {"csv": {"FieldDelimiter": "::"}}},
        {"InputSerialization": {"csv": {"FieldDelimiter": ""}}},
        {"InputSerialization": {"csv": {"QuoteCharacter": "\n"}}},
        {"OutputSerialization": None},
        {"OutputSerialization": {"csv": {"QuoteFields": "NEVER"}}},
        {"OutputSerialization": {"csv": {"FieldDelimiter": "\r"}}},
    ],
)
def test_parameters_are_checked(change):
    with pytest.raises(SelectError):
        check({**parameters("SELECT * FROM archive"), **change})


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "duckdb", None)

    with pytest.raises(SelectError, match=r"pip install 'glaciercli\[select\]'"):
        check(parameters("SELECT * FROM archive"))


def test_nothing_is_left_behind(tmp_path):
    with pytest.raises(SelectError):
        run(
            io.BytesIO(b"a"),
            parameters("SELECT CAST(_1 AS INT) FROM archive"),
            io.BytesIO(),
            directory=tmp_path,
        )

    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_memory_stays_flat(tmp_path):
    line = b"some,text,in,fields,%d," + b"x" * 80 + b"\n"
    archive = tmp_path / "archive.csv"
    with archive.open("wb") as file:
        for start in range(0, 3_000_000, 10_000):
            file.write(b"".join(line % number for number in range(start, start + 10_000)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    found = tmp_path / "found.csv"
    with archive.open("rb") as source, found.open("wb") as output:
        expression = "SELECT * FROM archive WHERE _5 LIKE '%7'"
        run(source, parameters(expression), output, directory=tmp_path)

    with found.open("rb") as lines:
        assert sum(1 for _ in lines) == 300_000
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 220 * 1024  # KiB; the archive has 310 MiB
