"""The parts of one upload on their way: what is stored is compared, what is missing is sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from glaciercli.clients.glacier import Client
from glaciercli.clients.wording import disputes_content
from glaciercli.errors import Conflict, GlacierError, IntegrityError, Refused
from glaciercli.evidence import words
from glaciercli.models import Upload
from glaciercli.ranges import Span, content_range, format_range
from glaciercli.tasks.pool import Pool
from glaciercli.transfer.meter import Meter
from glaciercli.transfer.parts import Plan
from glaciercli.transfer.pipeline import compare, copy, is_damaged
from glaciercli.transfer.source import Source
from glaciercli.transfer.window import Window


def send_file(
    parts: Parts, source: Source, meter: Meter, *, workers: int, strict: bool = False
) -> str:
    """Bring an open upload to where it holds all of a file; return the whole tree hash.

    What is stored already (`parts.upload.parts`) is hashed here and compared; a part that differs
    is sent again, or with `strict` is a Conflict before anything is sent.
    """
    upload, pool = parts.upload, Pool(workers)
    layout = Plan(source.size, upload.part_size)
    meter.progress.start(source.size)
    stored = _stored(source, upload, layout, strict=strict)
    proven = {}
    for span, same in compare(source.descriptor, stored, pool, meter):
        if same:
            proven[span] = stored[span]
        elif strict:
            raise Conflict(
                f"upload {upload.id} holds other bytes at {format_range(*span)} than {source.path}",
                hint="is it the right file? nothing was sent",
            )
    windows = Windows(source, linear=parts.client.signs)
    sent = copy(windows, parts, layout.ranges(), pool, meter, proven=proven)
    source.require_unchanged()
    return sent.tree_hash


def _stored(source: Source, upload: Upload, layout: Plan, *, strict: bool) -> dict[Span, str]:
    """Return the tree hash of each stored part that is one of those that are planned."""
    planned = set(layout.ranges())
    stored = {part.span: part.tree_hash for part in upload.parts or ()}
    if strict and not stored.keys() <= planned:
        raise Conflict(f"upload {upload.id} holds parts that do not fit {source.path}")
    return {span: tree_hash for span, tree_hash in stored.items() if span in planned}


@dataclass(frozen=True)
class Windows:
    """A file as a source: each range is hashed in one pass, and read in a second one.

    With `linear` its plain SHA-256 is made as well, for the signature.
    """

    source: Source
    linear: bool

    @contextmanager
    def open(self, span: Span, meter: Meter) -> Iterator[Window]:
        """Open a range; raises Conflict when it arrived damaged because the file has changed."""
        window = Window.over(self.source.descriptor, *span, meter, linear=self.linear)
        try:
            yield window
        except BaseException as error:
            window.seek(0)  # which gives the bytes back
            if isinstance(error, GlacierError) and is_damaged(error):
                self.source.require_unchanged()
            raise


@dataclass(frozen=True)
class Parts:
    """An open upload as a sink: each range is one part of it."""

    client: Client
    upload: Upload
    is_ordered = False

    def put(self, span: Span, body: Window) -> None:
        """Send a part; raises IntegrityError unless the service says that it has these bytes."""
        try:
            reply = self.client.once(
                "UploadMultipartPart",
                vaultName=self.upload.vault,
                uploadId=self.upload.id,
                range=content_range(*span),
                checksum=body.tree_hash,
                body=body,
            )
        except Refused as error:
            # Not AccessDenied: a signature that stays wrong is not the content's fault but the
            # key's.
            if not disputes_content(error):
                raise
            raise _damaged(span, error.message) from error
        if reply.get("checksum") != body.tree_hash:
            raise _damaged(span, words.part_differs(body.tree_hash, reply.get("checksum")))

    def keep(self, span: Span, tree_hash: str) -> None:
        """Do nothing: the service's own list of the parts says it better."""


def _damaged(span: Span, problem: str) -> IntegrityError:
    return IntegrityError(
        f"bytes {format_range(*span)} arrive damaged: {problem}",
        hint="test this machine's memory and network, then run the same command again",
    )
