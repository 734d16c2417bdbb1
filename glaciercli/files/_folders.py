"""A directory whose entries are reached by bare names, so that no link leads out of it.

Where the system opens names relative to an open directory, what was checked is what is used,
whatever others do to the names meanwhile. Windows does not: there a name is looked at and then
used, which is safe against names out of a vault, and against other users by the directory's rights.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from pathlib import Path
from typing import Protocol, Self

from glaciercli import system
from glaciercli.errors import Conflict
from glaciercli.files import _walk
from glaciercli.hints import quoted


class Folder(Protocol):
    """An open directory. Its methods raise OSError; a link in the way is ELOOP or ENOTDIR."""

    @classmethod
    def open(cls, path: Path, *, make: bool = False) -> Self:
        """Open a directory of the user's by its absolute path, and with `make` make it.

        Raises Conflict for a link on the way that another user may have put there.
        """

    def below(self, name: str, *, make: int | None = None) -> Self:
        """Open a directory in this one; where it is missing, it is made with the mode `make`."""

    def file(self, name: str, flags: int) -> int:
        """Open a file in it, made with the mode 0600; return the descriptor."""

    def look(self, name: str, *, follow: bool = False) -> os.stat_result:
        """Return what a name is: a link itself, or with `follow` what it leads to."""

    def names(self) -> list[str]:
        """Return the names of all that is in it."""

    def move(self, name: str, target: Self, new: str, *, replace: bool) -> None:
        """Give a file a name in another folder; FileExistsError where one has it already."""

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""

    def remove_folder(self, name: str) -> None:
        """Remove a directory that is empty."""

    def is_writable(self) -> bool:
        """Tell whether this user may put something into it."""

    def room(self) -> int | None:
        """Return how many bytes more its file system takes; None where that is not known."""

    def status(self) -> os.stat_result:
        """Return the directory's own status."""

    def sync(self) -> None:
        """Put the names in it on disk: those made, moved and removed."""

    def close(self) -> None:
        """Let the directory go; nothing may be asked of it after that."""


class DescriptorFolder(Folder):
    """A folder known by its open descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def open(cls, path: Path, *, make: bool = False) -> Self:
        return cls(_walk.open_directory(path, make=make))

    def below(self, name: str, *, make: int | None = None) -> Self:
        if make is not None:
            try:
                os.mkdir(name, make, dir_fd=self._descriptor)
            except FileExistsError:
                pass  # if it is no directory, opening it says so
        flags = os.O_RDONLY | _DIRECTORY | system.OWN
        return type(self)(os.open(name, flags, dir_fd=self._descriptor))

    def file(self, name: str, flags: int) -> int:
        return os.open(name, flags | system.OWN, 0o600, dir_fd=self._descriptor)

    def look(self, name: str, *, follow: bool = False) -> os.stat_result:
        return os.stat(name, dir_fd=self._descriptor, follow_symlinks=follow)

    def names(self) -> list[str]:
        return os.listdir(self._descriptor)  # noqa: PTH208 - which is no path

    def move(self, name: str, target: Self, new: str, *, replace: bool) -> None:
        here, there = self._descriptor, target._descriptor
        if replace:
            os.replace(name, new, src_dir_fd=here, dst_dir_fd=there)
        else:
            system.move_to_free(name, new, src_dir_fd=here, dst_dir_fd=there)

    def remove(self, name: str) -> None:
        try:
            os.unlink(name, dir_fd=self._descriptor)
        except FileNotFoundError:
            pass

    def remove_folder(self, name: str) -> None:
        os.rmdir(name, dir_fd=self._descriptor)

    def is_writable(self) -> bool:
        return os.access(".", os.W_OK | os.X_OK, dir_fd=self._descriptor)

    def room(self) -> int | None:
        return system.room(self._descriptor)

    def status(self) -> os.stat_result:
        return os.fstat(self._descriptor)

    def sync(self) -> None:
        system.sync_names(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)


class PathFolder(Folder):
    """A folder known by its path, where nothing can be opened relative to a directory."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def open(cls, path: Path, *, make: bool = False) -> Self:
        if make:
            path.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        if not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
        return cls(path)

    def below(self, name: str, *, make: int | None = None) -> Self:
        path = self._path / name
        if make is not None and not os.path.lexists(path):
            path.mkdir(make, exist_ok=True)
        if _is_elsewhere(path) or not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
        return type(self)(path)

    def file(self, name: str, flags: int) -> int:
        path = self._path / name
        if path.exists() and _is_elsewhere(path):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
        return os.open(path, flags | system.OWN, 0o600)

    def look(self, name: str, *, follow: bool = False) -> os.stat_result:
        return (self._path / name).stat(follow_symlinks=follow)

    def names(self) -> list[str]:
        return [each.name for each in self._path.iterdir()]

    def move(self, name: str, target: Self, new: str, *, replace: bool) -> None:
        source, place = self._path / name, target._path / new
        if replace:
            source.replace(place)
        else:
            system.move_to_free(source, place)

    def remove(self, name: str) -> None:
        (self._path / name).unlink(missing_ok=True)

    def remove_folder(self, name: str) -> None:
        (self._path / name).rmdir()

    def is_writable(self) -> bool:
        return os.access(self._path, os.W_OK | os.X_OK)

    def room(self) -> int | None:
        try:
            return shutil.disk_usage(self._path).free
        except OSError:
            return None

    def status(self) -> os.stat_result:
        return self._path.stat()

    def sync(self) -> None:
        system.sync_directory(self._path)

    def close(self) -> None:
        pass  # nothing is held open


def open_folder(path: Path, *, make: bool = False) -> Folder:
    """Open a directory of the user's in the safest way that the system has; see `Folder.open`.

    Raises Conflict where it is not there or cannot be opened.
    """
    kind: type[Folder] = DescriptorFolder if os.open in os.supports_dir_fd else PathFolder
    try:
        return kind.open(path, make=make)
    except FileNotFoundError:
        raise Conflict(
            f"directory {str(path)!r} does not exist", hint=f"mkdir -p {quoted(path)}"
        ) from None
    except OSError as error:
        raise Conflict(f"cannot open directory {str(path)!r}: {error.strerror}") from error


def _is_elsewhere(path: Path) -> bool:
    """Tell whether a name stands for another place: a link, or one of Windows' junctions."""
    status = path.lstat()
    return stat.S_ISLNK(status.st_mode) or bool(getattr(status, "st_reparse_tag", 0))


_DIRECTORY: int = getattr(os, "O_DIRECTORY", 0)
