"""Every operation that commands use, times every way in which HTTP goes wrong, over real sockets.

Each cell: the fault hits the operation once, or all the time; the command ends well or with one of
our errors; healed, the command run again ends well; then everything is looked at.
"""

import io
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from helpers import heal, payload
from survival.proxy import FITTING_SOME, KINDS, SILENT, Proxy
from survival.world import share_session

from glaciercli.catalog.filters import Filter
from glaciercli.catalog.store import Catalog
from glaciercli.clients.glacier import Target
from glaciercli.clients.session import connect
from glaciercli.errors import GlacierError
from glaciercli.local.engine import open_engine
from glaciercli.local.http.server import Server
from glaciercli.models.plans import agreed
from glaciercli.services import scopes
from glaciercli.services.download import downloads, outputs
from glaciercli.services.empty import deleting, emptying
from glaciercli.services.inventory import syncing
from glaciercli.services.jobs import jobs
from glaciercli.services.jobs.jobs import Poll
from glaciercli.services.restore import restoring
from glaciercli.services.restore.selection import select
from glaciercli.services.upload import open_uploads, uploads
from glaciercli.services.vaults import vaults
from glaciercli.units import MIB

DATA = payload(MIB + 777, seed=8)  # two parts
VAULT = "photos"
TIMEOUT = 0.4  # seconds without a byte, where the fault is that none comes
PATIENCE = 20.0  # seconds without success, where there is to be one
_LONGEST = 40.0  # seconds for a command with its repetition, on a busy machine
_THREADS = 8
_SHARES = 8  # of the kinds: each operation meets one share by default, and each its own


