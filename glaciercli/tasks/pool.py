"""A bounded set of workers over a stream of items; the first error stops them all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Generic, TypeVar

from glaciercli.errors import GlacierError

Item = TypeVar("Item")
Result = TypeVar("Result")

_GRACE = 2.0  # seconds that workers get to notice a halt; a signal must end the process within 5


class Halted(GlacierError):
    """A worker stopped because another one failed; never the error that is shown."""


class Pool:
    """Runs a function over items in `workers` threads, or inline when there is one.

    Items are drawn when a worker is free, one worker at a time, so a generator that reads a stream
    is never ahead of the work. `halt` is set when the run is over for whatever reason; long work
    looks at it and raises `Halted`.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.halt = threading.Event()

    def check(self) -> None:
        """Raise Halted when there is no reason to go on."""
        if self.halt.is_set():
            raise Halted("stopped because another worker failed")

    def map(self, do: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield results as they are done, in no particular order; raise the first error.

        Leaving the loop early, by an error or a signal, halts the workers and waits for them for
        a moment. They are daemons: one that hangs in the network does not keep the process alive.
        """
        if self.workers <= 1:
            yield from map(do, items)
            return
        outcomes: SimpleQueue[_Outcome[Result]] = SimpleQueue()
        threads = self._start(do, iter(items), outcomes)
        running = len(threads)
        try:
            while running:
                outcome = outcomes.get()
                if isinstance(outcome, _Ended):
                    running -= 1
                    if outcome.error is not None:
                        raise outcome.error
                else:
                    yield outcome.value
        finally:
            self.halt.set()
            for thread in threads:
                thread.join(_GRACE / len(threads))

    def _start(
        self,
        do: Callable[[Item], Result],
        items: Iterator[Item],
        outcomes: SimpleQueue[_Outcome[Result]],
    ) -> list[threading.Thread]:
        drawing = threading.Lock()

        def draw_and_do() -> None:
            while not self.halt.is_set():
                with drawing:
                    try:
                        item = next(items)
                    except StopIteration:
                        return
                outcomes.put(_Done(do(item)))

        def work() -> None:
            try:
                draw_and_do()
            except BaseException as error:  # noqa: BLE001 - handed to the thread that asked
                outcomes.put(_Ended(error))  # before the others can say that they were halted
                self.halt.set()
            else:
                outcomes.put(_Ended())

        threads = [
            threading.Thread(target=work, name=f"worker-{number}", daemon=True)
            for number in range(self.workers)
        ]
        for thread in threads:
            thread.start()
        return threads


@dataclass(frozen=True)
class _Done(Generic[Result]):
    value: Result


@dataclass(frozen=True)
class _Ended:
    """A worker's last word: its error, or that there was nothing left to draw."""

    error: BaseException | None = None


_Outcome = _Done[Result] | _Ended
