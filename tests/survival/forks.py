"""Runs in processes of their own: forked from one that has imported everything, so they are cheap.

A child is a whole process as far as files, locks and signals go; it ends by `os._exit`, or by what
a test does to it.
"""

import os
import pickle
import select
import signal
import time
import traceback
import warnings
from dataclasses import dataclass

_write = os.write  # a child's own may be watched
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LONGEST = 60.0  # seconds; a child that takes longer hangs, which is a failure of its own


@dataclass(frozen=True)
class Ended:
    """How a child ended: its exit code (negative for a signal), and what it returned or raised."""

    code: int
    value: object = None
    error: BaseException | None = None
    trace: str = ""

    @property
    def killed(self):
        return self.code == -signal.SIGKILL

    def require(self, what):
        """Return the value; fail, saying what was meant to succeed, when there is none."""
        assert self.code == 0, f"{what}: ended with {self.code}\n{self.trace}"
        return self.value


class Child:
    """A forked process that does `work`; `join` waits for its end."""

    def __init__(self, work):
        self._reader, writer = os.pipe()
        with warnings.catch_warnings():
            # Other threads, such as those of a test runner, hold no lock that a child needs.
            warnings.simplefilter("ignore", DeprecationWarning)
            # A signal must not find the child while it still has the test runner's handlers.
            held = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
            self.pid = os.fork()
        if self.pid == 0:
            os.close(self._reader)
            _do(work, writer, held)
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        os.close(writer)

    def kill(self, number=signal.SIGKILL):
        os.kill(self.pid, number)

    def join(self, timeout=_LONGEST):
        """Return how it ended; fail when it does not."""
        data, deadline = b"", time.monotonic() + timeout
        while True:
            ready, _, _ = select.select([self._reader], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                self.kill()
                os.waitpid(self.pid, 0)
                raise AssertionError(f"a run did not end within {timeout} s")
            block = os.read(self._reader, 1 << 16)
            if not block:
                break
            data += block
        os.close(self._reader)
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return Ended(code, *pickle.loads(data)) if data and code >= 0 else Ended(code)


def run(work, timeout=_LONGEST):
    """Do `work` in a child and return how it ended."""
    return Child(work).join(timeout)


def _do(work, writer, mask):
    code = 1
    try:
        for number in _STOPS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        try:
            result = (work(), None, "")
            code = 0
        except BaseException as error:  # noqa: BLE001 - handed to the parent
            result = (None, _portable(error), traceback.format_exc())
        data = pickle.dumps(result)
        while data:
            data = data[_write(writer, data) :]
    finally:
        os._exit(code)


def _portable(error):
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001 - whatever it is, it does not travel
        return RuntimeError(repr(error))
    return error
