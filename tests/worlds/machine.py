"""The user's computer: files, the program with its state, and what becomes of one command."""

import io
import json
import os
import shutil
import signal
import sys
from dataclasses import dataclass, field

from click.testing import CliRunner
from survival import forks
from survival.events import Watch
from worlds.stage import REGION, SHARED

from glaciercli.cli.root import cli


@dataclass
class Run:
    """What one command was, what it said, and how it ended."""

    words: tuple
    place: object
    exit: int
    stdout: bytes
    stderr: str
    killed: bool = False
    #: How many of its requests lost their reply, or were lost themselves.
    lost: int = 0
    #: The lies that it was told.
    lies: list = field(default_factory=list)
    #: The archives that it made: (place, Stored).
    made: list = field(default_factory=list)

    @property
    def json(self):
        return json.loads(self.stdout) if self.stdout.strip() else None

    @property
    def said(self):
        return self.stdout.decode(errors="replace") + self.stderr

    @property
    def is_disturbed(self):
        return bool(self.killed or self.lost or self.lies)

    def tells_of(self, ident):
        """Tell whether an archive's id is in what was said, as far as notes show ids."""
        return ident[:12] in self.said

    def __str__(self):
        end = "killed" if self.killed else f"exit {self.exit}"
        return f"$ glacier {' '.join(self.words)}\n[{end}]\n{self.said}"


class Machine:
    """A home for the program, and files of the user's."""

    def __init__(self, room):
        self.home = room / "home"
        self.files = room / "files"
        self.out = room / "out"
        self._copy = room / "copy"
        self._room = room
        self.files.mkdir()
        self.out.mkdir()

    def run(self, words, stdin=None):
        """Run the program in this process; return its exit code and what it said."""
        got = CliRunner().invoke(cli, list(words), input=stdin)
        if got.exception is not None and not isinstance(got.exception, SystemExit):
            raise got.exception
        return got.exit_code, got.stdout_bytes, got.stderr

    def run_killed(self, words, event, stdin=None):
        """Run it in a process that is killed at its event of that number.

        Returns its exit code, None where it was killed, and what it had said by then.
        """
        said = [self._room / name for name in ("stdout", "stderr")]

        def see(seen):
            if seen.number == event:
                os.kill(os.getpid(), signal.SIGKILL)

        def work():
            for name, path in zip(("stdout", "stderr"), said, strict=True):
                # By lines, as a terminal's: what was said before the end is heard.
                setattr(sys, name, path.open("w", buffering=1, encoding="utf-8"))
            sys.stdin = io.TextIOWrapper(io.BytesIO(stdin or b""))
            Watch(see).install(SHARED)
            try:
                cli.main(list(words))
            except SystemExit as end:
                return end.code

        ended = forks.run(work)
        assert ended.killed or ended.code == 0, ended.trace
        stdout, stderr = (path.read_bytes() if path.exists() else b"" for path in said)
        for path in said:
            path.unlink(missing_ok=True)
        return None if ended.killed else ended.value, stdout, stderr.decode()

    def keep_state(self):
        """Make a backup of the program's state, as its user may."""
        shutil.rmtree(self._copy, ignore_errors=True)
        if self.home.exists():
            shutil.copytree(self.home, self._copy)
        else:
            self._copy.mkdir()

    def put_state_back(self):
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.copytree(self._copy, self.home)


def globals_of(url, account=None):
    """Return the options that every command of a world is given."""
    named = ("--account-id", account) if account else ()
    return ("--endpoint-url", url, "--region", REGION, "--timeout", "0", "--output", "json", *named)
