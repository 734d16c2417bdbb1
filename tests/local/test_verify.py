import json

import pytest
from helpers import payload

from glaciercli.local import metering
from glaciercli.local._schema import MIGRATIONS
from glaciercli.local.verify import Info, info, verify
from glaciercli.treehash import tree_hash

MIB = 1 << 20


@pytest.fixture
def data():
    return payload(2 * MIB + 9)


@pytest.fixture
def archive(call, data):
    return call.archive(data).headers["x-amz-archive-id"]


def flip(path, at):
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1]))


def test_a_sound_store_has_no_damage(call, engine, archive, data):
    upload = call.upload()
    call.part(upload, 0, data[:MIB])
    call.part(upload, 0, data[:MIB])

    assert list(verify(engine)) == []
    version = len(MIGRATIONS)
    assert info(engine) == Info(version, 1, 1, len(data), 1, 0, metering.read(engine.store))


def test_a_flipped_bit_is_found_and_named(engine, archive, files):
    (path,) = files()
    flip(path, MIB + 5)

    (damage,) = verify(engine)

    assert (damage.kind, damage.vault, damage.id) == ("archive", "v", archive)
    assert damage.reason.endswith(f"first in the megabyte at {MIB}")


def test_a_short_file_is_found(engine, archive, files, data):
    (path,) = files()
    with path.open("r+b") as file:
        file.truncate(MIB)

    (damage,) = verify(engine)

    assert damage.reason == f"the file ends at {MIB} instead of {len(data)}"


def test_a_missing_file_is_found(engine, archive, files):
    files()[0].unlink()

    assert [each.reason for each in verify(engine)] == ["the file is missing"]


def test_a_file_that_cannot_be_read_is_told_and_the_next_one_looked_at(call, engine, files):
    call.archive(b"one")
    (path,) = files()
    call.archive(b"two")
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))  # our files are no links
    missing = next(each for each in files() if each != path)
    missing.unlink()

    first, second = [each.reason for each in verify(engine)]

    assert first.startswith("the file cannot be read: ")
    assert second == "the file is missing"


def test_a_flipped_digest_is_found(engine, archive, files):
    (path,) = files()
    flip(path.with_name(f"{path.name}.leaves"), 40)

    assert [each.reason for each in verify(engine)] == [
        "the stored digests are not those of the bytes"
    ]


def test_a_damaged_part_is_found_in_its_place_and_aside(call, engine, files, data):
    upload = call.upload()
    for start in (0, MIB):
        call.part(upload, start, data[start : start + MIB])
    call.part(upload, MIB, data[:MIB])
    for path in files():
        flip(path, 3)

    damages = list(verify(engine))

    assert [(each.kind, each.id, each.start) for each in damages] == [
        ("part", upload, 0),
        ("part", upload, MIB),
    ]


def test_an_output_whose_file_is_missing_is_a_server_error(call, archive, files):
    asked = json.dumps({"Type": "archive-retrieval", "ArchiveId": archive}).encode()
    job = call("POST", "/-/vaults/v/jobs", asked)
    files()[0].unlink()

    got = call("GET", f"/-/vaults/v/jobs/{job.headers['x-amz-job-id']}/output", status=500)

    assert "missing from the disk" in got.json["message"]


def test_rot_is_caught_by_the_clients_own_check(call, engine, archive, files, data):
    """A range comes with the hash of what was uploaded, not of what is there now."""
    asked = json.dumps({"Type": "archive-retrieval", "ArchiveId": archive}).encode()
    job = call("POST", "/-/vaults/v/jobs", asked)
    flip(files()[0], 7)
    target = f"/-/vaults/v/jobs/{job.headers['x-amz-job-id']}/output"

    got = call("GET", target, range=f"bytes=0-{MIB - 1}")

    assert got.headers["x-amz-sha256-tree-hash"] == tree_hash(data[:MIB])
    assert got.headers["x-amz-sha256-tree-hash"] != tree_hash(got.body)
