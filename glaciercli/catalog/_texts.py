"""Text files from anywhere: in UTF-8 or UTF-16, with a mark at the start or without, in lines.

Windows' editors write the mark, and PowerShell's `>` writes UTF-16. A line has a bound, since a
file of any length may be one line.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, TextIO

from glaciercli.errors import IntegrityError

LONGEST_LINE = 64 * 1024  # characters; a path has 4,096, a description 1,024
_SNIFFED = 4096  # bytes that tell an encoding, and what a file is

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Readable(Protocol):
    """What gives bytes, a block at a time."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes, all that are left for -1; none at the end."""


def beginning(path: Path) -> str:
    """Return the first characters of a file; bytes that are no text of its encoding are replaced.

    Enough to tell what it is. Raises OSError for a file that cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(_SNIFFED)
    return start.decode(_encoding(start), "replace")


def lines(path: Path, longest: int = LONGEST_LINE) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not empty, numbered from 1, without their ends.

    Bytes that are not UTF-8 are kept as lone surrogates. Raises IntegrityError for a line of more
    than `longest` characters, and for UTF-16 that is cut or damaged.
    """
    with _opened(path) as file:
        try:
            for number, line in enumerate(iter(lambda: file.readline(longest + 2), ""), start=1):
                stripped = line.rstrip("\r\n")
                if len(stripped) > longest:
                    raise IntegrityError(
                        f"line {number} of {str(path)!r} has more than {longest:,} characters"
                    )
                if stripped.strip():
                    yield number, stripped
        except UnicodeDecodeError as error:
            raise IntegrityError(f"{str(path)!r} is no text: {error}") from error


@contextmanager
def as_utf8(path: Path) -> Iterator[Readable]:
    """Open a text as the bytes that it has in UTF-8, without a mark.

    Reading raises UnicodeDecodeError for UTF-16 that is cut or damaged.
    """
    with path.open("rb") as file:
        encoding = _encoding(file.read(_SNIFFED))
        file.seek(len(codecs.BOM_UTF8) if encoding == "utf-8-sig" else 0)
        yield file if encoding.startswith("utf-8") else _Recoded(file, encoding)


class _Recoded:
    """A file in UTF-16, read as UTF-8."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder(encoding)()

    def read(self, size: int = -1, /) -> bytes:
        # Half a character alone is no text yet, and no text is the end.
        while block := self._file.read(size):
            if text := self._decoder.decode(block):
                return text.encode()
        return self._decoder.decode(b"", final=True).encode()


def _opened(path: Path) -> TextIO:
    with path.open("rb") as file:
        encoding = _encoding(file.read(_SNIFFED))
    errors = "surrogateescape" if encoding.startswith("utf-8") else "strict"
    return path.open(encoding=encoding, errors=errors, newline="\n")


def _encoding(start: bytes) -> str:
    """Return the encoding of a text by its first bytes: by its mark, else UTF-8 or UTF-16.

    Without a mark UTF-16 shows by the zero in each of its ASCII letters.
    """
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    if len(start) > 1 and (start[0] == 0) != (start[1] == 0):
        return "utf-16-be" if start[0] == 0 else "utf-16-le"
    return "utf-8"
