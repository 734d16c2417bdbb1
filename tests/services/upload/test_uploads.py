"""Uploads against the engine: what is sent, what a stopped run leaves, and what the next one does.

Glacier's smallest part is 1 MiB, so real multipart uploads are cheap enough to need no shortcuts.
"""

import errno
import itertools
import os
import resource
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from helpers import RecordingProgress, heal, payload, write

from glaciercli.clients.session import connect
from glaciercli.errors import (
    AccessDenied,
    Conflict,
    IntegrityError,
    Interrupted,
    NotFound,
    NotReady,
    Refused,
    Unavailable,
    UsageError,
)
from glaciercli.hints import render
from glaciercli.models import Scope
from glaciercli.services import scopes
from glaciercli.services.upload import uploads
from glaciercli.transfer.upload_journal import UploadJournal
from glaciercli.treehash import tree_hash
from glaciercli.units import MIB

PARTS = 5
DATA = payload(4 * MIB + 777)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "big.tar"
    path.write_bytes(DATA)
    return path


@pytest.fixture
def upload(client, source, vault, journals, catalog):
    """Upload the file in parts of 1 MiB; options override."""

    def run(path=source, client=client, **options):
        options = {"part_size": MIB, "workers": 1, "journals": journals, **options}
        return uploads.start(client, path, vault, catalog=catalog, **options)

    return run


def open_uploads(client, vault):
    return [
        item["MultipartUploadId"] for item in client.pages("ListMultipartUploads", vaultName=vault)
    ]


def stop_after_parts(engine, count, operation="UploadMultipartPart"):
    """Have the service refuse for good after some parts, as a stopped run would leave it."""
    return engine.faults.add(
        operation, kind="status", code="AccessDeniedException", status=403, skip=count, times=99
    )


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
    from glaciercli.models import Scope

    account = archive.location.split("/")[1]
    return Scope(client.endpoint, account, client.region)


def test_an_upload_to_a_named_account_tells_nothing_of_the_credentials_own(
    client, engine, upload, catalog
):
    named = connect(replace(client.target, account_id=engine.account))
    archive = upload(client=named)
    named.engine.close()

    assert scopes.told(client, catalog) is None
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


@pytest.mark.parametrize("description", [None, "the user's own text"])
@pytest.mark.parametrize("applied", [False, True])
def test_a_lost_reply_to_initiate_makes_no_second_upload(
    client, engine, upload, vault, description, applied, stored
):
    fault = engine.faults.drop("InitiateMultipartUpload", applied=applied)
    archive = upload(description=description)

    assert engine.faults.delivered(fault) == 1
    assert stored() == {archive.id: DATA}
    assert open_uploads(client, vault) == []


@pytest.mark.parametrize("description", [None, "the user's own text"])
def test_an_upload_whose_id_never_reached_the_journal_is_found_by_the_next_run(
    client, engine, upload, vault, description, stored
):
    client.pace.timeout = 0.1
    initiate = engine.faults.drop("InitiateMultipartUpload", applied=True)
    search = engine.faults.drop("ListMultipartUploads", times=99)
    with pytest.raises(Unavailable):
        upload(description=description)
    assert engine.faults.delivered(initiate) == 1
    assert engine.faults.delivered(search)
    heal(engine)
    client.pace.timeout = 5.0
    archive = upload(description=description)

    assert stored() == {archive.id: DATA}
    assert open_uploads(client, vault) == []


@pytest.mark.parametrize(
    "refusal",
    [
        {"code": "InvalidParameterValueException", "status": 400},
        {"code": "AccessDeniedException", "status": 403},
        {"code": "LimitExceededException", "status": 400},
    ],
)
def test_a_start_that_was_refused_is_forgotten_and_the_next_command_line_counts(
    client, engine, upload, vault, journals, stored, catalog, refusal
):
    fault = engine.faults.add("InitiateMultipartUpload", kind="status", **refusal)
    with pytest.raises((Refused, AccessDenied)):
        upload(description="first", part_size=2 * MIB)
    assert engine.faults.delivered(fault) == 1
    assert not list(journals.rglob("*.journal"))
    engine.log.clear()
    archive = upload(description="second")

    assert (archive.description, stored()) == ("second", {archive.id: DATA})
    assert engine.log.count() == PARTS + 2


