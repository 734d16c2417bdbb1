"""Standard input into a vault: read once, part by part, each kept until the service has it.

A stream cannot be read again, so a run that dies leaves an upload that nobody can go on with. Its
journal lets the next run clean up: abort it, or tell of the archive if it had got that far.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from glaciercli.catalog import descriptions
from glaciercli.catalog.store import Catalog
from glaciercli.clients.glacier import Client
from glaciercli.errors import (
    Conflict,
    GlacierError,
    Interrupted,
    Refused,
    Unavailable,
)
from glaciercli.files.descriptor import Descriptor
from glaciercli.limits import MAX_PARTS
from glaciercli.models import Archive
from glaciercli.services.upload._completing import Uncertain, complete, settle
from glaciercli.services.upload._opening import drop, new_intent, open_upload
from glaciercli.system import private_directory
from glaciercli.tasks.outcome import concerns_all
from glaciercli.tasks.pool import Pool
from glaciercli.tasks.progress import NullProgress, Progress
from glaciercli.transfer.journal import sweep
from glaciercli.transfer.parts import check_part_size
from glaciercli.transfer.sending import Piece, counted, send_pieces
from glaciercli.transfer.source import Stream
from glaciercli.transfer.upload_journal import UploadJournal, known
from glaciercli.transfer.window import Window
from glaciercli.treehash import TreeHash, combine_hex
from glaciercli.units import MIB, format_size

# Nobody knows how long a stream is. 10,000 of these make 625 GiB; a longer one needs the flag.
DEFAULT_PART_SIZE = 64 * MIB
_BLOCK = MIB


def start(
    client: Client,
    stream: BinaryIO,
    vault: str,
    *,
    name: str,
    journals: Path,
    catalog: Catalog,
    description: str | None = None,
    description_format: str = "mt2",
    part_size: int | None = None,
    workers: int = 4,
    progress: Progress = NullProgress(),
) -> Archive:
    """Store what a stream gives as one archive named `name`, and return it.

    Each part waits in an unnamed file of the state directory until the service has it, so memory is
    flat and a part can be repeated; the whole cannot. Call `uploads.acknowledge` when the user
    was told. Raises Refused for an empty stream, one too long for its part size, or a description
    that Glacier does not take.
    """
    descriptions.require_storable(description or "")
    part_size = part_size or DEFAULT_PART_SIZE
    check_part_size(part_size)
    clean_up(client, vault, journals=journals, catalog=catalog, progress=progress)
    spool = private_directory(journals)
    next_part = partial(_spool, Stream(stream), spool, part_size, linear=client.signs)
    first = next_part()
    if first.hashed.size == 0:
        raise Refused("standard input is empty, and Glacier cannot store an empty archive")
    intent = new_intent(vault, name, description, description_format, part_size)
    with UploadJournal.open(client, journals, vault, intent.token) as journal:
        journal.begin(intent)
        try:
            upload = open_upload(client, journal)
            progress.start(None)
            pool = Pool(workers)
            pieces = _pieces(first, next_part, part_size, pool, counted(client, progress))
            sent = send_pieces(client, upload, pieces, pool)
        except Interrupted:
            raise  # quickly; the next run cleans up
        except GlacierError as error:
            # Nobody can go on with it: a stream does not come twice.
            if concerns_all(error):  # the abortion as well, which would be waited for as long
                if isinstance(error, Unavailable):  # else a file's hint is a stream's as well
                    hint = "run the same command again: it sends all anew, and cleans up"
                    raise error.but(hint=hint) from error
                raise
            drop(client, journal)
            journal.forget()
            raise
        size = max(stop for _, stop in sent)
        tree_hash = combine_hex(sent[span] for span in sorted(sent))
        return complete(client, journal, catalog, size=size, tree_hash=tree_hash)


def clean_up(
    client: Client, vault: str, *, journals: Path, catalog: Catalog, progress: Progress
) -> None:
    """Bring the uploads of streams whose runs have died to an end."""
    for state in known(journals):
        intent = state.intent
        if intent is None or intent.path is not None or intent.vault != vault:
            continue
        try:
            journal = UploadJournal.open(client, journals, vault, intent.token)
        except Conflict:
            continue  # its run is alive
        with journal:
            try:
                _end(client, journal, catalog, progress)
            except Uncertain as error:
                # The streams of the days until it is known do not wait for it: they come once.
                progress.note(error.message)
            else:
                journal.forget()
    # A token does not come twice either, so nobody else would look at them again.
    sweep(journals / UploadJournal.directory)


def _end(client: Client, journal: UploadJournal, catalog: Catalog, progress: Progress) -> None:
    """Find out what became of one of them, and give up what is still open."""
    intent = journal.state.intent
    if intent is None:
        return  # its run has just finished
    if journal.state.is_ending:
        archive = settle(client, journal, catalog, progress)
        if archive is not None:
            progress.note(f"an earlier run had stored {intent.name} as {archive.id}")
        elif journal.state.is_ending:
            progress.note(f"the earlier upload of {intent.name} has expired: it is not stored")
    # A completion that was refused has left the upload open.
    if not journal.state.is_ending:
        if drop(client, journal):
            what = f"gave up the earlier upload of {intent.name}: its stream is gone"
        else:  # and the journal has lost the line that said so
            what = f"an earlier run had stored {intent.name}; the next inventory lists it"
        progress.note(what)


@dataclass(frozen=True)
class _Spooled:
    """A part on disk, hashed as it was written."""

    descriptor: Descriptor
    hashed: TreeHash


def _spool(stream: Stream, directory: Path, part_size: int, *, linear: bool) -> _Spooled:
    """Read one part of the stream into a file without a name; it goes when it is let go of."""
    hashed = TreeHash(linear=linear)
    keeping = _naming(
        f"cannot keep a part in {str(directory)!r}",
        hint="make room there, or set GLACIER_HOME to where there is some, then send it again",
    )
    with keeping, tempfile.TemporaryFile(dir=directory) as file:
        while hashed.size < part_size:
            with _naming("cannot read standard input"):
                data = stream.read(min(_BLOCK, part_size - hashed.size))
            if not data:
                break
            hashed.update(data)
            file.write(data)
        file.flush()
        return _Spooled(Descriptor(os.dup(file.fileno())), hashed)


@contextmanager
def _naming(what: str, hint: str | None = None) -> Iterator[None]:
    """Say what could not be done: such errors of the system name no file."""
    try:
        yield
    except OSError as error:
        raise Conflict(f"{what}: {error.strerror}", hint=hint) from error


def _pieces(
    first: _Spooled,
    next_part: Callable[[], _Spooled],
    part_size: int,
    pool: Pool,
    sent: Callable[[int], None],
) -> Iterator[Piece]:
    """Yield the parts of a stream as they are asked for, the first of them read already."""
    part, start = first, 0
    while part.hashed.size:
        if start // part_size == MAX_PARTS:
            raise Refused(
                f"the stream is longer than {MAX_PARTS:,} parts of {format_size(part_size)}",
                hint=f"--part-size {part_size * 2 // MIB}MiB, or more",
            )
        yield _piece(part, start, pool, sent)
        start += part.hashed.size
        if part.hashed.size < part_size:
            return
        part = next_part()


def _piece(part: _Spooled, start: int, pool: Pool, sent: Callable[[int], None]) -> Piece:
    def body() -> Window:
        return Window(part.descriptor, 0, part.hashed, check=pool.check, sent=sent)

    return Piece(start, start + part.hashed.size, body)
