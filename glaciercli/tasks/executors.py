"""Threads for a bounded set of workers, as an executor like those of `concurrent.futures`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

_GRACE = 2.0  # seconds that workers get to notice a halt; a signal must end the process within 5


class DaemonThreads(Executor):
    """Runs what is submitted in up to `workers` threads, each started when it is needed.

    They are daemons, which those of `ThreadPoolExecutor` are not: a thread that hangs in the
    network keeps neither `shutdown` waiting for longer than a moment nor the process alive.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._threads: list[threading.Thread] = []
        self._idle = threading.Semaphore(0)
        self._tasks: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()

    def submit(self, do: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Return the future of a call that the next free thread makes."""
        future: Future[T] = Future()
        self._tasks.put((future, partial(do, *args, **kwargs)))
        if not self._idle.acquire(blocking=False) and len(self._threads) < self.workers:
            name = f"worker-{len(self._threads)}"
            thread = threading.Thread(target=self._work, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)  # not before: a signal may come in the midst of its start
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the threads when what was submitted is done; `wait` for that, for a moment."""
        if cancel_futures:
            self._cancel()
        for _ in self._threads:
            self._tasks.put(None)
        if wait:
            for thread in self._threads:
                thread.join(_GRACE / len(self._threads))

    def _cancel(self) -> None:
        while True:
            try:
                task = self._tasks.get_nowait()
            except Empty:
                return
            if task is not None:
                task[0].cancel()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            _run(*task)
            del task  # and what it holds, which may be large, while there is nothing to do
            self._idle.release()


def _run(future: Future[Any], do: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = do()
    except BaseException as error:  # noqa: BLE001 - handed to the thread that asked
        future.set_exception(error)
    else:
        future.set_result(result)
