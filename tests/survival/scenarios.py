"""The commands about one archive that are stopped.

`run` is the command as the program runs it: the service, then telling the user, then saying so.
"""

import io

from helpers import RecordingProgress, heal
from survival.many import MANY
from survival.scenario import Scenario
from survival.world import DATA, VAULT

from glaciercli.errors import GlacierError
from glaciercli.local.rules import is_archive_id
from glaciercli.models.plans import agreed
from glaciercli.services.download import downloads, outputs
from glaciercli.services.jobs import jobs
from glaciercli.services.upload import streams, uploads
from glaciercli.services.upload.options import Options
from glaciercli.units import MIB

OTHER = DATA[::-1]  # another version of the source, of the same size


# --- uploads


def _vault(world):
    client = world.client()
    client.call("CreateVault", vaultName=VAULT)
    client.engine.close()
    world.catalog().close()


def _start(world, client, catalog, **options):
    options = {"part_size": MIB, "workers": 1, **options}
    return uploads.start(
        client, world.source, VAULT, journals=world.journals, catalog=catalog, **options
    )


class _Telling(RecordingProgress):
    """Tells of archives as they are warned of: those that no later run would tell of."""

    def __init__(self, world):
        super().__init__()
        self._world = world

    def warn(self, text):
        super().warn(text)
        last = text.rpartition(" ")[2]
        if is_archive_id(last):
            self._world.warn(last)


def _upload(world, **options):
    client, catalog = world.client(), world.catalog()
    stored = _start(world, client, catalog, progress=_Telling(world), **options)
    world.tell(stored.archive.id)
    stored.told()


def _upload_described(world):
    _upload(world, description="what the user wrote")


def _stopped(world, fault):
    """Leave an upload as a run leaves it that a fault of the service has stopped."""
    _vault(world)
    client, catalog = world.client(timeout=0.1), world.catalog()
    number = fault(client.engine.faults)
    try:
        _start(world, client, catalog)
    except GlacierError:
        assert client.engine.faults.delivered(number)
    else:
        raise AssertionError("the upload was not stopped")
    heal(client.engine)
    client.engine.close()
    catalog.close()


def _stopped_in_the_parts(world):
    refusal = {"code": "AccessDeniedException", "status": 403}
    _stopped(
        world,
        lambda faults: faults.add("UploadMultipartPart", kind="status", skip=1, times=9, **refusal),
    )


def _stopped_then_changed(world):
    _stopped_in_the_parts(world)
    world.source.write_bytes(OTHER)


def _stopped_in_completing(world):
    _stopped(world, lambda faults: faults.drop("CompleteMultipartUpload", applied=True, times=99))


def _stopped_in_completing_then_changed(world):
    _stopped_in_completing(world)
    world.source.write_bytes(OTHER)


def _stopped_and_journal_lost(world):
    _stopped_in_the_parts(world)
    for each in world.journal_files:
        each.unlink()


def _resume_by_id(world):
    client, catalog = world.client(), world.catalog()
    found = world.open_uploads(client)
    if not found and not world.journal_files:
        raise AssertionError("there is neither an upload nor a journal to go on with")
    if found and not _is_completing(world):
        options = Options(world.journals, catalog, workers=1)
        stored = uploads.resume(client, VAULT, found[0], world.source, options)
    else:
        # `resume` has no upload to name any more; from here on the plain command goes on.
        stored = _start(world, client, catalog)
    world.tell(stored.archive.id)
    stored.told()


def _is_completing(world):
    return any(b'"completing"' in each.read_bytes() for each in world.journal_files)


def _one_archive(world, data=DATA):
    client = world.client()
    held = world.held(client)
    assert list(held.values()) == [data]
    assert set(world.told) == set(held)
    assert world.open_uploads(client) == []
    assert world.journal_files == []
    [known] = world.catalogued(client)
    assert (known.id, known.size, known.name) == (*held, len(data), "big.tar")


def _one_changed_archive(world):
    _one_archive(world, OTHER)


def _both_archives(world):
    """What was stored unheard before the file changed is told as well, and never sent again."""
    client = world.client()
    held = world.held(client)
    assert sorted(held.values()) == sorted([DATA, OTHER])
    assert set(world.told) == set(held)
    assert world.open_uploads(client) == []
    assert world.journal_files == []
    assert {each.id for each in world.catalogued(client)} == set(held)


# --- streams


