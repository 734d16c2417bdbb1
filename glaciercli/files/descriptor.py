"""An open file that several workers read from, with errors that name it."""

from __future__ import annotations

import os
from pathlib import Path

from glaciercli import system
from glaciercli.errors import Conflict
from glaciercli.treehash import hash_file


class Descriptor:
    """An open file that closes itself when the last one who reads from it lets go.

    Workers that outlive an error for a moment hold it; were it closed under them, its number could
    by then belong to another file.
    """

    number = -1  # until there is one: a signal may come first

    def __init__(self, number: int, path: Path | None = None) -> None:
        self.number = number
        self._name = "a part of the stream" if path is None else repr(str(path))

    def __del__(self) -> None:
        if self.number >= 0:
            os.close(self.number)

    def read_into(self, view: memoryview, position: int) -> int:
        """Fill `view` from `position` as far as one read goes; 0 at the end of the file."""
        try:
            return system.read_into(self.number, view, position)
        except OSError as error:
            raise self.unreadable(error) from error

    def tree_hash(self, size: int) -> str:
        """Return the tree hash of the first `size` bytes; Conflict where they cannot be read."""
        try:
            return hash_file(self.number, size)
        except OSError as error:
            raise self.unreadable(error) from error

    def unreadable(self, error: OSError) -> Conflict:
        """Return the error for bytes that the system cannot read; its own names no file."""
        return Conflict(
            f"cannot read {self._name}: {error.strerror}",
            hint="mend that, then run the same command again; what was done is kept",
        )

    def cut_short(self) -> Conflict:
        """Return the error for bytes that are not there any more."""
        return Conflict(f"{self._name} became shorter while it was being read")
