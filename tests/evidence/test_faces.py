"""Each face that hands out bytes names their witness: file, stream, tree, job output and sample."""

import json

import pytest
from helpers import payload, write

from glaciercli.errors import Exit
from glaciercli.transfer.download_journal import DownloadJournal
from glaciercli.treehash import tree_hash
from glaciercli.units import MIB

GOOD, EVIL = payload(3 * MIB + 5, 1), payload(3 * MIB + 5, 2)


@pytest.fixture
def file(glacier, vault, tmp_path, monkeypatch):
    monkeypatch.setenv("GLACIER_VAULT", vault)
    return write(tmp_path / "good.bin", GOOD)


@pytest.fixture
def ident(glacier, file):
    return glacier("upload", file, "--output", "json").json["archiveId"]


@pytest.fixture
def known_by(glacier, ident, home, tmp_path, client, vault):
    """Let the catalog know the archive by one witness alone."""

    def known_by(witness):
        exported = tmp_path / "catalog.jsonl"
        glacier("catalog", "export", exported)
        if witness == "upload":
            return
        for each in (home / "data").glob("catalog.db*"):
            each.unlink()
        if witness == "inventory":
            glacier("vault", "inventory")
        elif witness == "import":
            glacier("catalog", "import", exported)
        elif witness == "job":  # as a record that tells no hash
            known = {**json.loads(exported.read_text()), "checksum": None, "size": None}
            exported.write_text(json.dumps(known))
            glacier("catalog", "import", exported)

    return known_by


SENTENCES = {
    "upload": "every byte is proven against the upload of ",
    "inventory": "every byte is proven against the inventory of ",
    "import": "every byte is proven against the import of ",
    "job": "every byte is proven against what the service says it holds",
}
SUMS = {
    "upload": "(1 against the upload)",
    "inventory": "(1 against an inventory)",
    "import": "(1 against an import)",
    "job": "(1 against what the service says it holds)",
}


@pytest.mark.parametrize("witness", SENTENCES)
def test_each_face_names_the_witness(glacier, ident, known_by, tmp_path, witness):
    known_by(witness)
    job = glacier("job", "start", "archive", "good.bin", "--output", "json").json["JobId"]

    from_job = glacier("job", "output", job, tmp_path / "a").stdout
    from_job_as_json = glacier("job", "output", job, tmp_path / "b", "--output", "json").json
    as_stream = glacier("archive", "download", "good.bin", "-")
    as_file = glacier("archive", "download", "good.bin", tmp_path / "c").stdout
    as_json = glacier("archive", "download", "good.bin", tmp_path / "d", "--output", "json").json
    as_tree = glacier("archive", "download", "--to", tmp_path / "e", "--yes").stdout

    for said in (from_job, as_stream.stderr, as_file):
        assert SENTENCES[witness] in said
    assert (from_job_as_json["provenBy"], as_json["provenBy"]) == (witness, witness)
    assert as_json["provenDate"] is None if witness == "job" else as_json["provenDate"]
    assert SUMS[witness] in as_tree
    assert as_stream.raw == GOOD
    for name in ("a", "b", "c", "d", "e/good.bin"):
        assert (tmp_path / name).read_bytes() == GOOD


def test_restore_as_json_counts_its_witnesses(glacier, file, tmp_path, client, vault):
    glacier("upload", file)
    for name in ("one.txt", "two.txt"):
        client.call("UploadArchive", vaultName=vault, archiveDescription=name, body=name.encode())
    glacier("vault", "inventory")
    words = ("archive", "download", "--to", tmp_path / "out", "--yes", "--output", "json")

    assert glacier(*words).json["provenBy"] == {"upload": 1, "inventory": 2}
    assert glacier(*words).json["provenBy"] == {}  # all of it was there before


def test_sample_names_the_witness(glacier, ident, tmp_path):
    glacier("upload", write(tmp_path / "small", b"all of it"))
    result = glacier("archive", "verify", "--sample", 9, "--yes", "--output", "json")

    assert {each["name"]: each["provenBy"] for each in result.json} == {
        "good.bin": "checksum",
        "small": "upload",
    }
    assert "1 of them proven whole (1 against the upload)" in result.stderr


def test_range_that_is_not_aligned_is_said_to_be_unproven(glacier, ident, tmp_path):
    words = ("job", "start", "archive", "good.bin", "--range", "1MiB-3MiB", "--output", "json")
    job = glacier(*words).json["JobId"]
    result = glacier("job", "output", job, tmp_path / "out", "--output", "json")

    assert result.json["provenBy"] is None
    assert "cannot be proven" in result.stderr
    assert "every byte" not in result.stderr


def test_file_that_an_earlier_run_proved_by_other_bytes_is_not_told_again(
    glacier, ident, client, vault, journals, tmp_path
):
    """As a version did that believed what the service said of itself."""
    place = tmp_path / "out"
    place.write_bytes(EVIL)
    with DownloadJournal.open(client, journals, vault, ident, place) as journal:
        journal.begin(ident, place)
        journal.placing(len(EVIL), tree_hash(EVIL))
        journal.done()

    told = glacier("archive", "download", "good.bin", place, exit=Exit.INTEGRITY).stderr
    assert tree_hash(EVIL) in told
    glacier("archive", "download", "good.bin", place, exit=Exit.CONFLICT)
    glacier("archive", "download", "good.bin", place, "--overwrite")

    assert place.read_bytes() == GOOD
