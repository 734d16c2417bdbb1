"""A vault, and files that are stored in it."""

import pytest
from helpers import payload

from glaciercli.models import Scope
from glaciercli.services.upload import uploads
from glaciercli.units import MIB


@pytest.fixture
def scope(client):
    return Scope(client.endpoint, client.engine.account, client.region)


@pytest.fixture
def put(client, vault, catalog, journals, tmp_path):
    """Upload a file of some size; return its path and archive."""

    def put(name="one", size=5, seed=0):
        path = tmp_path / name
        path.write_bytes(payload(size, seed))
        stored = uploads.start(
            client, path, vault, journals=journals, catalog=catalog, part_size=MIB
        )
        stored.told()
        return path, stored.archive

    return put
