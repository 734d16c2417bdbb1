"""Files sent: one pass over the bytes, n + 2 requests, and what arrives wrong is sent again.

Glacier's smallest part is 1 MiB, so real multipart uploads are cheap enough to need no shortcuts.
"""

import errno
import itertools
import os
from dataclasses import replace
from datetime import timedelta

import pytest
from helpers import RecordingProgress, heal
from upload_files import DATA, PARTS, open_uploads, stop_after_parts

from glaciercli.clients.session import connect
from glaciercli.errors import (
    AccessDenied,
    Conflict,
    IntegrityError,
    NotFound,
    Refused,
)
from glaciercli.models import Scope
from glaciercli.services import scopes
from glaciercli.treehash import tree_hash
from glaciercli.units import MIB


def test_an_upload_of_n_parts_is_n_plus_2_requests(engine, upload, stored):
    engine.log.clear()
    archive = upload(workers=4)

    assert stored() == {archive.id: DATA}
    assert archive.tree_hash == tree_hash(DATA)
    assert archive.size == len(DATA)
    assert engine.log.count() == PARTS + 2
    assert engine.log.count("UploadMultipartPart") == PARTS


def test_an_archive_is_as_old_as_the_service_takes_it_to_be(client, upload, catalog, vault):
    client.engine.clock.freeze()
    client.engine.clock.advance(timedelta(days=10))

    assert upload().created == client.engine.clock.now()


def test_the_archive_lands_in_the_catalog_by_name(client, engine, upload, catalog, vault):
    archive = upload()
    scope = uploads_scope(client, archive)

    found = catalog.find(scope, vault, "big.tar")
    assert (found.id, found.size, found.tree_hash) == (archive.id, archive.size, archive.tree_hash)


def uploads_scope(client, archive):

    account = archive.location.split("/")[1]
    return Scope(client.endpoint, account, client.region)


def test_an_upload_to_a_named_account_tells_nothing_of_the_credentials_own(
    client, engine, upload, catalog
):
    named = connect(replace(client.target, account_id=engine.account))
    archive = upload(client=named)
    named.engine.close()

    assert scopes.cached(client, catalog) is None
    assert catalog.scopes() == [uploads_scope(client, archive)]


def test_progress_ends_at_the_size(upload):
    progress = RecordingProgress()
    upload(progress=progress, workers=3)

    assert progress.starts[0][0] == progress.done == len(DATA)


def test_progress_gives_back_what_is_sent_again(engine, upload):
    fault = engine.faults.drop("UploadMultipartPart", times=2, applied=True)
    progress = RecordingProgress()
    upload(progress=progress)

    assert engine.faults.delivered(fault) == 2
    assert progress.done == len(DATA)


@pytest.mark.parametrize("operation", ["UploadMultipartPart", "CompleteMultipartUpload"])
@pytest.mark.parametrize("applied", [False, True])
def test_a_lost_reply_to_a_part_or_to_completion_is_asked_again(
    engine, upload, operation, applied, stored
):
    fault = engine.faults.drop(operation, times=2, applied=applied)
    archive = upload()

    assert engine.faults.delivered(fault) == 2
    assert stored() == {archive.id: DATA}


@pytest.mark.parametrize("kind", ["throttle", "status"])
def test_throttling_and_server_errors_are_waited_out(engine, upload, kind, stored):
    fault = engine.faults.add("*", kind=kind, times=3, skip=1)
    archive = upload(workers=4)

    assert engine.faults.delivered(fault) == 3
    assert stored() == {archive.id: DATA}


def test_a_file_that_changes_while_it_is_sent_is_never_completed(
    client, engine, upload, source, vault, stored
):
    class Meddler(RecordingProgress):
        def advance(self, count):
            super().advance(count)
            if self.done > 3 * MIB:
                with source.open("r+b") as file:
                    file.write(b"changed")

    with pytest.raises(Conflict, match="changed while it was being read"):
        upload(progress=Meddler())
    assert stored() == {}
    assert open_uploads(client, vault) == []

    archive = upload()
    assert stored() == {archive.id: source.read_bytes()}


@pytest.mark.parametrize("good", [0, 1, 6, 9])  # reads, to hash and to send, that still work
def test_a_disk_that_cannot_be_read_is_named_and_what_was_sent_is_kept(
    client, engine, upload, source, vault, stored, monkeypatch, good
):
    reads, read = itertools.count(), os.preadv

    def fail(*arguments):
        if next(reads) >= good:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(*arguments)

    monkeypatch.setattr(os, "preadv", fail)
    with pytest.raises(Conflict, match=rf"cannot read .*{source.name}.*Input/output"):
        upload()
    assert next(reads) == good + 1
    [upload_id] = open_uploads(client, vault)
    monkeypatch.undo()
    engine.log.clear()
    archive = upload()

    assert stored() == {archive.id: DATA}
    assert {each.params["uploadId"] for each in engine.log.calls("UploadMultipartPart")} == {
        upload_id
    }


def test_a_vault_that_goes_away_in_the_middle_is_named(client, engine, upload, vault, journals):
    stop_after_parts(engine, 2)
    with pytest.raises(AccessDenied):
        upload()
    heal(engine)
    client.call("AbortMultipartUpload", vaultName=vault, uploadId=open_uploads(client, vault)[0])
    client.call("DeleteVault", vaultName=vault)

    with pytest.raises(NotFound, match="vault 'photos'"):
        upload()


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (400, "InvalidParameterValueException", "Checksum mismatch: expected a, computed b"),
        (400, "InvalidParameterValueException", "x-amz-sha256-tree-hash is not that of the body"),
        (403, "InvalidSignatureException", "The value passed in as x-amz-content-sha256 does not"),
        (403, "InvalidSignatureException", "The request signature we calculated does not match"),
    ],
)
def test_a_corrupted_part_is_sent_again(engine, upload, stored, status, code, message):
    fault = engine.faults.add(
        "UploadMultipartPart", kind="status", status=status, code=code, message=message, times=2
    )
    archive = upload()

    assert engine.faults.delivered(fault) == 2
    assert stored() == {archive.id: DATA}


def test_a_part_that_the_service_cannot_read_now_and_then_is_sent_again(engine, upload, stored):
    refusal = {"kind": "status", "status": 400, "code": "BadRequest", "message": "Bad Request"}
    fault = engine.faults.add("UploadMultipartPart", times=3, **refusal)
    archive = upload()

    assert engine.faults.delivered(fault) == 3
    assert stored() == {archive.id: DATA}


def test_a_key_that_signs_wrong_is_no_damage(engine, upload, stored):
    engine.faults.add(
        "UploadMultipartPart",
        kind="status",
        status=403,
        code="InvalidSignatureException",
        message="The request signature we calculated does not match",
        times=3,
    )
    with pytest.raises(AccessDenied, match="signature we calculated"):
        upload(workers=1)

    assert stored() == {}


def test_a_part_that_always_arrives_damaged_is_an_integrity_error(engine, upload, stored):
    engine.faults.add(
        "UploadMultipartPart", kind="header", name="x-amz-sha256-tree-hash", value="0" * 64, times=9
    )
    with pytest.raises(IntegrityError, match="arrive damaged"):
        upload()

    assert stored() == {}


def test_used_up_requests_stop_the_work_and_the_next_run_goes_on(client, engine, upload, stored):
    limited = connect(client.target, max_requests=3)
    with pytest.raises(Refused, match="stopped by --max-requests 3"):
        upload(client=limited)
    limited.engine.close()
    engine.log.clear()
    archive = upload()

    assert engine.log.count("UploadMultipartPart") == PARTS - 2
    assert stored() == {archive.id: DATA}
