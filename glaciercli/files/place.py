"""Where a file is to be: a name in a directory that is open, for as long as the work takes.

What was checked of the directory is what is used, for hours, whatever others do to its path.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from glaciercli import system
from glaciercli.errors import Conflict
from glaciercli.files._folders import Folder, open_folder
from glaciercli.files._walk import is_ours
from glaciercli.files.descriptor import Descriptor
from glaciercli.units import format_size

_BLOCK = 512  # bytes; of what a file takes, whatever the file system


@dataclass(frozen=True)
class Place:
    """A name in an open directory; `path` is what people and journals call it."""

    folder: Folder
    path: Path

    @property
    def name(self) -> str:
        """The last name of the path; of the root directory, itself."""
        return self.path.name or "."

    def beside(self, name: str) -> Place:
        """Return another name in the same directory."""
        return Place(self.folder, self.path.with_name(name))

    def require_free(self, *, overwrite: bool) -> None:
        """Raise Conflict before anything is paid for when no file can be put here.

        Only a file, or a link to one, may be overwritten: the file that takes its place is a new
        one, so a device or a pipe would be gone.
        """
        path = str(self.path)
        if not self.folder.is_writable():
            raise Conflict(f"cannot write into directory {str(self.path.parent)!r}")
        kind = self._kind()
        if kind is None:
            return
        if stat.S_ISDIR(kind):
            raise Conflict(f"{path!r} is a directory", hint="name a file in it")
        if not (stat.S_ISREG(kind) or stat.S_ISLNK(kind)):
            raise Conflict(f"{path!r} is no file", hint="name one; `-` is stdout")
        if not overwrite:
            raise exists(self.path)

    def _kind(self) -> int | None:
        """Return the mode of what the name leads to, of a link that leads nowhere its own."""
        for follow in (True, False):
            try:
                return self.folder.look(self.name, follow=follow).st_mode
            except OSError:
                continue
        return None

    def has(self, file: os.stat_result) -> bool:
        """Tell whether it is this very file that is here, by the file's status."""
        try:
            return os.path.samestat(self.folder.look(self.name), file)
        except OSError:
            return False

    @property
    def is_shared(self) -> bool:
        """Tell whether other users can replace what is here."""
        return not is_ours(self.folder.status())

    def require_room(self, size: int) -> None:
        """Raise Conflict before anything is paid for when `size` bytes more do not fit here."""
        room = self.folder.room()
        if room is not None and size > room:
            raise Conflict(
                f"{str(self.path)!r} needs {format_size(size)} more, and there is room for "
                f"{format_size(room)}",
                hint="make room, or name a file on another disk",
            )

    @property
    def allocated(self) -> int:
        """Return how many bytes of the disk the file that is here takes; 0 for none."""
        try:
            found = self.folder.look(self.name)
        except OSError:
            return 0
        # Ranges arrive in any order, so a size says nothing; Windows tells nothing else.
        blocks = getattr(found, "st_blocks", None)
        return found.st_size if blocks is None else blocks * _BLOCK

    def require_there(self) -> None:
        """Raise Conflict when the path leads to another directory than the one that is open."""
        try:
            is_there = os.path.samestat(self.path.parent.stat(), self.folder.status())
        except OSError:
            is_there = False
        if not is_there:
            raise Conflict(
                f"directory {str(self.path.parent)!r} was moved or replaced while this ran",
                hint="see who did that, then run the same command again",
            )

    def holds(self, size: int | None, tree_hash: str | None) -> bool:
        """Tell whether a file with this content is here; raises Conflict where it is unreadable."""
        try:
            number = self.folder.file(self.name, os.O_RDONLY | system.NO_WAIT)
        except OSError:
            return False
        descriptor, found = Descriptor(number, self.path), os.fstat(number)
        if not stat.S_ISREG(found.st_mode) or found.st_size != size:
            return False
        return descriptor.tree_hash(found.st_size) == tree_hash


@contextmanager
def place_of(path: Path) -> Iterator[Place]:
    """Open the directory of a path for a file in it; raises Conflict where that cannot be."""
    path = path.absolute()
    with closing(open_folder(path.parent)) as folder:
        yield Place(folder, path)


def exists(path: Path) -> Conflict:
    """Return the error for a name that something has already."""
    return Conflict(f"{str(path)!r} exists already", hint="--overwrite replaces it")
