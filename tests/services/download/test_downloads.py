"""Downloads against the engine: nothing unproven gets its name, and nothing is paid for twice."""

import io
import os
import signal
from datetime import timedelta

import disks
import pytest
from helpers import RecordingProgress, heal, payload

from glaciercli.errors import Conflict, IntegrityError, NotFound, NotReady, Refused
from glaciercli.evidence.witnesses import Kind, Witness
from glaciercli.hints import render
from glaciercli.models import Archive
from glaciercli.models.plans import agreed
from glaciercli.services.download import downloads
from glaciercli.services.jobs import jobs
from glaciercli.services.jobs.retrievals import Retrievals
from glaciercli.tasks.waiting import Poll
from glaciercli.transfer.download_journal import DownloadJournal
from glaciercli.treehash import tree_hash
from glaciercli.units import MIB

DATA = payload(37 * MIB + 777, seed=1)  # three ranges of 16 MiB
RANGES = 3


@pytest.fixture
def download(client, vault, archive, place, journals):
    def run(archive=archive, place=place, **options):
        options = {"workers": 1, "journals": journals, **options}
        consent = options.pop("consent", agreed)
        return downloads.download(client, archive, place, consent, **options)

    return run


def beside(place):
    return sorted(each.name for each in place.parent.iterdir())


@pytest.mark.parametrize("workers", [1, 4])
def test_an_archive_comes_back_whole_and_alone(client, download, place, workers):
    progress = RecordingProgress()
    proof = download(workers=workers, progress=progress)

    assert place.read_bytes() == DATA
    assert (proof.is_whole, proof.tree_hash) == (True, tree_hash(DATA))
    assert beside(place) == ["restored.tar"]
    assert progress.done == len(DATA)
    assert client.engine.log.count("GetJobOutput") == RANGES
    assert client.engine.log.count("InitiateJob") == 1


def test_it_keeps_the_time_that_the_file_had(download, place, archive):
    download()

    assert place.stat().st_mtime == pytest.approx(archive.modified.timestamp(), abs=0.001)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "truncate", "keep": 100},
        {"kind": "corrupt", "at": 5},
        {"kind": "drop-before"},
        {"kind": "drop-after"},
        {"kind": "throttle"},
        {"kind": "status", "code": "ServiceUnavailableException", "status": 500},
        {"kind": "header", "name": "x-amz-sha256-tree-hash", "value": "0" * 64},
        {"kind": "header", "name": "Content-Range", "value": "bytes 0-1/2"},
        {"kind": "header", "name": "Content-Range", "value": None},
        {"kind": "whole"},
    ],
    ids=lambda each: "-".join(map(str, each.values())),
)
def test_a_bad_range_is_fetched_again_alone(client, download, place, fault):
    number = client.engine.faults.add("GetJobOutput", times=1, skip=1, **fault)
    progress = RecordingProgress()
    download(progress=progress)

    assert client.engine.faults.delivered(number) == 1
    assert place.read_bytes() == DATA
    assert client.engine.log.count("GetJobOutput") == RANGES + 1
    assert progress.done == len(DATA)


@pytest.mark.parametrize("fault", [{"kind": "corrupt"}, {"kind": "whole"}])
def test_a_range_that_stays_bad_is_an_integrity_error_and_gets_no_name(
    client, download, place, fault
):
    number = client.engine.faults.add("GetJobOutput", times=50, skip=1, **fault)
    with pytest.raises(IntegrityError, match="range"):
        download()
    assert client.engine.faults.delivered(number) >= 3
    assert not place.exists()

    heal(client.engine)
    client.engine.log.clear()
    download()
    assert place.read_bytes() == DATA
    assert client.engine.log.count("GetJobOutput") == RANGES - 1
    assert client.engine.log.count("InitiateJob") == 0


def test_what_was_received_is_read_again_before_it_is_believed(client, download, place, tmp_path):
    client.engine.faults.add("GetJobOutput", kind="corrupt", times=50, skip=2)
    with pytest.raises(IntegrityError):
        download()
    heal(client.engine)
    [part] = place.parent.glob("*.part")
    with part.open("r+b") as file:
        file.seek(17 * MIB)
        file.write(b"rot")
    client.engine.log.clear()
    download()

    assert place.read_bytes() == DATA
    assert client.engine.log.count("GetJobOutput") == 2  # the missing range and the rotten one


@pytest.mark.parametrize("applied", [False, True])
def test_a_lost_reply_to_initiate_job_pays_for_one_retrieval(client, download, place, applied):
    number = client.engine.faults.drop("InitiateJob", applied=applied)
    download()

    assert client.engine.faults.delivered(number) == 1
    assert place.read_bytes() == DATA
    assert len(list(client.pages("ListJobs", vaultName="photos"))) == 1


def test_a_retrieval_that_is_there_is_used(client, download, vault, archive, place):
    jobs.start_archive(client, vault, archive.id)
    client.engine.log.clear()
    download()

    assert client.engine.log.count("InitiateJob") == 0
    assert place.read_bytes() == DATA


