from datetime import UTC, datetime

import pytest

from glaciercli.catalog.store import Catalog
from glaciercli.models import Archive, Scope


@pytest.fixture
def scope():
    return Scope("aws", "123456789012", "eu-west-1")


@pytest.fixture
def catalog(tmp_path):
    opened = Catalog.open(tmp_path / "catalog.db")
    yield opened
    opened.close()


@pytest.fixture
def archive():
    """Make an archive; its id is made longer, as real ones are."""

    def make(ident="a", *, vault="photos", created=datetime(2013, 5, 1, tzinfo=UTC), **fields):
        return Archive(id=ident, vault=vault, created=created, **fields)

    return make


@pytest.fixture
def file(tmp_path):
    def file(content, name="file"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return file
