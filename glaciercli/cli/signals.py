"""Where signals become errors: the first one stops the run in good order, the second at once."""

from __future__ import annotations

import os
import shlex
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from queue import SimpleQueue
from types import FrameType
from typing import NoReturn

from glaciercli.errors import Exit, Interrupted
from glaciercli.present.text import safe

PROGRAM = "glacier"
_STOPS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
_GRACE = 4.5  # seconds that a stopped run has to put its state down; five are promised
_AFTER_IMPORT = 0.02  # seconds until a signal that came in the middle of an import comes again


def way_on(arguments: Sequence[str]) -> str:
    """Return how to go on after a signal has stopped the run of these arguments."""
    command = shlex.join([PROGRAM, *arguments])
    if {"upload", "-"} <= set(arguments):
        return f"stdin cannot be read again; this sends all of it anew, and cleans up: {command}"
    return f"what was done is kept, and the same command goes on: {command}"


def catch_signals(stop: threading.Event, arguments: Sequence[str]) -> None:
    """Turn the first SIGINT, SIGTERM or SIGHUP into Interrupted, the second into an exit.

    Sets `stop`, so that no worker starts to wait again. A run that cannot put its state down in
    time is ended: the state is crash-safe, so nothing is lost but the grace. Every end says how to
    go on: `timeout` sends its signal twice, to the program and to the group that it is in.
    """
    catcher = _Catcher(stop, arguments)
    for work in (catcher.watch, catcher.tell):
        threading.Thread(target=work, daemon=True).start()
    for each in _STOPS:
        if signal.getsignal(each) is not signal.SIG_IGN:  # nohup's choice is respected
            signal.signal(each, catcher.handle)


class _Catcher:
    """A handler of signals, and the work of the two threads that do what it must not.

    A handler may wait for no lock: the main thread, in whose middle it runs, may be holding that
    one, in `Event.wait` or `Thread.start`. A SimpleQueue is made to be filled by handlers.
    """

    def __init__(self, stop: threading.Event, arguments: Sequence[str]) -> None:
        self._stop = stop
        self._line = f"\nhint: {safe(way_on(arguments))}\n"
        self._is_stopping = False
        self._heard: SimpleQueue[tuple[int, bool]] = SimpleQueue()
        self._stopped: SimpleQueue[int] = SimpleQueue()

    def handle(self, number: int, frame: FrameType | None) -> None:
        if self._is_stopping:
            self._give_up(number)
        is_early = _is_importing(frame)
        self._heard.put((number, is_early))
        if not is_early:
            self._is_stopping = True
            self._stopped.put(number)
            raise Interrupted(number)

    def watch(self) -> None:
        """Send again what came too early, and end the run when its grace is over."""
        while True:
            number, is_early = self._heard.get()
            time.sleep(_AFTER_IMPORT if is_early else _GRACE)
            if not is_early:
                self._give_up(number)
            os.kill(os.getpid(), number)

    def tell(self) -> None:
        """Tell the workers; apart from the watch, since it waits for the event's lock."""
        self._stopped.get()
        self._stop.set()

    def _give_up(self, number: int) -> NoReturn:
        with suppress(OSError):  # nobody is left to read it
            os.write(2, self._line.encode(errors="replace"))
        os._exit(Exit.SIGNAL + number)


def _is_importing(frame: FrameType | None) -> bool:
    """Tell whether a module is being made: an exception there may be lost, or leave it half made.

    The interpreter forgets what a lazy module raises when `import` looks whether it is there.
    """
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def hold_signals() -> None:
    """Ignore the signals from here on; only the main program ever caught them."""
    for each in _STOPS:
        if callable(signal.getsignal(each)) and signal.getsignal(each) is not (
            signal.default_int_handler
        ):
            signal.signal(each, signal.SIG_IGN)
