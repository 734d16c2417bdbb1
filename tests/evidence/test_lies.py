"""A server that lies about an archive: what it sends is never called the archive.

`both` lies about both hashes of a retrieval, `omit` leaves the archive's out, `same` tells that one
truly; `bytes` tells both truly, and sends other bytes with the right checksum of each range.
"""

import pytest
from evidence.liar import Liar
from helpers import payload, run

from glaciercli.errors import Exit
from glaciercli.treehash import tree_hash
from glaciercli.units import MIB

GOOD, EVIL = payload(5 * MIB + 5, 1), payload(5 * MIB + 5, 2)
MODES = ["both", "omit", "same", "bytes"]


def lies(mode, evil=EVIL):
    """Return what a server says of a retrieval's hashes."""
    told = tree_hash(evil)
    return {
        "both": {"ArchiveSHA256TreeHash": told, "SHA256TreeHash": told},
        "omit": {"ArchiveSHA256TreeHash": None, "SHA256TreeHash": told},
        "same": {"SHA256TreeHash": told},
        "bytes": {},
    }[mode]


@pytest.fixture
def liar(engine):
    liar = Liar(engine)
    yield liar
    liar.close()


@pytest.fixture
def at(liar, vault):
    """Run the program on the server that may lie."""

    def at(*args, **options):
        where = ("--endpoint-url", liar.url, "--region", "us-east-1")
        return run(*where, *args, "-V", vault, **options)

    return at


@pytest.fixture
def good(at, tmp_path):
    """Upload good.bin; return its id."""
    path = tmp_path / "good.bin"
    path.write_bytes(GOOD)
    return at("upload", path, "--output", "json").json["archiveId"]


@pytest.mark.parametrize("mode", MODES)
def test_file_of_other_bytes_is_refused(liar, at, good, tmp_path, mode):
    liar.lie(EVIL, lies(mode))
    result = at("archive", "download", "good.bin", tmp_path / "out", exit=Exit.INTEGRITY)

    assert liar.told
    assert tree_hash(GOOD) in result.stderr
    assert tree_hash(EVIL) in result.stderr
    assert not (tmp_path / "out").exists()

    liar.lie()
    at("archive", "download", "good.bin", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == GOOD


@pytest.mark.parametrize("mode", MODES)
def test_tree_of_other_bytes_is_refused(liar, at, good, tmp_path, mode):
    liar.lie(EVIL, lies(mode))
    at("archive", "download", "--to", tmp_path / "tree", "--yes", exit=Exit.PARTIAL)

    assert liar.told
    assert not (tmp_path / "tree" / "good.bin").exists()

    liar.lie()
    at("archive", "download", "--to", tmp_path / "tree", "--yes")
    assert (tmp_path / "tree" / "good.bin").read_bytes() == GOOD


@pytest.mark.parametrize("mode", MODES)
def test_stream_of_other_bytes_ends_by_saying_so(liar, at, good, mode):
    liar.lie(EVIL, lies(mode))
    result = at("archive", "download", "good.bin", "-", exit=Exit.INTEGRITY)

    assert liar.told
    assert tree_hash(EVIL) in result.stderr
    assert result.raw == (EVIL if mode == "bytes" else b"")  # it cannot be taken back
    assert ("what was written is not the archive" in result.stderr) == (mode == "bytes")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dest", ["out", "-"])
def test_output_of_a_job_of_other_bytes_is_refused(liar, at, good, tmp_path, mode, dest):
    job = at("job", "start", "archive", "good.bin", "--output", "json").json["JobId"]
    liar.lie(EVIL, lies(mode))
    dest = dest if dest == "-" else tmp_path / dest
    result = at("job", "output", job, dest, exit=Exit.INTEGRITY)

    assert liar.told
    assert tree_hash(EVIL) in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("mode", MODES)
def test_sample_of_other_bytes_is_named(liar, at, tmp_path, mode):
    small, evil = GOOD[:5], EVIL[:5]
    (tmp_path / "small").write_bytes(small)
    at("upload", tmp_path / "small")
    liar.lie(evil, lies(mode, evil))
    result = at("archive", "verify", "--sample", 1, "--yes", exit=Exit.PARTIAL)

    assert liar.told
    assert tree_hash(evil) in result.stderr
    assert result.stdout == ""


def test_shorter_retrieval_is_not_the_whole(liar, at, good, tmp_path):
    """A job that says that it brings a part is not taken for the archive."""
    liar.lie(None, {"RetrievalByteRange": f"0-{MIB - 1}", "SHA256TreeHash": tree_hash(GOOD[:MIB])})
    at("archive", "download", "good.bin", tmp_path / "out", exit=Exit.INTEGRITY)
    result = at("archive", "download", "good.bin", "-", exit=Exit.INTEGRITY)

    assert liar.told
    assert result.raw == b""
    assert not (tmp_path / "out").exists()


def test_range_says_that_only_the_service_vouches_for_it(liar, at, good, tmp_path):
    result = at("archive", "download", "good.bin", tmp_path / "out", "--range", "0-1MiB")

    what = f"{tmp_path / 'out'} is 1.0 MiB of good.bin, from byte 0"
    proof = "every byte is proven against the service's checksum of that range alone"
    assert result.lines == [f"{what}: {proof}"]


def test_range_of_a_small_archive_is_proven_by_the_whole(at, tmp_path):
    (tmp_path / "small").write_bytes(GOOD[:9])
    at("upload", tmp_path / "small")
    result = at("archive", "download", "small", tmp_path / "out", "--range", "3-5")

    assert (tmp_path / "out").read_bytes() == GOOD[3:5]
    assert "every byte is proven against the upload of" in result.stdout


@pytest.mark.parametrize("dest", ["out", "-"])
def test_whole_is_proven_though_its_ranges_have_no_checksum(liar, at, good, tmp_path, dest):
    liar.lie(checksums=False)
    dest = dest if dest == "-" else tmp_path / dest
    result = at("archive", "download", "good.bin", dest)

    assert liar.told
    assert (result.raw if dest == "-" else dest.read_bytes()) == GOOD


@pytest.mark.parametrize("dest", ["out", "-"])
def test_other_bytes_without_any_checksum_are_refused(liar, at, good, tmp_path, dest):
    liar.lie(EVIL, checksums=False)
    dest = dest if dest == "-" else tmp_path / dest
    at("archive", "download", "good.bin", dest, exit=Exit.INTEGRITY)

    assert not (tmp_path / "out").exists()
