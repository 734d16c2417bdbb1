"""The log: requests and talk with their times, on stderr and in a file."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from pathlib import Path

from glaciercli import system
from glaciercli.endpoints import without_users
from glaciercli.errors import Conflict
from glaciercli.present.text import safe

_NAME = "glaciercli"

# Without a handler, logging prints errors to stderr by itself.
logging.getLogger(_NAME).addHandler(logging.NullHandler())


class _Lines(logging.Formatter):
    """One line a record, whatever is in it but for passwords; times in UTC, as Glacier's are."""

    def format(self, record: logging.LogRecord) -> str:
        return safe(without_users(super().format(record)))

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802, ARG002 - logging's name
        from datetime import UTC, datetime  # noqa: PLC0415 - only a log needs it

        moment = datetime.fromtimestamp(record.created, UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


class _File(logging.FileHandler):
    """A log file; one that cannot be written any more is told of once and then left alone."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002 - logging's name
        error = sys.exc_info()[1]
        logging.getLogger(_NAME).removeHandler(self)
        with suppress(OSError):  # what it holds back cannot be written either
            self.close()
        if sys.stderr is not None:
            why = error.strerror if isinstance(error, OSError) else error
            with suppress(OSError):
                sys.stderr.write(f"log file {safe(self.baseFilename)!r}: {why}; its log ends\n")


def start(*, verbose: bool, file: Path | None) -> None:
    """Send what is logged to stderr and to a file, as far as asked for; drops earlier handlers.

    The file is made for its owner alone, since it holds names of vaults and archives.
    """
    logger = logging.getLogger(_NAME)
    for each in list(logger.handlers):
        if not isinstance(each, logging.NullHandler):
            logger.removeHandler(each)
            each.close()
    logger.propagate = False
    if verbose and sys.stderr is not None:
        told = logging.StreamHandler(sys.stderr)
        # What commands themselves say, under the bare name, is on stderr without a log.
        told.addFilter(lambda record: record.name != _NAME)
        _add(logger, told, "%(message)s", logging.DEBUG)
    if file is not None:
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | system.NO_WAIT
            os.close(os.open(file, flags, 0o600))
            handler = _File(file, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise Conflict(f"log file {str(file)!r}: {error.strerror}") from error
        line = "%(asctime)s %(process)d %(levelname)s %(message)s"
        _add(logger, handler, line, logging.DEBUG)


def _add(logger: logging.Logger, handler: logging.Handler, line: str, level: int) -> None:
    handler.setFormatter(_Lines(line))
    handler.setLevel(level)
    logger.setLevel(level)
    logger.addHandler(handler)
