"""The sentences that say of bytes and archives what is proven, listed, deleted or gone.

A test finds no other: what such a sentence claims is decided where its evidence is an argument.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from glaciercli.evidence.witnesses import Claim, Kind, Witness
from glaciercli.hints import Command, Hint
from glaciercli.models import (
    Archive,
    Restored,
    Sample,
    Verified,
)
from glaciercli.ranges import Span
from glaciercli.units import counted, format_size, format_time_seconds

# --- witnesses


def witness(by: Witness) -> str:
    """Return whose word a hash is: `the upload of 2026-11-22`."""
    of = f" of {_day(by.date)}" if by.date else ""
    match by.kind:
        case Kind.UPLOAD:
            return f"the upload{of}"
        case Kind.INVENTORY:
            return f"the inventory{of}"
        case Kind.IMPORT:
            return f"the import{of}"
        case Kind.JOB | Kind.CHECKSUM:
            return "what the service says it holds"


def called(archive: Archive) -> str:
    """Return what an archive is called in a sentence: by its name, if any, and its id."""
    ident = f"{archive.id[:12]}…"
    return f"{archive.name!r} ({ident})" if archive.name else ident


# --- bytes that came


def received(path: str, name: str, by: Witness | None, *, is_whole: bool) -> str:
    """Say what a received file is, and what proves its bytes; `is_whole` if it is an archive."""
    return f"{path} is {name}: {_proven(by, is_whole=is_whole)}"


def _proven(by: Witness | None, *, is_whole: bool) -> str:
    if by is None:
        return "nothing proves its bytes, since the service has no checksum of such a range"
    if not is_whole:
        return "every byte is proven against the service's checksum of that range alone"
    return f"every byte is proven against {witness(by)}"


def unprovable(archive: Archive) -> str:
    """Say beforehand that nothing will prove the bytes of a range."""
    return (
        f"this range of archive {called(archive)} is not tree-hash aligned: the service has no"
        " checksum of it, and its bytes cannot be proven"
    )


def written_already(problem: str) -> str:
    """Say of a stream, which cannot be taken back, that its bytes are the wrong ones."""
    return f"what was written is not the archive: {problem}"


def other_size(archive: Archive, size: int, *, expected: int) -> str:
    """Say that an archive arrived with another size than it has; both in bytes."""
    return f"{size} bytes of archive {called(archive)} came, and not {expected}"


def other_bytes(archive: Archive, span: Span | None, came: str, claim: Claim) -> str:
    """Say that what came is not the archive, or not [start, stop) of it, with both hashes."""
    if span is None:
        return (
            f"what came is not archive {called(archive)}: it has tree hash {came}, and the archive"
            f" {claim.tree_hash} by {witness(claim.by)}"
        )
    return (
        f"what came is not bytes {span[0]}-{span[1] - 1} of archive {called(archive)}: it has tree"
        f" hash {came}, and the service's checksum of that range is {claim.tree_hash}"
    )


def contradicted(archive: Archive, one: Claim, other: Claim) -> str:
    """Say that two witnesses tell two hashes of one archive."""
    return (
        f"archive {called(archive)} has tree hash {one.tree_hash} by {_told_by(one.by)},"
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


def other_bytes_hint(archive: Archive) -> Hint:
    """Return the commands that find out which of catalog and vault is right."""
    return (
        Command("vault", "inventory", archive.vault),
        ", then ",
        Command("catalog", "verify", archive.vault),
    )


def samples(count: int) -> str:
    """Say how many samples are proven."""
    return f"{counted(count, 'sample')} proven"


def sampled(samples: Sequence[Sample]) -> str:
    """Say how far samples reach: a range says nothing of an archive's other bytes."""
    whole = [each for each in samples if each.is_whole]
    said = f"sampled: {counted(len(samples), 'archive')}, {len(whole)} of them proven whole"
    if whole:
        said += f" ({_summed(Counter(each.proven_by for each in whole))})"
    if len(whole) < len(samples):
        said += (
            "; of the others 1 MiB each was read and is what the service has a checksum of, which"
            " says nothing of their other bytes"
        )
    return said


