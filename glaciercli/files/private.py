"""Directories of our own, in which nobody else can swap a file between two looks at it."""

from __future__ import annotations

from pathlib import Path

from glaciercli import system
from glaciercli.errors import Refused
from glaciercli.files._walk import is_ours
from glaciercli.hints import quoted


def private_directory(path: Path) -> Path:
    """Make a directory, and its missing parents, for this user alone; return it.

    Raises Refused for one that is there and that another user could change: what SQLite opens by
    its name in there need not be what was looked at.
    """
    system.private_directory(path)
    if not is_ours(path.stat()):
        raise Refused(
            f"directory {str(path)!r} belongs to, or can be written by, another user",
            hint=f"see what is in it, then: chown $USER {quoted(path)} && chmod 700 {quoted(path)}",
        )
    return path