def test_a_start_that_was_never_heard_of_is_made_by_the_next_command_line(
    client, engine, upload, vault, stored
):
    client.pace.timeout = 0.1
    fault = engine.faults.drop("InitiateMultipartUpload", times=99)
    with pytest.raises(Unavailable):
        upload(description="first", part_size=2 * MIB)
    assert engine.faults.delivered(fault)
    heal(engine)
    client.pace.timeout = 5.0
    archive = upload(description="second")

    assert (archive.description, stored()) == ("second", {archive.id: DATA})
    assert engine.log.calls("InitiateMultipartUpload")[-1].params["partSize"] == str(MIB)
    assert open_uploads(client, vault) == []


def test_requests_used_up_before_the_start_leave_nothing_to_go_on_with(
    client, engine, upload, journals
):
    limited = connect(client.target, max_requests=1)
    limited.call("ListVaults")
    with pytest.raises(Refused, match="stopped by --max-requests 1"):
        upload(client=limited)
    limited.engine.close()

    assert not list(journals.rglob("*.journal"))


def test_another_upload_with_the_users_description_is_not_taken_for_ours(
    client, engine, upload, vault, stored
):
    other = client.call(
        "InitiateMultipartUpload", vaultName=vault, archiveDescription="same", partSize=str(MIB)
    )["uploadId"]
    body = payload(MIB, seed=9)
    client.call(
        "UploadMultipartPart",
        vaultName=vault,
        uploadId=other,
        range=f"bytes 0-{MIB - 1}/*",
        checksum=tree_hash(body),
        body=body,
    )
    engine.faults.drop("InitiateMultipartUpload")
    archive = upload(description="same")

    assert stored() == {archive.id: DATA}
    assert open_uploads(client, vault) == [other]


@pytest.mark.parametrize("kind", ["throttle", "status"])
def test_throttling_and_server_errors_are_waited_out(engine, upload, kind, stored):
    fault = engine.faults.add("*", kind=kind, times=3, skip=1)
    archive = upload(workers=4)

    assert engine.faults.delivered(fault) == 3
    assert stored() == {archive.id: DATA}


def test_a_server_that_stays_down_is_given_up_and_the_next_run_goes_on(
    client, engine, upload, stored
):
    client.pace.timeout = 0.5
    engine.faults.add("UploadMultipartPart", kind="status", skip=2, times=50)
    with pytest.raises(Unavailable, match="given up"):
        upload()
    heal(engine)
    engine.log.clear()
    archive = upload()

    assert stored() == {archive.id: DATA}
    assert engine.log.count("UploadMultipartPart") == PARTS - 2
    assert engine.log.count("InitiateMultipartUpload") == 0


@pytest.mark.parametrize("sent", range(PARTS))
def test_a_resume_sends_only_the_missing_parts(client, engine, upload, vault, sent, stored):
    fault = stop_after_parts(engine, sent)
    with pytest.raises(AccessDenied):
        upload()
    assert engine.faults.delivered(fault) == 1
    heal(engine)
    engine.log.clear()
    progress = RecordingProgress()
    archive = upload(progress=progress)

    assert stored() == {archive.id: DATA}
    assert engine.log.count("UploadMultipartPart") == PARTS - sent
    assert progress.done == len(DATA)
    assert open_uploads(client, vault) == []


def test_a_file_that_the_vault_has_is_told_of_to_credentials_that_were_not_met_before(
    client, upload, journals, monkeypatch
):
    uploads.acknowledge(client, upload(), journals=journals)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDANOTHER")
    progress = RecordingProgress()
    upload(progress=progress)

    assert any("has this file already" in each for each in progress.notes)


@pytest.mark.parametrize("options", [{}, {"single": True}])
def test_of_two_accounts_that_replies_name_the_vaults_own_arn_decides(
    client, engine, upload, catalog, vault, options
):
    catalog.learn_account(client.target.identity, client.endpoint, engine.account)
    operation = "UploadArchive" if options else "CompleteMultipartUpload"
    place = f"/222222222222/vaults/{vault}"
    fault = engine.faults.add(operation, kind="header", name="Location", value=place)
    archive = upload(**options)
    scope = Scope(client.endpoint, engine.account, client.region)

    assert engine.faults.delivered(fault) == 1
    assert [each.id for each in catalog.archives(scope)] == [archive.id]
    assert catalog.scopes() == [scope]


