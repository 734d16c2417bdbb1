"""What only a terminal shows: questions, bars, widths. Typed into one, as a person does."""

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

import pytest
from helpers import payload, write


class Terminal:
    """A run of the program in a terminal of 80 columns."""

    def __init__(self, *words):
        self._leader, follower = pty.openpty()
        fcntl.ioctl(self._leader, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "glaciercli", *map(str, words)],
            stdin=follower,
            stdout=follower,
            stderr=follower,
            start_new_session=True,
            # Only from the terminal that it is controlled by does ^C become a signal.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
        )
        os.close(follower)
        self.shown = ""

    def type(self, text):
        os.write(self._leader, text.encode())

    def read(self, until=None):
        """Read until a text is shown, or to the end."""
        deadline = time.monotonic() + 20
        while until is None or until not in self.shown:
            assert time.monotonic() < deadline, self.shown
            if select.select([self._leader], [], [], 0.2)[0]:
                try:
                    self.shown += os.read(self._leader, 65536).decode()
                except OSError:  # the other side is closed
                    break
        return self.shown

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


@pytest.fixture
def photos(glacier, tmp_path):
    glacier("vault", "create", "photos")
    return write(tmp_path / "big.tar", payload(3 << 20))


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 7), ("\x03", 130), ("\x04", 130)])
def test_a_question_takes_yes_no_and_a_way_out(photos, answer, code):
    terminal = Terminal("vault", "delete", "photos")
    terminal.read(until="[y/N]")
    terminal.type(answer)
    # A signal that comes between Python's prompt and its read is noticed with the next one only.
    while answer == "\x03" and not terminal.ends_within(1.0):
        terminal.type(answer)

    assert terminal.end() == code, terminal.shown


@pytest.mark.parametrize(("answer", "code"), [("photos\n", 0), ("phots\n", 7), ("\n", 7)])
def test_what_cannot_be_undone_wants_the_name_typed(glacier, photos, answer, code):
    glacier("upload", photos, "--vault", "photos")
    terminal = Terminal("vault", "empty", "photos")
    terminal.read(until="type photos to go on")
    terminal.type(answer)

    assert terminal.end() == code, terminal.shown


def test_a_bar_is_drawn_and_taken_away(photos):
    terminal = Terminal("upload", photos, "--vault", "photos", "--part-size", "1MiB")

    assert terminal.end() == 0
    assert "big.tar:" in terminal.shown
    assert "3.00M" in terminal.shown


@pytest.mark.parametrize("flag", ["--quiet", "--no-progress"])
def test_no_bar_where_none_is_wanted(photos, flag):
    terminal = Terminal("upload", photos, "--vault", "photos", flag)

    assert terminal.end() == 0
    assert "big.tar:" not in terminal.shown


def test_a_table_fits_the_terminal(glacier, photos):
    glacier("upload", photos, "--vault", "photos")
    terminal = Terminal("archive", "list", "--vault", "photos")

    assert terminal.end() == 0
    plain = re.sub(r"\x1b\[[0-9;]*m", "", terminal.shown)
    assert max(len(line) for line in plain.splitlines()) <= 80
    assert "…" in plain