# --- archives that are there, and others


def not_there(archive: Archive, newest: datetime | None) -> str:
    """Say that an archive is deleted or gone, and since when."""
    if archive.status == "deleted" and archive.deleted is not None:
        return f"archive {called(archive)} is deleted, since {_day(archive.deleted)}"
    if archive.vault_gone is not None:
        return f"archive {called(archive)} is gone with its vault, by {_day(archive.vault_gone)}"
    by = f": the inventory of {_day(newest)} does not list it" if newest else ""
    return f"archive {called(archive)} is gone{by}"


def not_listed(archive: Archive, newest: datetime | None) -> str:
    """Say that the newest inventory lacks what it should have."""
    said = f"archive {called(archive)} may be lost"
    if newest is None:
        return f"{said}: it is missing"
    lacks, listed = _day(newest), archive.seen and _day(archive.seen)
    if listed == lacks:  # two of one day
        lacks, listed = map(format_time_seconds, (newest, archive.seen or newest))
    said += f": the newest inventory, of {lacks}, does not list it"
    return f"{said}, and that of {listed} did" if listed else said


def listed_as_another(archive: Archive, date: datetime) -> str:
    """Say that the inventory of a date disagrees with the catalog about an archive."""
    return (
        f"the inventory of {_day(date)} lists archive {called(archive)} with another size or tree"
        " hash than the catalog has"
    )


def verified(done: Verified, reference: str) -> str:
    """Say what a file is, by whose word, and whether an inventory shows that it is there."""
    by = witness(Witness(Kind(done.proven_by), done.proven_date))
    listed = (
        f"the inventory of {_day(done.seen)} lists it"
        if done.seen
        else "no inventory has listed it yet"
    )
    return (
        f"{done.path} is archive {reference}: {format_size(done.size)}, tree hash"
        f" {done.tree_hash} by {by}; {listed}"
    )


def another_file(path: Path, archive: Archive, what: str, here: object, there: object) -> str:
    """Say that a file is not what an archive holds."""
    return f"{path} has {what} {here}, archive {called(archive)} has {there}"


def lost(reference: str, archive: Archive) -> str:
    """Say why a name finds none of the archives that had it."""
    ended = archive.vault_gone
    end = "" if ended is None else f" with its vault, by {format_time_seconds(ended)}"
    return f"archive {reference!r} of vault {archive.vault!r} is {archive.status}{end}"


# --- uploads


def file_changed(path: Path) -> str:
    """Say why an upload ends before anything is made of it."""
    return f"{path} changed while it was being read; nothing was stored"


def part_differs(sent: str, told: object) -> str:
    """Say that the service claims another tree hash for a part than that of what was sent."""
    return f"sent {sent}, the service stored {told}"


# --- trees


def restored(done: Restored) -> str:
    """Say what a restore has done, and by whose word its files are proven."""
    said = (
        f"restored to {done.directory} and proven: {counted(done.restored, 'file')},"
        f" {format_size(done.size)}"
    )
    if done.proven_by:
        said += f" ({_summed(done.proven_by)})"
    said += f"; there before: {done.already:,}"
    return f"{said}; {left_out(done.left_out)}" if done.left_out else said


def left_out(counts: Mapping[str, int]) -> str:
    """Say how many archives are not listed or restored, since they are gone or deleted."""
    return "left out: " + ", ".join(f"{count:,} {state}" for state, count in counts.items())


def _summed(counts: Mapping[str, int]) -> str:
    """Return by whose word how many are proven, the best witness first."""
    phrases = {
        Kind.UPLOAD: "against the upload",
        Kind.INVENTORY: "against an inventory",
        Kind.IMPORT: "against an import",
    }
    told = Counter[str]()
    for kind in Kind:
        phrase = phrases.get(kind, "against what the service says it holds")
        told[phrase] += counts.get(kind.value, 0)
    return ", ".join(f"{count:,} {phrase}" for phrase, count in told.items() if count)


def _day(moment: datetime) -> str:
    return format_time_seconds(moment)[:10]
