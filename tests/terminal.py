"""A terminal: the program run as a person runs it, who reads what it shows and types answers."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

GLACIER = (sys.executable, "-m", "glaciercli")


class Terminal:
    """A run of a program, by default `glacier`, in a terminal of so many columns."""

    def __init__(self, *words, columns=80, program=GLACIER, **options):
        self._leader, follower = pty.openpty()
        fcntl.ioctl(self._leader, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            [*program, *map(str, words)],
            stdin=follower,
            stdout=follower,
            stderr=follower,
            start_new_session=True,
            # Only from the terminal that it is controlled by does ^C become a signal.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
            **options,
        )
        os.close(follower)
        self.shown = ""

    def type(self, text):
        os.write(self._leader, text.encode())

    def read(self, until=None):
        """Read until a text is shown, or to the end."""
        deadline = time.monotonic() + 20
        while until is None or until not in self.shown:
            if time.monotonic() > deadline:
                self.process.kill()
                raise AssertionError(self.shown)
            if select.select([self._leader], [], [], 0.2)[0]:
                try:
                    self.shown += os.read(self._leader, 65536).decode()
                except OSError:  # the other side is closed
                    break
        return self.shown

    @property
    def lines(self):
        """What a person sees in the end: no colours, and no bars that were drawn over."""
        plain = re.sub(r"\x1b\[[0-9;]*m", "", self.shown)
        return [line.rstrip("\r").rpartition("\r")[2] for line in plain.split("\n")]

    @property
    def text(self):
        return "\n".join(self.lines)

    def ends_within(self, seconds):
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def end(self):
        self.read()
        os.close(self._leader)
        return self.process.wait(10)
