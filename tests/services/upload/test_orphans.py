"""Streams whose runs are over: completed without being sent again, given up, or left to others."""

import io
import shutil
from dataclasses import replace
from datetime import timedelta

import pytest
from helpers import RecordingProgress, payload

from glaciercli.clients.session import connect
from glaciercli.errors import (
    AccessDenied,
    Conflict,
    GlacierError,
    IntegrityError,
    NotFound,
    Refused,
    UsageError,
)
from glaciercli.hints import Command, render
from glaciercli.services.upload import orphans, streams, uploads
from glaciercli.services.upload._ends import Uncertain
from glaciercli.services.upload.options import Options
from glaciercli.transfer.upload_journal import UploadJournal, known
from glaciercli.transfer.upload_state import Run
from glaciercli.units import MIB

DATA = payload(2 * MIB + 777, seed=6)
DENIED = {"kind": "status", "code": "AccessDeniedException", "status": 403}
GONE = {"kind": "status", "code": "ResourceNotFoundException", "status": 404}


@pytest.fixture
def progress():
    return RecordingProgress()


@pytest.fixture
def send(client, vault, journals, catalog, progress, keep):
    """Store a stream in parts of 1 MiB; options override."""

    def run(data=DATA, client=client, **options):
        options = {"name": "home.tar", "part_size": MIB, "workers": 1, **options}
        options = {"journals": journals, "progress": progress, **options}
        return keep(streams.start(client, io.BytesIO(data), vault, catalog=catalog, **options))

    return run


@pytest.fixture
def resume(client, vault, journals, catalog, progress, keep):
    def run(reference):
        options = Options(journals, catalog, progress=progress)
        return keep(orphans.resume(client, vault, reference, options))

    return run


@pytest.fixture
def fail(client, engine, send):
    """Send a stream whose completion meets a fault; return the error."""

    def run(**fault):
        client.pace.timeout = 0.1
        number = engine.faults.add("CompleteMultipartUpload", **{"times": 99, **fault})
        with pytest.raises(GlacierError) as caught:
            send()
        assert engine.faults.delivered(number)
        engine.faults.clear()
        client.pace.timeout = 5.0
        return caught.value

    return run


def open_uploads(client, vault):
    return list(client.pages("ListMultipartUploads", vaultName=vault))


def id_in(error):
    [command] = [part for part in error.hint if isinstance(part, Command)]
    assert command.words[:2] == ("upload", "resume")
    return command.words[2]


