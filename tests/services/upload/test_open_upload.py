"""An upload at work: every line of its life is written by it, and what it asks for is enough."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from glaciercli import services
from glaciercli.catalog import descriptions
from glaciercli.errors import Conflict, IntegrityError, NotFound
from glaciercli.models import Scope
from glaciercli.services.upload import open_uploads
from glaciercli.services.upload._ends import Fate
from glaciercli.services.upload._open_upload import OpenUpload
from glaciercli.services.upload._opening import Label, new_intent
from glaciercli.transfer.meter import Meter
from glaciercli.transfer.upload_journal import UploadJournal
from glaciercli.transfer.upload_state import Stage
from glaciercli.treehash import tree_hash
from glaciercli.units import MIB

BODY = b"what it holds"
_LINES = {"begin", "single", "opened", "completing", "uncertain", "reopened", "not_stored", "done"}
_LINES |= {"answered", "append"}


@pytest.fixture
def upload(client, vault, journals, catalog):
    """An upload of a stream that has begun."""
    intent = new_intent(vault, "home.tar", Label(), MIB)
    with UploadJournal.open(client, journals, vault, intent.token) as journal:
        upload = OpenUpload(client, journal, catalog, Meter(client.pace))
        upload.begin(intent)
        yield upload


def send(upload):
    upload.client.call(
        "UploadMultipartPart",
        vaultName=upload.intent.vault,
        uploadId=upload.state.upload_id,
        range=f"bytes 0-{len(BODY) - 1}/*",
        checksum=tree_hash(BODY),
        body=BODY,
    )


def test_each_step_is_in_the_journal_before_what_it_asks_for(upload, engine, stored):
    assert upload.state.stage is Stage.BEGUN
    upload.initiate()
    assert upload.state.stage is Stage.OPEN
    send(upload)
    archive = upload.complete(len(BODY), tree_hash(BODY))

    assert upload.state.stage is Stage.DONE
    assert stored() == {archive.id: BODY}
    assert descriptions.decode(archive.description).token == upload.intent.token


def test_what_is_open_is_described_with_its_parts_until_it_is_dropped(upload):
    begun = upload.initiate()
    send(upload)

    assert (upload.describe().id, upload.describe().sent) == (begun.id, len(BODY))
    assert upload.is_open()
    assert upload.drop() is Fate.ABORTED
    assert not upload.is_open()


def test_an_upload_that_goes_with_its_vault_is_no_upload_that_expired(client, upload, vault):
    upload.initiate()
    upload.drop()
    client.call("DeleteVault", vaultName=vault)

    with pytest.raises(NotFound) as caught:
        upload.is_open()
    assert caught.value.is_vault


def test_credentials_of_another_account_are_told_apart(upload, engine):
    upload.initiate()
    upload.require_account(engine.account)
    upload.require_account(None)

    with pytest.raises(Conflict, match=f"begun in account {engine.account}"):
        upload.require_account("222222222222")


def test_an_archive_under_the_id_of_another_upload_is_not_done(upload, catalog):
    """Else no later run could come to an end: what it has is refused each time."""
    upload.initiate()
    send(upload)
    archive = upload.ask(len(BODY), tree_hash(BODY))
    other = replace(archive, name="other.bin", tree_hash="ab" * 32)
    scope = Scope(upload.client.endpoint, archive.location.split("/")[1], upload.client.region)
    catalog.created(scope, other, token="another")

    with pytest.raises(IntegrityError, match="known as another upload"):
        upload.record(archive)
    assert upload.state.done is None
    assert upload.state.completing is not None
    (kept,) = catalog.archives(scope)
    assert kept.name == "other.bin"


def test_a_receipt_that_was_told_leaves_no_journal(upload, journals):
    upload.initiate()
    send(upload)
    receipt = upload.receipt(upload.complete(len(BODY), tree_hash(BODY)))
    receipt.told()  # while the run that stored it holds the journal, that is left to it
    assert receipt.journal.exists()
    upload._journal.close()
    receipt.told()
    receipt.told()

    assert not receipt.journal.exists()


def writers(names):
    """Return the modules of uploads that call a journal's methods of these names."""
    found = set()
    for path in (Path(services.__path__[0]) / "upload").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = ast.unparse(node.func.value)
                if node.func.attr in names and owner.lower().endswith("journal"):
                    found.add(path.stem)
    return found


def test_one_module_writes_the_lines_of_an_uploads_life():
    """Five did once, each sure of what the others had written."""
    assert writers(_LINES) == {OpenUpload.__module__.rpartition(".")[2]}
    assert writers({"end", "end_all", "forget"}) == {
        "_open_upload",
        open_uploads.__name__.rpartition(".")[2],
        "receipts",
    }
