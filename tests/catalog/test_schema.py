"""Whose word a hash is: kept with it, and told of what an older catalog has recorded."""

from datetime import UTC, datetime

import pytest

from glaciercli.catalog._schema import MIGRATIONS
from glaciercli.catalog.store import Catalog
from glaciercli.files.database import Database
from glaciercli.models import Archive, Scope

DAY = datetime(2013, 5, 1, tzinfo=UTC)
HASH = "ab" * 32
SCOPE = Scope("local:/x", "1" * 12, "us-east-1")


@pytest.mark.parametrize(
    ("recorded", "location", "source"),
    [(1, "/1/vaults/photos/archives/a", "upload"), (1, None, "import"), (None, None, None)],
)
def test_hash_in_an_older_catalog_has_a_source(tmp_path, recorded, location, source):
    path = tmp_path / "catalog.db"
    before = Database(path, MIGRATIONS[:2])
    with before.write() as connection:
        connection.execute(
            "INSERT INTO vaults (key, endpoint, account, region, name) VALUES (1, ?, ?, ?, 'v')",
            (SCOPE.endpoint, SCOPE.account, SCOPE.region),
        )
        connection.execute(
            "INSERT INTO archives (vault, id, tree_hash, created, recorded, location)"
            " VALUES (1, 'a', ?, 1, ?, ?)",
            (bytes.fromhex(HASH), recorded, location),
        )
    before.close()
    catalog = Catalog.open(path)
    found = catalog.find(SCOPE, "v", "a")
    catalog.close()

    assert (found.tree_hash, found.hash_from) == (HASH, source)


@pytest.mark.parametrize(
    ("first", "then", "source"),
    [
        ("import", "upload", "upload"),
        ("upload", "import", "upload"),
        ("job", "import", "job"),
        (None, "import", None),  # an inventory's
        (None, "upload", "upload"),
    ],
)
def test_source_of_a_hash_is_the_first_but_for_an_upload(catalog, first, then, source):
    for each in (first, then):
        archive = Archive("a", "v", tree_hash=HASH, created=DAY, hash_from=each)
        catalog.created(SCOPE, archive)

    assert catalog.find(SCOPE, "v", "a").hash_from == source


def test_source_comes_with_the_hash_that_fills_a_gap(catalog):
    catalog.created(SCOPE, Archive("a", "v", created=DAY, hash_from="import"))
    catalog.created(SCOPE, Archive("a", "v", tree_hash=HASH, created=DAY, hash_from="job"))

    assert catalog.find(SCOPE, "v", "a").hash_from == "job"


def test_another_hash_does_not_lend_its_source(catalog):
    catalog.created(SCOPE, Archive("a", "v", tree_hash=HASH, created=DAY, hash_from="import"))
    other = Archive("a", "v", tree_hash="cd" * 32, created=DAY, hash_from="upload")
    catalog.created(SCOPE, other)
    found = catalog.find(SCOPE, "v", "a")

    assert (found.tree_hash, found.hash_from) == (HASH, "import")
