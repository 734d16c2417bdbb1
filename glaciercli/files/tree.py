"""A directory that files are put into, walked one name at a time so that no link leads out."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Self

from glaciercli import system
from glaciercli.errors import Conflict
from glaciercli.files._folders import Folder, open_folder
from glaciercli.files.descriptor import Descriptor
from glaciercli.hints import quoted

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
        self._folder: Folder | None = None

    def __enter__(self) -> Self:
        self.root.mkdir(parents=True, exist_ok=True)
        self._folder = open_folder(self.root)
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
        with self.directory(PurePosixPath()) as folder:
            status = folder.status()
        if system.rights_of_strangers(status) & 0o022 and not status.st_mode & stat.S_ISVTX:
            raise Conflict(
                f"others can write to {str(self.root)!r} and could swap what is being restored",
                hint=f"name a new directory, or: chmod go-w {quoted(self.root)}",
            )
        system.private_directory(self.staging)
        with self.directory(PurePosixPath(STAGING)) as folder:
            if not system.is_own(folder.status()):
                raise Conflict(f"{str(self.staging)!r} belongs to someone else")

    def close(self) -> None:
        if self._folder is not None:
            self._folder.close()
            self._folder = None

    @contextmanager
    def directory(self, path: PurePosixPath, *, make: bool = False) -> Iterator[Folder]:
        """Lend a directory below the root; Conflict where a link is in the way.

        With `make`, directories that are missing are made. Raises FileNotFoundError without.
        """
        assert self._folder is not None
        with ExitStack() as opened:
            folder = self._folder
            for part in path.parts:
                folder = _below(folder, part, self.root / path, make=make)
                opened.callback(folder.close)
            yield folder

    def holds(self, path: PurePosixPath, size: int | None, tree_hash: str | None) -> bool:
        """Tell whether a file is there with this content; False for none and for any other.

        Raises Conflict where it cannot be read: it may be the one.
        """
        try:
            with self.directory(path.parent) as parent:
                number = parent.file(path.name, os.O_RDONLY | system.NO_WAIT)
        except (OSError, Conflict):
            return False
        descriptor = Descriptor(number, self.root / path)
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode) or found.st_size != size:
            return False
        return descriptor.tree_hash(found.st_size) == tree_hash

    def require_free(self, path: PurePosixPath, *, overwrite: bool) -> None:
        """Raise the Conflict that `place` would, as far as it can be told now."""
        try:
            with self.directory(path.parent):
                found = (self.root / path).lstat()
        except FileNotFoundError:
            return
        if not overwrite or stat.S_ISDIR(found.st_mode):
            raise _taken(self.root / path)

    def place(self, staged: Path, path: PurePosixPath, *, overwrite: bool) -> None:
        """Give a staged file its name; Conflict when something else has it, unless `overwrite`."""
        with (
            _naming(self.root / path),
            self.directory(PurePosixPath(STAGING)) as source,
            self.directory(path.parent, make=True) as parent,
        ):
            try:
                source.move(staged.name, parent, path.name, replace=overwrite)
                parent.sync()
            except FileExistsError:
                raise _taken(self.root / path) from None

    def copy(self, path: PurePosixPath, staged: Path, modified: datetime | None) -> None:
        """Copy a placed file into the staging directory, with this time or its own."""
        with (
            _naming(self.root / path, "copy"),
            self.directory(path.parent) as parent,
            self.directory(PurePosixPath(STAGING)) as staging,
            open(path.name, "rb", opener=parent.file) as source,
            open(staged.name, "wb", opener=staging.file) as target,
        ):
            shutil.copyfileobj(source, target, _BLOCK)
            target.flush()
            found = os.fstat(source.fileno())
            system.set_mode(target.fileno(), stat.S_IMODE(found.st_mode))
            time = found.st_mtime_ns if modified is None else round(modified.timestamp() * 1e9)
            system.set_times(target.fileno(), staged, time)
            system.sync(target.fileno())


@contextmanager
def _naming(path: Path, verb: str = "write") -> Iterator[None]:
    """Say what could not be written: the system's errors about descriptors name nothing."""
    try:
        yield
    except OSError as error:
        raise Conflict(
            f"cannot {verb} {str(path)!r}: {error.strerror}",
            hint="mend that, then run the same command again; what was received is kept",
        ) from error


def _taken(path: Path) -> Conflict:
    if path.is_dir():
        return Conflict(f"{str(path)!r} is a directory, and should be a file")
    return Conflict(
        f"{str(path)!r} exists already and is another file", hint="--overwrite replaces it"
    )


def _below(folder: Folder, part: str, path: Path, *, make: bool) -> Folder:
    try:
        return folder.below(part, make=make)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            raise Conflict(f"{part!r} on the way to {str(path)!r} is a link or a file") from None
        if error.errno == errno.ENOENT:
            raise
        raise Conflict(
            f"cannot open {part!r} on the way to {str(path)!r}: {error.strerror}"
        ) from error
