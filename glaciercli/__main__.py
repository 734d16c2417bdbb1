"""The program `glacier`."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and leave the process with its exit code."""
    _hold_standard_files()
    # Until we can say how to go on there is nothing to go on with, and nothing to say.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    _leave_no_core()
    # Imported after the descriptors are safe, since imports open files.
    from glaciercli.cli import boundary  # noqa: PLC0415
    from glaciercli.cli.app import App  # noqa: PLC0415
    from glaciercli.cli.root import cli  # noqa: PLC0415
    from glaciercli.cli.signals import catch_signals, hold_signals  # noqa: PLC0415

    _write_whole()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            # A terminal that cannot show a letter gets its code, never a traceback.
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    app = App(threading.Event())
    arguments = sys.argv[1:]
    try:
        catch_signals(app.stop, arguments)
        code = boundary.run(lambda: cli.run(arguments, app), app, arguments)
    except Exception as error:  # noqa: BLE001 - a signal that arrived while an error was told
        code = boundary.tell(error, app, arguments)
    hold_signals()  # all is told; what follows takes a moment, and must not fail halfway
    app.close_catalog()
    # Not sys.exit: daemon threads may still hold a request that nobody waits for any more, and
    # between an acknowledged result and the end there must be no moment to fail in.
    os._exit(code)


def _hold_standard_files() -> None:
    """Keep 0, 1 and 2 taken: a catalog opened as descriptor 1 would be printed into.

    Each is held by the null device opened the wrong way round, so that using it is an error. A pipe
    that its maker made non-blocking is made to block: else there is no end and no whole write.
    """
    for descriptor, mode in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_RDONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, mode)
        if sys.platform != "win32":
            os.set_blocking(descriptor, True)


def _write_whole() -> None:
    """Give stdout a buffer where Python was told to have none: without, it writes just once.

    What a pipe or a full disk did not take of that is then lost without an error.
    """
    out = sys.stdout
    if out is not None and isinstance(out.buffer, io.RawIOBase):
        whole = io.BufferedWriter(out.buffer)
        sys.stdout = io.TextIOWrapper(whole, out.encoding, line_buffering=out.isatty())


def _leave_no_core() -> None:
    """Let a crash write no memory to the disk: there are keys in it."""
    if sys.platform != "win32":  # which writes none
        import resource  # noqa: PLC0415 - the other systems' own

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


if __name__ == "__main__":
    main()
