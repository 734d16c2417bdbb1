"""Streams against the engine: read once, stored once, and what a run that died leaves is ended."""

import io
import os
import threading
from datetime import timedelta

import pytest
from helpers import RecordingProgress, heal, payload

from glaciercli.errors import AccessDenied, Refused, Unavailable
from glaciercli.hints import render
from glaciercli.services.upload import streams
from glaciercli.units import MIB

DATA = payload(2 * MIB + 777, seed=6)


@pytest.fixture
def send(client, vault, journals, catalog, keep):
    """Store a stream in parts of 1 MiB; options override."""

    def run(data=DATA, **options):
        options = {"name": "home.tar", "part_size": MIB, "workers": 1, **options}
        stream = io.BytesIO(data)
        options = {"journals": journals, "catalog": catalog, **options}
        return keep(streams.start(client, stream, vault, **options))

    return run


def journal_files(journals):
    return list((journals / "uploads").iterdir())


@pytest.mark.parametrize("size", [1, MIB, MIB + 1, 2 * MIB, len(DATA)])
def test_a_stream_is_stored_whole(send, stored, size):
    archive = send(DATA[:size], workers=3)

    assert stored() == {archive.id: DATA[:size]}
    assert archive.name == "home.tar"


class NonBlocking(io.FileIO):
    """The reading end of a pipe that a careless parent has made non-blocking."""

    def __init__(self):
        ours, self.feed = os.pipe()
        os.set_blocking(ours, False)
        self.is_waited_for = threading.Event()
        super().__init__(ours)

    def fileno(self):
        self.is_waited_for.set()
        return super().fileno()


def test_a_stream_that_has_nothing_yet_is_not_at_its_end(client, vault, journals, catalog, stored):
    """Else what comes later would be missing from an archive that is said to be whole."""
    raw = NonBlocking()

    def write():
        assert raw.is_waited_for.wait(10)
        os.write(raw.feed, b"a")
        raw.is_waited_for.clear()
        assert raw.is_waited_for.wait(10)
        os.write(raw.feed, b"b")
        os.close(raw.feed)

    writer = threading.Thread(target=write)
    writer.start()
    with io.BufferedReader(raw) as stream:
        archive = streams.start(
            client, stream, vault, name="x", journals=journals, catalog=catalog, workers=1
        ).archive
    writer.join()

    assert stored() == {archive.id: b"ab"}


def test_an_empty_stream_costs_no_request(engine, send):
    engine.log.clear()
    with pytest.raises(Refused, match="empty"):
        send(b"")

    assert engine.log.count() == 0


@pytest.mark.parametrize("description", [None, "the user's own text"])
def test_a_stream_whose_user_was_told_leaves_nothing_behind(
    client, send, journals, description, tell
):
    archive = send(description=description)
    assert journal_files(journals)
    tell(archive)

    assert journal_files(journals) == []


def test_a_stream_whose_journal_is_cut_blocks_no_later_stream(engine, send, journals, stored):
    first = send()
    [path] = journal_files(journals)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))  # up to its id
    refusal = {"code": "InvalidParameterValueException", "status": 400}
    fault = engine.faults.add("AbortMultipartUpload", kind="status", **refusal)
    progress = RecordingProgress()
    second = send(DATA[:9], progress=progress)

    assert engine.faults.delivered(fault) == 1
    assert set(stored()) == {first.id, second.id}
    assert any("next inventory" in note for note in progress.notes)


def test_a_stream_whose_completion_was_refused_leaves_no_upload(
    client, engine, vault, send, journals, stored
):
    refusal = {"code": "InvalidParameterValueException", "status": 400, "message": "a gap"}
    fault = engine.faults.add("CompleteMultipartUpload", kind="status", times=2, **refusal)
    with pytest.raises(Refused, match="a gap"):
        send()
    archive = send()

    assert engine.faults.delivered(fault) == 2
    assert stored() == {archive.id: DATA}
    assert not list(client.pages("ListMultipartUploads", vaultName=vault))


