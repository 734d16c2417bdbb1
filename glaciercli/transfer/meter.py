"""What all the bytes of one transfer pass on their way."""

from __future__ import annotations

from glaciercli.clients.pace import Pace
from glaciercli.tasks.pool import Halt
from glaciercli.tasks.progress import NullProgress, Progress


class Meter:
    """Counts bytes as they pass, makes them keep to the bandwidth, and stops them on a halt.

    One for each transfer; its workers share it.
    """

    def __init__(self, pace: Pace, progress: Progress = NullProgress()) -> None:
        self.pace = pace
        self.progress = progress
        self.halt = Halt()

    def check(self) -> None:
        """Raise Halted when there is no reason to go on; long work calls it now and then."""
        self.halt.check()

    def passed(self, count: int) -> None:
        """Wait until `count` more bytes fit the bandwidth, and show them.

        A negative count gives back the bytes of an attempt that failed.
        """
        self.pace.spend(count)
        self.progress.advance(count)
