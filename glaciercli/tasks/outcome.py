"""What became of many items: one place decides which failure ends a run, and how the run ends.

none failed                  the run is done
one item was asked for       its own error
some are not ready           NotReady: the same call goes on; what has failed is named with it
some failed, none is waited  Partial
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from glaciercli.errors import (
    AccessDenied,
    GlacierError,
    Interrupted,
    NotReady,
    Partial,
    Unavailable,
    UsedUp,
)
from glaciercli.hints import Hint

_NAMED = 5  # items that are not ready and told by name; the rest are counted


class Outcome:
    """The items of one run and what went wrong with each, by its name. Threads may share it.

    With `of_a_set`, where the user named a set and no items, even a single one is told as one of
    it.
    """

    def __init__(self, *, of_a_set: bool = False) -> None:
        self._of_a_set = of_a_set
        self._errors: dict[str, GlacierError] = {}
        self._names: set[str] = set()
        self._lock = threading.Lock()

    @contextmanager
    def item(self, name: str) -> Iterator[None]:
        """Keep what goes wrong with one item in a block; raise what would go wrong with all.

        An item that is tried again has the outcome of its last block.
        """
        with self._lock:
            self._names.add(name)
            self._errors.pop(name, None)
        try:
            yield
        except GlacierError as error:
            if concerns_all(error):
                raise
            self.failed(name, error)

    def failed(self, name: str, error: GlacierError) -> None:
        """Say what went wrong with an item."""
        with self._lock:
            self._names.add(name)
            # A traceback keeps alive what its frames hold: files, connections.
            self._errors[name] = error.with_traceback(None)

    def has_failed(self, name: str) -> bool:
        """Tell whether an item is not done, be it that it waits."""
        return name in self._errors

    def error(self, name: str) -> GlacierError | None:
        """Return what went wrong with an item; None where nothing did."""
        return self._errors.get(name)

    @property
    def done(self) -> set[str]:
        """The items with which nothing went wrong."""
        return self._names - self._errors.keys()

    @property
    def waiting(self) -> dict[str, NotReady]:
        """The items that are not ready, each with what it waits for."""
        return {name: each for name, each in self._errors.items() if isinstance(each, NotReady)}

    @property
    def failures(self) -> dict[str, GlacierError]:
        """The items that failed for good, each with its error."""
        return {name: each for name, each in self._errors.items() if not isinstance(each, NotReady)}

    def finish(
        self,
        done: str,
        *,
        report: Any = None,
        hint: Hint | None = None,
        later: Hint = "run the same command again later",
    ) -> None:
        """Return when every item is done; else raise the error that the run ends with.

        `done` says what was done all the same, `report` records it; `hint` is the way out of
        failures, `later` that of waiting.
        """
        waiting, failures = self.waiting, self.failures
        if len(self._names) == 1 and not self._of_a_set:
            for error in self._errors.values():
                raise error if report is None else error.but(report=report) from error
        if waiting:
            are_told = len(waiting) <= _NAMED and not self._of_a_set
            names = f" ({', '.join(waiting)})" if are_told else ""
            error = NotReady(
                f"{done}; {_are(len(waiting))} not ready yet{names}{_failed(len(failures))}",
                hint=later,
                report=report,
                failures=failures,
            )
            error.is_late = any(each.is_late for each in waiting.values())
            raise error
        if failures:
            raise Partial(
                f"{done}; {len(failures):,} of {len(self._names):,} failed",
                failures,
                hint=hint,
                report=report,
            )


def _are(count: int) -> str:
    return f"{count:,} {'is' if count == 1 else 'are'}"


def _failed(count: int) -> str:
    return f", {count:,} failed" if count else ""


def concerns_all(error: GlacierError) -> bool:
    """Tell whether what went wrong with one item of many will go wrong with all that follow.

    A policy may forbid one thing and allow the next; without a valid key nothing is allowed.
    """
    if isinstance(error, AccessDenied):
        return error.code != "AccessDeniedException"
    return isinstance(error, Unavailable | Interrupted | UsedUp)