@pytest.mark.parametrize("applied", [True, False])
def test_a_stream_of_uncertain_completion_blocks_no_later_stream(
    client, engine, send, journals, stored, applied
):
    """Tonight's stream comes once; it cannot wait days for what became of yesterday's."""
    engine.timing = "real"
    client.pace.timeout = 0.1
    lost = engine.faults.drop("CompleteMultipartUpload", applied=applied, times=50)
    with pytest.raises(Unavailable):
        send()
    assert engine.faults.delivered(lost)
    heal(engine)
    client.pace.timeout = 5.0
    gone = {"code": "ResourceNotFoundException", "status": 404}
    fault = engine.faults.add("CompleteMultipartUpload", kind="status", **gone)
    progress = RecordingProgress()
    second = send(DATA[:9], progress=progress)

    assert engine.faults.delivered(fault) == 1
    assert any("it is stored, or it had expired" in note for note in progress.notes)
    engine.timing = "instant"
    progress = RecordingProgress()
    later = []
    for _ in range(2):  # the first of them changes the vault, and only that makes an inventory
        engine.clock.advance(timedelta(days=4))
        later.append(send(DATA[:8], progress=progress).id)
    assert any(("had stored" if applied else "is not stored") in each for each in progress.notes)
    assert stored().keys() >= {second.id, *later}
    assert len(stored()) == 3 + applied


def test_a_stored_stream_that_was_not_reported_is_reported_by_the_next_run(
    client, send, journals, stored
):
    first = send()
    progress = RecordingProgress()
    second = send(progress=progress)

    assert set(stored()) == {first.id, second.id}
    assert any(first.id in note for note in progress.notes)


def test_a_stream_that_fails_leaves_no_upload(client, engine, vault, send, journals):
    fault = engine.faults.add(
        "UploadMultipartPart",
        kind="status",
        code="AccessDeniedException",
        status=403,
        skip=1,
        times=9,
    )
    with pytest.raises(AccessDenied):
        send()

    assert engine.faults.delivered(fault)
    assert list(client.pages("ListMultipartUploads", vaultName=vault)) == []
    assert journal_files(journals) == []


def test_a_key_that_expires_in_the_middle_of_a_stream_is_to_be_renewed(engine, send):
    fault = engine.faults.add(
        "UploadMultipartPart", kind="status", code="ExpiredTokenException", status=403, times=9
    )
    with pytest.raises(AccessDenied) as caught:
        send()
    assert engine.faults.delivered(fault)
    assert "renew your credentials" in render(caught.value.hint)


def test_a_server_that_is_down_is_given_up_once_and_the_next_run_cleans_up(
    client, engine, vault, send, journals, stored
):
    client.pace.timeout = 0.1
    fault = engine.faults.add("*", kind="status", skip=2, times=99)
    with pytest.raises(Unavailable) as caught:
        send()
    assert engine.faults.delivered(fault)
    assert engine.log.count("AbortMultipartUpload") == 0
    assert "sends all anew" in render(caught.value.hint)
    heal(engine)
    archive = send()

    assert stored() == {archive.id: DATA}
    assert not list(client.pages("ListMultipartUploads", vaultName=vault))


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_does_not_wait_for_a_stream_that_is_silent(
    client, engine, vault, journals, catalog, workers
):
    """What makes the stream may be busy for hours before it has more to say."""
    ours, feed = os.pipe()
    fault = engine.faults.add(
        "UploadMultipartPart", kind="status", code="AccessDeniedException", status=403
    )

    def write():
        os.write(feed, DATA[:MIB])  # and nothing more, nor an end

    with io.FileIO(feed, "w"), io.FileIO(ours) as raw, io.BufferedReader(raw) as stream:
        writer = threading.Thread(target=write)
        writer.start()
        with pytest.raises(AccessDenied):
            streams.start(
                client,
                stream,
                vault,
                name="x",
                journals=journals,
                catalog=catalog,
                part_size=MIB,
                workers=workers,
            )
        writer.join()

    assert engine.faults.delivered(fault)
