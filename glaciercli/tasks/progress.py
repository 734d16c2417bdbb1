"""How a transfer tells how far it is, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """A listener; its methods may be called from any thread."""

    def start(self, total: int | None, done: int = 0) -> None:
        """Begin, with `total` bytes to go where that is known and `done` of them behind us."""

    def advance(self, count: int) -> None:
        """Add bytes; a negative count gives back the bytes of an attempt that failed."""

    def note(self, text: str) -> None:
        """Say a sentence worth reading once the transfer is over."""

    def warn(self, text: str) -> None:
        """Say a sentence that a person must know, also one who asked for quiet."""


class NullProgress:
    """Nobody listens."""

    def start(self, total: int | None, done: int = 0) -> None: ...

    def advance(self, count: int) -> None: ...

    def note(self, text: str) -> None: ...

    def warn(self, text: str) -> None: ...