class Cell:
    """A store behind a server behind the proxy, and what a command needs on this side."""

    def __init__(self, root, timeout):
        self.journals, self.out = root / "journals", root / "out"
        self.source, self.target = root / "big.tar", root / "out" / "restored.tar"
        self.out.mkdir()
        self.source.write_bytes(DATA)
        self.engine = open_engine(root / "store")
        self.server = Server(self.engine).start()
        self.proxy = Proxy(self.server.port)
        self.catalog = Catalog.open(root / "catalog.db")
        self.client = self.connect(self.proxy.url, timeout)
        self.direct = self.connect(self.server.url, PATIENCE)  # not what is tested
        self.direct.call("CreateVault", vaultName=VAULT)

    def connect(self, url, timeout):
        return connect(Target(region="us-east-1", endpoint_url=url), timeout=timeout)

    def close(self):
        self.proxy.close()
        self.server.stop()
        self.engine.close()
        self.catalog.close()

    # --- beginnings

    def store(self):
        """Put an archive into the vault behind the proxy's back."""
        self.archive = self.upload(self.direct).archive
        return self.archive

    def begin(self):
        """Leave an upload that has one of its parts."""
        fault = self.engine.faults.add(
            "UploadMultipartPart", kind="status", code="AccessDeniedException", skip=1, times=9
        )
        with pytest.raises(GlacierError):
            self.upload(self.client)
        assert self.engine.faults.delivered(fault)
        heal(self.engine)

    # --- commands

    def upload(self, client=None, **options):
        return uploads.start(
            client or self.client,
            self.source,
            VAULT,
            journals=self.journals,
            catalog=self.catalog,
            part_size=MIB,
            workers=1,
            **options,
        )

    def upload_and_acknowledge(self):
        receipt = self.upload()
        receipt.told()
        return receipt.archive

    def delete(self):
        scope = scopes.of_vault(self.client, self.catalog, VAULT)
        deleting.delete(self.client, self.catalog, scope, VAULT, self.archive.id)

    def download(self):
        downloads.download(
            self.client, self.archive, self.target, agreed, journals=self.journals, workers=1
        )
        downloads.acknowledge(self.client, self.archive, self.target, journals=self.journals)

    def download_to_a_stream(self):
        stream = io.BytesIO()
        downloads.to_stream(self.client, self.archive, stream, agreed)
        assert stream.getvalue() == DATA

    def inventory(self):
        started = jobs.start_inventory(self.client, VAULT, token="a-token")
        return jobs.wait(self.client, VAULT, started.id)

    def inventory_output(self):
        outputs.save(
            self.client, self.job, self.target, archive=None, journals=self.journals, workers=1
        )
        outputs.acknowledge(self.client, self.job, self.target, journals=self.journals)

    # --- commands about many

    def store_two(self):
        """Put two archives into the vault, with the inventory that lists them in the catalog."""
        for name in ("one.bin", "two.bin"):
            self.direct.call(
                "UploadArchive", vaultName=VAULT, archiveDescription=name, body=name.encode()
            )

    def know_two(self):
        self.store_two()
        self.client.pace.timeout = PATIENCE
        self.sync()  # through the proxy, which is another world of vaults than the server

    def sync(self):
        syncing.sync_all(self.client, self.catalog, poll=Poll(0.05, PATIENCE))

    def restore(self):
        wanted = select(self.client, self.catalog, VAULT, self.out, filters=Filter())
        restoring.restore(
            self.client,
            self.catalog,
            wanted,
            restoring.plan(wanted),
            agreed,
            journals=self.journals,
            poll=Poll(0.05, PATIENCE),
            workers=1,
        )

    def empty(self):
        plan = emptying.plan(self.client, self.catalog, VAULT, poll=Poll(0.05, PATIENCE))
        emptying.empty(self.client, self.catalog, plan, agreed, workers=1)

    def begin_inventory(self):
        self.store()
        self.job = jobs.wait(self.direct, VAULT, jobs.start_inventory(self.direct, VAULT).id)

    def abort(self):
        for each in self.open_uploads():  # none, when it was applied although the command failed
            upload_id = each["MultipartUploadId"]
            open_uploads.abort(self.client, VAULT, upload_id, journals=self.journals)

    # --- the oracle

    def open_uploads(self):
        return list(self.direct.pages("ListMultipartUploads", vaultName=VAULT))

    def held(self):
        def retrieve(archive_id):
            parameters = {"Type": "archive-retrieval", "ArchiveId": archive_id}
            job = self.direct.call("InitiateJob", vaultName=VAULT, jobParameters=parameters)
            reply = self.direct.call("GetJobOutput", vaultName=VAULT, jobId=job["jobId"])
            return reply["body"].read()

        with self.engine.store.read() as db:
            rows = db.all("SELECT id FROM archives WHERE died IS NULL")
        return {row["id"]: retrieve(row["id"]) for row in rows}

    def nothing_held(self):
        assert self.held() == {}

    def one_archive(self):
        assert list(self.held().values()) == [DATA]
        assert self.open_uploads() == []
        assert [each for each in self.journals.rglob("*") if each.is_file()] == []

    def one_file(self):
        assert self.target.read_bytes() == DATA
        assert [each.name for each in self.out.iterdir()] == [self.target.name]
        self.one_job()

    def one_job(self):
        assert len(list(self.direct.pages("ListJobs", vaultName=VAULT))) == 1

    def two_files(self):
        there = {each.name: each.read_text() for each in self.out.iterdir()}
        assert there == {name: name for name in ("one.bin", "two.bin")}
        jobs = [each["Action"] for each in self.direct.pages("ListJobs", vaultName=VAULT)]
        assert jobs.count("ArchiveRetrieval") == 2

    def two_known(self):
        [scope] = self.catalog.scopes()
        found = {each.name for each in self.catalog.archives(scope, VAULT)}
        assert found == {"one.bin", "two.bin"}

    def two_deleted(self):
        self.nothing_held()
        [scope] = self.catalog.scopes()
        assert list(self.catalog.archives(scope, VAULT)) == []

    def one_inventory(self):
        assert self.archive.id in self.target.read_text()
        assert [each.name for each in self.out.iterdir()] == [self.target.name]

    def nothing_open(self):
        assert self.open_uploads() == []

    def a_vault(self, name="films"):
        assert self.direct.call("DescribeVault", vaultName=name)["VaultName"] == name

    def no_vault(self):
        names = [each["VaultName"] for each in self.direct.pages("ListVaults")]
        assert names == []


def _nothing(_cell): ...


@dataclass(frozen=True)
class Row:
    """An operation, and the command in which the fault hits it."""

    operation: str
    run: Callable[[Cell], object]
    check: Callable[[Cell], None] = _nothing
    prepare: Callable[[Cell], object] = _nothing
    name: str = ""


