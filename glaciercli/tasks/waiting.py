"""How often to look again, and how long to wait in all."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from math import inf


@dataclass(frozen=True)
class Poll:
    """How often to look, at most, and how long to wait from now on; both in seconds.

    A command makes one, and all that it waits for shares its time.
    """

    interval: float = 900.0
    timeout: float = inf
    _begun: float = field(default_factory=time.monotonic, init=False, repr=False, compare=False)

    @property
    def left(self) -> float:
        """Seconds that are left to wait; 0 when the time is up."""
        return max(0.0, self._begun + self.timeout - time.monotonic())