def test_a_file_that_the_vault_has_is_stored_once_more_and_that_is_said(
    client, engine, upload, journals, source
):
    notes = []
    for _ in range(3):
        engine.log.clear()
        progress = RecordingProgress()
        archive = upload(progress=progress)
        uploads.acknowledge(client, archive, journals=journals)
        notes.append([each for each in progress.notes if "has this file already" in each])
    source.write_bytes(DATA[::-1])  # the same name and size
    os.utime(source, (1e9, 1e9))
    other = RecordingProgress()
    upload(progress=other)

    assert [len(each) for each in notes] == [0, 1, 1]
    assert f"id:{archive.id[:12]}" not in notes[2][0]
    assert engine.log.count() == 2 * (PARTS + 2)  # it costs no request
    assert other.notes == []


def test_a_resume_keeps_the_uploads_part_size(engine, upload, stored):
    stop_after_parts(engine, 2)
    with pytest.raises(AccessDenied):
        upload()
    heal(engine)
    progress = RecordingProgress()
    archive = upload(part_size=2 * MIB, progress=progress)

    assert stored() == {archive.id: DATA}
    assert any("1.0 MiB" in note for note in progress.notes)


def test_another_description_for_an_open_upload_is_a_conflict(engine, upload):
    stop_after_parts(engine, 2)
    with pytest.raises(AccessDenied):
        upload(description="first")
    heal(engine)
    with pytest.raises(Conflict, match="'first'"):
        upload(description="second")

    assert upload(description="first")


@pytest.mark.parametrize("part", range(PARTS))
def test_a_file_that_changed_between_runs_is_sent_anew(
    client, engine, upload, source, vault, part, stored
):
    stop_after_parts(engine, PARTS - 1)
    with pytest.raises(AccessDenied):
        upload()
    heal(engine)
    changed = bytearray(DATA)
    changed[part * MIB + 5] ^= 1
    source.write_bytes(changed)
    archive = upload()

    assert stored() == {archive.id: bytes(changed)}
    assert open_uploads(client, vault) == []


@pytest.mark.parametrize("part", [0, 3])
def test_a_file_that_changed_behind_its_times_is_sent_right(engine, upload, source, part, stored):
    """Same inode, size and mtime: only the comparison of each stored part can tell."""
    stop_after_parts(engine, PARTS - 1)
    with pytest.raises(AccessDenied):
        upload()
    heal(engine)
    status = source.stat()
    with source.open("r+b") as file:
        file.seek(part * MIB + 5)
        file.write(b"X")
    os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))
    archive = upload()

    assert stored() == {archive.id: source.read_bytes()}


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


def test_an_expired_upload_begins_anew(client, engine, upload, vault, stored):
    stop_after_parts(engine, 2)
    with pytest.raises(AccessDenied):
        upload()
    heal(engine)
    client.call("AbortMultipartUpload", vaultName=vault, uploadId=open_uploads(client, vault)[0])
    progress = RecordingProgress()
    archive = upload(progress=progress)

    assert stored() == {archive.id: DATA}
    assert any("expired" in note for note in progress.notes)


def test_an_upload_that_is_gone_by_mistake_is_not_left_open(client, engine, upload, vault, stored):
    stop_after_parts(engine, 2)
    with pytest.raises(AccessDenied):
        upload()
    heal(engine)
    fault = engine.faults.add(
        "ListParts", kind="status", code="ResourceNotFoundException", status=404
    )
    archive = upload()

    assert engine.faults.delivered(fault) == 1
    assert stored() == {archive.id: DATA}
    assert open_uploads(client, vault) == []


def test_a_missing_vault_is_named_with_the_command_that_makes_it(client, source, journals, catalog):
    with pytest.raises(NotFound, match="vault 'nope' does not exist") as caught:
        uploads.start(client, source, "nope", journals=journals, catalog=catalog)
    assert render(caught.value.hint).endswith("glacier vault create nope")


def test_a_vault_that_goes_away_in_the_middle_is_named(client, engine, upload, vault, journals):
    stop_after_parts(engine, 2)
    with pytest.raises(AccessDenied):
        upload()
    heal(engine)
    client.call("AbortMultipartUpload", vaultName=vault, uploadId=open_uploads(client, vault)[0])
    client.call("DeleteVault", vaultName=vault)

    with pytest.raises(NotFound, match="vault 'photos'"):
        upload()


def test_an_empty_or_missing_file_costs_no_request(engine, upload, tmp_path):
    (tmp_path / "empty").touch()
    engine.log.clear()
    with pytest.raises(Refused, match="empty"):
        upload(tmp_path / "empty")
    with pytest.raises(UsageError, match="does not exist"):
        upload(tmp_path / "nope")

    assert engine.log.count() == 0


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