def _stream(world):
    client, catalog, progress = world.client(), world.catalog(), RecordingProgress()
    stored = streams.start(
        client,
        io.BytesIO(DATA),
        VAULT,
        name="stdin",
        journals=world.journals,
        catalog=catalog,
        part_size=MIB,
        workers=1,
        progress=progress,
    )
    told = [note.rpartition(" ")[2] for note in progress.notes if "had stored" in note]
    for each in (*told, stored.archive.id):
        world.tell(each)
    stored.told()


def _streams_told(world):
    """A stream does not come twice, so one that was stored untold is told by the next run."""
    client = world.client()
    held = world.held(client)
    assert 1 <= len(held) <= 2
    assert set(held.values()) == {DATA}
    assert set(world.told) == set(held)
    assert world.open_uploads(client) == []
    assert world.journal_files == []
    assert {each.id for each in world.catalogued(client)} == set(held)


# --- downloads


def _archive(world):
    _vault(world)
    client, catalog = world.client(), world.catalog()
    stored = _start(world, client, catalog)
    stored.told()
    world.remember("archive", stored.archive)
    client.engine.close()
    catalog.close()


def _archive_and_target(world):
    _archive(world)
    world.target.write_bytes(b"an older version")


def _half_received(world):
    """Leave a download that stopped after the first of its ranges."""
    _archive(world)
    client = world.client(timeout=0.1)
    client.engine.faults.add(
        "GetJobOutput", kind="status", code="AccessDeniedException", status=403, times=9
    )
    try:
        _fetch(world, client)
    except GlacierError:
        pass
    else:
        raise AssertionError("the download was not stopped")
    heal(client.engine)
    client.engine.close()


def _fetch(world, client, **options):
    archive = world.recall("archive")
    return downloads.download(
        client, archive, world.target, agreed, journals=world.journals, workers=1, **options
    )


def _download(world, **options):
    client = world.client()
    archive = world.recall("archive")
    _fetch(world, client, **options)
    world.tell(archive.id)
    span = options.get("range")
    downloads.acknowledge(client, archive, world.target, journals=world.journals, range=span)


def _download_over(world):
    _download(world, overwrite=True)


_SPAN = (5, MIB + 9)


def _download_range(world):
    _download(world, range=_SPAN)


def _one_file(world, data=DATA):
    client, archive = world.client(), world.recall("archive")
    assert world.target.read_bytes() == data
    assert [each.name for each in world.out.iterdir()] == [world.target.name]
    assert len(world.retrievals(client, archive.id)) == 1
    assert world.journal_files == []
    [known] = world.catalogued(client)
    assert known.id == archive.id


def _one_range(world):
    _one_file(world, DATA[slice(*_SPAN)])


# --- jobs


def _finished_job(world):
    _archive(world)
    client = world.client()
    job = jobs.wait(client, VAULT, jobs.start_inventory(client, VAULT).id)
    world.remember("job", job)
    client.engine.close()


def _job_output(world):
    client, job, journals = world.client(), world.recall("job"), world.journals
    outputs.save(client, job, world.target, archive=None, journals=journals, workers=1)
    world.tell(job.id)
    outputs.acknowledge(client, job, world.target, journals=journals)


def _one_inventory(world):
    archive = world.recall("archive")
    assert archive.id in world.target.read_text()
    assert [each.name for each in world.out.iterdir()] == [world.target.name]
    assert world.journal_files == []


SCENARIOS = [
    Scenario("upload", _vault, _upload, _one_archive),
    Scenario("upload, described", _vault, _upload_described, _one_archive),
    Scenario("upload, resumed", _stopped_in_the_parts, _upload, _one_archive),
    Scenario("upload, changed", _stopped_then_changed, _upload, _one_changed_archive),
    Scenario("upload, completing", _stopped_in_completing, _upload, _one_archive),
    Scenario(
        "upload, changed unheard", _stopped_in_completing_then_changed, _upload, _both_archives
    ),
    Scenario("upload, by id", _stopped_and_journal_lost, _resume_by_id, _one_archive),
    Scenario("stream", _vault, _stream, _streams_told),
    Scenario("download", _archive, _download, _one_file),
    Scenario("download, resumed", _half_received, _download, _one_file),
    Scenario("download, over", _archive_and_target, _download_over, _one_file),
    Scenario("download, range", _archive, _download_range, _one_range),
    Scenario("job output", _finished_job, _job_output, _one_inventory),
    *MANY,
]
BY_NAME = {each.name: each for each in SCENARIOS}
