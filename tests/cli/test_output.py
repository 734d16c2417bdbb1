import csv
import io
import json
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glaciercli import limits
from glaciercli.cli.output import Output
from glaciercli.errors import Refused, UsageError
from glaciercli.models import Archive, Lock, Part, SettingInForce, Upload, Vault

EVIL = "\x1b]8;;http://x\x07[red]=cmd()|[/red]\u202e\n"
COLUMNS = ("archiveId", "name", "size", "creationDate")
CREATED = datetime(2026, 1, 31, 23, 59, 58, 123000, tzinfo=UTC)


def archive(number=0, name="big.tar"):
    return Archive(f"{number:0138d}", "photos", size=3 << 20, name=name, created=CREATED)


@pytest.fixture
def printed(monkeypatch):
    """Return what an Output prints on a stream that is, or is not, a terminal."""

    def print_with(act, form="table", *, tty=False, **options):
        stream = io.StringIO()
        monkeypatch.setattr(stream, "isatty", lambda: tty, raising=False)
        monkeypatch.setattr(sys, "stdout", stream)
        act(Output(form, **options))
        return stream.getvalue()

    return print_with


def test_a_pipe_gets_whole_ids_in_aligned_columns(printed):
    text = printed(lambda output: output.listing([archive(1), archive(22, "b")], COLUMNS))

    header, first, second = text.splitlines()
    assert header.split() == ["ID", "NAME", "SIZE", "CREATED"]
    assert first.split()[0] == archive(1).id
    assert second.index("3.0 MiB") == first.index("3.0 MiB")