def test_a_retrieval_of_a_part_is_not_taken_for_the_whole(client, download, vault, archive, place):
    jobs.start_archive(client, vault, archive.id, range=(0, MIB))
    download()

    assert place.read_bytes() == DATA


def test_not_ready_yet_goes_on_later(client, download, place):
    client.engine.timing = "real"
    with pytest.raises(NotReady, match="in progress"):
        download(poll=Poll(timeout=0))
    with pytest.raises(NotReady):
        download(poll=Poll(timeout=0))
    assert client.engine.log.count("InitiateJob") == 1
    assert not place.exists()

    client.engine.clock.advance(timedelta(hours=6))
    download(poll=Poll(timeout=0))
    assert place.read_bytes() == DATA
    assert client.engine.log.count("InitiateJob") == 1


def test_an_expired_retrieval_is_named_and_the_next_run_starts_another(client, download, place):
    number = client.engine.faults.add("GetJobOutput", kind="expire", skip=1)
    with pytest.raises(NotFound, match="has expired") as caught:
        download()
    assert "costs" in render(caught.value.hint)
    assert client.engine.faults.delivered(number) == 1
    progress = RecordingProgress()
    download(progress=progress)

    assert place.read_bytes() == DATA
    assert client.engine.log.count("InitiateJob") == 2
    assert any("costs" in note for note in progress.notes)


def test_a_retrieval_that_has_failed_is_not_waited_for_again(client, download, vault, archive):
    client.engine.timing = "real"
    with pytest.raises(NotReady):
        download(poll=Poll(timeout=0))
    client.call("DeleteArchive", vaultName=vault, archiveId=archive.id)
    client.engine.clock.advance(timedelta(hours=6))
    progress = RecordingProgress()
    with pytest.raises(NotFound, match="archive"):  # which is what a new retrieval says
        download(progress=progress)

    assert client.engine.log.count("InitiateJob") == 2
    assert any("failed" in note and "costs" in note for note in progress.notes)


def test_a_retrieval_that_went_with_its_vault_is_no_retrieval_that_expired(
    client, download, vault, archive
):
    client.engine.timing = "real"
    with pytest.raises(NotReady):
        download(poll=Poll(timeout=0))
    client.call("DeleteArchive", vaultName=vault, archiveId=archive.id)
    client.engine.clock.advance(timedelta(days=2))
    client.call("DeleteVault", vaultName=vault)
    progress = RecordingProgress()
    with pytest.raises(NotFound) as caught:
        download(progress=progress)

    assert caught.value.is_vault
    assert client.engine.log.count("InitiateJob") == 1
    assert progress.notes == []


@pytest.mark.parametrize("make", ["file", "link", "dangling", "directory"])
def test_an_existing_target_is_a_conflict_before_anything_is_paid_for(
    client, download, place, tmp_path, make
):
    other = tmp_path / "other"
    other.write_bytes(b"precious")
    match make:
        case "file":
            place.write_bytes(b"precious")
        case "link":
            place.symlink_to(other)
        case "dangling":
            place.symlink_to(tmp_path / "nowhere")
        case "directory":
            place.mkdir()
    with pytest.raises(Conflict, match="exists already|is a directory"):
        download()

    assert client.engine.log.count("InitiateJob") == 0
    assert other.read_bytes() == b"precious"
    if make == "file":
        assert place.read_bytes() == b"precious"


def test_overwrite_replaces_a_link_and_not_what_it_names(download, place, tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"precious")
    place.symlink_to(other)
    download(overwrite=True)

    assert place.read_bytes() == DATA
    assert not place.is_symlink()
    assert other.read_bytes() == b"precious"


def test_a_target_that_appears_meanwhile_is_kept(client, download, place):
    class Meddler(RecordingProgress):
        def advance(self, count):
            super().advance(count)
            if not place.exists():
                place.write_bytes(b"precious")

    with pytest.raises(Conflict, match="exists already"):
        download(progress=Meddler())
    assert place.read_bytes() == b"precious"


def test_until_it_is_acknowledged_a_finished_download_is_reported_again(
    client, download, place, journals, archive
):
    download()
    client.engine.log.clear()
    download()
    assert client.engine.log.count() == 0

    with DownloadJournal.open(client, journals, archive.vault, archive.id, place):
        downloads.acknowledge(client, archive, place, journals=journals)  # that run will do it
    download()
    downloads.acknowledge(client, archive, place, journals=journals)
    assert not list((journals / "downloads").iterdir())
    with pytest.raises(Conflict, match="exists already"):
        download()


