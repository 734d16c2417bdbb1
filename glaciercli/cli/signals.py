"""Where signals become errors: the first one stops the run in good order, the second at once."""

from __future__ import annotations

import os
import shlex
import signal
import threading
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

from glaciercli.cli.text import safe
from glaciercli.errors import Exit, Interrupted

PROGRAM = "glacier"
_STOPS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
_GRACE = 4.5  # seconds that a stopped run has to put its state down; five are promised
_AFTER_IMPORT = 0.02  # seconds until a signal that came in the middle of an import comes again


def catch_signals(stop: threading.Event, arguments: Sequence[str]) -> None:
    """Turn the first SIGINT, SIGTERM or SIGHUP into Interrupted, the second into an exit.

    Sets `stop` first, so that no worker starts to wait again. A run that cannot put its state down
    in time is ended: the state is crash-safe, so nothing is lost but the grace. Every end says how
    to go on: `timeout` sends its signal twice, to the program and to the group that it is in.
    """
    line = f"\nhint: {safe(shlex.join([PROGRAM, *arguments]))}\n".encode(errors="replace")

    def give_up(number: int) -> None:
        with suppress(OSError):  # nobody is left to read it
            os.write(2, line)
        os._exit(Exit.SIGNAL + number)

    def stopped(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            give_up(number)
        if _is_importing(frame):
            again = threading.Timer(_AFTER_IMPORT, os.kill, [os.getpid(), number])
            again.daemon = True
            again.start()
            return
        stop.set()
        watchdog = threading.Timer(_GRACE, give_up, [number])
        watchdog.daemon = True
        watchdog.start()
        raise Interrupted(number)

    for each in _STOPS:
        if signal.getsignal(each) is not signal.SIG_IGN:  # nohup's choice is respected
            signal.signal(each, stopped)


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