def rot_a_part(client, vault, upload_id):
    other = payload(MIB, seed=4)
    client.call(
        "UploadMultipartPart",
        vaultName=vault,
        uploadId=upload_id,
        range=f"bytes {MIB}-{2 * MIB - 1}/*",
        checksum=tree_hash(other),
        body=other,
    )


def lose_a_part(client, *_):
    with client.engine.store.write() as db:
        db.run("DELETE FROM parts WHERE part = 1")


@pytest.mark.parametrize("damage", [rot_a_part, lose_a_part])
def test_a_part_that_was_damaged_on_the_server_is_sent_again_alone(
    engine, upload, client, vault, stored, damage
):
    """Completion is refused: the parts are compared, and the bad one is replaced."""
    stop_after_parts(engine, 0, "CompleteMultipartUpload")
    with pytest.raises(AccessDenied):
        upload()
    heal(engine)
    [upload_id] = open_uploads(client, vault)
    damage(client, vault, upload_id)
    engine.log.clear()
    archive = upload()

    assert stored() == {archive.id: DATA}
    assert engine.log.count("UploadMultipartPart") == 1
    assert open_uploads(client, vault) == []


def test_until_it_is_acknowledged_a_finished_upload_is_reported_again(
    client, engine, upload, journals, catalog, stored
):
    first = upload()
    engine.log.clear()
    progress = RecordingProgress()
    second = upload(progress=progress)

    assert second.id == first.id
    assert engine.log.count() == engine.log.count("DescribeVault") == 1
    assert progress.notes

    uploads.acknowledge(client, second, journals=journals)
    assert not list((journals / "uploads").iterdir())
    assert upload().id != first.id
    assert len(stored()) == 2


