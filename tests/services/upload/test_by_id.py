"""An upload resumed by its id, from another machine or another file."""

import os

import pytest
from helpers import RecordingProgress, heal, payload
from upload_files import DATA, PARTS, open_uploads, stop_after_parts

from glaciercli.errors import (
    AccessDenied,
    Conflict,
)
from glaciercli.services.upload import uploads
from glaciercli.services.upload.options import Options


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
    options = Options(elsewhere, catalog)
    archive = uploads.resume(client, vault, upload_id[:12], source, options).archive

    assert stored() == {archive.id: DATA}
    assert archive.name == "big.tar"
    assert engine.log.count("UploadMultipartPart") == PARTS - 3


def test_an_upload_that_another_machine_has_completed_is_not_called_expired(
    client, engine, upload, source, vault, catalog, tmp_path, stored
):
    stop_after_parts(engine, 3)
    with pytest.raises(AccessDenied):
        upload()
    heal(engine)
    [upload_id] = open_uploads(client, vault)
    options = Options(tmp_path / "elsewhere", catalog)
    first = uploads.resume(client, vault, upload_id, source, options).archive
    progress = RecordingProgress()
    second = upload(progress=progress)

    assert stored() == {first.id: DATA, second.id: DATA}
    [warning] = progress.warnings
    assert warning.startswith("the upload of big.tar is gone: it had expired, or was completed")


def test_a_file_that_was_touched_and_resumed_by_id_is_not_stored_twice(
    client, engine, upload, source, vault, journals, catalog, stored
):
    stop_after_parts(engine, 3)
    with pytest.raises(AccessDenied):
        upload()
    heal(engine)
    os.utime(source, (1, 1))
    [upload_id] = open_uploads(client, vault)
    uploads.resume(client, vault, upload_id, source, Options(journals, catalog))
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
    options = Options(tmp_path / "elsewhere", catalog)
    with pytest.raises(Conflict, match="other bytes"):
        uploads.resume(client, vault, upload_id, other, options)

    assert engine.log.count("UploadMultipartPart") == 0
    assert open_uploads(client, vault) == [upload_id]
