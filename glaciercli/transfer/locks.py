"""One process at a time on one file, by the system's advisory locks.

A lock belongs to the open file and goes with the process, however it ends: there is no stale lock.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

from glaciercli.errors import Conflict


class Busy(Exception):
    """Another process holds the lock."""


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        # Far beyond the data: on Windows a locked range cannot be read by others.
        position = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.lseek(descriptor, 1 << 40, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(descriptor, position, os.SEEK_SET)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def try_lock(descriptor: int, path: Path) -> None:
    """Lock an open file or raise Busy at once; Conflict where the file system has no locks."""
    try:
        _lock(descriptor)
    except OSError as error:
        if error.errno in {errno.EAGAIN, errno.EACCES, errno.EDEADLK}:
            raise Busy from None
        raise Conflict(
            f"cannot lock {str(path)!r}: {error.strerror}",
            hint="set GLACIER_HOME to a directory on a local disk",
        ) from error
