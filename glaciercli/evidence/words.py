"""The sentences that say what is proven, stored, listed, deleted or gone.

A test finds no other: what such a sentence claims is decided where its evidence is an argument.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from glaciercli.evidence.witnesses import Claim, Kind, Witness
from glaciercli.models import Archive
from glaciercli.units import format_time_seconds

if TYPE_CHECKING:
    from glaciercli.evidence.proofs import Proof


# --- witnesses


def witness(by: Witness) -> str:
    """Return whose word a hash is: `the upload of 2026-11-22`."""
    of = f" of {format_time_seconds(by.date)[:10]}" if by.date else ""
    match by.kind:
        case Kind.UPLOAD:
            return f"the upload{of}"
        case Kind.INVENTORY:
            return f"the inventory{of}"
        case Kind.IMPORT:
            return f"the import{of}"
        case Kind.JOB | Kind.CHECKSUM:
            return "what the service says it holds"


# --- bytes that came


def received(path: str, name: str, proof: Proof) -> str:
    """Say what a received file is, and by whose word."""
    return f"{path} is {name}: {proven(proof)}"


def proven(proof: Proof) -> str:
    """Say what proves bytes that came."""
    if proof.witness is None:
        return "nothing proves its bytes, since the service has no checksum of such a range"
    if not proof.is_whole:
        return "every byte is proven against the service's checksum of that range alone"
    return f"every byte is proven against {witness(proof.witness)}"


def other_size(archive: Archive, size: int, *, expected: int) -> str:
    return f"{size} bytes came of archive {archive.id}, not the {expected} that were asked for"


def other_bytes(archive: Archive, came: str, claim: Claim) -> str:
    """Say that what came is not the archive, with both hashes."""
    return (
        f"the bytes that came are not archive {archive.id}: they have tree hash {came},"
        f" it has {claim.tree_hash} by {witness(claim.by)}"
    )


def contradicted(archive: Archive, one: Claim, other: Claim) -> str:
    """Say that two witnesses tell two hashes of one archive."""
    return (
        f"archive {archive.id} has tree hash {one.tree_hash} by {_told_by(one.by)},"
        f" and {other.tree_hash} by {_told_by(other.by)}"
    )


def _told_by(by: Witness) -> str:
    match by.kind:
        case Kind.JOB:
            return "the retrieval's ArchiveSHA256TreeHash"
        case Kind.CHECKSUM:
            return "the retrieval's SHA256TreeHash"
        case _:
            return witness(by)


def other_bytes_hint(archive: Archive) -> str:
    return f"glacier vault inventory {archive.vault}, then glacier catalog verify {archive.vault}"
