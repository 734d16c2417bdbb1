"""What a command gets: a workspace and, beside it, the output and whoever is at the terminal.

A command that needs none of its parts pays for none: `--help` and completion stay fast.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from glaciercli.cli import log
from glaciercli.cli.output import Output
from glaciercli.cli.progress import Bar
from glaciercli.errors import Conflict, GlacierError
from glaciercli.hints import Hint, render
from glaciercli.present.text import safe
from glaciercli.workspace import Workspace

if TYPE_CHECKING:
    from glaciercli.local.engine import Engine
    from glaciercli.present.consent import Asking

#: The global options that say which Glacier is meant, and with which settings.
_WHERE = ("local", "local_root", "profile", "region", "account_id", "endpoint_url", "config")


class App(Workspace):
    """One run of the command line. Global options land in `flags`; all else follows from them.

    A signal sets `stop`.
    """

    def __init__(self, stop: threading.Event | None = None) -> None:
        super().__init__(self.tell, stop, ask=_answer)
        #: Done after the last byte of output is out, and only when all went well.
        self.at_end: list[Callable[[], None]] = []

    @cached_property
    def output(self) -> Output:
        """Where records and talk go, in the form that the settings ask for."""
        return Output(
            self.settings["output"],
            query=self.flags.get("query"),
            color=self.settings["color"],
            quiet=self.quiet,
        )

    def tell(self, text: Hint) -> None:
        """Say one line to the person at the terminal, as `Output.note` does."""
        # The output is made only when there is something to tell.
        self.output.note(self.written(text))

    @property
    def stdin(self) -> TextIO:
        """What the user types or pipes; raises Conflict where it was closed before the command."""
        if sys.stdin is None:
            raise Conflict("stdin is closed, so there is nothing to read")
        return sys.stdin

    @property
    def quiet(self) -> bool:
        """Whether only data, warnings and errors are wanted."""
        return bool(self.flags.get("quiet"))

    def start_log(self) -> None:
        """Begin to tell requests, as far as `-v`, `--debug` and `--log-file` ask for it."""
        log.start(
            verbose=bool(self.flags.get("verbose") or self.flags.get("debug")),
            file=self.flags.get("log_file"),
        )

    def written(self, hint: Hint) -> str:
        """Return a hint whose commands, when they are pasted, ask the Glacier of this run.

        Elsewhere a vault of the same name may be another one. The environment and config.toml are
        still there when a hint is followed; only what the flags said would be lost.
        """
        words: list[str] = []
        for name in _WHERE:
            value = self.flags.get(name)
            if value is not None:
                option = f"--{name.replace('_', '-')}"
                words += [option] if value is True else [option, str(value)]
        return render(hint, words)

    @contextmanager
    def engine(self, root: Path | None = None) -> Iterator[Engine]:
        """Open the embedded engine of a directory, by default the run's own."""
        from glaciercli.local.engine import open_engine  # noqa: PLC0415 - only `local` opens one
        from glaciercli.local.errors import StoreError  # noqa: PLC0415

        place = root.absolute() if root else self.local_root
        try:
            with closing(open_engine(place, account=self.target.account)) as engine:
                yield engine
        except StoreError as error:
            raise Conflict(str(error)) from error

    def progress(self, label: str, *, unit: str = "B", beside: TextIO | None = None) -> Bar:
        """Return the bar of one transfer; it draws only on a terminal that wants it.

        Not where the bytes themselves go to a terminal: `beside` is the stream that gets them.
        """
        wanted = not (self.quiet or self.flags.get("no_progress") or _is_terminal(beside))
        return Bar(label, self.output, unit=unit, visible=wanted and _is_terminal(sys.stderr))

    @contextmanager
    def reporting(self, tell: Callable[[Any], None]) -> Iterator[None]:
        """Tell what was done also when the block ends in an error; it was done all the same."""
        try:
            yield
        except GlacierError as error:
            if error.report is not None:
                tell(error.report)
            raise

    def consent(self, *, yes: bool) -> Asking:
        """Return what asks the person at the terminal, unless all is agreed to by `yes`."""
        from glaciercli.present.consent import Asking  # noqa: PLC0415 - help asks nothing

        is_somebody = _is_terminal(sys.stdin) and _is_terminal(sys.stderr)
        return Asking(_AtTerminal(self.output) if is_somebody else None, yes=yes)

    def confirm(self, question: str, *, yes: bool, typed: str | None = None) -> None:
        """Return when an act on one thing is agreed to, which needs no plan."""
        from glaciercli.present.plans import Question  # noqa: PLC0415 - as above

        self.consent(yes=yes).ask(Question(question, typed))


@dataclass(frozen=True)
class _AtTerminal:
    """The person at the terminal, asked on stderr."""

    output: Output

    def agrees(self, question: str) -> bool:
        return click.confirm(self.output.safe(question), err=True)

    def types(self, prompt: str) -> str:
        answer: str = click.prompt(
            self.output.safe(prompt), default="", show_default=False, err=True
        )
        return answer


def the_app(context: click.Context) -> App:
    """Return the run's App; completion has none yet and gets a fresh one."""
    return context.find_root().ensure_object(App)


def _answer(question: str) -> str | None:
    """Return what a person types, unseen; None where nobody is at a terminal."""
    if sys.platform == "win32":
        if not _is_terminal(sys.stdin):
            return None
    else:
        try:  # stdin may be a pipe with the bytes of an archive
            os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
        except OSError:
            return None
    from getpass import getpass  # noqa: PLC0415 - only profiles with MFA want it

    return getpass(safe(question))


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()
