"""A bounded set of workers over a stream of items; the first error stops them all."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Generic, TypeVar

from glaciercli.errors import GlacierError
from glaciercli.tasks.executors import DaemonThreads

Item = TypeVar("Item")
Result = TypeVar("Result")


class Halted(GlacierError):
    """A worker stopped because another one failed; never the error that is shown."""


class Halt:
    """What tells the workers of one piece of work that there is no reason to go on."""

    def __init__(self) -> None:
        self._is_set = threading.Event()

    def set(self) -> None:
        """Make each `check` raise from now on; any thread may call it, more than once."""
        self._is_set.set()

    def check(self) -> None:
        """Raise Halted when there is no reason to go on; long work calls it now and then."""
        if self._is_set.is_set():
            raise Halted("stopped because another worker failed")


@dataclass(frozen=True)
class Pool:
    """How many workers there are, and what runs them: threads of ours, if not an executor.

    Without an executor, one worker is the thread that asks: that is easy to follow in a debugger.
    """

    workers: int
    executor: Executor | None = None

    def map(
        self,
        do: Callable[[Item], Result],
        items: Iterable[Item],
        halt: Halt | None = None,
        *,
        in_order: bool = False,
    ) -> Iterator[Result]:
        """Yield results as they are done, or in the order of the items; raise the first error.

        Items are drawn here, each when a worker is free, so a generator that reads a stream is
        never ahead of the work, and results that wait for their turn are never more than workers.
        Leaving the loop early, by an error or a signal, sets `halt` and waits for the workers for
        a moment.
        """
        halt = halt or Halt()
        if self.executor is None and self.workers <= 1:
            try:
                yield from map(do, items)
            except BaseException:
                halt.set()
                raise
            return
        executor = self.executor or DaemonThreads(self.workers)
        running: _Running[Result] = _InOrder(halt) if in_order else _AsDone(halt)
        try:
            for item in items:
                running.add(executor.submit(do, item))
                while len(running) == max(1, self.workers) or running.has_result():
                    yield running.result()
            while len(running):
                yield running.result()
        except BaseException as error:
            halt.set()
            running.cancel()
            if isinstance(error, Halted) and running.error is not None:
                raise running.error from None
            raise
        finally:
            if executor is not self.executor:
                executor.shutdown()


class _Running(Generic[Result]):
    """The futures of what is being done, each taken out with its result."""

    def __init__(self, halt: Halt) -> None:
        #: The first error of a worker; those that were halted because of it are later.
        self.error: BaseException | None = None
        self._halt = halt
        self._noting = threading.Lock()
        self._futures: deque[Future[Result]] = deque()

    def __len__(self) -> int:
        return len(self._futures)

    def add(self, future: Future[Result]) -> None:
        self._futures.append(future)
        future.add_done_callback(self._note)

    def cancel(self) -> None:
        for future in self._futures:
            future.cancel()

    def has_result(self) -> bool:
        """Tell whether `result` would not wait."""
        raise NotImplementedError

    def result(self) -> Result:
        """Return the next result, or raise its error, when it is there."""
        raise NotImplementedError

    def _note(self, future: Future[Result]) -> None:
        """Stop the others as soon as one fails, whatever the thread that asked is waiting for."""
        if future.cancelled() or (error := future.exception()) is None:
            return
        with self._noting:
            self.error = self.error or error
        self._halt.set()


class _InOrder(_Running[Result]):
    def has_result(self) -> bool:
        return bool(self._futures) and self._futures[0].done()

    def result(self) -> Result:
        return self._futures.popleft().result()


class _AsDone(_Running[Result]):
    def __init__(self, halt: Halt) -> None:
        super().__init__(halt)
        self._done: SimpleQueue[Future[Result]] = SimpleQueue()

    def has_result(self) -> bool:
        return not self._done.empty()

    def result(self) -> Result:
        future = self._done.get()
        self._futures.remove(future)
        return future.result()

    def _note(self, future: Future[Result]) -> None:
        super()._note(future)
        self._done.put(future)
