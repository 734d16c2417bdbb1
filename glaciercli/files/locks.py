"""One process at a time on one file, by the system's advisory locks.

A lock belongs to the open file and goes with the process, however it ends: there is no stale lock.
"""

from __future__ import annotations

import os
from pathlib import Path

from glaciercli.errors import Busy, Conflict
from glaciercli.system import lock


def try_lock(descriptor: int, path: Path) -> None:
    """Lock an open file or raise Busy at once; Conflict where the file system has no locks."""
    try:
        lock(descriptor)
    except BlockingIOError:
        raise Busy(
            "another run of glacier is busy with this transfer",
            hint="wait for it, or stop it, then run the same command again",
        ) from None
    except OSError as error:
        raise Conflict(
            f"cannot lock {str(path)!r}: {error.strerror}",
            hint="set GLACIER_HOME to a directory on a local disk",
        ) from error


def is_current(path: Path, descriptor: int) -> bool:
    """Tell whether a path still names the open file: who held the lock may have removed it."""
    try:
        named = path.stat()
    except FileNotFoundError:
        return False
    held = os.fstat(descriptor)
    return (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)
