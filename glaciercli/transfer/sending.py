"""The parts of one upload on their way: what is stored is compared, what is missing is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from glaciercli.clients.glacier import Client
from glaciercli.clients.wording import disputes_content
from glaciercli.errors import AccessDenied, Conflict, IntegrityError, Refused
from glaciercli.evidence import words
from glaciercli.models import Part, Upload
from glaciercli.ranges import Span, content_range
from glaciercli.tasks.pool import Pool
from glaciercli.tasks.progress import Progress
from glaciercli.transfer.parts import Plan
from glaciercli.transfer.source import Source
from glaciercli.transfer.window import Window, hash_window
from glaciercli.treehash import combine_hex


@dataclass(frozen=True)
class Piece:
    """One part that waits to be sent: where it goes, and how to make its body."""

    start: int
    stop: int
    body: Callable[[], Window]


def send_file(
    client: Client,
    source: Source,
    upload: Upload,
    *,
    workers: int,
    progress: Progress,
    strict: bool = False,
) -> str:
    """Bring an open upload to where it holds all of a file; return the whole tree hash.

    Parts that are stored already (`upload.parts`) are hashed here and compared; one that differs is
    sent again, or with `strict` is a Conflict before anything is sent.
    """
    layout = Plan(source.size, upload.part_size)
    progress.start(source.size)
    hashes = dict(_stored(source, upload, layout, workers, progress, strict=strict))
    missing = [span for span in layout.ranges() if span not in hashes]
    pool = Pool(min(workers, len(missing)))

    def piece(start: int, stop: int) -> Piece:
        def body() -> Window:
            pool.check()
            return Window.over(
                source.descriptor,
                start,
                stop,
                linear=client.signs,
                check=pool.check,
                sent=counted(client, progress),
            )

        return Piece(start, stop, body)

    pieces = (piece(start, stop) for start, stop in missing)
    hashes |= send_pieces(client, upload, pieces, pool, changed=source.require_unchanged)
    source.require_unchanged()
    return combine_hex(hashes[span] for span in layout.ranges())


def send_pieces(
    client: Client,
    upload: Upload,
    pieces: Iterable[Piece],
    pool: Pool,
    *,
    changed: Callable[[], None] = lambda: None,
) -> dict[Span, str]:
    """Send parts in parallel; return the tree hash of each by its range.

    When the service disputes a hash, `changed` may raise what is wrong with the source.
    """

    def send(piece: Piece) -> tuple[Span, str]:
        tree_hash = _send(client, upload, piece, changed)
        client.pace.note_progress()
        return (piece.start, piece.stop), tree_hash

    return dict(pool.map(send, pieces))


def counted(client: Client, progress: Progress) -> Callable[[int], None]:
    """Return what is told of each block that goes out: it is paid for in time, then shown."""

    def sent(count: int) -> None:
        client.pace.spend(count)
        progress.advance(count)

    return sent


def _send(client: Client, upload: Upload, piece: Piece, changed: Callable[[], None]) -> str:
    problem = ""
    for last in (False, False, True):  # memory and networks do flip bits
        window = piece.body()
        try:
            reply = client.call(
                "UploadMultipartPart",
                vaultName=upload.vault,
                uploadId=upload.id,
                range=content_range(piece.start, piece.stop),
                checksum=window.tree_hash,
                body=window,
            )
        except (Refused, AccessDenied) as error:
            # A signature that stays wrong is not the content's fault but the key's.
            if not disputes_content(error) or (last and isinstance(error, AccessDenied)):
                raise
            problem = error.message
        else:
            if reply.get("checksum") == window.tree_hash:
                return window.tree_hash
            problem = words.part_differs(window.tree_hash, reply.get("checksum"))
        window.seek(0)
        changed()
    raise IntegrityError(
        f"bytes {piece.start}-{piece.stop - 1} arrive damaged: {problem}",
        hint="test this machine's memory and network, then run the same command again",
    )


def _stored(
    source: Source,
    upload: Upload,
    layout: Plan,
    workers: int,
    progress: Progress,
    *,
    strict: bool,
) -> Iterator[tuple[Span, str]]:
    """Yield range and tree hash of the stored parts that hold what the file holds there."""
    planned = set(layout.ranges())
    parts = upload.parts or ()
    fitting = [part for part in parts if part.span in planned]
    if strict and len(fitting) != len(parts):
        raise Conflict(f"upload {upload.id} holds parts that do not fit {source.path}")
    pool = Pool(min(workers, len(fitting)))

    def holds(part: Part) -> tuple[Part, bool]:
        pool.check()
        hashed = hash_window(source.descriptor, *part.span, linear=False)
        return part, hashed.hexdigest() == part.tree_hash

    for part, same in pool.map(holds, fitting):
        if same:
            start, stop = part.span
            progress.advance(stop - start)
            yield part.span, part.tree_hash
        elif strict:
            raise Conflict(
                f"upload {upload.id} holds other bytes at {part.range} than {source.path}",
                hint="is it the right file? nothing was sent",
            )
