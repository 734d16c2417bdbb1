"""The program as a process of its own, forked, so that it starts in a tenth of the time."""

import json
import os
import sys
import time

from survival import forks

from glaciercli.cli.root import cli

ONES = ("--part-size", "1MiB", "--workers", "2", "--output", "json")


class Program:
    """A running `glacier`; its output is in files, so that nothing waits for a reader."""

    def __init__(self, world, *words):
        self.words = [str(each) for each in words]
        self._out, self._err = (world.root / f"program-{kind}-{time.time_ns()}" for kind in "oe")
        self._child = forks.Child(lambda: self._become(world.home))
        self._ended = None

    def kill(self, number):
        self._child.kill(number)

    def end(self, timeout=60.0):
        """Return the exit code, negative when a signal ended it."""
        if self._ended is None:
            self._ended = self._child.join(timeout).code
        return self._ended

    @property
    def stdout(self):
        return self._out.read_text() if self._out.exists() else ""

    @property
    def stderr(self):
        return self._err.read_text() if self._err.exists() else ""

    @property
    def archives(self):
        """The ids of the archives that it told of."""
        try:
            return [json.loads(self.stdout)["archiveId"]]
        except (ValueError, KeyError):
            return []

    def _become(self, home):
        flags = os.O_WRONLY | os.O_CREAT
        for number, path in ((1, self._out), (2, self._err)):
            os.dup2(os.open(path, flags, 0o600), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
        sys.argv = ["glacier", *self.words]
        os.environ["GLACIER_HOME"] = str(home)
        from glaciercli.__main__ import main

        main()


def warm():
    """Import all that commands import, so that no child has to."""
    for name in cli.list_commands(None):
        cli.get_command(None, name)


def wait_until(is_so, what, timeout=30.0):
    """Look until something is so; fail when it never is."""
    deadline = time.monotonic() + timeout
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)
