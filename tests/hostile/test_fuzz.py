"""Readers of what others have written, given anything: a value, or an error of ours.

By default some hundred inputs each, the same ones every time; with `-m fuzz` as many as fit into
`FUZZ_SECONDS` each, a minute if it is not set.
"""

import atexit
import importlib.util
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import zlib
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import click
import pytest
from disks import memory_directory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glaciercli import config, limits, units
from glaciercli.catalog import _percent, descriptions, readers
from glaciercli.catalog._events import Source, sound
from glaciercli.catalog.inventories import Document
from glaciercli.cli import types, words
from glaciercli.clients._checks import require_whole
from glaciercli.errors import GlacierError, LostReply
from glaciercli.files.paths import Layout, Unsafe, relative
from glaciercli.local.wire import model
from glaciercli.models import Archive, Scope
from glaciercli.transfer.download_journal import DownloadState
from glaciercli.transfer.journal import UNREADABLE, Journal
from glaciercli.transfer.state import folded
from glaciercli.transfer.upload_state import UploadState

_FUZZ_SECONDS = float(os.environ.get("FUZZ_SECONDS", "60"))

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)


def near(*samples):
    """Texts near to real ones: cut, repeated, joined, with something put in between."""
    piece = st.sampled_from(samples) | st.text(max_size=6)
    slices = st.tuples(piece, st.integers(-3, 60), st.integers(-3, 60)).map(
        lambda each: each[0][each[1] : each[2]] or each[0]
    )
    return st.lists(slices, max_size=6).map("".join) | st.text(max_size=80)


# --- each reader takes an input, and says what must be true of what it makes of it


def read_description(text):
    found = descriptions.decode(text)
    assert found.name is None or isinstance(found.name, str)
    assert found.modified is None or found.modified.tzinfo is not None


def read_path(text):
    for tool in (None, "mt2", "FastGlacier"):
        for portable in (False, True):
            with suppress(Unsafe):
                path = relative(Archive("x" * 138, "v", name=text, tool=tool), portable=portable)
                assert not path.is_absolute()
                assert not set(path.parts) & {"..", ".", ""}
                assert "\0" not in str(path)
                os.fsencode(path)


def read_layout(names):
    layout = Layout()
    given = []
    for number, name in enumerate(names):
        with suppress(Unsafe):
            ident = f"{number:08d}" + "x" * 130
            given.append(layout.file(relative(Archive(ident, "v", name=name)), ident))
    keys = {str(each).casefold() for each in given}
    assert len(keys) == len(given)
    assert not any(PurePosixPath(*path.parts[:-1]) in given for path in given if path.parts[1:])


def read_units(text):
    for parse in (units.parse_size, units.parse_rate, units.parse_duration, units.parse_time):
        with suppress(ValueError):
            parse(text)
    for kind in (each for each in vars(types).values() if isinstance(each, click.ParamType)):
        with suppress(click.BadParameter, GlacierError):
            kind.convert(text, None, None)


def read_sizes(size):
    assert units.format_size(size)


_OPTIONS = [
    click.Option(["-V", "--vault"]),
    click.Option(["-q", "--quiet"], is_flag=True),
    click.Option(["-v"], count=True),
]


def read_words(args):
    scanned = list(words.scan(args, _OPTIONS))
    assert [each.place for each in scanned] == list(range(len(args)))
    marked = words.mark_ids(args, _OPTIONS)
    assert [each.removeprefix(words.ID_MARK) for each in marked] == [
        each.removeprefix(words.ID_MARK) for each in args
    ]


def read_config(data):
    path = _ROOM / "config.toml"
    path.write_bytes(data)
    with suppress(GlacierError):
        config.load({}, environ={"GLACIER_HOME": str(_ROOM)}, file=path)


def read_inventory(data):
    path = _ROOM / "inventory"
    path.write_bytes(data)
    with suppress(GlacierError):
        for entry in Document.open(path).entries():
            assert len(entry.tree_hash) == 32
            assert limits.is_id(entry.id)
            assert limits.is_archive_size(entry.size)
            assert limits.is_time(entry.created)


def read_import(case):
    """Read a file as each tool's; what comes of it the service can have told the tool."""
    data, vault = case
    path = _ROOM / "import"
    path.write_bytes(data)
    with suppress(GlacierError):
        readers.detect(path)
    for read in readers.READERS.values():
        with suppress(GlacierError):
            for scope, event in read(Source(path, _WORLD, vault)):
                assert sound(event) is event
                assert limits.is_account(scope.account)
                assert limits.is_region(scope.region)


def read_damaged_cache(changes):
    data = bytearray(_CACHES[changes[0] % len(_CACHES)])
    for place, value in zip(changes[1::2], changes[2::2], strict=False):
        data[place % len(data)] = value % 256
    read_import((bytes(data), "photos"))


