"""Other tools' catalogs and logs, as their code writes them."""

import json
import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glaciercli.catalog.filters import Filter
from glaciercli.catalog.imports import import_file
from glaciercli.catalog.readers import detect
from glaciercli.catalog.states import STATES
from glaciercli.catalog.store import Catalog
from glaciercli.errors import GlacierError, IntegrityError, Refused, UsageError
from glaciercli.models import Scope

HASH = "ab" * 32
DAY = datetime(2013, 5, 1, tzinfo=UTC)
EPOCH = int(DAY.timestamp())
ALL = Filter(states=frozenset(STATES))


def everything(catalog, scope):
    return {each.id: each for each in catalog.archives(scope, filters=ALL)}


@pytest.mark.parametrize("version", "ABC")
def test_journals_of_mt_aws_glacier(catalog, scope, file, version):
    lines = [
        f"{EPOCH}\tCREATED\tid1\t5\t123\t{HASH}\tdir/é.txt",
        f"{EPOCH}\tCREATED\tid2\t6\t-5\t{HASH}\tdir/é.txt",
        f"{EPOCH}\tCREATED\tid3\t7\tNONE\t{HASH}\tb\twith tab",
        f"{EPOCH}\tCREATED\tid4\t7\t99\t{HASH}\tid4",
        f"{EPOCH + 60}\tDELETED\tid1\tdir/é.txt",
        f"{EPOCH}\tRETRIEVE_JOB\tid2\tjob",
    ]
    path = file("".join(f"{version}\t{line}\n" for line in lines))
    report = import_file(catalog, scope, path, vault="photos")

    assert (report.tool, report.archives, report.new, report.deletions) == (
        "mt-aws-glacier",
        4,
        4,
        1,
    )
    found = everything(catalog, scope)
    assert found["id1"].deleted == datetime(2013, 5, 1, 0, 1, tzinfo=UTC)
    two = found["id2"]
    assert (two.name, two.size, two.tree_hash, two.created) == ("dir/é.txt", 6, HASH, DAY)
    assert two.modified == datetime(1969, 12, 31, 23, 59, 55, tzinfo=UTC)
    assert (found["id3"].name, found["id3"].modified) == ("b\twith tab", None)
    assert (found["id4"].name, found["id4"].modified) == (None, None)


def test_the_first_journal_format(catalog, scope, file):
    path = file(
        f"{EPOCH} CREATED id1 5 {HASH} dir/a file\n"
        f"{EPOCH} CREATED id2 5 {HASH} gone\n"
        f"{EPOCH} RETRIEVE_JOB id1\n"
        f"{EPOCH} DELETED id2 gone\n"
    )
    report = import_file(catalog, scope, path, vault="photos")

    assert (report.archives, report.deletions) == (2, 1)
    assert [each.name for each in catalog.archives(scope)] == ["dir/a file"]


def test_a_journal_needs_its_vault_named(catalog, scope, file):
    path = file(f"B\t{EPOCH}\tCREATED\tid1\t5\t123\t{HASH}\ta\n")

    with pytest.raises(UsageError, match="does not name its vault"):
        import_file(catalog, scope, path)


def test_a_line_that_makes_no_sense_is_named_and_nothing_is_imported(catalog, scope, file):
    path = file(f"B\t{EPOCH}\tCREATED\tid1\t5\t123\t{HASH}\ta\nD\t1\tMAGIC\n")

    with pytest.raises(IntegrityError, match="line 2 of"):
        import_file(catalog, scope, path, vault="photos")
    assert everything(catalog, scope) == {}


def test_names_that_are_not_unicode_are_kept(catalog, scope, file):
    line = f"B\t{EPOCH}\tCREATED\tid1\t5\t123\t{HASH}\tcaf".encode() + b"\xe9\n"
    import_file(catalog, scope, file(line), vault="photos")

    assert os.fsencode(everything(catalog, scope)["id1"].name) == b"caf\xe9"


