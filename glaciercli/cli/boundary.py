"""Where errors become exit codes.

An expected failure is one line on stderr, `error: ...`, and a line that can be pasted, `hint: ...`;
under `--output json` or `jsonl` it is one JSON object on stderr instead. Anything unexpected is a
bug and says how to report it; a traceback is shown only with `--debug`.
"""

from __future__ import annotations

import difflib
import json
import logging
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from glaciercli import __version__
from glaciercli.cli.app import App
from glaciercli.cli.signals import PROGRAM, hold_signals, way_on
from glaciercli.endpoints import without_users
from glaciercli.errors import (
    Conflict,
    Exit,
    GlacierError,
    Interrupted,
    NotReady,
    UsageError,
)
from glaciercli.present.text import safe, safe_lines

_PIPE = 13  # SIGPIPE, which not every system has
#: What proves who asks, wherever a library quotes it; only tracebacks tell what libraries say.
_HIDDEN = re.compile(
    r"((?:authorization|credential|signature|x-amz-security-token|aws_session_token|"
    r"aws_secret_access_key|secretaccesskey|sessiontoken)\W{1,4})\S+",
    re.IGNORECASE,
)

_log = logging.getLogger("glaciercli")


def run(work: Callable[[], Any], app: App, arguments: Sequence[str]) -> int:
    """Return the exit code of `work()`, having told what went wrong, if anything did."""
    try:
        result = work()
        if sys.stdout is not None:
            sys.stdout.flush()
        if not result:
            # From here on the result is told; a signal must not make it look undone.
            hold_signals()
            for each in app.at_end:
                each()
        return int(result or 0)
    except Exception as error:  # noqa: BLE001 - the one place where everything ends
        return tell(error, app, arguments)
    except KeyboardInterrupt:
        return tell(Interrupted(signal.SIGINT), app, arguments)


def tell(error: Exception, app: App, arguments: Sequence[str]) -> int:
    """Say what went wrong on stderr and return the exit code for it."""
    _flush_stdout()  # what was told before the error is true, and the process ends without it
    if isinstance(error, BrokenPipeError):
        _forget_stdout()
        return Exit.SIGNAL + _PIPE  # what a shell reports for any program cut off by head
    known = _known(_stopped(error) or error)
    if app.flags.get("debug"):
        import traceback  # noqa: PLC0415 - the exception, in both senses

        told = without_users("".join(traceback.format_exception(error)))
        _write(_HIDDEN.sub(r"\1(hidden)", told))
    if isinstance(known, Interrupted) and known.hint is None:
        known = known.but(hint=way_on(arguments))
    else:
        known = _aimed(known, app)
    if isinstance(known, Interrupted) and sys.stderr is not None and sys.stderr.isatty():
        _write("\n")  # past the ^C, a prompt or the rest of a bar
    _log.error("%s", safe(known.message))
    if wants_json(app, arguments):
        _write(_json(known))
    elif not (app.quiet and _is_only_not_ready(known)):
        _write(_lines(known))
    return int(known.exit_code)


def _is_only_not_ready(error: GlacierError) -> bool:
    """Tell whether 75 says all there is to say, to cron for one."""
    return isinstance(error, NotReady) and not error.failures and not error.is_late


def _aimed(error: GlacierError, app: App) -> GlacierError:
    """Return an error with its hints as text, which leads to where the run was."""
    members: dict[str, Any] = {}
    if error.hint:
        members["hint"] = app.written(error.hint)
    if error.failures:
        members["failures"] = {name: _aimed(each, app) for name, each in error.failures.items()}
    return error.but(**members)


def _stopped(error: BaseException) -> Interrupted | None:
    """Return the signal in whose midst an error arose: it is what happened, the error a splinter.

    A signal may come while a library holds things half done, and fails at tidying up.
    """
    found: BaseException | None = error
    while found is not None and not isinstance(found, Interrupted):
        found = found.__context__
    return found


