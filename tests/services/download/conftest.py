"""An archive in a vault, and where it is to be brought."""

import pytest
from helpers import payload

from glaciercli.services.upload import uploads
from glaciercli.units import MIB

DATA = payload(37 * MIB + 777, seed=1)  # three ranges of 16 MiB


@pytest.fixture
def archive(client, vault, catalog, journals, tmp_path):
    """An archive in the vault, stored by an upload of its own."""
    path = tmp_path / "big.tar"
    path.write_bytes(DATA)
    stored = uploads.start(client, path, vault, journals=journals, catalog=catalog)
    stored.told()
    client.engine.log.clear()
    return stored.archive


@pytest.fixture
def place(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "restored.tar"
