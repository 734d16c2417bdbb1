"""Which state of a SQLite file the log beside it goes on from.

SQLite reads a write-ahead log into whatever file it lies beside. An older copy of that file, put
back after a run was killed, would become a mixture of both that no quick check finds. So one row
says which generation of the file this is and which one came before it, and every transaction
renews it. The first one in a log names the generation that the log was begun on, the others name
those that may be in the file already. A file of any other generation is not the log's.

The row is text, to be found in the pages of a log as they are; https://sqlite.org/fileformat.html
has their layout.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

#: The generation of a file that has none yet.
BEGINNING = "0" * 32

CREATE = "CREATE TABLE generation (said TEXT NOT NULL)"
BEGIN = (
    "INSERT INTO generation VALUES "
    "('generation ' || lower(hex(randomblob(16))) || ' follows ' || printf('%032d', 0))"
)
RENEW = (
    "UPDATE generation SET said = "
    "'generation ' || lower(hex(randomblob(16))) || ' follows ' || substr(said, 12, 32)"
)
SAID = re.compile(rb"generation ([0-9a-f]{32}) follows ([0-9a-f]{32})")

_HEADER = struct.Struct(">I 4x I 4x 8s 8x")  # a magic number, the size of a page, both salts
_MAGIC = {0x377F0682, 0x377F0683}
_FRAME = struct.Struct(">I 4x 8s 8x")  # the number of a page, and both salts
_LOOKS = 3  # at a file and a log that go on while they are looked at

#: What a file says of itself without its log: its generation, and the number of the row's page.
State = tuple[str, int | None]


def is_stale(log: Path, state: Callable[[], State | None]) -> bool:
    """Tell whether a log belongs to another state of the file than `state` returns.

    False where either names no generation, and where either changes during the look: then a run
    that is alive writes both. Raises OSError.
    """
    for _ in range(_LOOKS):
        head, found = _head(log), state()
        if found is None:
            return False
        generation, page = found
        named = [*_named(log, page, until=generation)]
        if not named or named[-1] == generation:
            return False
        if (_head(log), state()) == (head, found):
            return True
    return False


def _head(log: Path) -> bytes:
    """Return the header of a log, which is another one each time that it is begun anew."""
    try:
        with log.open("rb") as file:
            return file.read(_HEADER.size)
    except FileNotFoundError:
        return b""


def _named(log: Path, page: int | None, *, until: str) -> Iterator[str]:
    """Yield the generations that a log names, oldest first, and none after `until`.

    They are looked for in one page, or in all where it is not known which one has the row. What
    lies behind the end, from before the log was begun anew, has other salts.
    """
    with log.open("rb") as file:
        head = file.read(_HEADER.size)
        if len(head) < _HEADER.size:
            return
        magic, size, salts = _HEADER.unpack(head)
        if magic not in _MAGIC or not size:
            return  # nor does SQLite read it
        while len(frame := file.read(_FRAME.size)) == _FRAME.size:
            number, salted = _FRAME.unpack(frame)
            if salted != salts:
                return
            if page not in {None, number}:
                file.seek(size, 1)
                continue
            for said in SAID.finditer(file.read(size)):
                for generation in (said[2].decode(), said[1].decode()):
                    yield generation
                    if generation == until:
                        return