def read_percent(text):
    found = _percent.decoded(text)
    assert found == text or _percent.encoded(found) == text
    assert text in _percent.spellings(found)


def read_journal(data):
    path = _ROOM / "x.journal"
    path.write_bytes(data)
    path.chmod(0o600)
    with suppress(GlacierError), Journal.open(_ROOM, "x") as journal:
        for state in (UploadState, DownloadState):
            with suppress(*UNREADABLE):
                folded(state(), journal.found)
    for each in _ROOM.glob("x.*"):
        each.unlink()


def read_lines(lines):
    data = [json.dumps(each).encode() for each in lines]
    read_journal(b"".join(b"%08x %s\n" % (zlib.crc32(each), each) for each in data))


def read_reply(case):
    name, reply = case
    asked = {"vaultName": "photos", "jobId": "x", "uploadId": "x"}
    meta = {"HTTPStatusCode": 200, "HTTPHeaders": {}}
    with suppress(LostReply):
        require_whole(model().operation_model(name), {**reply, "ResponseMetadata": meta}, asked)


_WORLD = Scope("aws", "1" * 12, "eu-west-1")
_ROOM = Path(tempfile.mkdtemp(prefix="glacier-", dir=memory_directory()))
atexit.register(shutil.rmtree, _ROOM, ignore_errors=True)

_ENTRY = (
    '{"VaultARN":"arn:aws:glacier:us-east-1:0:vaults/p","InventoryDate":"2026-01-31T12:30:15Z",'
    '"ArchiveList":[{"ArchiveId":"x","ArchiveDescription":"d","CreationDate":"2026-01-31T12:30:15Z"'
    ',"Size":5,"SHA256TreeHash":"' + "0" * 64 + '"}]}'
)
_CSV = (
    "ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash\n"
    'x,"a \\" b, c",2026-01-31T12:30:15Z,5,' + "0" * 64 + "\n"
)
_ID, _HASH = "i" * 138, "ab" * 32
_RECORD = {
    "endpoint": "aws", "account": "1" * 12, "region": "eu-west-1", "archiveId": _ID,
    "vaultName": "photos", "size": 5, "checksum": _HASH, "creationDate": "2013-05-01T00:00:00Z",
}  # fmt: skip
_IMPORTS = (
    f"B\t1367366400\tCREATED\t{_ID}\t5\t123\t{_HASH}\ta\n",
    f"B\t1367366400\tDELETED\t{_ID}\ta\n",
    f"1367366400 CREATED {_ID} 5 {_HASH} a\n",
    f"{_ID},/a,5,photos,eu-west-1,Wed May 01 02:00:00 CEST 2013,{_HASH},\r\n",
    f'-  ArchiveID: "{_ID}"\n   File:      "a"\n   Bytes:     "5"\n',
    json.dumps(_RECORD) + "\n", "\ufeff", "$(id)", "=1+1", "9" * 30, "-1",
)  # fmt: skip


def _cache(*statements):
    path = _ROOM / "made.db"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        for each in statements:
            connection.execute(each)
        connection.commit()
    return path.read_bytes()


_CACHES = (
    _cache(
        "CREATE TABLE archive (id, name, vault, key, last_seen_upstream, created_here, "
        "deleted_here)",
        f"INSERT INTO archive VALUES ('{_ID}', 'a', 'photos', 'k', 1367366400, 1367366400, NULL)",
    ),
    _cache(
        "CREATE TABLE file_info_tb (key, shareName, basePath, archiveID, lastBkpTime, fileSize)",
        f"INSERT INTO file_info_tb VALUES ('1', 'photo', 'a', '{_ID}', 1367366400, 5)",
    ),
)
_SHAPES = [model().operation_model(each).output_shape for each in model().operation_names]
_MEMBERS = sorted({member for shape in _SHAPES if shape is not None for member in shape.members})
_KINDS = ("upload", "opened", "completing", "uncertain", "reopened", "done", "retrieval", "job",
          "range", "placing", "download", "x")  # fmt: skip
_FIELDS = ("vault", "name", "path", "identity", "part_size", "token", "description", "modified",
           "started", "upload_id", "account", "tree_hash", "size", "time", "archive", "job_id",
           "start", "stop")  # fmt: skip
