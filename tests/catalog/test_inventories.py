"""Inventory documents: what the service writes, what tools exported, and what is cut or hostile."""

import json
import subprocess
import sys
from datetime import UTC, datetime

import ijson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glaciercli.catalog.inventories import Document, Entry
from glaciercli.errors import IntegrityError

ARN = "arn:aws:glacier:eu-west-1:123456789012:vaults/photos"
HASH = "ab" * 32
HEAD = {"VaultARN": ARN, "InventoryDate": "2013-11-06T02:51:29Z"}
HEADER = "ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash"


def item(ident="a-_1", description="one", size=5, **fields):
    return {
        "ArchiveId": ident,
        "ArchiveDescription": description,
        "CreationDate": "2013-05-01T01:02:03Z",
        "Size": size,
        "SHA256TreeHash": HASH,
        **fields,
    }


def entry(ident="a-_1", description="one", size=5):
    created = datetime(2013, 5, 1, 1, 2, 3, tzinfo=UTC)
    return Entry(ident, description, created, size, bytes.fromhex(HASH))


@pytest.fixture
def read(tmp_path):
    def read(content):
        path = tmp_path / "inventory"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        document = Document.open(path)
        return document, list(document.entries())

    return read


def test_json_is_read_by_the_c_library():
    """In pure Python it takes twenty times as long."""
    assert ijson.backend_name in {"yajl2_c", "yajl2_cffi"}


def test_json_as_the_service_writes_it(read):
    items = [item(), item("b", 'é "\\', 1 << 45), item("c", "")]
    text = json.dumps({**HEAD, "ArchiveList": items}, separators=(",", ":"))
    document, entries = read(text)

    assert document.arn == ARN
    assert document.made == datetime(2013, 11, 6, 2, 51, 29, tzinfo=UTC)
    assert entries == [entry(), entry("b", 'é "\\', 1 << 45), entry("c", "")]


def test_an_empty_vault_has_an_empty_list(read):
    assert read(json.dumps({**HEAD, "ArchiveList": []}))[1] == []


def test_the_order_of_keys_is_no_promise(read):
    document, entries = read(json.dumps({"ArchiveList": [item()], "New": {"a": [1]}, **HEAD}))

    assert (document.arn, entries) == (ARN, [entry()])


def test_times_with_milliseconds_are_read(read):
    _, [found] = read(
        json.dumps({**HEAD, "ArchiveList": [item(CreationDate="2013-05-01T01:02:03.456Z")]})
    )

    assert found.created == datetime(2013, 5, 1, 1, 2, 3, 456000, tzinfo=UTC)


def test_every_cut_document_is_refused(read):
    text = json.dumps({**HEAD, "ArchiveList": [item(), item("b")]}, separators=(",", ":"))
    for length in range(len(text)):
        with pytest.raises(IntegrityError):
            read(text[:length])


@pytest.mark.parametrize(
    "document",
    [
        {},
        HEAD,
        {**HEAD, "ArchiveList": {}},
        {**HEAD, "ArchiveList": None},
        {**HEAD, "InventoryDate": "soon", "ArchiveList": []},
        {**HEAD, "VaultARN": 7, "ArchiveList": []},
        {**HEAD, "ArchiveList": [7]},
        {**HEAD, "ArchiveList": [{}]},
        {**HEAD, "ArchiveList": [item("../x")]},
        {**HEAD, "ArchiveList": [item("a" * 257)]},
        {**HEAD, "ArchiveList": [item(size=-1)]},
        {**HEAD, "ArchiveList": [item(size=1 << 63)]},
        {**HEAD, "ArchiveList": [item(size=(40_000 << 30) + 1)]},
        {**HEAD, "ArchiveList": [item(size="5")]},
        {**HEAD, "ArchiveList": [item(size=5.5)]},
        {**HEAD, "ArchiveList": [item(size=True)]},
        {**HEAD, "ArchiveList": [item(SHA256TreeHash="ab")]},
        {**HEAD, "ArchiveList": [item(SHA256TreeHash="zz" * 32)]},
        {**HEAD, "ArchiveList": [item(SHA256TreeHash="ab " * 20 + "abab")]},
        {**HEAD, "ArchiveList": [item(SHA256TreeHash=7)]},
        {**HEAD, "ArchiveList": [item(CreationDate="yesterday")]},
        {**HEAD, "ArchiveList": [item(CreationDate=None)]},
        {**HEAD, "ArchiveList": [item(CreationDate="1970-01-01T00:00:00Z")]},
        {**HEAD, "ArchiveList": [item(CreationDate="9999-12-31T00:00:00Z")]},
        {**HEAD, "InventoryDate": "9999-12-31T00:00:00Z", "ArchiveList": []},
        {**HEAD, "ArchiveList": [item(ArchiveDescription=7)]},
    ],
)
def test_json_that_is_no_inventory_is_refused(read, document):
    with pytest.raises(IntegrityError):
        read(json.dumps(document))