def killed_at_unlink(work):
    """Do `work` in a process that dies where it would remove a file."""
    pid = os.fork()
    if pid == 0:
        os.unlink = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
        work()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def test_a_download_killed_while_it_names_its_file_is_brought_to_its_end(
    client, download, place, journals, archive
):
    killed_at_unlink(download)
    assert len(beside(place)) == 2  # the file has both names
    download()
    downloads.acknowledge(client, archive, place, journals=journals)

    assert place.read_bytes() == DATA
    assert beside(place) == ["restored.tar"]
    assert not list((journals / "downloads").iterdir())


def test_a_file_that_was_moved_away_in_that_moment_is_not_written_to(download, place, tmp_path):
    killed_at_unlink(lambda: download(range=(5, 17)))
    moved = place.rename(tmp_path / "moved")
    download(range=(5, 17))

    assert moved.read_bytes() == place.read_bytes() == DATA[5:17]
    assert not moved.samefile(place)


def test_a_catalog_that_disagrees_is_an_integrity_error(client, download, archive, place):
    from dataclasses import replace

    with pytest.raises(IntegrityError, match="tree hash"):
        download(replace(archive, tree_hash="0" * 64))
    assert not place.exists()


def test_an_archive_known_by_its_id_alone(download, archive, vault, place):
    proof = download(Archive(id=archive.id, vault=vault))

    assert place.read_bytes() == DATA
    assert (proof.archive.size, proof.witness) == (len(DATA), Witness(Kind.JOB))


@pytest.mark.parametrize(
    ("start", "stop"),
    [
        (0, MIB),
        (5, 17),
        (MIB - 1, MIB + 1),
        (16 * MIB, 32 * MIB),
        (33 * MIB, len(DATA)),
        (36 * MIB + 5, 37 * MIB + 9),
    ],
)
def test_a_range_is_widened_to_what_can_be_proven_and_cut_to_what_was_asked(
    client, download, place, start, stop
):
    download(range=(start, stop))

    assert place.read_bytes() == DATA[start:stop]
    [job] = client.pages("ListJobs", vaultName="photos")
    assert job["SHA256TreeHash"]  # the service gives one for aligned ranges only


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_that_cannot_be_written_costs_nothing(client, download, place):
    place.parent.chmod(0o500)
    with pytest.raises(Conflict, match="cannot write into"):
        download()

    assert client.engine.log.count("InitiateJob") == 0


@pytest.mark.parametrize("span", [(0, len(DATA) + 1), (5, 5), (9, 3)])
def test_a_range_that_is_not_there_costs_nothing(client, download, span):
    with pytest.raises(Refused, match="range"):
        download(range=span)
    assert client.engine.log.count("InitiateJob") == 0


def test_several_archives_have_one_wait(client, vault, archive, journals, place):
    downloads.request(client, archive, place, journals=journals, there=Retrievals(client, vault))
    downloads.request(client, archive, place, journals=journals, there=Retrievals(client, vault))

    assert client.engine.log.count("InitiateJob") == 1


@pytest.mark.parametrize("span", [None, (5, 20 * MIB)])
def test_a_stream_gets_the_bytes_in_order(client, vault, archive, span):
    stream = io.BytesIO()
    downloads.to_stream(client, archive, stream, agreed, range=span)

    assert stream.getvalue() == DATA[slice(*span) if span else slice(None)]


def test_a_stream_gets_no_unproven_byte(client, vault, archive):
    number = client.engine.faults.add("GetJobOutput", kind="corrupt", at=5, skip=2, times=50)
    stream = io.BytesIO()
    with pytest.raises(IntegrityError):
        downloads.to_stream(client, archive, stream, agreed)

    assert client.engine.faults.delivered(number)
    assert DATA.startswith(stream.getvalue())


def test_a_full_disk_keeps_what_was_received(download, place):
    pid = os.fork()
    if pid == 0:
        import resource
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20 * MIB, resource.RLIM_INFINITY))
        try:
            download()
        except Conflict as error:
            os._exit(7 if "cannot write" in error.message and error.hint else 8)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7  # the fault was delivered
    assert not place.exists()
    download()

    assert place.read_bytes() == DATA


def test_a_retrieval_is_started_once_agreed_to(client, download, archive):
    asked = []

    def refuse(plan):
        asked.append(plan)
        raise Refused("no")

    with pytest.raises(Refused):
        download(consent=refuse)
    with pytest.raises(Refused):
        downloads.to_stream(client, archive, io.BytesIO(), refuse)
    assert [each.size for each in asked] == [archive.size, archive.size]
    assert client.engine.log.count("InitiateJob") == 0
    download()
    downloads.to_stream(client, archive, io.BytesIO(), refuse)

    assert len(asked) == 2  # it is there by now


def test_nothing_is_paid_for_what_does_not_fit(client, archive, journals, engine, tmp_path):
    with disks.small_disk(tmp_path / "small", archive.size // 2) as disk:
        with pytest.raises(Conflict, match="and there is room for"):
            downloads.download(client, archive, disk / "big", agreed, journals=journals)

        assert engine.log.count("InitiateJob") == 0
        assert list(disk.iterdir()) == []
