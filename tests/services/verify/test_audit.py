"""The catalog against its inventory: what is found, and what is not claimed."""

from datetime import UTC, datetime, timedelta

import pytest

from glaciercli.catalog import findings
from glaciercli.catalog.inventories import Entry
from glaciercli.catalog.merging import merge
from glaciercli.errors import NotReady
from glaciercli.models import Archive
from glaciercli.services.inventory import syncing
from glaciercli.services.verify.audit import audit
from glaciercli.tasks.waiting import Poll

NOW = Poll(timeout=0.0)
DAY = datetime(2013, 5, 1, tzinfo=UTC)


def test_the_catalog_without_an_inventory(client, catalog, vault, put):
    put()

    with pytest.raises(NotReady, match="no inventory"):
        next(audit(client, catalog, [vault]))


def test_the_catalog_against_its_inventory(client, catalog, vault, scope):
    day = client.now()
    hashes = {letter: bytes([number]) * 32 for number, letter in enumerate("abcdef")}

    def known(ident, letter, **fields):
        catalog.created(
            scope,
            Archive(ident, vault, 5, hashes[letter].hex(), created=day, **fields),
        )

    def listed(ident, letter):
        return Entry(ident, "", day, 5, hashes[letter])

    known("good", "a")
    known("lost", "b")
    known("other", "c")
    known("copy", "a")
    known("dead", "d")
    catalog.deleted(scope, vault, "dead", day)
    entries = [
        listed("good", "a"),
        listed("other", "e"),
        listed("copy", "a"),
        listed("dead", "d"),
        listed("alien", "f"),
    ]
    when = day + timedelta(days=9)
    merge(catalog, scope, vault, entries, made=when, asked=when)
    report = next(audit(client, catalog, [vault]))

    assert (report.inventory_date, report.archives) == (when, 5)
    assert not report.is_sound
    want = {
        "missing": "lost",
        "foreign": "alien",
        "changed": "other",
        "duplicates": "copy",
        "undeleted": "dead",
    }
    for kind, ident in want.items():
        assert getattr(report, kind) == 1
        count, found = findings.look(catalog, scope, vault, kind, limit=9)
        assert (count, [each.id for each in found]) == (1, [ident])


def test_a_sound_catalog(client, catalog, vault, put):
    put()
    syncing.sync(client, catalog, vault, poll=NOW)

    assert next(audit(client, catalog, [vault])).is_sound
