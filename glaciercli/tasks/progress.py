"""How work tells how far it is, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """A listener; its methods may be called from any thread.

    It counts what the work is made of: bytes of a transfer, archives of a vault that is emptied.
    """

    def start(self, total: int | None, done: int = 0) -> None:
        """Begin: `total` is to be done, where that is known, and `done` of it is behind us."""

    def advance(self, count: int) -> None:
        """Add what was done; a negative count gives back an attempt that failed."""

    def note(self, text: str) -> None:
        """Say a sentence worth reading once the transfer is over."""

    def warn(self, text: str) -> None:
        """Say a sentence that a person must know, also one who asked for quiet."""


class NullProgress(Progress):
    """Nobody listens."""

    def start(self, total: int | None, done: int = 0) -> None: ...

    def advance(self, count: int) -> None: ...

    def note(self, text: str) -> None: ...

    def warn(self, text: str) -> None: ...
