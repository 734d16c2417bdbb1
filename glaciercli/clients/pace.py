"""When to ask again, how long to wait, and when to give up.

One `Pace` is shared by all the calls of a client, so that throttling of one worker slows them all:
the service's limit is the account's, not the connection's.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from glaciercli.errors import BadRequest, Throttled, Unavailable, Unreachable
from glaciercli.hints import Hint

T = TypeVar("T")

GIVE_UP_AFTER = 120.0  # seconds without any success, after which a server is given up
_FIRST_DELAY = 0.25  # seconds before the first repetition, doubled for each further one
_LONGEST_DELAY = 20.0  # seconds between repetitions
_LONGEST_QUIET = 32.0  # seconds that all workers pause under repeated throttling
_LONGEST_RETRY_AFTER = 300.0  # seconds that a server may ask for; more is a mistake or an attack


def may_have_been_applied(error: Unavailable) -> bool:
    """Tell whether the request that failed may have taken effect all the same."""
    return not isinstance(error, BadRequest | Throttled | Unreachable)


@contextmanager
def hint_if_maybe_applied(hint: Hint) -> Iterator[None]:
    """Give the error of a request that may have taken effect all the same its way to find out."""
    try:
        yield
    except Unavailable as error:
        if may_have_been_applied(error):
            raise error.but(hint=hint) from error
        raise


class Pace:
    """Retries with jittered back-off inside a time budget, and one brake for all workers.

    `timeout` is in seconds, counted from a call's first failure or the last `note_progress`,
    whichever is later: a slow transfer that moves is never given up. `stop` ends all waiting.
    """

    def __init__(
        self,
        timeout: float = GIVE_UP_AFTER,
        *,
        stop: threading.Event | None = None,
        bandwidth: int | None = None,
    ) -> None:
        self.timeout = timeout
        #: Bytes a second that all workers together may move; None is as fast as it goes.
        self.bandwidth = bandwidth
        self.stop = stop or threading.Event()
        #: Repetitions so far; shown at the end of a transfer.
        self.retries = 0
        self._changed = threading.Condition()
        self._running = 0
        self._limit = float("inf")
        self._quiet_until = 0.0
        self._quiet = 0.0
        self._last_move = 0.0
        self._spending = threading.Lock()
        self._paid_until = 0.0

    def run(
        self,
        work: Callable[[], T],
        *,
        again: Callable[[Unavailable], bool] = lambda _: True,
        recover: Callable[[Unavailable], T | None] = lambda _: None,
    ) -> T:
        """Return `work()`, repeated while it raises Unavailable, `again(error)` and time allows.

        Before each repetition `recover(error)` may find the result of the attempt that failed.
        Raises the last error with how long it was tried, or as it is after its `most_attempts`.
        """
        failing_since = 0.0
        delay = _FIRST_DELAY
        attempts: Counter[type[Unavailable]] = Counter()
        while True:
            with self._turn():
                try:
                    result = work()
                except Unavailable as caught:
                    error = caught
                else:
                    self._succeeded()
                    return result
            now = time.monotonic()
            failing_since = failing_since or now
            attempts[type(error)] += 1
            is_last = attempts[type(error)] == error.most_attempts
            if not again(error) or is_last or self.stop.is_set():
                raise error
            if now - max(failing_since, self._last_move) >= self.timeout:
                raise self._given_up(error)
            self.retries += 1
            self._wait(error, delay, failing_since)
            delay = min(delay * 2, _LONGEST_DELAY)
            found = recover(error)  # outside of the turn: it makes calls of its own
            if found is not None:
                return found

    def _wait(self, error: Unavailable, delay: float, failing_since: float) -> None:
        remaining = self.timeout - (time.monotonic() - max(failing_since, self._last_move))
        # Who asks for more than there is left gets that, and one more chance at its end.
        asked = min(error.retry_after or 0.0, _LONGEST_RETRY_AFTER, max(0.0, remaining))
        if isinstance(error, Throttled):
            self._slow_down(asked)
        # Full jitter: workers that failed together must not come back together.
        pause = max(random.uniform(delay / 2, delay), asked)  # noqa: S311 - not a secret
        self.stop.wait(max(0.0, min(pause, remaining)))

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Hold one of the places in flight; there are fewer of them after throttling."""
        with self._changed:
            while not self.stop.is_set():
                quiet = self._quiet_until - time.monotonic()
                if quiet <= 0 and self._running < self._limit:
                    break
                self._changed.wait(max(quiet, 0.05))
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _slow_down(self, asked: float) -> None:
        with self._changed:
            now = time.monotonic()
            if now < self._quiet_until:
                return  # the others of the same storm; one step down is enough
            self._limit = max(1.0, min(self._limit, self._running + 1.0) / 2)
            self._quiet = min(max(self._quiet * 2, _FIRST_DELAY), _LONGEST_QUIET)
            self._quiet_until = now + max(self._quiet, asked)

    def note_progress(self) -> None:
        """Restart the give-up timer: a part or a range got through."""
        self._last_move = time.monotonic()

    def spend(self, count: int) -> None:
        """Wait until `count` more bytes fit the bandwidth; each worker pays for its own block.

        Time not used is not saved up: after a pause the line is not flooded.
        """
        if self.bandwidth is None or count <= 0:
            return
        with self._spending:
            now = time.monotonic()
            wait = max(0.0, self._paid_until - now)
            self._paid_until = now + wait + count / self.bandwidth
        self.stop.wait(wait)

    def _succeeded(self) -> None:
        with self._changed:
            self._quiet /= 2
            if self._limit != float("inf"):
                self._limit += 1 / self._limit
            self._changed.notify()

    def _given_up(self, error: Unavailable) -> Unavailable:
        return type(error)(
            f"{error.message} (given up after {self.timeout:.0f} s without progress)",
            hint=error.hint or "run the same command again; what was sent is kept",
            code=error.code,
        )
