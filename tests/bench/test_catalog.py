"""The catalog at a million archives: an inventory merged by the real command, and its queries.

pytest -m bench -s tests/bench/test_catalog.py
"""

import base64
import json
import random
import time
from datetime import UTC, datetime, timedelta

import pytest
from benchmarks import tell

from glaciercli.catalog.filters import Filter
from glaciercli.catalog.store import Catalog
from glaciercli.models import Scope

pytestmark = pytest.mark.bench

COUNT = 1_000_000
ACCOUNT, REGION, VAULT = "123456789012", "us-east-1", "bench"


@pytest.fixture(scope="module")
def document(scratch):
    """An inventory of about 370 MB, whose descriptions are those of mt-aws-glacier."""
    path, dice = scratch / "inventory.json", random.Random(1)
    head = {
        "VaultARN": f"arn:aws:glacier:{REGION}:{ACCOUNT}:vaults/{VAULT}",
        "InventoryDate": "2020-01-01T00:00:00Z",
    }
    with path.open("w") as file:
        file.write(json.dumps(head)[:-1] + ',"ArchiveList":[')
        for number in range(COUNT):
            born = datetime(2012, 1, 1, tzinfo=UTC) + timedelta(seconds=number)
            told = json.dumps({"filename": f"{number:07}", "mtime": f"{born:%Y%m%dT%H%M%SZ}"})
            item = {
                "ArchiveId": base64.urlsafe_b64encode(dice.randbytes(104)).decode()[:138],
                "ArchiveDescription": "mt2 " + base64.urlsafe_b64encode(told.encode()).decode(),
                "CreationDate": f"{born:%Y-%m-%dT%H:%M:%SZ}",
                "Size": dice.randrange(1 << 30),
                "SHA256TreeHash": dice.randbytes(32).hex(),
            }
            file.write("," * (number > 0) + json.dumps(item, separators=(",", ":")))
        file.write("]}")
    return path


def test_a_million_archives(document, glacier, home, scratch):
    words = ["--account-id", ACCOUNT, "--region", REGION, "-q", "catalog", "import", document]
    first, again = glacier(*words)(), glacier(*words)()
    [path] = scratch.glob("*/**/catalog.db")
    catalog, scope = Catalog.open(path), Scope("aws", ACCOUNT, REGION)
    [middle] = catalog.archives(scope, VAULT, filters=Filter(text="0500000"))

    def milliseconds(query, *, rounds=5):
        took = []
        for _ in range(rounds):
            started = time.process_time()
            query()
            took.append(time.process_time() - started)
        return min(took) * 1000

    def listed(limit=None, **wanted):
        return lambda: list(catalog.archives(scope, VAULT, filters=Filter(**wanted), limit=limit))

    tell(
        f"an inventory of {document.stat().st_size / 1e6:.0f} MB, {COUNT:,} archives",
        [
            ("merged into an empty catalog, CPU s", first.cpu, 15),
            ("merged again, nothing new, CPU s", again.cpu, None),
            ("peak MiB", max(first.peak, again.peak), 80),
            ("one by its id, ms", milliseconds(lambda: catalog.find(scope, VAULT, middle.id)), 5),
            (
                "one by the beginning of its id, ms",
                milliseconds(lambda: catalog.find(scope, VAULT, middle.id[:12])),
                5,
            ),
            ("one by its name, ms", milliseconds(lambda: catalog.find(scope, VAULT, "0500000")), 5),
            ("a part of a name, ms", milliseconds(listed(text="99999")), 400),
            ("the newest 50, ms", milliseconds(listed(50)), 5),
        ],
    )
    catalog.close()