@pytest.mark.parametrize("tail", ["x", "}", "[]", "\0"])
def test_what_follows_the_document_is_refused(read, tail):
    with pytest.raises(IntegrityError):
        read(json.dumps({**HEAD, "ArchiveList": [item()]}) + tail)


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize(
    ("field", "want"),
    [
        ("one", "one"),
        ('"one"', "one"),
        ("", ""),
        ('""', ""),
        ('"a,1\\"2"', 'a,1"2'),
        ('"C:\\dir\\file"', "C:\\dir\\file"),
        ('"ends with \\"', "ends with \\"),
        ('",2013-05-01T01:02:03Z,5,x"', ",2013-05-01T01:02:03Z,5,x"),
        (f'"b","c",2013-05-01T01:02:03Z,5,{HASH}"', f'b","c",2013-05-01T01:02:03Z,5,{HASH}'),
    ],
)
def test_csv_as_the_service_writes_it(read, field, want, end):
    line = f"a-_1,{field},2013-05-01T01:02:03Z,5,{HASH}"
    document, entries = read(end.join([HEADER, line, ""]))

    assert (document.arn, document.made) == (None, None)
    assert entries == [entry(description=want)]


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)).filter(lambda t: "\\" not in t))
def test_csv_round_trips_every_description_without_a_backslash(tmp_path_factory, description):
    path = tmp_path_factory.getbasetemp() / "inventory.csv"
    escaped = description.replace('"', '\\"')
    path.write_text(f'{HEADER}\r\na-_1,"{escaped}",2013-05-01T01:02:03Z,5,{HASH}\r\n')

    assert list(Document.open(path).entries()) == [entry(description=description)]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "ArchiveId\n",
        f"{HEADER}\na,b\n",
        f"{HEADER}\na,b,2013-05-01T01:02:03Z,5,{HASH[:-1]}",
        f"{HEADER}\na,{'b' * 70_000},2013-05-01T01:02:03Z,5,{HASH}",
        b"\xff\xfe",
        b"\0" * 10,
    ],
)
def test_csv_that_is_no_inventory_is_refused(read, content):
    with pytest.raises(IntegrityError):
        read(content)


CODED = {
    "a mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "UTF-16, as PowerShell's > writes it": lambda text: text.encode("utf-16"),
    "UTF-16, the other way round": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "UTF-16 without a mark": lambda text: text.encode("utf-16-le"),
    "UTF-16 without a mark, the other way round": lambda text: text.encode("utf-16-be"),
}


@pytest.mark.parametrize("code", CODED)
def test_an_inventory_that_an_editor_or_a_shell_has_saved_is_read(read, code):
    text = json.dumps({**HEAD, "ArchiveList": [item(), item("b", "Żółw 🐢")]}, ensure_ascii=False)
    document, entries = read(CODED[code](text + "\r\n"))

    assert (document.arn, entries) == (ARN, [entry(), entry("b", "Żółw 🐢")])


@pytest.mark.parametrize("code", CODED)
def test_a_csv_that_an_editor_or_a_shell_has_saved_is_read(read, code):
    text = f"{HEADER}\r\na-_1,Żółw,2013-05-01T01:02:03Z,5,{HASH}\r\n\r\n"
    _, entries = read(CODED[code](text))

    assert entries == [entry(description="Żółw")]


@pytest.mark.parametrize("code", CODED)
def test_every_cut_of_what_an_editor_has_saved_is_refused(read, code):
    content = CODED[code](json.dumps({**HEAD, "ArchiveList": [item()]}))
    for length in range(0, len(content), 7):
        with pytest.raises(IntegrityError):
            read(content[:length])


# What nests, what is long, and what pretends not to be; each a few bytes for each byte of a level.
BOMBS = {
    "brackets": lambda size: {"ArchiveDescription": Raw("[" * size + "]" * size)},
    "objects": lambda size: {"ArchiveDescription": Raw('{"a":' * size + "1" + "}" * size)},
    "brackets between texts": lambda size: {"New": Raw('["]",' * size + "1" + "]" * size)},
    "a text": lambda size: {"ArchiveDescription": "x" * size * 20},
    "a text of brackets": lambda size: {"ArchiveDescription": "[" * size * 20},
    "a number": lambda size: {"Size": Raw("9" * size * 20)},
    "an archive of a million members": lambda size: {f"m{number}": 1 for number in range(size)},
    "a list in an archive": lambda size: {"New": Raw("[" + "1," * size * 10 + "1]")},
}


class Raw:
    """JSON as it is to stand in the document."""

    def __init__(self, text):
        self.text = text


@pytest.mark.parametrize("where", ["in an archive", "before the list"])
@pytest.mark.parametrize("bomb", BOMBS)
def test_what_no_inventory_holds_takes_neither_memory_nor_time(tmp_path, bomb, where):
    bombs = BOMBS[bomb](200_000)
    texts = {key: each.text for key, each in bombs.items() if isinstance(each, Raw)}
    plain = {key: f"@{key}@" if key in texts else each for key, each in bombs.items()}
    head, archive = (HEAD, item(**plain)) if where == "in an archive" else ({"A": plain}, item())
    content = json.dumps({**head, "ArchiveList": [archive], **HEAD})
    for key, text in texts.items():
        content = content.replace(f'"@{key}@"', text)
    path = tmp_path / "inventory"
    path.write_text(content)

    run = subprocess.run(
        [sys.executable, "-c", _MEASURED, path], capture_output=True, text=True, check=False,
    )  # fmt: skip
    said, megabytes, seconds = run.stdout.split("|")
    if (bomb, where) != _HARMLESS:
        assert "IntegrityError" in said, run.stderr
    assert int(megabytes) < 40  # more than before the file was opened
    assert float(seconds) < 2


# Members that are not ours are passed over one by one, and none of them is held.
_HARMLESS = ("an archive of a million members", "before the list")
_MEASURED = """
import resource, sys, time
from pathlib import Path
from glaciercli.catalog.inventories import Document
from glaciercli.errors import GlacierError
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
before, started, said = peak(), time.process_time(), "read"
try:
    list(Document.open(Path(sys.argv[1])).entries())
except GlacierError as error:
    said = repr(error)
print(said, peak() - before, time.process_time() - started, sep="|")
"""


@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_else(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any"
    sound = json.dumps({**HEAD, "ArchiveList": [item()]}).encode()
    for each in (content, sound[:100] + content, sound[:200] + content + sound[220:]):
        path.write_bytes(each)
        try:
            list(Document.open(path).entries())
        except IntegrityError:
            pass
