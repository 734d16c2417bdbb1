"""A stream as a source of parts: each waits on disk until it is sent, since it comes only once."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from glaciercli.errors import Conflict, Refused
from glaciercli.files.descriptor import Descriptor
from glaciercli.limits import MAX_PARTS
from glaciercli.ranges import Span
from glaciercli.transfer.meter import Meter
from glaciercli.transfer.source import Stream
from glaciercli.transfer.window import Window
from glaciercli.treehash import TreeHash
from glaciercli.units import MIB, format_size

_BLOCK = MIB


@dataclass(frozen=True)
class _Part:
    """A part on disk, hashed as it was written."""

    descriptor: Descriptor
    hashed: TreeHash


class Spool:
    """Reads a stream part by part into unnamed files of a directory.

    With `linear` the plain SHA-256 of each part is made as well, for the signature. A part can be
    repeated until it was sent; its file is gone then.
    """

    def __init__(self, stream: Stream, directory: Path, part_size: int, *, linear: bool) -> None:
        """Read the first part; raises Conflict where that cannot be, Refused for an empty stream.

        Glacier cannot store an empty archive.
        """
        self._stream = stream
        self._directory = directory
        self._part_size = part_size
        self._linear = linear
        self._first = self._read()
        self._parts: dict[Span, _Part] = {}
        if self._first.hashed.size == 0:
            raise Refused("standard input is empty, and Glacier cannot store an empty archive")

    def ranges(self) -> Iterator[Span]:
        """Read the stream on as its ranges are asked for; yield each when it is on disk.

        Raises Refused when there are more than an upload has parts.
        """
        part, start = self._first, 0
        del self._first
        while part.hashed.size:
            if start // self._part_size == MAX_PARTS:
                raise Refused(
                    f"the stream is longer than {MAX_PARTS:,} parts of"
                    f" {format_size(self._part_size)}",
                    hint=f"--part-size {self._part_size * 2 // MIB}MiB, or more",
                )
            span = start, start + part.hashed.size
            self._parts[span] = part
            yield span
            if part.hashed.size < self._part_size:
                return
            start = span[1]
            part = self._read()

    @contextmanager
    def open(self, span: Span, meter: Meter) -> Iterator[Window]:
        """Open a range that `ranges` has yielded; once it was sent, it is not there any more."""
        part = self._parts[span]
        window = Window(part.descriptor, 0, part.hashed, meter)
        try:
            yield window
        except BaseException:
            window.seek(0)  # which gives the bytes back
            raise
        del self._parts[span]

    def _read(self) -> _Part:
        hashed = TreeHash(linear=self._linear)
        keeping = _naming(
            f"cannot keep a part in {str(self._directory)!r}",
            hint="make room there, or set GLACIER_HOME to where there is some, then send it again",
        )
        with keeping, tempfile.TemporaryFile(dir=self._directory) as file:
            while hashed.size < self._part_size:
                with _naming("cannot read standard input"):
                    data = self._stream.read(min(_BLOCK, self._part_size - hashed.size))
                if not data:
                    break
                hashed.update(data)
                file.write(data)
            file.flush()
            return _Part(Descriptor(os.dup(file.fileno())), hashed)


@contextmanager
def _naming(what: str, hint: str | None = None) -> Iterator[None]:
    """Say what could not be done: such errors of the system name no file."""
    try:
        yield
    except OSError as error:
        raise Conflict(f"{what}: {error.strerror}", hint=hint) from error