def test_more_uploads_are_acknowledged_than_files_may_be_open(client, upload, tmp_path, journals):
    archives = [upload(write(tmp_path / str(number), b"x")) for number in range(130)]
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    there = sum(1 for _ in Path("/dev/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (there + 110, limits[1]))
    try:
        uploads.acknowledge(client, *archives, journals=journals)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    assert not list((journals / "uploads").iterdir())


def test_a_run_that_came_before_the_acknowledgement_tells_of_the_archive_itself(
    client, upload, source, vault, journals, stored
):
    first = upload()
    with UploadJournal.open(client, journals, vault, str(source)):
        uploads.acknowledge(client, first, journals=journals)

    assert upload().id == first.id
    assert set(stored()) == {first.id}


def test_a_finished_upload_of_an_older_version_does_not_hide_the_new_one(
    engine, upload, source, stored
):
    first = upload()
    source.write_bytes(DATA[: 2 * MIB])
    second = upload()

    assert stored() == {first.id: DATA, second.id: DATA[: 2 * MIB]}


class TestWhenTheReplyToCompletionNeverCame:
    """The run died in the last step; the next one asks again, or finds out."""

    @pytest.fixture
    def died(self, client, engine, upload):
        client.pace.timeout = 0.1
        fault = engine.faults.drop("CompleteMultipartUpload", times=50, applied=True)
        with pytest.raises(Unavailable):
            upload()
        assert engine.faults.delivered(fault)
        heal(engine)
        client.pace.timeout = 5.0

    def test_asking_again_gives_the_same_archive(self, died, engine, upload, stored):
        archive = upload()

        assert stored() == {archive.id: DATA}

    def test_resuming_by_id_gives_it_too(
        self, client, died, engine, source, vault, journals, catalog, stored
    ):
        upload_id = engine.log.calls("CompleteMultipartUpload")[0].params["uploadId"]
        for reference in (upload_id, f"id:{upload_id}", upload_id[:12]):
            archive = uploads.resume(
                client, vault, reference, source, journals=journals, catalog=catalog
            )

            assert stored() == {archive.id: DATA}

    def test_once_the_upload_is_forgotten_the_inventory_tells_that_it_is_stored(
        self, died, engine, upload, stored
    ):
        engine.faults.add(
            "CompleteMultipartUpload",
            kind="status",
            code="ResourceNotFoundException",
            status=404,
            times=99,
        )
        archive = upload()

        assert stored() == {archive.id: DATA}
        assert archive.tree_hash == tree_hash(DATA)

    def test_a_reply_that_was_mistaken_is_taken_back_by_the_next(
        self, client, died, engine, upload, vault, stored
    ):
        engine.timing = "real"
        fault = engine.faults.add(
            "CompleteMultipartUpload", kind="status", code="ResourceNotFoundException", status=404
        )
        with pytest.raises(NotReady):
            upload()
        assert engine.faults.delivered(fault) == 1
        archive = upload()

        engine.timing = "instant"
        assert stored() == {archive.id: DATA}

    def test_a_refusal_of_what_was_completed_stores_nothing_twice(
        self, died, engine, upload, stored
    ):
        refusal = {"code": "InvalidParameterValueException", "status": 400}
        fault = engine.faults.add("CompleteMultipartUpload", kind="status", **refusal)
        archive = upload()

        assert engine.faults.delivered(fault) == 1
        assert stored() == {archive.id: DATA}

    def test_nothing_is_sent_again_until_an_inventory_tells_what_is_stored(
        self, died, engine, upload, stored
    ):
        engine.timing = "real"
        engine.faults.add(
            "CompleteMultipartUpload",
            kind="status",
            code="ResourceNotFoundException",
            status=404,
            times=3,
        )
        with pytest.raises(NotReady, match="stored, or it had expired"):
            upload()
        with pytest.raises(NotReady, match="stored, or it had expired"):
            upload()

        archive = upload(again=True)
        engine.timing = "instant"
        held = stored()
        assert len(held) == 2
        assert held[archive.id] == DATA


def test_a_copy_of_a_file_whose_completion_was_lost_is_stored_too(
    client, engine, upload, source, stored
):
    client.pace.timeout = 0.1
    fault = engine.faults.drop("CompleteMultipartUpload", times=50)
    with pytest.raises(Unavailable):
        upload()
    assert engine.faults.delivered(fault)
    heal(engine)
    client.pace.timeout = 5.0
    engine.clock.advance(timedelta(days=4))  # the upload expires, and the next inventory tells
    copy = source.with_name("copy.tar")
    copy.write_bytes(DATA)
    second = upload(copy)

    first = upload()
    assert first.id != second.id
    assert stored() == {first.id: DATA, second.id: DATA}


def test_resume_by_id_from_another_machine(
    client, engine, upload, source, vault, catalog, tmp_path, stored
):
    stop_after_parts(engine, 3)
    with pytest.raises(AccessDenied):
        upload()
    heal(engine)
    engine.log.clear()
    [upload_id] = open_uploads(client, vault)
    elsewhere = tmp_path / "elsewhere"
    archive = uploads.resume(
        client, vault, upload_id[:12], source, journals=elsewhere, catalog=catalog
    )

    assert stored() == {archive.id: DATA}
    assert archive.name == "big.tar"
    assert engine.log.count("UploadMultipartPart") == PARTS - 3


def test_a_file_that_was_touched_and_resumed_by_id_is_not_stored_twice(
    client, engine, upload, source, vault, journals, catalog, stored
):
    stop_after_parts(engine, 3)
    with pytest.raises(AccessDenied):
        upload()
    heal(engine)
    os.utime(source, (1, 1))
    [upload_id] = open_uploads(client, vault)
    uploads.resume(client, vault, upload_id, source, journals=journals, catalog=catalog)
    archive = upload()

    assert stored() == {archive.id: DATA}


def test_resume_by_id_with_the_wrong_file_sends_nothing(
    client, engine, upload, vault, catalog, tmp_path
):
    stop_after_parts(engine, 3)
    with pytest.raises(AccessDenied):
        upload()
    heal(engine)
    engine.log.clear()
    other = tmp_path / "other"
    other.write_bytes(payload(len(DATA), seed=3))
    [upload_id] = open_uploads(client, vault)
    with pytest.raises(Conflict, match="other bytes"):
        uploads.resume(
            client, vault, upload_id, other, journals=tmp_path / "elsewhere", catalog=catalog
        )

    assert engine.log.count("UploadMultipartPart") == 0
    assert open_uploads(client, vault) == [upload_id]


def test_a_second_run_on_the_same_file_is_told(client, upload, source, vault, journals):
    other = UploadJournal.open(client, journals, vault, str(source))
    with other, pytest.raises(Conflict, match="another run"):
        upload()


def test_a_single_request_stores_the_same_archive(engine, upload, stored):
    engine.log.clear()
    archive = upload(single=True)

    assert stored() == {archive.id: DATA}
    assert engine.log.count() == 1


def test_a_single_request_whose_reply_is_lost_is_not_repeated(engine, upload):
    engine.faults.drop("UploadArchive", applied=True)
    with pytest.raises(Unavailable) as caught:
        upload(single=True)

    assert "may be stored" in render(caught.value.hint)
    assert engine.log.count("UploadArchive") == 1


def test_a_single_request_that_stored_something_else_is_an_integrity_error(engine, upload, catalog):
    fault = engine.faults.add(
        "UploadArchive", kind="header", name="x-amz-sha256-tree-hash", value="0" * 64
    )
    with pytest.raises(IntegrityError, match="was stored with tree hash 000"):
        upload(single=True)

    assert engine.faults.delivered(fault) == 1
    assert catalog.scopes() == []


def test_a_single_request_that_was_refused_is_a_single_one_the_next_time(engine, upload, stored):
    stop_after_parts(engine, 0, "UploadArchive")
    with pytest.raises(AccessDenied):
        upload(single=True)
    heal(engine)
    engine.log.clear()
    archive = upload(single=True)

    assert engine.log.count() == 1
    assert stored() == {archive.id: DATA}


class Stopped(RecordingProgress):
    """A signal comes while the bytes go out."""

    def advance(self, count):
        raise Interrupted(15)


def test_a_single_request_that_was_cut_short_is_told_of_by_the_next_run(engine, upload, stored):
    with pytest.raises(Interrupted):
        upload(single=True, progress=Stopped())
    progress = RecordingProgress()
    engine.log.clear()
    archive = upload(single=True, progress=progress)

    assert any("may be stored twice" in note for note in progress.notes)
    assert engine.log.count() == engine.log.count("UploadArchive") == 1
    assert stored() == {archive.id: DATA}


class Changed(RecordingProgress):
    """The file changes while its bytes go out, after it was hashed."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def advance(self, count):
        if not self.path.read_bytes().startswith(b"changed"):
            self.path.write_bytes(b"changed" * MIB)
        super().advance(count)


def test_a_single_request_of_a_file_that_changes_is_a_conflict(upload, source, stored, journals):
    with pytest.raises(Conflict, match="changed while it was being read"):
        upload(single=True, progress=Changed(source))

    assert stored() == {}
    progress = RecordingProgress()
    upload(single=True, progress=progress)
    assert progress.notes == []


def cut_before(journals, kind):
    [path] = (journals / "uploads").iterdir()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(itertools.takewhile(lambda line: kind not in line, lines)))


@pytest.mark.parametrize("changed", [False, True])
def test_a_journal_that_lost_its_end_stores_nothing_twice(
    engine, upload, source, journals, stored, changed
):
    """An upload that is not there, and cannot be aborted either, was completed."""
    first = upload()
    cut_before(journals, b'"completing"')
    refusal = {"code": "InvalidParameterValueException", "status": 400}
    fault = engine.faults.add("AbortMultipartUpload", kind="status", **refusal)
    if changed:
        source.write_bytes(DATA[::-1])
    second = upload()

    assert engine.faults.delivered(fault) == 1
    assert (second.id != first.id) == changed
    assert stored() == {first.id: DATA, second.id: source.read_bytes()}


def test_a_journal_of_nonsense_is_a_conflict_that_names_it(client, upload, source, vault, journals):
    with UploadJournal.open(client, journals, vault, str(source)) as journal:
        journal._journal.append("opened", surprise=1)
    with pytest.raises(Conflict, match="does not make sense"):
        upload()


def test_the_description_is_stored_as_given(client, upload, vault):
    stop_after_parts(client.engine, 0)
    with pytest.raises(AccessDenied):
        upload(description='  plain text  with \\ and " ')
    [item] = client.pages("ListMultipartUploads", vaultName=vault)

    # Blanks around it are lost on the way: HTTP trims headers.
    assert item["ArchiveDescription"].strip() == 'plain text  with \\ and "'


def test_used_up_requests_stop_the_work_and_the_next_run_goes_on(client, engine, upload, stored):
    limited = connect(client.target, max_requests=3)
    with pytest.raises(Refused, match="stopped by --max-requests 3"):
        upload(client=limited)
    limited.engine.close()
    engine.log.clear()
    archive = upload()

    assert engine.log.count("UploadMultipartPart") == PARTS - 2
    assert stored() == {archive.id: DATA}