FAULTS = {
    "denied": DENIED,
    "throttled": {"kind": "throttle"},
    "unheard": {"kind": "drop-after"},
    "lost": {"kind": "drop-before"},
    "disputed": {"kind": "status", "code": "InvalidParameterValueException", "status": 400},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_stream_whose_completion_failed_is_completed_by_the_command_that_the_error_names(
    client, engine, vault, resume, fail, fault, journals, stored, progress, tell
):
    error = fail(**fault)
    assert "do not send it again" in render(error.hint)
    engine.log.clear()
    archive = resume(id_in(error))

    assert stored() == {archive.id: DATA}
    assert engine.log.count("UploadMultipartPart") == 0
    tell(archive)
    assert not list(journals.rglob("*.journal"))


def test_requests_that_are_used_up_before_completion_are_no_loss(
    client, vault, send, resume, stored
):
    limited = connect(client.target, max_requests=4)
    with pytest.raises(Refused, match="max-requests 4") as caught:
        send(client=limited)
    limited.engine.close()

    archive = resume(id_in(caught.value))
    assert stored() == {archive.id: DATA}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_the_next_stream_completes_it_too_and_tells_also_who_wants_quiet(
    send, fail, fault, stored, progress
):
    fail(**fault)
    second = send(DATA[:9])

    held = stored()
    [first] = held.keys() - {second.id}
    assert held == {first: DATA, second.id: DATA[:9]}
    assert any(f"had stored home.tar as {first}" in note for note in progress.warnings)


def test_one_that_has_expired_before_it_was_completed_is_to_be_sent_again(
    client, engine, vault, send, journals, stored
):
    fault = engine.faults.add("CompleteMultipartUpload", kind="expire")
    with pytest.raises(NotFound, match="gone before it could be completed") as caught:
        send()

    assert engine.faults.delivered(fault) == 1
    assert caught.value.hint == "send it again"
    assert not list(journals.rglob("*.journal"))
    assert stored() == {}


def test_one_that_is_uncertain_is_told_at_once_and_decided_later(
    client, engine, vault, send, resume, journals, stored
):
    engine.timing = "real"
    engine.faults.drop("CompleteMultipartUpload")
    engine.faults.add("CompleteMultipartUpload", kind="expire")
    with pytest.raises(Uncertain) as caught:
        send()
    assert caught.value.is_late  # so that `--quiet` does not hide it
    upload_id = id_in(caught.value)
    with pytest.raises(Uncertain):
        resume(upload_id)

    engine.clock.advance(timedelta(days=4))
    with pytest.raises(NotFound, match="it is not stored") as caught:
        resume(upload_id)
    assert caught.value.hint == "send it again"
    engine.timing = "instant"
    assert stored() == {}
    assert not list(journals.rglob("*.journal"))


def test_one_that_was_cut_short_cannot_be_completed(client, engine, vault, send, resume):
    fault = engine.faults.add(
        "UploadMultipartPart", kind="status", code="ExpiredTokenException", status=403, times=9
    )
    with pytest.raises(AccessDenied):
        send()
    assert engine.faults.delivered(fault)
    [upload] = open_uploads(client, vault)

    with pytest.raises(Refused, match="cut short") as caught:
        resume(upload["MultipartUploadId"][:20])
    assert "upload abort" in render(caught.value.hint)


def test_one_whose_parts_are_not_what_was_sent_is_an_integrity_error(engine, resume, fail):
    error = fail(**DENIED)
    with engine.store.write() as db:
        db.run("DELETE FROM parts WHERE part = 1")
    with pytest.raises(IntegrityError, match="not what was sent"):
        resume(id_in(error))


def test_only_a_stream_that_was_begun_here_is_completed_without_its_file(
    client, engine, vault, resume, tmp_path, journals, catalog
):
    with pytest.raises(NotFound, match="was begun here") as caught:
        resume("nope")
    assert render(caught.value.hint).endswith("upload resume nope FILE -V photos")
    (tmp_path / "f").write_bytes(b"x")
    engine.faults.add("UploadMultipartPart", **DENIED)
    with pytest.raises(AccessDenied):
        uploads.start(client, tmp_path / "f", vault, journals=journals, catalog=catalog)
    [upload] = open_uploads(client, vault)
    with pytest.raises(UsageError, match="is of a file") as caught:
        resume(upload["MultipartUploadId"])
    assert str(tmp_path / "f") in render(caught.value.hint)


def test_a_beginning_that_two_uploads_share_names_neither(client, engine, vault, journals, resume):
    for token, upload_id in (("a", "same-1"), ("b", "same-2")):
        with UploadJournal.open(client, journals, vault, token) as journal:
            journal.begin(_intent(vault, token))
            journal.opened(upload_id, None)
    with pytest.raises(Conflict, match="may be 2 uploads"):
        resume("same")


def _intent(vault, token):
    from glaciercli.services.upload._opening import Label, new_intent

    return replace(new_intent(vault, "home.tar", Label(), MIB), token=token)


def test_what_is_wrong_with_an_earlier_stream_does_not_lose_the_one_at_hand(
    engine, fail, send, stored, progress
):
    fail(kind="drop-before")
    fault = engine.faults.add("CompleteMultipartUpload", **DENIED)  # the first of the two
    second = send(DATA[:9])

    assert engine.faults.delivered(fault) == 1
    assert stored() == {second.id: DATA[:9]}
    assert any("the earlier upload of home.tar: " in note for note in progress.warnings)


class TestOneOfAnotherMachine:
    """A copy of its journal came here, with a backup or a home that was moved."""

    @pytest.fixture
    def sending(self, client, engine, vault, send, journals, tmp_path):
        """A stream in the middle of its parts, and a copy of the journals as they were then."""
        copies = tmp_path / "copies"
        stop = {"kind": "status", "code": "ExpiredTokenException", "status": 403, "times": 9}
        engine.faults.add("UploadMultipartPart", skip=1, **stop)
        with pytest.raises(AccessDenied):
            send()
        engine.faults.clear()
        shutil.copytree(journals, copies)
        [upload] = open_uploads(client, vault)
        return copies, upload["MultipartUploadId"]

    def test_is_left_alone_by_a_copy_of_its_home(
        self, client, engine, vault, send, sending, stored, progress
    ):
        copies, upload_id = sending
        archive = send(DATA[:9], journals=copies)

        assert stored() == {archive.id: DATA[:9]}
        assert [each["MultipartUploadId"] for each in open_uploads(client, vault)] == [upload_id]
        assert any("is left alone" in note for note in progress.notes)

    def test_is_given_up_by_its_own_home(self, client, vault, send, sending):
        send(DATA[:9])

        assert open_uploads(client, vault) == []

    @pytest.mark.parametrize(
        ("other", "is_left"),
        [
            ({"host": "elsewhere", "boot": "another start"}, True),
            ({"boot": "another start", "file": "1:2"}, False),  # it died with the machine
            ({"file": "1:2"}, True),
            ({}, False),  # the lock tells that it is dead
            (None, False),  # a journal that is older than what tells
        ],
    )
    def test_is_known_by_its_host_and_its_start(
        self, client, vault, send, sending, other, is_left, journals
    ):
        [state] = known(journals)
        with UploadJournal.open(client, journals, vault, state.intent.token) as journal:
            here = Run.here(journal._journal)
            run = None if other is None else replace(here, **other)
            journal._journal.restart()
            journal.append("upload", **replace(state.intent, run=run).as_json())
            journal.opened(state.upload_id, None)
        send(DATA[:9])

        assert len(open_uploads(client, vault)) == is_left

    def test_is_forgotten_here_once_it_has_expired(
        self, client, engine, vault, send, sending, tell
    ):
        copies, _ = sending
        engine.clock.advance(timedelta(days=2))
        archive = send(DATA[:9], journals=copies)
        tell(archive)

        assert not list(copies.rglob("*.journal"))

    def test_is_completed_from_here_too_where_all_had_arrived(
        self, client, vault, fail, send, journals, tmp_path, stored, progress
    ):
        fail(kind="drop-after")
        shutil.copytree(journals, tmp_path / "copies")
        second = send(DATA[:9], journals=tmp_path / "copies")
        third = send(DATA[:8])

        held = stored()
        [first] = held.keys() - {second.id, third.id}
        assert held[first] == DATA
        assert len([note for note in progress.warnings if first in note]) == 2


def test_a_file_of_another_machine_is_left_alone_too(
    client, engine, vault, journals, catalog, tmp_path, progress
):
    """The same path, another file: what a copied home knows of is sent on by the other machine."""
    path = tmp_path / "big.tar"
    path.write_bytes(DATA)
    engine.faults.add("UploadMultipartPart", skip=1, **DENIED)

    def upload(journals):
        return uploads.start(
            client, path, vault, journals=journals, catalog=catalog, part_size=MIB, workers=1,
            progress=progress,
        )  # fmt: skip

    with pytest.raises(AccessDenied):
        upload(journals)
    [upload_id] = [each["MultipartUploadId"] for each in open_uploads(client, vault)]
    shutil.copytree(journals, tmp_path / "copies")
    path.unlink()
    path.write_bytes(DATA[::-1])
    upload(tmp_path / "copies")

    assert [each["MultipartUploadId"] for each in open_uploads(client, vault)] == [upload_id]
    assert any("is left alone" in note for note in progress.notes)
