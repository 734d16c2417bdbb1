"""Whether bytes that came out of a vault are the archive's: decided here, and nowhere else.

Two steps, since the first needs no byte: `promised` compares what the catalog and the finished
retrieval say of the archive, before anything is received; `Promise.met_by` compares what came.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from glaciercli.errors import IntegrityError
from glaciercli.evidence import words
from glaciercli.evidence.witnesses import Claim, Kind, Witness
from glaciercli.models import Archive, Fetched, Job, Received
from glaciercli.treehash import is_tree_hash_aligned


@dataclass(frozen=True)
class Piece:
    """Bytes [start, stop) of an archive."""

    #: The catalog's, with the size and the hash that the job adds where it has none.
    archive: Archive
    start: int
    stop: int

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole archive; False where the archive's size is not known."""
        return (self.start, self.stop) == (0, self.archive.size)


@dataclass(frozen=True)
class Proof(Piece):
    """Bytes of an archive that came, and the witness that they are the archive's.

    Without a witness nothing proves them: the service gives no checksum of such a range.
    """

    tree_hash: str
    witness: Witness | None

    def received(self, path: str) -> Received:
        """Return the record of the archive that is in a file now."""
        return Received(**{**vars(self.archive), "path": path, **self._by()})

    def fetched(self, job: Job, path: str) -> Fetched:
        """Return the record of the job whose output is in a file now."""
        return Fetched(**{**vars(job), "path": path, **self._by()})

    def sentence(self, path: str, name: str) -> str:
        """Say that a file, or a stream, is what has that name, and what proves it."""
        return words.received(path, name, self.witness, is_whole=self.is_whole)

    def _by(self) -> dict[str, Any]:
        if self.witness is None:
            return {}
        return {"proven_by": self.witness.kind.value, "proven_date": self.witness.date}


@dataclass(frozen=True)
class Promise(Piece):
    """What the bytes of a finished retrieval must be.

    `claim` is None where nobody tells the hash of such a range.
    """

    claim: Claim | None

    def met_by(self, size: int, tree_hash: str) -> Proof:
        """Return the proof that `size` bytes of a tree hash are these; raises IntegrityError."""
        if size != self.stop - self.start:
            raise IntegrityError(
                words.other_size(self.archive, size, expected=self.stop - self.start)
            )
        if self.claim is not None and tree_hash != self.claim.tree_hash:
            span = None if self.is_whole else (self.start, self.stop)
            raise IntegrityError(
                words.other_bytes(self.archive, span, tree_hash, self.claim),
                hint=words.other_bytes_hint(self.archive),
            )
        witness = None if self.claim is None else self.claim.by
        return Proof(self.archive, self.start, self.stop, tree_hash, witness)


def promised(archive: Archive, job: Job) -> Promise:
    """Return what a finished archive retrieval must bring.

    The hash of a whole archive is the catalog's where it has one, else the job's
    `ArchiveSHA256TreeHash`, else its `SHA256TreeHash`; those that are told must agree. Of a range
    only `SHA256TreeHash` speaks, and only where the range is aligned in the archive's tree
    (API reference, "DescribeJob": `SHA256TreeHash`). Raises IntegrityError where they contradict
    one another, or say nothing at all.
    """
    start, stop, size = _place(archive, job)
    is_whole = (start, stop) == (0, size)
    claims = list(_claims(archive, job, is_whole=is_whole))
    for each in claims[1:]:
        if each.tree_hash != claims[0].tree_hash:
            raise IntegrityError(
                words.contradicted(archive, claims[0], each), hint=words.other_bytes_hint(archive)
            )
    complete = replace(archive, size=size)
    if archive.tree_hash is None and claims:
        complete = replace(complete, tree_hash=claims[0].tree_hash, hash_from=Kind.JOB.value)
    if is_whole and claims:
        return Promise(complete, start, stop, claims[0])
    if not is_whole and not is_tree_hash_aligned(start, stop, size):
        return Promise(complete, start, stop, None)
    if job.tree_hash is None:
        raise IntegrityError(f"job {job.id[:12]}… does not tell the tree hash that it must have")
    return Promise(complete, start, stop, Claim(Witness(Kind.CHECKSUM), job.tree_hash))


def proven_before(
    archive: Archive, span: tuple[int, int] | None, size: int, tree_hash: str
) -> Proof:
    """Return the proof of bytes that an earlier run has proven, and that are as it left them.

    [start, stop) of `archive`, or all of it. What the catalog knows of a whole archive is compared
    once more: raises IntegrityError where it is not that. Else it was the service's word.
    """
    known = Claim.of_catalog(archive) if span is None else None
    start, stop = span or (0, size)
    claim = known or Claim(Witness(Kind.CHECKSUM), tree_hash)
    complete = archive if span is not None else replace(archive, size=size, tree_hash=tree_hash)
    return Promise(complete, start, stop, claim).met_by(size, tree_hash)


def _place(archive: Archive, job: Job) -> tuple[int, int, int]:
    """Return what a job brings, [start, stop) of an archive of `size` bytes."""
    if job.archive_id not in {None, archive.id}:
        raise IntegrityError(
            f"job {job.id[:12]}… brings archive {job.archive_id}, not {archive.id}"
        )
    size = job.archive_size if archive.size is None else archive.size
    if size is None:
        raise IntegrityError(
            f"job {job.id[:12]}… does not tell the size of archive {words.called(archive)}"
        )
    if job.archive_size not in {None, size}:
        raise IntegrityError(
            f"archive {words.called(archive)} has {size} bytes by the catalog,"
            f" and {job.archive_size} by job {job.id[:12]}…"
        )
    start, stop = job.span or (0, size)
    if stop > size:
        raise IntegrityError(
            f"job {job.id[:12]}… brings bytes {start}-{stop - 1} of the {size} there are"
        )
    return start, stop, size


def _claims(archive: Archive, job: Job, *, is_whole: bool) -> Iterator[Claim]:
    """Yield what is said of the whole archive's hash, the best witness first."""
    if (known := Claim.of_catalog(archive)) is not None:
        yield known
    if job.archive_tree_hash is not None:
        yield Claim(Witness(Kind.JOB), job.archive_tree_hash)
    if is_whole and job.tree_hash is not None:
        yield Claim(Witness(Kind.CHECKSUM), job.tree_hash)
