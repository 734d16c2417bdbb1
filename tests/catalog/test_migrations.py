"""Catalogs of earlier versions, brought up to date: nothing is lost or concluded wrongly."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from glaciercli.catalog._rows import milliseconds
from glaciercli.catalog._schema import MIGRATIONS
from glaciercli.catalog.filters import Filter
from glaciercli.catalog.states import STATES
from glaciercli.catalog.store import Catalog
from glaciercli.files.database import Database
from glaciercli.models import Scope

DAY = datetime(2013, 5, 1, tzinfo=UTC)
ACCOUNT, REGION = "1" * 12, "eu-west-1"
ALL = Filter(states=frozenset(STATES))


@pytest.fixture
def upgraded(tmp_path):
    """Open what a catalog of the first schema becomes; a block writes it by the tables of then."""
    path = tmp_path / "old.db"
    Database(path, MIGRATIONS[:1]).close()
    opened = []

    def upgrade(write):
        with closing(sqlite3.connect(path)) as connection, connection:
            write(_Old(connection))
        opened.append(Catalog.open(path))
        return opened[-1]

    yield upgrade
    for each in opened:
        each.close()


class _Old:
    """The tables of the first schema."""

    def __init__(self, connection):
        self._execute = connection.execute

    def vault(self, key, endpoint="aws", name="photos", deleted=None, account=ACCOUNT):
        self._execute(
            "INSERT INTO vaults VALUES (?, ?, ?, ?, ?, ?)",
            (key, endpoint, account, REGION, name, deleted and milliseconds(deleted)),
        )

    def archive(self, vault, ident, **columns):
        columns = {"created": milliseconds(DAY), **columns, "vault": vault, "id": ident}
        names = ", ".join(columns)
        marks = ", ".join(f":{each}" for each in columns)
        self._execute(f"INSERT INTO archives ({names}) VALUES ({marks})", columns)

    def inventory(self, vault, made, asked):
        stamps = (milliseconds(made), milliseconds(asked))
        self._execute("INSERT INTO inventories VALUES (?, ?, ?, 0, 1, 5)", (vault, *stamps))

    def account(self, endpoint, account=ACCOUNT):
        self._execute("INSERT INTO accounts VALUES ('default', ?, ?)", (endpoint, account))

    def alias(self, vault, name, ident):
        self._execute("INSERT INTO aliases VALUES (?, ?, ?)", (vault, name, ident))


def states(catalog, scope):
    return {each.id: each.status for each in catalog.archives(scope, filters=ALL)}


def test_archives_marked_deleted_when_their_vault_vanished_become_gone(upgraded):
    end = DAY + timedelta(days=9, milliseconds=321)

    def write(old):
        old.vault(1, deleted=end)
        old.archive(1, "went along", deleted=milliseconds(end))
        old.archive(1, "was deleted", deleted=milliseconds(DAY))
        old.vault(2, name="films")
        old.archive(2, "elsewhere", deleted=milliseconds(end))

    catalog = upgraded(write)

    assert states(catalog, Scope("aws", ACCOUNT, REGION)) == {
        "went along": "gone",
        "was deleted": "deleted",
        "elsewhere": "deleted",
    }
    assert catalog.vaults(Scope("aws", ACCOUNT, REGION)) == ["films"]


def test_an_inventory_document_once_taken_for_whole_marks_nothing_missing(upgraded):
    """A file has no job, so that it was asked for when it was made."""

    def write(old):
        old.vault(1)
        old.archive(1, "a")
        old.inventory(1, DAY + timedelta(days=10), DAY + timedelta(days=10))
        old.vault(2, name="films")
        old.archive(2, "b")
        old.inventory(2, DAY + timedelta(days=10), DAY + timedelta(days=10, hours=4))

    catalog = upgraded(write)

    assert states(catalog, Scope("aws", ACCOUNT, REGION)) == {"a": "new", "b": "missing"}


@pytest.mark.parametrize(
    ("former", "name"),
    [
        ("http://localhost:8480", "http://127.0.0.1:8480"),
        ("http://[::1]:8480", "http://127.0.0.1:8480"),
        ("https://glacier.eu-west-1.amazonaws.com", "aws"),
        ("https://bob:SECRET@Glacier.Example:443", "https://glacier.example"),
    ],
)
def test_a_place_is_known_by_its_one_name(upgraded, former, name):
    def write(old):
        old.vault(1, former)
        old.archive(1, "a", name="a.bin")
        old.account(former)

    catalog = upgraded(write)

    assert catalog.scopes() == [Scope(name, ACCOUNT, REGION)]
    assert catalog.find(catalog.scopes()[0], "photos", "a.bin").id == "a"
    assert catalog.account("default", name) == ACCOUNT


def test_a_password_that_an_endpoint_had_leaves_the_file(upgraded, tmp_path):
    def write(old):
        old.vault(1, "http://bob:SECRETPW@127.0.0.1:8480")
        old.account("http://bob:SECRETPW@127.0.0.1:8480")

    upgraded(write).close()

    for path in tmp_path.glob("old.db*"):
        assert b"SECRETPW" not in path.read_bytes()


def test_what_two_spellings_of_a_place_knew_is_known_together(upgraded):
    def write(old):
        old.vault(1, "http://127.0.0.1:1")
        old.vault(2, "http://localhost:1")
        old.vault(3, "http://localhost:1", name="films")
        old.archive(1, "both", name="n", recorded=1)
        old.archive(2, "both", size=5, seen=milliseconds(DAY), deleted=milliseconds(DAY))
        old.archive(1, "one")
        old.archive(2, "two")
        old.archive(3, "film")
        old.alias(2, "second", "two")
        old.inventory(2, DAY, DAY + timedelta(hours=4))
        old.account("http://127.0.0.1:1", "2" * 12)
        old.account("http://localhost:1")

    catalog = upgraded(write)
    scope = Scope("http://127.0.0.1:1", ACCOUNT, REGION)

    assert catalog.scopes() == [scope]
    assert catalog.vaults(scope) == ["films", "photos"]
    assert states(catalog, scope) == {
        "both": "deleted",
        "one": "new",
        "two": "new",
        "film": "new",
    }
    both = catalog.find(scope, "photos", "both")
    assert (both.name, both.size, both.seen, both.deleted) == ("n", 5, DAY, DAY)
    assert catalog.aliases(scope, "photos") == {"two": ["second"]}
    assert catalog.inventory(scope, "photos").made == DAY
    assert catalog.account("default", "http://127.0.0.1:1") == "2" * 12
    catalog.check()


@pytest.mark.parametrize(("other", "status"), [(DAY, "gone"), (None, "new")])
def test_a_vault_is_gone_only_where_both_spellings_say_so(upgraded, other, status):
    def write(old):
        old.vault(1, "http://127.0.0.1:1", deleted=DAY)
        old.vault(2, "http://localhost:1", deleted=other)
        old.archive(1, "a", deleted=milliseconds(DAY))
        old.archive(2, "b", deleted=milliseconds(DAY) if other else None)

    catalog = upgraded(write)

    found = states(catalog, Scope("http://127.0.0.1:1", ACCOUNT, REGION))
    assert found == {"a": status, "b": status}