def _known(error: Exception) -> GlacierError:
    """Return the error as one of ours."""
    if isinstance(error, GlacierError):
        return error
    if isinstance(error, click.exceptions.Abort):
        return Interrupted(signal.SIGINT)
    if isinstance(error, click.ClickException):
        return _usage(error)
    if isinstance(error, OSError):
        _forget_stdout()
        # Files say their names. What has none is where we are, or what we were printing to.
        where = "current directory" if isinstance(error, FileNotFoundError) else "output"
        return Conflict(f"{error.filename or where}: {error.strerror or error}")
    return GlacierError(
        f"unexpected {type(error).__name__}: {error}",
        hint=f"this is a bug in glaciercli {__version__}: report it with what --debug prints",
    )


def _usage(error: click.ClickException) -> UsageError:
    context = getattr(error, "ctx", None)
    path = PROGRAM if context is None else context.command_path
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return UsageError(f"{path} needs a command", hint=f"{path} --help")
    if isinstance(error, click.NoSuchOption):
        return _no_option(error, path)
    return UsageError(_lower(error.format_message()), hint=f"{path} --help")


def _no_option(error: click.NoSuchOption, path: str) -> UsageError:
    """Name the one that was meant; to Click, `--tier` is near to `--quiet`."""
    name = error.option_name
    near = {each.lstrip("-"): each for each in error.possibilities or ()}
    meant = [near[each] for each in difflib.get_close_matches(name.lstrip("-"), near, 1)]
    guess = f"; did you mean {meant[0]!r}?" if meant else ""
    hint = f"{path} --help"
    if not name.startswith("--"):
        hint += "; before a name that begins with a dash, write --"
    return UsageError(f"no such option {name!r}{guess}", hint=hint)


def _lower(message: str) -> str:
    message = " ".join(message.split()).rstrip(".")
    return message[:1].lower() + message[1:]


def _lines(error: GlacierError) -> str:
    lines = [f"error: {safe(error.message)}"]
    lines += [f"  {safe(name)}: {safe(each.message)}" for name, each in error.failures.items()]
    # Many items have one way out, and the whole's is the last.
    hints = [each.hint for each in error.failures.values() if each.hint != error.hint]
    lines += [f"hint: {safe(str(each))}" for each in dict.fromkeys([*hints, error.hint]) if each]
    return "\n".join(lines) + "\n"


def _json(error: GlacierError) -> str:
    value = _plain(error)
    if error.failures:
        value["failures"] = {name: _plain(each) for name, each in error.failures.items()}
    return json.dumps(value, ensure_ascii=True).replace("\x7f", "\\u007f") + "\n"


def _plain(error: GlacierError) -> dict[str, Any]:
    return {
        "error": type(error).__name__,
        "message": error.message,
        "hint": error.hint,
        "code": error.code,
        "exitCode": int(error.exit_code),
    }


def wants_json(app: App, arguments: Sequence[str]) -> bool:
    """Tell whether errors are wanted as JSON, even when the command line could not be read."""
    try:
        form = app.settings["output"]
    except (GlacierError, OSError):
        form = app.flags.get("output")
    if "output" not in app.flags:  # the parser stopped before it came to the flag
        words = list(arguments)
        for index, word in enumerate(words):
            if word == "--output" and index + 1 < len(words):
                form = words[index + 1]
            elif word.startswith("--output="):
                form = word.partition("=")[2]
    return form in {"json", "jsonl"}


def _write(text: str) -> None:
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(safe_lines(text))
        sys.stderr.flush()
    except OSError:
        pass  # nobody can be told; the exit code still speaks


def _flush_stdout() -> None:
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        _forget_stdout()


def _forget_stdout() -> None:
    """Drop what could not be written, so that the interpreter does not fail on it once more."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
    except (OSError, ValueError, AttributeError):
        pass  # not a file: closed, or a test's buffer