ROWS = [
    Row("InitiateMultipartUpload", Cell.upload_and_acknowledge, Cell.one_archive),
    Row("UploadMultipartPart", Cell.upload_and_acknowledge, Cell.one_archive),
    Row("CompleteMultipartUpload", Cell.upload_and_acknowledge, Cell.one_archive),
    Row("ListParts", Cell.upload_and_acknowledge, Cell.one_archive, Cell.begin),
    Row("InitiateJob", Cell.download, Cell.one_file, Cell.store),
    Row("ListJobs", Cell.download, Cell.one_file, Cell.store),
    Row("DescribeJob", Cell.download, Cell.one_file, Cell.store),
    Row("GetJobOutput", Cell.download, Cell.one_file, Cell.store),
    Row("GetJobOutput", Cell.download_to_a_stream, Cell.one_job, Cell.store, "to a stream"),
    Row(
        "GetJobOutput",
        Cell.inventory_output,
        Cell.one_inventory,
        Cell.begin_inventory,
        "of an inventory",
    ),
    Row("InitiateJob", Cell.inventory, Cell.one_job, Cell.store, "of an inventory"),
    Row("DeleteArchive", Cell.delete, Cell.nothing_held, Cell.store),
    Row(
        "ListMultipartUploads", lambda c: list(open_uploads.listing(c.client, VAULT, journals=None))
    ),
    Row("AbortMultipartUpload", Cell.abort, Cell.nothing_open, Cell.begin),
    Row("CreateVault", lambda c: vaults.create(c.client, "films"), Cell.a_vault),
    Row("DescribeVault", lambda c: vaults.show(c.client, VAULT)),
    Row("ListVaults", lambda c: list(vaults.listing(c.client))),
    Row("DeleteVault", lambda c: vaults.delete(c.client, VAULT), Cell.no_vault),
    Row("ListJobs", Cell.restore, Cell.two_files, Cell.know_two, "of a restore"),
    Row("InitiateJob", Cell.restore, Cell.two_files, Cell.know_two, "of a restore"),
    Row("GetJobOutput", Cell.restore, Cell.two_files, Cell.know_two, "of a restore"),
    Row("DescribeVault", Cell.sync, Cell.two_known, Cell.store_two, "of a sync"),
    Row("InitiateJob", Cell.sync, Cell.two_known, Cell.store_two, "of a sync"),
    Row("GetJobOutput", Cell.sync, Cell.two_known, Cell.store_two, "of a sync"),
    Row("DescribeVault", Cell.empty, Cell.two_deleted, Cell.know_two, "of emptying"),
    Row("DeleteArchive", Cell.empty, Cell.two_deleted, Cell.know_two, "of emptying"),
]


def live(row, kind, times, root):
    """Live through one cell; return how often the fault was delivered, fail for what is wrong."""
    root.mkdir()
    # A busy machine takes its time too, and then a request that is given up is done all the same.
    cell = Cell(root, TIMEOUT if kind in SILENT else PATIENCE)
    try:
        row.prepare(cell)
        cell.proxy.spoil(row.operation, kind, times)
        cell.client.pace.timeout = PATIENCE if times == 1 else TIMEOUT
        began = time.monotonic()
        try:
            row.run(cell)
        except GlacierError:
            cell.proxy.heal()
            cell.client.pace.timeout = PATIENCE  # this one has to succeed
            row.run(cell)
        assert time.monotonic() - began < _LONGEST, "it took too long"
        row.check(cell)
        return cell.proxy.delivered
    finally:
        cell.close()


def live_all(row, kinds, room, times):
    """Live through a row's cells; return the number of those in which the fault happened."""
    share_session()
    with ThreadPoolExecutor(_THREADS) as pool:
        cells = {kind: pool.submit(live, row, kind, times, room / kind) for kind in kinds}
    wrong = {
        kind: "".join(traceback.format_exception(error))
        for kind, cell in cells.items()
        if (error := cell.exception()) is not None
    }
    assert not wrong, "\n".join(f"--- {kind}: {text}" for kind, text in wrong.items())
    delivered = {kind for kind, cell in cells.items() if cell.result()}
    assert set(kinds) - delivered <= FITTING_SOME
    return len(delivered)


@pytest.fixture(params=ROWS, ids=lambda row: f"{row.operation} {row.name}".strip())
def row(request):
    return request.param


@pytest.mark.parametrize(
    "first", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, _SHARES))]
)
def test_a_fault_that_happens_once_is_got_over(row, first, room, count):
    kinds = KINDS[(first + ROWS.index(row)) % _SHARES :: _SHARES]
    count({"cells of operation and HTTP fault": live_all(row, kinds, room, 1)})


@pytest.mark.slow
def test_a_fault_that_stays_ends_the_command_and_the_next_one_is_got_over(row, room, count):
    count({"cells of operation and lasting HTTP fault": live_all(row, KINDS, room, 999)})
