"""A path of the user's, walked from the root one name at a time, so that nobody else can bend it.

A link is followed while all directories on the way are this user's or root's and no other user can
write them: who else could have put it there? Behind the first other directory no link is followed,
so another user can at most keep a run from finding its way, never lead it elsewhere.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from pathlib import Path, PurePath

from glaciercli import system
from glaciercli.errors import Conflict
from glaciercli.hints import quoted

_MOST_LINKS = 40  # on one way, as on Linux
_DIRECTORY: int = getattr(os, "O_DIRECTORY", 0)
#: Opens a directory to go through, which on Linux needs no right to list it.
_THROUGH: int = getattr(os, "O_PATH", os.O_RDONLY) | _DIRECTORY | system.OWN
_MADE = 0o755  # of directories that are made: no group can write them, whatever the umask
#: How systems say that a name is a link where a directory was to be opened.
LINKED = frozenset({errno.ELOOP, errno.EMLINK, errno.ENOTDIR})


def open_directory(path: Path, *, make: bool = False) -> int:
    """Open a directory by its absolute path; return the descriptor.

    With `make`, what is missing of it is made. Raises Conflict for a link that another user may
    have put there, else OSError with the path in it.
    """
    walk = _Walk(path)
    try:
        while walk.ahead:
            walk.step(make=make)
        return os.open(".", os.O_RDONLY | _DIRECTORY | system.FLAGS, dir_fd=walk.here)
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        os.close(walk.here)


class _Walk:
    """The way to a path: the directory that was reached, and the names that are still ahead."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._root = path.anchor
        self.ahead = deque(path.parts[1:])
        self.here = os.open(self._root, _THROUGH)
        self._is_ours = True  # nobody else could have bent the way until here
        self._links = 0

    def step(self, *, make: bool) -> None:
        """Go on by one name."""
        name = self.ahead.popleft()
        self._is_ours = self._is_ours and is_ours(os.fstat(self.here))
        if name == ".." and not self._is_ours:
            raise self._bent(name)
        try:
            below = self._open(name, make=make)
        except OSError as error:
            if error.errno not in LINKED:
                raise
            self._follow(name)
            return
        os.close(self.here)
        self.here = below

    def _open(self, name: str, *, make: bool) -> int:
        try:
            return os.open(name, _THROUGH, dir_fd=self.here)
        except FileNotFoundError:
            if not make:
                raise
        try:
            os.mkdir(name, _MADE, dir_fd=self.here)
        except FileExistsError:
            pass  # made by another run in between
        return os.open(name, _THROUGH, dir_fd=self.here)

    def _follow(self, name: str) -> None:
        """Go on by where a link leads; raises NotADirectoryError where the name is a file."""
        link = os.stat(name, dir_fd=self.here, follow_symlinks=False)
        if not stat.S_ISLNK(link.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not (self._is_ours and is_of_ours(link)):
            raise self._bent(name)
        self._links += 1
        if self._links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        target = PurePath(os.readlink(name, dir_fd=self.here))
        names = target.parts
        if target.is_absolute():
            os.close(self.here)
            self.here = os.open(self._root, _THROUGH)
            names = names[1:]
        self.ahead.extendleft(reversed(names))

    def _bent(self, name: str) -> Conflict:
        return Conflict(
            f"{name!r} on the way to {str(self._path)!r} is a link that another user can change",
            hint=f"see where it leads, and name that place: readlink -f {quoted(self._path)}",
        )


def is_ours(status: os.stat_result) -> bool:
    """Tell whether nobody but this user and root can replace what is theirs in a directory.

    In one with the sticky bit, as /tmp, others can put something of their own beside it.
    """
    is_shared = (
        system.mode_beyond_owner_and_own_group(status) & 0o022 and not status.st_mode & stat.S_ISVTX
    )
    return is_of_ours(status) and not is_shared


def is_of_ours(status: os.stat_result) -> bool:
    """Tell whether something belongs to this user or to root."""
    return system.is_own(status) or status.st_uid == 0
