"""JSON of bounded depth: what nests deeper than its format is refused before a parser holds it.

A parser that keeps a path for each level takes memory by the square of the depth: 80 KB of brackets
took 4 GB. The look at each block is a few calls into C, a twentieth of the parser's time.
"""

from __future__ import annotations

from glaciercli.catalog._texts import Readable

_NO_MARKS = bytes(set(range(256)) - set(b'"[]{}'))
_OPENING, _CLOSING = (b"[", b"{"), (b"]", b"}")


class Shallow:
    """A JSON document as it is read, with ValueError where it is none of a format's.

    `levels` are those of the format; as many again may pass unseen within one block. `items` is the
    level of a list whose items are held whole, one at a time: none may be longer than `longest`
    bytes, and neither may any text or number.
    """

    def __init__(self, file: Readable, *, levels: int, items: int, longest: int) -> None:
        self._file = file
        self._levels = levels
        self._items = items
        self._longest = longest
        self._depth = 0
        self._held = 0  # bytes since the last that need not be held any longer
        self._in_text = False
        self._escape = b""  # a backslash at the end of a block belongs to the next one

    def read(self, size: int = -1, /) -> bytes:
        """Return the next block, looked at; raises ValueError for one that goes too deep."""
        block = self._file.read(size)
        marks = self._without_escapes(block).translate(None, _NO_MARKS)
        is_one_value = not marks or (self._in_text and b'"' not in marks)
        lowest = self._follow(marks)
        self._held = self._held + len(block) if is_one_value or lowest > self._items else 0
        if self._held > self._longest:
            raise ValueError(f"one of its values has more than {self._longest:,} bytes")
        return block

    def _follow(self, marks: bytes) -> int:
        """Follow the depth through the quotes and brackets of a block; return its lowest."""
        if self._in_text:
            marks = b'"' + marks
        # Two quotes side by side change nothing in what is inside a text and what is not.
        pieces = marks.replace(b'""', b"").split(b'"')
        self._in_text = len(pieces) % 2 == 0
        brackets = b"".join(pieces[::2])
        height = 0  # of what opens and closes within the block
        while (shorter := brackets.replace(b"{}", b"").replace(b"[]", b"")) != brackets:
            brackets = shorter
            height += 1
            if height > self._levels:
                break
        # What closes that was opened before stands first, and what stays open last.
        lowest = self._depth - sum(map(brackets.count, _CLOSING))
        self._depth = lowest + sum(map(brackets.count, _OPENING))
        if max(self._depth, height) > self._levels:
            raise ValueError(f"it nests deeper than {self._levels} levels")
        return lowest

    def _without_escapes(self, block: bytes) -> bytes:
        """Return a block without the backslashes and quotes that are letters of a text."""
        text = self._escape + block
        self._escape = b""
        if b"\\" not in text:
            return text
        text = text.replace(b"\\\\", b"")
        if text.endswith(b"\\"):
            self._escape = b"\\"
            text = text[:-1]
        return text.replace(b'\\"', b"")
