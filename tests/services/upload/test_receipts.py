"""Receipts: a stored archive is reported until its user was told of it, and not after."""

import resource
from pathlib import Path

from helpers import RecordingProgress, write

from glaciercli.transfer.upload_journal import UploadJournal


def test_until_the_user_is_told_a_finished_upload_is_reported_again(
    client, engine, upload, journals, catalog, stored, tell
):
    first = upload()
    engine.log.clear()
    progress = RecordingProgress()
    second = upload(progress=progress)

    assert second.id == first.id
    assert engine.log.count() == engine.log.count("DescribeVault") == 1
    assert progress.notes

    tell(second)
    assert not list((journals / "uploads").iterdir())
    assert upload().id != first.id
    assert len(stored()) == 2


def test_the_user_is_told_of_more_uploads_than_files_may_be_open(
    client, upload, tmp_path, journals, tell
):
    archives = [upload(write(tmp_path / str(number), b"x")) for number in range(130)]
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    there = sum(1 for _ in Path("/dev/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (there + 110, limits[1]))
    try:
        tell(*archives)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    assert not list((journals / "uploads").iterdir())


def test_a_run_that_came_before_the_user_was_told_tells_of_the_archive_itself(
    client, upload, source, vault, journals, stored, tell
):
    first = upload()
    with UploadJournal.open(client, journals, vault, str(source)):
        tell(first)

    assert upload().id == first.id
    assert set(stored()) == {first.id}
