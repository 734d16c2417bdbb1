"""No part that was acknowledged is spoiled, whoever writes it again and however that ends."""

import io
import os
import threading

import pytest
from helpers import payload

MIB = 1 << 20


class Gate(io.RawIOBase):
    """A body that stops in the middle until it is let through; `stopped` says that it is there."""

    def __init__(self, data):
        self._data = io.BytesIO(data)
        self.stopped, self.go_on = threading.Event(), threading.Event()
        self.broken = False

    def read(self, size=-1, /):
        if self._data.tell():
            self.stopped.set()
            assert self.go_on.wait(20)
            if self.broken:
                return b""
        return self._data.read(min(size, MIB // 2))


@pytest.fixture
def in_flight(call):
    """Start to write a part in a thread, and stop in the middle of it."""
    threads = []

    def start(upload, at, data, status):
        body = Gate(data)
        thread = threading.Thread(
            target=lambda: call.part(upload, at, data, body=body, status=status)
        )
        thread.start()
        assert body.stopped.wait(20)

        def finish(*, broken=False):
            body.broken = broken
            body.go_on.set()
            thread.join(20)
            assert not thread.is_alive()

        threads.append(finish)
        return finish

    yield start
    for finish in threads:
        finish()


def test_a_late_first_writer_cannot_reach_the_archive(call, in_flight):
    upload, data = call.upload(), payload(2 * MIB)
    finish = in_flight(upload, 0, payload(MIB, seed=7), status=404)
    call.part(upload, 0, data[:MIB])
    call.part(upload, MIB, data[MIB:])

    archive = call.complete(upload, data).headers["x-amz-archive-id"]
    finish()

    assert call.fetch(archive) == data


def test_the_last_to_finish_wins_when_the_first_writer_is_slow(call, in_flight, files):
    upload, slow, fast = call.upload(), payload(MIB, seed=1), payload(MIB, seed=2)
    finish = in_flight(upload, 0, slow, status=204)
    call.part(upload, 0, fast)
    finish()

    archive = call.complete(upload, slow).headers["x-amz-archive-id"]

    assert call.fetch(archive) == slow
    assert len(files()) == 1


def test_a_writer_that_breaks_leaves_the_other_ones_part(call, in_flight):
    upload, good = call.upload(), payload(MIB, seed=2)
    finish = in_flight(upload, 0, payload(MIB, seed=1), status=408)
    call.part(upload, 0, good)
    finish(broken=True)

    archive = call.complete(upload, good).headers["x-amz-archive-id"]

    assert call.fetch(archive) == good


def test_a_rewrite_that_breaks_leaves_the_part(call, in_flight, files):
    upload, good = call.upload(), payload(MIB)
    call.part(upload, 0, good)
    finish = in_flight(upload, 0, payload(MIB, seed=1), status=408)
    finish(broken=True)

    archive = call.complete(upload, good).headers["x-amz-archive-id"]

    assert call.fetch(archive) == good
    assert len(files()) == 1


def test_complete_does_not_wait_for_a_rewrite_in_flight(call, in_flight):
    upload, good = call.upload(), payload(MIB)
    call.part(upload, 0, good)
    finish = in_flight(upload, 0, payload(MIB, seed=1), status=404)

    archive = call.complete(upload, good).headers["x-amz-archive-id"]
    finish()

    assert call.fetch(archive) == good


def test_a_writer_of_a_part_too_many_cannot_reach_the_archive(call, in_flight, files):
    upload, data = call.upload(), payload(MIB)
    call.part(upload, 0, data)
    finish = in_flight(upload, MIB, payload(MIB, seed=1), status=404)

    archive = call.complete(upload, data).headers["x-amz-archive-id"]
    finish()

    assert call.fetch(archive) == data
    assert [path.stat().st_size for path in files()] == [MIB]


def test_a_part_that_is_replaced_while_it_is_copied_is_copied_again(call, files, monkeypatch):
    upload, data = call.upload(), payload(MIB)
    for _ in range(2):  # the second lies aside, so it must be copied
        call.part(upload, 0, data)
    real, copies = os.open, []

    def rewritten_meanwhile(path, flags, *more, **options):
        if flags & os.O_EXCL and not str(path).endswith(".leaves"):  # what they are copied into
            copies.append(path)
            if len(copies) == 1:
                call.part(upload, 0, data)  # and what was to be copied is gone
        return real(path, flags, *more, **options)

    monkeypatch.setattr(os, "open", rewritten_meanwhile)
    archive = call.complete(upload, data).headers["x-amz-archive-id"]

    assert len(copies) == 3  # the part that was sent in between, and two copies of it
    assert call.fetch(archive) == data
    assert len(files()) == 1


def test_a_part_in_flight_when_the_upload_is_aborted_is_refused(call, in_flight, files):
    upload = call.upload()
    finish = in_flight(upload, 0, payload(MIB), status=404)
    call("DELETE", f"/-/vaults/v/multipart-uploads/{upload}")
    finish()

    assert files() == []


def test_a_part_whose_first_writer_died_is_copied_into_the_archive(call, engine, files):
    upload, data = call.upload(), payload(2 * MIB)
    with engine.store.write() as db:  # as a process leaves it that was killed while it wrote
        db.run("INSERT INTO claims (upload, part) VALUES (1, 1)")
    call.part(upload, 0, data[:MIB])
    call.part(upload, MIB, data[MIB:])

    archive = call.complete(upload, data).headers["x-amz-archive-id"]

    assert call.fetch(archive) == data
    assert len(files()) == 1


def test_an_undisturbed_upload_is_not_copied(call, engine):
    upload, data = call.upload(), payload(3 * MIB)
    for start in range(0, len(data), MIB):
        call.part(upload, start, data[start : start + MIB])
    with engine.store.read() as db:
        blob = db.get("SELECT blob FROM uploads")["blob"]
    before = engine.blobs.path(blob).stat()
    call.complete(upload, data)

    after = engine.blobs.path(blob).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_many_threads_write_one_upload(call):
    upload, data = call.upload(), payload(12 * MIB)
    starts = [*range(0, len(data), MIB)] * 2

    def work():
        while True:
            try:
                start = starts.pop()
            except IndexError:
                return
            call.part(upload, start, data[start : start + MIB])

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert call.fetch(call.complete(upload, data).headers["x-amz-archive-id"]) == data


def test_a_body_that_ends_early_is_a_timeout(call, files):
    reply = call.archive(b"x" * 10, length=20, status=408)

    assert reply.json["code"] == "RequestTimeoutException"
    assert files() == []