_DESCRIPTIONS = (
    descriptions.encode("a/b.txt", datetime(2026, 1, 31, tzinfo=UTC), token="0" * 16),
    "mt2 eyJmaWxlbmFtZSI6IngiLCJtdGltZSI6IjIwMTIwMTAxVDAwMDAwMFoifQ==",
    "<m><v>4</v><p>cGF0aA==</p><lm>20120101T000000Z</lm></m>",
    '{"Path":"c:\\\\x","UTCDateModified":"20120101T000000Z"}',
    '{"type":"data","path":"x"}',
)
_SIZES = ("1.5GiB", "16MiB", "10k", "1h30m", "15m", "2026-01-31T23:59:59Z", "5MiB/s", "0-1MiB",
          "²", "1e9", "9" * 30, "-1", "٣")  # fmt: skip

READERS = {
    "descriptions": (read_description, near(*_DESCRIPTIONS)),
    "paths": (read_path, near("../", "c:\\", "a/b", "CON", "\0", "x" * 300, "/", ". ")),
    "layouts": (read_layout, st.lists(near("a", "A", "a/b", "A/B/c", "é"), max_size=6)),
    "units": (read_units, near(*_SIZES)),
    "sizes": (read_sizes, st.integers(min_value=0)),
    "words": (read_words, st.lists(near("--", "-V", "--vault=x", "-qV", "id:", "-" + "x" * 137))),
    "config": (
        read_config,
        near('vault = "x"\n', "[profiles.a]\n", "local = true\n", "[[", "a.b.c = 1\n").map(
            lambda text: text.encode("utf-8", "surrogatepass")
        )
        | st.binary(max_size=100),
    ),
    "inventories": (
        read_inventory,
        near(_ENTRY, _CSV, _CSV.splitlines()[1], '"Size":', "[", "NaN", "1e999").map(
            lambda text: text.encode("utf-8", "surrogatepass")
        )
        | st.binary(max_size=200),
    ),
    "imports": (
        read_import,
        st.tuples(
            near(*_IMPORTS).map(lambda text: text.encode("utf-8", "surrogatepass"))
            | st.dictionaries(
                st.sampled_from([*_RECORD, "aliases", "deletionDate"]), json_values
            ).map(lambda changes: json.dumps({**_RECORD, **changes}).encode())
            | st.binary(max_size=200),
            st.sampled_from(["photos", None, "../x"]),
        ),
    ),
    "damaged caches": (read_damaged_cache, st.lists(st.integers(0, 1 << 16), min_size=1)),
    "percent": (read_percent, near("%C5%BB", "%c5", "%20", "Ż", "%", "%ED%A0%80", "%C2%9B")),
    "journals": (read_journal, st.binary(max_size=200)),
    "journal lines": (
        read_lines,
        st.lists(
            st.fixed_dictionaries(
                {"v": st.just(1), "kind": st.sampled_from(_KINDS)},
                optional=dict.fromkeys(_FIELDS, json_values),
            )
            | json_values,
            max_size=4,
        ),
    ),
    "replies": (
        read_reply,
        st.tuples(
            st.sampled_from(model().operation_names),
            st.dictionaries(st.sampled_from(_MEMBERS), json_values, max_size=6),
        ),
    ),
}
_ALWAYS = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("kind", READERS)
def test_anything_is_read_or_refused(kind, count):
    read, inputs = READERS[kind]
    tried = 0

    @settings(_ALWAYS, max_examples=100, derandomize=True)
    @given(inputs)
    def attempt(value):
        nonlocal tried
        tried += 1
        read(value)

    attempt()
    count({"inputs read": tried})


@pytest.mark.fuzz
@pytest.mark.parametrize("kind", READERS)
def test_anything_is_read_or_refused_for_a_minute(kind, count):
    """Guided by coverage where atheris is installed, by chance alone where it is not."""
    if importlib.util.find_spec("atheris") is not None:
        guided = subprocess.run(
            [sys.executable, "-c", _GUIDED, kind, str(int(_FUZZ_SECONDS))],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert guided.returncode == 0, guided.stdout[-3000:] + guided.stderr[-3000:]
        count({"inputs read by coverage": int(re.findall(r"Done (\d+) runs", guided.stderr)[-1])})
        return
    tried, until = 0, time.monotonic() + _FUZZ_SECONDS
    while time.monotonic() < until:
        attempt(kind)()
        tried += 2000
    count({"inputs read by chance": tried})


def attempt(kind):
    """Return a test of one reader, which hypothesis or a fuzzer can feed."""
    read, inputs = READERS[kind]

    @settings(_ALWAYS, max_examples=2000)
    @given(inputs)
    def one(value):
        read(value)

    return one


_GUIDED = """
import sys, atheris
with atheris.instrument_imports(include=["glaciercli"]):
    from hostile.test_fuzz import attempt
kind, seconds = sys.argv[1:]
atheris.Setup(
    [sys.argv[0], "-max_total_time=" + seconds, "-max_len=2000"],
    attempt(kind).hypothesis.fuzz_one_input,
)
atheris.Fuzz()
"""
