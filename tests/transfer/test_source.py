import os
from dataclasses import replace

import pytest

from glaciercli.errors import Conflict, Refused, UsageError
from glaciercli.transfer.source import Identity, Source


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"before")
    return path


def test_an_untouched_file_is_unchanged(path):
    Source.open(path).require_unchanged()


def _write(path):
    path.write_bytes(b"BEFORE")


def _append(path):
    with path.open("ab") as file:
        file.write(b"more")


def _replace(path):
    other = path.with_name("other")
    other.write_bytes(b"before")
    other.replace(path)


def _write_and_touch_back(path):
    status = path.stat()
    path.write_bytes(b"BEFORE")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _remove(path):
    path.unlink()


@pytest.mark.parametrize("change", [_write, _append, _replace, _write_and_touch_back, _remove])
def test_any_change_is_a_conflict(path, change):
    source = Source.open(path)
    change(path)

    with pytest.raises(Conflict, match="changed|went away"):
        source.require_unchanged()


def test_an_identity_survives_a_round_trip(path):
    identity = Source.open(path).identity

    assert Identity.from_json(identity.as_json()) == identity


@pytest.mark.parametrize(("seconds", "year"), [(-(1 << 40), 1), (-1, 1969), (1 << 40, 9999)])
def test_a_time_that_no_calendar_has_is_the_nearest_that_one_has(path, seconds, year):
    source = Source.open(path)
    there = replace(source.identity, modified_ns=seconds * 10**9)

    assert replace(source, identity=there).modified.year == year


def test_what_cannot_be_an_archive_is_named(tmp_path):
    (tmp_path / "empty").touch()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="nope"):
        Source.open(tmp_path / "nope")
    with pytest.raises(Refused, match="empty"):
        Source.open(tmp_path / "empty")
    with pytest.raises(Refused, match="not a regular file"):
        Source.open(tmp_path / "pipe")
    with pytest.raises(Refused, match="is a directory"):
        Source.open(tmp_path)


def test_the_descriptor_outlives_the_source_while_someone_reads(path):
    descriptor = Source.open(path).descriptor
    buffer = bytearray(6)

    assert descriptor.read_into(memoryview(buffer), 0) == 6
    number = descriptor.number
    del descriptor
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)
