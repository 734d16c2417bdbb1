"""What a stopped upload leaves, and what the next run makes of it."""

import itertools
import os
from datetime import timedelta

import pytest
from helpers import RecordingProgress, heal, payload
from upload_files import DATA, PARTS, open_uploads, stop_after_parts

from glaciercli.errors import (
    AccessDenied,
    Conflict,
    NotReady,
    Unavailable,
)
from glaciercli.hints import render
from glaciercli.models import Scope
from glaciercli.services.upload import uploads
from glaciercli.services.upload.options import Options
from glaciercli.transfer.upload_journal import UploadJournal
from glaciercli.treehash import tree_hash
from glaciercli.units import MIB


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
    client, upload, journals, monkeypatch, tell
):
    tell(upload())
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDANOTHER")
    progress = RecordingProgress()
    upload(progress=progress)

    assert any("has this file already" in each for each in progress.notes)


@pytest.mark.parametrize(
    "operations",
    [
        ("UploadArchive",),
        ("CompleteMultipartUpload",),
        ("InitiateMultipartUpload", "CompleteMultipartUpload"),
    ],
)
def test_of_two_accounts_that_replies_name_the_vaults_own_arn_decides(
    client, engine, upload, catalog, vault, operations
):
    catalog.learn_account(client.target.identity, client.endpoint, engine.account)
    place = f"/222222222222/vaults/{vault}"
    for each in operations:
        engine.faults.add(each, kind="header", name="Location", value=place)
    archive = upload(single="UploadArchive" in operations)
    heal(engine)
    scope = Scope(client.endpoint, engine.account, client.region)

    assert [each.id for each in catalog.archives(scope)] == [archive.id]
    assert catalog.scopes() == [scope]


def test_credentials_that_may_only_upload_are_believed_to_be_of_another_account_now(
    client, engine, upload, catalog
):
    catalog.learn_account(client.target.identity, client.endpoint, "222222222222")
    refusal = {"code": "AccessDeniedException", "status": 403, "message": "no"}
    engine.faults.add("DescribeVault", kind="status", **refusal)
    archive = upload()
    scope = Scope(client.endpoint, engine.account, client.region)

    assert [each.id for each in catalog.archives(scope)] == [archive.id]


def test_a_file_that_the_vault_has_is_stored_once_more_and_that_is_said(
    client, engine, upload, journals, source, tell
):
    notes = []
    for _ in range(3):
        engine.log.clear()
        progress = RecordingProgress()
        archive = upload(progress=progress)
        tell(archive)
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
            options = Options(journals, catalog)
            archive = uploads.resume(client, vault, reference, source, options).archive

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


def test_a_second_run_on_the_same_file_is_told(client, upload, source, vault, journals):
    other = UploadJournal.open(client, journals, vault, str(source))
    with other, pytest.raises(Conflict, match="another run"):
        upload()


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


@pytest.fixture
def lose_a_line(client, engine, upload, journals):
    """Run an upload that hears no reply to its completion; then damage a line of its journal."""

    def run(kind, *, applied):
        client.pace.timeout = 0.1
        fault = engine.faults.drop("CompleteMultipartUpload", times=50, applied=applied)
        with pytest.raises(Unavailable):
            upload()
        assert engine.faults.delivered(fault)
        heal(engine)
        client.pace.timeout = 5.0
        [path] = (journals / "uploads").glob("*.journal")
        lines = path.read_bytes().splitlines(keepends=True)
        [at] = [number for number, line in enumerate(lines) if b'"kind":"%s"' % kind in line]
        lines[at] = lines[at].swapcase()
        path.write_bytes(b"".join(lines))
        return path

    return run


@pytest.mark.parametrize("applied", [False, True])
def test_a_journal_that_lost_the_uploads_id_stores_nothing_twice(
    client, upload, vault, stored, lose_a_line, applied
):
    """What is open is found by its token; what is gone is told by an inventory."""
    lose_a_line(b"opened", applied=applied)
    archive = upload()

    assert stored() == {archive.id: DATA}
    assert open_uploads(client, vault) == []


def test_a_journal_that_lost_what_is_sent_is_a_conflict_that_names_it(upload, stored, lose_a_line):
    path = lose_a_line(b"upload", applied=True)
    with pytest.raises(Conflict, match="does not make sense") as caught:
        upload()

    assert f"rm {path}" in render(caught.value.hint)
    assert list(stored().values()) == [DATA]


def test_a_journal_that_lost_that_completion_was_asked_for_goes_on_where_it_is_open(
    client, engine, upload, vault, stored, lose_a_line
):
    lose_a_line(b"completing", applied=False)
    engine.log.clear()
    archive = upload()

    assert stored() == {archive.id: DATA}
    assert engine.log.count("UploadMultipartPart") == 0
    assert open_uploads(client, vault) == []


def test_a_journal_that_lost_that_completion_was_asked_for_stores_nothing_twice(
    upload, stored, lose_a_line
):
    """What it lacks may be that line, so that an upload which is gone may be stored."""
    lose_a_line(b"completing", applied=True)
    archive = upload()

    assert stored() == {archive.id: DATA}
