"""Archives stored by one request: nothing to resume, and nothing stored twice."""

import pytest
from helpers import RecordingProgress, heal
from upload_files import DATA, stop_after_parts

from glaciercli.errors import (
    AccessDenied,
    Conflict,
    IntegrityError,
    Interrupted,
    Unavailable,
)
from glaciercli.hints import render
from glaciercli.units import MIB


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


def test_a_single_request_that_nobody_answered_is_told_of_by_the_next_run(engine, upload, stored):
    engine.faults.drop("UploadArchive", applied=True)
    with pytest.raises(Unavailable):
        upload(single=True)
    progress = RecordingProgress()
    archive = upload(single=True, progress=progress)

    assert any("may be stored twice" in note for note in progress.notes)
    assert archive.id in stored()
    assert len(stored()) == 2


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
