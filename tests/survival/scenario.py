"""What a scenario is: a command with its beginning, and what must be true in the end."""

from collections.abc import Callable
from dataclasses import dataclass

from survival.world import World


@dataclass(frozen=True)
class Scenario:
    """`run`, run again after whatever happened to it, succeeds at once, and `check` holds.

    The default sweep takes `stride` times fewer of its events: a command about several archives
    repeats itself.
    """

    name: str
    prepare: Callable[[World], None]
    run: Callable[[World], None]
    check: Callable[[World], None]
    stride: int = 1
