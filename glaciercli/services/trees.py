"""A directory that files are put into, walked by descriptors so that no link leads out of it.

Each step opens one component relative to the one before and follows no link; what was checked is
what is used, whatever others do to the names meanwhile.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Self

from glaciercli.config import private_directory
from glaciercli.errors import Conflict
from glaciercli.treehash import hash_file

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
STAGING = ".glacier-restore"  # where files wait, in the same file system, until they are proven
_BLOCK = 1 << 20  # bytes copied at once


class Tree:
    """A directory of the user's, made where it is missing; use it in a `with` block.

    Without `staging` it can only be looked at.
    """

    def __init__(self, root: Path, *, staging: bool = True) -> None:
        self.root = root.absolute()
        self.staging = self.root / STAGING
        self._with_staging = staging
        self._descriptor = -1

    def __enter__(self) -> Self:
        self.root.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if self._with_staging:
                self._make_staging()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._with_staging:
            try:
                self.staging.rmdir()
            except OSError:
                pass  # it holds what an unfinished run will go on with
        self.close()

    def _make_staging(self) -> None:
        mode = os.fstat(self._descriptor).st_mode
        if mode & (stat.S_IWGRP | stat.S_IWOTH) and not mode & stat.S_ISVTX:
            raise Conflict(
                f"others can write to {str(self.root)!r} and could swap what is being restored",
                hint=f"chmod go-w {self.root}, or name a new directory",
            )
        private_directory(self.staging)
        with self.directory(PurePosixPath(STAGING)) as descriptor:
            if os.fstat(descriptor).st_uid != os.geteuid():
                raise Conflict(f"{str(self.staging)!r} belongs to someone else")

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    @contextmanager
    def directory(self, path: PurePosixPath, *, make: bool = False) -> Iterator[int]:
        """Lend the descriptor of a directory below the root; Conflict where a link is in the way.

        With `make`, directories that are missing are made. Raises FileNotFoundError without.
        """
        descriptor = os.dup(self._descriptor)
        try:
            for part in path.parts:
                if make:
                    try:
                        os.mkdir(part, 0o777, dir_fd=descriptor)
                    except FileExistsError:
                        pass  # if it is no directory, opening it says so
                below = _open_directory(part, descriptor, self.root / path)
                os.close(descriptor)
                descriptor = below
            yield descriptor
        finally:
            os.close(descriptor)

    def holds(self, path: PurePosixPath, size: int | None, tree_hash: str | None) -> bool:
        """Tell whether a file is there with this content; False for none and for any other."""
        try:
            with self.directory(path.parent) as parent:
                flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                descriptor = os.open(path.name, flags, dir_fd=parent)
        except (OSError, Conflict):
            return False
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_size != size:
                return False
            return hash_file(descriptor, found.st_size) == tree_hash
        finally:
            os.close(descriptor)

    def place(self, staged: Path, path: PurePosixPath, *, overwrite: bool) -> None:
        """Give a staged file its name; Conflict when something else has it, unless `overwrite`."""
        with (
            self.directory(PurePosixPath(STAGING)) as source,
            self.directory(path.parent, make=True) as parent,
        ):
            try:
                if overwrite:
                    os.rename(staged.name, path.name, src_dir_fd=source, dst_dir_fd=parent)
                else:
                    # Unlike a rename, a link never replaces what has the name.
                    os.link(staged.name, path.name, src_dir_fd=source, dst_dir_fd=parent)
                    os.unlink(staged.name, dir_fd=source)
                os.fsync(parent)
            except FileExistsError:
                raise Conflict(
                    f"{str(self.root / path)!r} exists already and is another file",
                    hint="--overwrite replaces it",
                ) from None
            except OSError as error:
                raise Conflict(
                    f"cannot write {str(self.root / path)!r}: {error.strerror}"
                ) from error

    def copy(self, path: PurePosixPath, staged: Path) -> None:
        """Copy a placed file into the staging directory, with its times."""
        with (
            self.directory(path.parent) as parent,
            self.directory(PurePosixPath(STAGING)) as staging,
            open(path.name, "rb", opener=_opener(parent, os.O_NOFOLLOW)) as source,
            open(staged.name, "wb", opener=_opener(staging, os.O_NOFOLLOW)) as target,
        ):
            while block := source.read(_BLOCK):
                target.write(block)
            target.flush()
            found = os.fstat(source.fileno())
            os.fchmod(target.fileno(), stat.S_IMODE(found.st_mode))
            os.utime(target.fileno(), ns=(found.st_atime_ns, found.st_mtime_ns))
            os.fsync(target.fileno())


def _open_directory(part: str, parent: int, path: Path) -> int:
    try:
        return os.open(part, _DIRECTORY, dir_fd=parent)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            raise Conflict(f"{part!r} on the way to {str(path)!r} is a link or a file") from None
        if error.errno == errno.ENOENT:
            raise
        raise Conflict(
            f"cannot open {part!r} on the way to {str(path)!r}: {error.strerror}"
        ) from error


def _opener(directory: int, flags: int) -> Callable[[str, int], int]:
    def opener(name: str, mode: int) -> int:
        return os.open(name, mode | flags | os.O_CLOEXEC, 0o600, dir_fd=directory)

    return opener