@pytest.fixture
def glacier_cli(tmp_path):
    def make(*rows):
        path = tmp_path / "db"
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(
                "CREATE TABLE archive (id VARCHAR NOT NULL, name VARCHAR, vault VARCHAR NOT NULL, "
                '"key" VARCHAR NOT NULL, last_seen_upstream INTEGER, created_here INTEGER, '
                "deleted_here INTEGER, PRIMARY KEY (id))"
            )
            connection.executemany("INSERT INTO archive VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        connection.close()
        return path

    return make


def test_the_cache_of_glacier_cli(catalog, scope, glacier_cli):
    path = glacier_cli(
        ("id1", "a.txt", "photos", "AKID", None, EPOCH + 0.5, None),
        ("id2", None, "films", "AKID", EPOCH, None, None),
        ("id3", "c", "films", "AKID", EPOCH, EPOCH, EPOCH + 60),
    )
    report = import_file(catalog, scope, path)

    assert (report.tool, report.archives, report.deletions) == ("glacier-cli", 3, 1)
    found = everything(catalog, scope)
    assert (found["id1"].name, found["id1"].created) == ("a.txt", DAY)
    assert (found["id2"].name, found["id2"].vault) == (None, "films")
    assert found["id3"].deleted is not None


def test_one_vault_of_a_cache(catalog, scope, glacier_cli):
    path = glacier_cli(
        ("id1", "a", "photos", "AKID", None, EPOCH, None),
        ("id2", "b", "films", "AKID", None, EPOCH, EPOCH),
    )

    assert import_file(catalog, scope, path, vault="photos").archives == 1
    assert set(everything(catalog, scope)) == {"id1"}


def test_a_cache_of_several_accounts_is_refused(catalog, scope, glacier_cli):
    path = glacier_cli(
        ("id1", "a", "photos", "AKID1", None, EPOCH, None),
        ("id2", "b", "photos", "AKID2", None, EPOCH, None),
    )

    with pytest.raises(Refused, match="2 access keys"):
        import_file(catalog, scope, path)


def sagu_csv(ident, name, region="eu-west-1"):
    return f"{ident},{name},5,photos,{region},Wed May 01 02:00:00 CEST 2013,{HASH},\r\n"


def test_the_csv_of_sagu(catalog, scope, file):
    path = file(
        sagu_csv("id1", "/Dir/File With, Comma.test")
        + sagu_csv("id2", "C:\\a.txt", "us-east-1")
        + sagu_csv("id3", "/b").replace("02:00:00 CEST", "20:00:00 EDT")
    )
    report = import_file(catalog, scope, path)

    assert (report.tool, report.archives) == ("sagu", 2)
    found = everything(catalog, scope)
    assert (found["id1"].name, found["id1"].path) == ("/Dir/File With, Comma.test",) * 2
    assert found["id3"].created == datetime(2013, 5, 2, tzinfo=UTC)


def test_the_yaml_of_sagu(catalog, scope, file):
    record = (
        '\n-  ArchiveID: "{}"\n   File:      "{}"\n   Bytes:     "5"\n   Vault:     "photos"\n'
        '   Location:  "eu-west-1"\n   Date:      "Wed May 01 00:00:00 UTC 2013"\n'
        f'   Hash:      "{HASH}"\n'
    )
    path = file(record.format("id1", 'a \\"b\\" c') + record.format("id2", "C:\\dir\\new"))
    import_file(catalog, scope, path)

    found = everything(catalog, scope)
    assert found["id1"].name == 'a "b" c'
    assert (found["id2"].name, found["id2"].created) == ("C:\\dir\\new", DAY)


def test_the_mapping_of_synology(catalog, scope, synology):
    path = synology(
        ("1", "photo", "2013/a.jpg", "id1", EPOCH, 5),
        ("2", "photo", "/copy of a.jpg", "id1", EPOCH, 5),
        ("3", "music", "b.mp3", "id2", None, None),
        ("4", "music", "empty", None, EPOCH, 0),
    )
    report = import_file(catalog, scope, path, vault="nas")

    assert (report.tool, report.archives, report.new) == ("synology", 2, 2)
    found = everything(catalog, scope)
    assert (found["id1"].name, found["id1"].tool) == ("photo/2013/a.jpg", "Synology")
    assert catalog.aliases(scope, "nas") == {"id1": ["photo/copy of a.jpg"]}
    assert catalog.find(scope, "nas", "photo/copy of a.jpg").id == "id1"


@pytest.mark.parametrize("event", ["CREATED\tid\xff\t5\t123\t" + HASH, "DELETED\tid\xff"])
def test_an_id_that_is_no_text_is_refused_and_nothing_is_imported(catalog, scope, file, event):
    sound = f"B\t{EPOCH}\tCREATED\tid1\t5\t123\t{HASH}\ta\n"
    path = file(sound.encode() + f"B\t{EPOCH}\t{event}\ta\n".encode("latin-1"))

    with pytest.raises(GlacierError, match=r"id\\udcff"):
        import_file(catalog, scope, path, vault="photos")
    assert everything(catalog, scope) == {}


STRANGE_IDS = [
    "$(id>&2)#aaa",
    "=cmd|'/C calc'!A0",
    "a/../../etc/passwd",
    "a\x1b]0;x\x07",
    "é",
    "a" * 257,
]
STRANGE_VAULTS = ["a/b", "..", "$(id)", "v" * 256]
STRANGE_SIZES = [-1, 40_000 * (1 << 30) + 1, 1 << 55, 1 << 70]
STRANGE_TIMES = [-(1 << 40), 5000, 1 << 38, 1e30]


def exported(**fields):
    record = {
        "endpoint": "aws", "account": "123456789012", "region": "eu-west-1",
        "archiveId": "id1", "vaultName": "photos", "size": 5, "checksum": HASH,
        "creationDate": "2013-05-01T00:00:00.000Z",
    }  # fmt: skip
    return json.dumps({**record, **fields}) + "\n"


def journal(ident="id1", size=5, time=EPOCH, tree_hash=HASH):
    return f"B\t{time}\tCREATED\t{ident}\t{size}\t123\t{tree_hash}\ta\n"


STRANGE_EXPORTS = [
    *(exported(archiveId=each) for each in STRANGE_IDS),
    *(exported(vaultName=each) for each in STRANGE_VAULTS),
    *(exported(size=each) for each in (*STRANGE_SIZES, 5.0, True, "5")),
    *(exported(creationDate=each) for each in ("1970-01-02T00:00:00Z", "9999-12-31T00:00:00Z", 5)),
    *(exported(checksum=each) for each in ("ab", "ab " * 32, 7)),
    *(exported(account=each) for each in ("-", "1", "$(id)", 5)),
    *(exported(region=each) for each in ("", "a b", "$(id)", None)),
    *(exported(endpoint=each) for each in ("", 5, "e" * 5000)),
    *(exported(aliases=each) for each in ("names", [5])),
]
STRANGE_JOURNALS = [
    *(journal(each) for each in STRANGE_IDS),
    *(f"B\t{EPOCH}\tDELETED\t{each}\ta\n" for each in STRANGE_IDS),
    *(f"{EPOCH} DELETED {each} a\n" for each in STRANGE_IDS if " " not in each),
    *(journal(size=each) for each in STRANGE_SIZES),
    *(journal(time=each) for each in (5000, 99_999_999_999)),
]
STRANGE_LOGS = [
    *(sagu_csv(each, "a") for each in STRANGE_IDS),
    *(sagu_csv("id1", "a").replace(",photos,", f",{each},") for each in STRANGE_VAULTS),
    *(sagu_csv("id1", "a").replace(",5,", f",{each},") for each in STRANGE_SIZES),
    *(sagu_csv("id1", "a").replace(" 2013", f" {each}") for each in (1970, 9999)),
]


@pytest.mark.parametrize(
    ("sound", "strange"),
    [
        *((exported(), each) for each in STRANGE_EXPORTS),
        *((journal(), each) for each in STRANGE_JOURNALS),
        *((sagu_csv("id1", "a"), each) for each in STRANGE_LOGS),
    ],
)
def test_what_the_service_cannot_have_told_is_refused_and_nothing_is_imported(
    catalog, scope, file, sound, strange
):
    path = file(sound + strange)

    with pytest.raises(IntegrityError, match="line 2 of"):
        import_file(catalog, scope, path, vault="photos" if sound == journal() else None)
    assert everything(catalog, scope) == {}


def test_what_is_strange_in_a_line_is_told(catalog, scope, file):
    with pytest.raises(IntegrityError, match=r"line 1 of .* \('\$\(id\)' is no archive's id\)"):
        import_file(catalog, scope, file(exported(archiveId="$(id)")))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *((0, each) for each in (*STRANGE_IDS, b"bytes")),
        (1, b"bytes"),
        *((2, each) for each in (*STRANGE_VAULTS, b"bytes")),
        *((5, each) for each in (*STRANGE_TIMES, "soon", b"5")),
        *((6, each) for each in STRANGE_TIMES),
    ],
)
def test_a_cache_of_what_the_service_cannot_have_told_is_refused(
    catalog, scope, glacier_cli, column, value
):
    row = ["id1", "a", "photos", "AKID", EPOCH, EPOCH, None]
    row[column] = value
    path = glacier_cli(("id0", "a", "photos", "AKID", EPOCH, EPOCH, None), row)

    with pytest.raises(IntegrityError, match="holds"):
        import_file(catalog, scope, path)
    assert everything(catalog, scope) == {}