def test_a_terminal_of_80_columns_is_never_overrun(printed, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    rows = [archive(1, "a-very-long-name-" * 10), archive(2, "東京" * 40)]

    text = printed(lambda output: output.listing(rows, COLUMNS), tty=True, color="never")

    assert len(text.splitlines()) == 3
    assert max(map(len, text.splitlines())) <= 80
    assert "3.0 MiB" in text
    assert "000000000000…" in text


def test_what_gives_way_first_is_a_name_and_last_a_time(printed, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    wide = Archive("i" * 138, "a-vault-of-a-long-name", 3 << 20, name="n" * 40, created=CREATED)
    columns = ("vaultName", "name", "size", "creationDate", "archiveId")

    text = printed(lambda output: output.listing([wide], columns), tty=True, color="never")

    vault, name, *size, day, time, ident = text.splitlines()[1].split()
    assert (size, day, time) == (["3.0", "MiB"], "2026-01-31", "23:59")
    assert len(name) == 8
    assert all(each.endswith("…") for each in (vault, name, ident))


def test_a_setting_is_continued_below_and_never_cut(printed, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    setting = SettingInForce("catalog", "/home/anna/" + "x" * 40, "path")
    columns = ("setting", "value", "source")

    text = printed(lambda output: output.listing([setting], columns), tty=True, color="never")

    assert "…" not in text
    assert text.count("x") == 40


def test_a_long_listing_is_printed_before_it_ends(printed):
    seen = []

    def many():
        for number in range(1200):
            seen.append(len(sys.stdout.getvalue()))
            yield archive(number)

    text = printed(lambda output: output.listing(many(), COLUMNS))

    assert len(text.splitlines()) == 1201
    assert seen[0] == 0
    assert seen[-1] > 0


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv", "text"])
@pytest.mark.parametrize("tty", [False, True])
def test_outside_text_cannot_act_on_a_terminal(printed, form, tty):
    text = printed(lambda output: output.listing([archive(1, EVIL)], COLUMNS), form, tty=tty)
    text += printed(lambda output: output.show(archive(1, EVIL)), form, tty=tty)

    own = text.replace("\x1b[1m", "").replace("\x1b[0m", "")
    assert all(each.isprintable() or each == "\n" for each in own.replace("\t", ""))
    assert "red" in text


def test_json_of_a_listing_is_an_array(printed):
    text = printed(lambda output: output.listing([archive(1), archive(2)], COLUMNS), "json")

    assert [each["archiveId"][-1] for each in json.loads(text)] == ["1", "2"]
    assert json.loads(text)[0]["creationDate"] == "2026-01-31T23:59:58.123Z"


@pytest.mark.parametrize(
    ("form", "expected"), [("json", "[]\n"), ("jsonl", ""), ("csv", ""), ("text", "")]
)
def test_an_empty_listing(printed, form, expected):
    assert printed(lambda output: output.listing([], COLUMNS), form) == expected


@pytest.mark.parametrize(
    ("form", "options"),
    [(each, {}) for each in ("table", "json", "jsonl", "csv", "text")]
    + [("text", {"query": "[]"})],
)
def test_what_came_before_an_error_is_printed_whole(printed, form, options):
    def some():
        yield archive(1)
        yield archive(2)
        raise Refused("no third one")

    def act(output):
        with pytest.raises(Refused, match="no third one"):
            output.listing(some(), COLUMNS)

    text = printed(act, form, **options)
    assert text.count("big.tar") == 2
    if form == "json":
        assert len(json.loads(text)) == 2


def test_csv_has_all_fields_and_no_formulas(printed):
    rows = [archive(1, "=1+1"), archive(2, "plain"), Archive("-" + "x" * 137, "photos")]

    text = printed(lambda output: output.listing(rows, COLUMNS), "csv")

    read = list(csv.DictReader(io.StringIO(text)))
    assert [each["name"] for each in read] == ["'=1+1", "plain", ""]
    assert read[2]["archiveId"].startswith("-x")
    assert read[0]["size"] == "3145728"


RUN = "=+-@\t\r\uff1d\uff0b\uff0d\uff20"  # what a spreadsheet takes for the beginning of a formula


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(RUN), st.text(max_size=9), st.sampled_from([0, 1, 2]))
def test_no_text_of_others_is_a_formula_in_csv(printed, start, rest, place):
    """Not in an id either: only one of the service's own form stays, whatever it begins with."""
    texts = ["id1", "photos", "a"]
    texts[place] = start + rest
    row = Archive(texts[0], texts[1], -5, name=texts[2], description=start + rest)
    found = {start + rest: "key", "n": -5}
    text = printed(lambda output: output.listing([row], COLUMNS), "csv")
    queried = printed(lambda output: output.document([found]), "csv", query="@")

    cells = [cell for line in csv.reader(io.StringIO(text + queried)) for cell in line]
    kept = [cell for cell in cells if cell.startswith(tuple(RUN)) and cell != "-5"]
    assert [cell for cell in kept if cell != texts[0] or not limits.is_id(cell)] == []
    assert cells.count("-5") == 2


def test_text_is_the_columns_with_tabs(printed):
    text = printed(lambda output: output.listing([archive(1)], COLUMNS), "text")

    assert text.rstrip("\n").split("\t")[1:] == ["big.tar", "3145728", "2026-01-31T23:59:58.123Z"]


@pytest.mark.parametrize(
    ("form", "query", "expected"),
    [
        ("text", "[].name", "a\nb\n"),
        ("text", "[].[name, size]", "a\t3145728\nb\t3145728\n"),
        ("json", "length(@)", "2\n"),
        ("jsonl", "[].name", '"a"\n"b"\n'),
        ("table", "[].{n: name}", "N\na\nb\n"),
        ("table", "[0].name", "a\n"),
        ("csv", "[].{n: name}", "n\na\nb\n"),
    ],
)
def test_a_query_finds_in_every_format(printed, form, query, expected):
    rows = [archive(1, "a"), archive(2, "b")]

    assert printed(lambda output: output.listing(rows, COLUMNS), form, query=query) == expected


def test_a_bad_query_is_a_usage_error():
    with pytest.raises(UsageError, match="--query"):
        Output(query="[")


def test_a_record_is_shown_in_full(printed):
    vault = Vault("photos", "arn:x", CREATED, archives=2, size=3 << 30)

    lines = printed(lambda output: output.show(vault)).splitlines()

    assert lines[0].split() == ["Name", "photos"]
    assert any(line.startswith("Size") and "(3221225472 bytes)" in line for line in lines)
    assert not any("nventory" in line for line in lines)


def test_parts_of_an_upload_are_a_table_of_their_own(printed):
    parts = (Part("0-1048575", "ab"), Part("1048576-2097151", "cd"))
    upload = Upload("u" * 92, "photos", 1 << 20, parts=parts)

    text = printed(lambda output: output.show(upload))

    assert text.splitlines()[-5:] == [
        "",
        "Parts",
        "RANGE            TREE HASH",
        "0-1048575        ab",
        "1048576-2097151  cd",
    ]


def test_color_is_only_for_terminals_unless_asked_for(printed, monkeypatch):
    def act(output):
        output.listing([archive(1)], COLUMNS)

    assert "\x1b[" not in printed(act)
    assert "\x1b[" in printed(act, color="always")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in printed(act, tty=True)


def test_a_document_in_a_record_is_laid_out_below_it(printed):
    lock = Lock("photos", "InProgress", {"Statement": []}, forbids=("a", "b"))

    assert printed(lambda output: output.show(lock)).splitlines() == [
        "Vault    photos",
        "State    InProgress",
        "Forbids  a; b",
        "",
        "Policy",
        "{",
        '  "Statement": []',
        "}",
    ]
