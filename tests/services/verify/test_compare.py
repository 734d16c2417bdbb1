"""A file against an archive: what is found, and what is not claimed."""

import errno
import os

import pytest
from helpers import payload

from glaciercli.errors import Conflict, IntegrityError, Refused
from glaciercli.models import Archive
from glaciercli.services.inventory import syncing
from glaciercli.services.verify import compare
from glaciercli.tasks.waiting import Poll
from glaciercli.units import MIB

NOW = Poll(timeout=0.0)


def test_a_file_that_is_the_archive(client, catalog, vault, put):
    path, stored = put(size=2 * MIB + 7)
    report = compare.file(client, catalog, vault, "one", path)

    assert (report.archive_id, report.size, report.tree_hash, report.seen) == (
        stored.id,
        2 * MIB + 7,
        stored.tree_hash,
        None,
    )
    made = syncing.sync(client, catalog, vault, poll=NOW).inventory_date
    assert compare.file(client, catalog, vault, "one", path).seen == made


@pytest.mark.parametrize(("size", "seed"), [(6, 0), (5, 1)])
def test_a_file_that_is_not_the_archive(client, catalog, vault, put, size, seed):
    path, _ = put()
    path.write_bytes(payload(size, seed))

    with pytest.raises(IntegrityError, match="has bytes 6" if size == 6 else "has tree hash"):
        compare.file(client, catalog, vault, "one", path)


def test_a_file_that_cannot_be_read_is_named(client, catalog, vault, put, monkeypatch):
    path, _ = put()

    def fail(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "preadv", fail)
    with pytest.raises(Conflict, match="cannot read .*one.*Input/output error"):
        compare.file(client, catalog, vault, "one", path)


def test_without_a_hash_there_is_nothing_to_compare(client, catalog, vault, put, scope):
    path, _ = put()
    catalog.created(scope, Archive("x", vault, name="unknown"))

    with pytest.raises(Refused, match="does not know the tree hash"):
        compare.file(client, catalog, vault, "unknown", path)
