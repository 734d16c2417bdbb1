"""One function decides whether bytes are the archive's, and names the witness."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from glaciercli.errors import IntegrityError
from glaciercli.evidence.proofs import promised
from glaciercli.evidence.witnesses import Kind, Witness
from glaciercli.models import Archive, Job
from glaciercli.units import MIB

TRUE, EVIL, RANGE = "a" * 64, "b" * 64, "c" * 64
SIZE = 3 * MIB
UPLOADED = datetime(2026, 11, 22, tzinfo=UTC)
LISTED = datetime(2026, 11, 28, tzinfo=UTC)

UNKNOWN = Archive("i" * 138, "photos")
KNOWN = replace(UNKNOWN, size=SIZE, tree_hash=TRUE)
SENT = replace(KNOWN, hash_from="upload", created=UPLOADED, recorded=UPLOADED)
INVENTORIED = replace(KNOWN, seen=LISTED)
IMPORTED = replace(KNOWN, hash_from="import", recorded=UPLOADED)
RETRIEVED = replace(KNOWN, hash_from="job")


def job(**told):
    """Return a finished retrieval of the whole archive, told truly but for `told`."""
    whole = Job(
        "j" * 92,
        "photos",
        "ArchiveRetrieval",
        "Succeeded",
        completed=True,
        archive_id=UNKNOWN.id,
        archive_size=SIZE,
        archive_tree_hash=TRUE,
        range=f"0-{SIZE - 1}",
        tree_hash=TRUE,
    )
    return replace(whole, **told)


@pytest.mark.parametrize(
    ("archive", "told", "witness"),
    [
        (SENT, {}, Witness(Kind.UPLOAD, UPLOADED)),
        (replace(SENT, seen=LISTED), {}, Witness(Kind.UPLOAD, UPLOADED)),
        (INVENTORIED, {}, Witness(Kind.INVENTORY, LISTED)),
        (replace(IMPORTED, seen=LISTED), {}, Witness(Kind.INVENTORY, LISTED)),
        (IMPORTED, {}, Witness(Kind.IMPORT, UPLOADED)),
        (replace(IMPORTED, seen=LISTED, differs=LISTED), {}, Witness(Kind.IMPORT, UPLOADED)),
        (replace(RETRIEVED, seen=LISTED), {}, Witness(Kind.INVENTORY, LISTED)),
        (RETRIEVED, {}, Witness(Kind.JOB)),
        (UNKNOWN, {}, Witness(Kind.JOB)),
        (UNKNOWN, {"archive_tree_hash": None}, Witness(Kind.CHECKSUM)),
        (SENT, {"archive_tree_hash": None, "tree_hash": None}, Witness(Kind.UPLOAD, UPLOADED)),
        (SENT, {"range": None}, Witness(Kind.UPLOAD, UPLOADED)),
    ],
)
def test_whole_archive_is_proven_against_its_best_witness(archive, told, witness):
    proof = promised(archive, job(**told)).met_by(SIZE, TRUE)

    assert (proof.witness, proof.is_whole) == (witness, True)
    assert (proof.archive.size, proof.archive.tree_hash) == (SIZE, TRUE)


@pytest.mark.parametrize(
    ("archive", "told"),
    [
        (SENT, {"tree_hash": EVIL}),
        (SENT, {"tree_hash": EVIL, "archive_tree_hash": None}),
        (SENT, {"tree_hash": EVIL, "archive_tree_hash": EVIL}),
        (INVENTORIED, {"tree_hash": EVIL}),
        (IMPORTED, {"archive_tree_hash": EVIL}),
        (UNKNOWN, {"tree_hash": EVIL}),
        (SENT, {"archive_size": SIZE - 1}),
        (SENT, {"archive_id": "x" * 138}),
        (SENT, {"range": f"0-{SIZE}"}),
        (UNKNOWN, {"range": "0-42949672959999"}),
        (UNKNOWN, {"tree_hash": None, "archive_tree_hash": None}),
        (UNKNOWN, {"archive_size": None}),
    ],
)
def test_what_contradicts_is_refused_before_a_byte_comes(archive, told):
    with pytest.raises(IntegrityError):
        promised(archive, job(**told))


@pytest.mark.parametrize("archive", [SENT, INVENTORIED, IMPORTED, UNKNOWN])
def test_other_bytes_are_refused_with_both_hashes(archive):
    with pytest.raises(IntegrityError) as refused:
        promised(archive, job()).met_by(SIZE, EVIL)

    assert TRUE in refused.value.message
    assert EVIL in refused.value.message


def test_shorter_bytes_are_refused():
    with pytest.raises(IntegrityError):
        promised(SENT, job()).met_by(SIZE - 1, TRUE)


def test_range_is_proven_by_its_checksum_alone():
    first = job(range=f"0-{MIB - 1}", tree_hash=RANGE)

    proof = promised(SENT, first).met_by(MIB, RANGE)

    assert (proof.witness, proof.is_whole) == (Witness(Kind.CHECKSUM), False)


def test_range_of_an_archive_that_is_another_is_refused():
    first = job(range=f"0-{MIB - 1}", tree_hash=RANGE, archive_tree_hash=EVIL)

    with pytest.raises(IntegrityError):
        promised(SENT, first)


def test_range_that_is_not_aligned_has_no_witness():
    across = job(range=f"{MIB}-{3 * MIB - 1}", tree_hash=None)

    assert promised(SENT, across).met_by(2 * MIB, RANGE).witness is None


def test_aligned_range_without_a_checksum_is_refused():
    with pytest.raises(IntegrityError):
        promised(SENT, job(range=f"0-{MIB - 1}", tree_hash=None))
