"""A file of five parts, the upload of it, and the user who is told of what is stored."""

import pytest
from upload_files import DATA

from glaciercli.services.upload import receipts, uploads
from glaciercli.units import MIB


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "big.tar"
    path.write_bytes(DATA)
    return path


@pytest.fixture
def keep():
    """Keep a receipt, and return its archive; `keep.given` has them by the archive's id."""

    def keep(receipt):
        keep.given[receipt.archive.id] = receipt
        return receipt.archive

    keep.given = {}
    return keep


@pytest.fixture
def tell(keep):
    """Tell the user of archives whose receipts are kept."""

    def tell(*archives):
        receipts.all_told([keep.given[each.id] for each in archives])

    return tell


@pytest.fixture
def upload(client, source, vault, journals, catalog, keep):
    """Upload the file in parts of 1 MiB; options override."""

    def run(path=source, client=client, **options):
        options = {"part_size": MIB, "workers": 1, "journals": journals, **options}
        return keep(uploads.start(client, path, vault, catalog=catalog, **options))

    return run