@pytest.fixture
def synology(tmp_path):
    def make(*rows):
        path = tmp_path / "mapping.db"
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(
                "CREATE TABLE file_info_tb (key TEXT, shareName TEXT, basePath TEXT, archiveID, "
                "lastBkpTime INTEGER, fileSize, archiveVersion INTEGER, current INTEGER)"
            )
            connection.executemany("INSERT INTO file_info_tb VALUES (?, ?, ?, ?, ?, ?, 1, 1)", rows)
        return path

    return make


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *((1, each) for each in (b"bytes", None)),
        *((2, each) for each in (b"bytes", None)),
        *((3, each) for each in (*STRANGE_IDS, b"bytes", 5)),
        *((4, each) for each in (*STRANGE_TIMES, "soon")),
        *((5, each) for each in STRANGE_SIZES[:3]),
    ],
)
def test_a_mapping_of_what_the_service_cannot_have_told_is_refused(
    catalog, scope, synology, column, value
):
    row = ["1", "photo", "a.jpg", "id1", EPOCH, 5]
    row[column] = value
    path = synology(("0", "photo", "b.jpg", "id0", EPOCH, 5), row)

    with pytest.raises(IntegrityError, match="holds"):
        import_file(catalog, scope, path, vault="nas")
    assert everything(catalog, scope) == {}


@pytest.mark.parametrize(
    "content", ["", "\n\n", "hello", "\0\1\2", "SQLite format 3", "[1]", "a,b"]
)
def test_a_file_of_no_known_tool_is_refused(file, content):
    with pytest.raises(Refused, match="that we know"):
        detect(file(content))


@given(st.binary(max_size=80), st.sampled_from(["B\t1\tCREATED\t", "-  ArchiveID: ", "{", "1 D"]))
def test_no_file_raises_anything_but_ours(tmp_path_factory, content, start):
    folder = tmp_path_factory.getbasetemp()
    path = folder / "any"
    path.write_bytes(start.encode() + content)
    catalog = Catalog.open(folder / "fuzz.db")
    for tool in (None, "mt-aws-glacier", "sagu", "export", "inventory", "glacier-cli"):
        try:
            import_file(catalog, Scope("aws", "1" * 12, "eu-west-1"), path, vault="v", tool=tool)
        except GlacierError:
            pass
    catalog.close()
