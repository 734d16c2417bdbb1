"""A directory that files are put into, walked one name at a time so that no link leads out."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Self

from glaciercli import system
from glaciercli.errors import Conflict
from glaciercli.files._folders import Folder, open_folder
from glaciercli.files._walk import LINKED, is_of_ours
from glaciercli.files.place import Place
from glaciercli.files.target import NEW_FILE
from glaciercli.hints import quoted
from glaciercli.units import format_size

STAGING = ".glacier-restore"  # where files wait, in the same file system, until they are proven
_BLOCK = 1 << 20  # bytes copied at once
# It holds something, another run has removed it, or somebody has put a link into its place.
_NOT_OURS_TO_REMOVE = {errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT, errno.ENOTDIR}


class Tree:
    """A directory of the user's, made where it is missing; use it in a `with` block.

    It and its staging directory are opened once, so what others do to their names meanwhile leads
    nothing elsewhere. Without `staging` it can only be looked at. Raises Conflict for a directory
    that another user could swap files in, and at the end for an empty one that stays behind.
    """

    def __init__(self, root: Path, *, staging: bool = True) -> None:
        self.root = root.absolute()
        self._with_staging = staging
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            folder = open_folder(self.root, make=self._with_staging)
            self._folder = opened.enter_context(closing(folder))
            if self._with_staging:
                self._staging = opened.enter_context(closing(self._open_staging()))
            self._opened = opened.pop_all()
        return self

    def __exit__(self, _: object, failure: BaseException | None, *__: object) -> None:
        with self._opened:
            if not self._with_staging:
                return
            try:
                self._folder.remove_folder(STAGING)
            except OSError as error:
                # It may hold what an unfinished run will go on with; and no failure hides another.
                if error.errno not in _NOT_OURS_TO_REMOVE and failure is None:
                    staging = self.root / STAGING
                    raise Conflict(
                        f"cannot remove {str(staging)!r}, which is empty: {error.strerror}",
                        hint=f"all files are in their places; rmdir {quoted(staging)}",
                    ) from error

    def _open_staging(self) -> Folder:
        """Open the directory where files wait, made where it is missing, for this user alone."""
        status = self._folder.status()
        mapped = None if is_of_ours(status) else self._owner_of_new_files()
        if mapped not in {None, status.st_uid}:
            raise Conflict(
                f"{str(self.root)!r} belongs to another user, who could swap what is restored",
                hint="name a directory of your own; one that is missing is made",
            )
        if (
            system.mode_beyond_owner_and_own_group(status) & 0o022
            and not status.st_mode & stat.S_ISVTX
        ):
            raise Conflict(
                f"others can write to {str(self.root)!r} and could swap what is being restored",
                hint=f"name a new directory, or: chmod go-w {quoted(self.root)}",
            )
        staging = _below(self._folder, STAGING, self.root / STAGING, make=0o700)
        found = staging.status()
        is_own = system.is_own(found) or found.st_uid == mapped
        if not is_own or system.mode_beyond_owner(found) & 0o022:
            staging.close()
            raise Conflict(
                f"{str(self.root / STAGING)!r} belongs to, or can be written by, another user",
                hint="see what is in it, and move it away",
            )
        self._folder.sync()
        return staging

    def _owner_of_new_files(self) -> int:
        """Return whose files this user makes here: a server may take all users for one."""
        name = f"{STAGING}-{secrets.token_hex(8)}"
        with _naming(self.root / name):
            number = self._folder.file(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            return os.fstat(number).st_uid
        finally:
            os.close(number)
            self._folder.remove(name)

    def staged(self, name: str) -> Place:
        """Return where a file waits, under a name of our own making."""
        return Place(self._staging, self.root / STAGING / name)

    def require_room(self, size: int, names: Collection[str]) -> None:
        """Raise Conflict when `size` bytes more do not fit, saying what may be removed for them.

        `names` are those of the files that are staged; what else waits there is left over.
        """
        room = self._folder.room()
        if room is None or size <= room:
            return
        left = sum(
            self.staged(each).allocated
            for each in self._staging.names()
            if each.partition(".")[0] not in names
        )
        hint = "make room, restore into a directory on another disk, or choose fewer files"
        if left:
            hint += (
                f"; {format_size(left)} are left of other restores, and are fetched again where "
                f"they are wanted: rm -r {quoted(self.root / STAGING)}"
            )
        raise Conflict(
            f"{str(self.root)!r} needs {format_size(size)} more, and there is room for "
            f"{format_size(room)}",
            hint=hint,
        )

    def allocated(self, path: PurePosixPath) -> int:
        """Return how many bytes of the disk the file at a path takes; 0 for none."""
        try:
            with self.directory(path.parent) as parent:
                return Place(parent, self.root / path).allocated
        except (FileNotFoundError, Conflict):
            return 0

    @contextmanager
    def directory(self, path: PurePosixPath, *, make: bool = False) -> Iterator[Folder]:
        """Lend a directory below the root; Conflict where a link is in the way.

        With `make`, directories that are missing are made. Raises FileNotFoundError without.
        """
        with ExitStack() as opened:
            folder = self._folder
            for part in path.parts:
                folder = _below(folder, part, self.root / path, make=0o777 if make else None)
                opened.callback(folder.close)
            yield folder

    def holds(self, path: PurePosixPath, size: int | None, tree_hash: str | None) -> bool:
        """Tell whether a file is there with this content; False for none and for any other.

        Raises Conflict where it cannot be read: it may be the one.
        """
        with ExitStack() as opened:
            try:
                parent = opened.enter_context(self.directory(path.parent))
            except (OSError, Conflict):
                return False
            return Place(parent, self.root / path).holds(size, tree_hash)

    def require_free(self, path: PurePosixPath, *, overwrite: bool) -> None:
        """Raise the Conflict that `place` would, as far as it can be told now."""
        try:
            with self.directory(path.parent) as parent:
                mode = parent.look(path.name).st_mode
        except FileNotFoundError:
            return
        if not overwrite or stat.S_ISDIR(mode):
            raise _taken(self.root / path, mode)

    def place(self, staged: Place, path: PurePosixPath, *, overwrite: bool) -> None:
        """Give a staged file its name; Conflict when something else has it, unless `overwrite`.

        Conflict also where the root was moved meanwhile: the files would not be where they are
        said to be.
        """
        Place(self._folder, self.root / STAGING).require_there()
        with _naming(self.root / path), self.directory(path.parent, make=True) as parent:
            try:
                staged.folder.move(staged.name, parent, path.name, replace=overwrite)
                parent.sync()
            except FileExistsError:
                raise _taken(self.root / path, parent.look(path.name).st_mode) from None

    def copy(self, path: PurePosixPath, staged: Place, modified: datetime | None) -> None:
        """Copy a placed file into the staging directory, with this time or its own.

        It is the copy's content that has to be compared: others may be able to change the file.
        """
        staged.folder.remove(staged.name)  # after a kill it may be another name of a placed file
        with (
            _naming(self.root / path, "copy"),
            self.directory(path.parent) as parent,
            open(path.name, "rb", opener=_plain(parent)) as source,
            open(staged.name, "xb", opener=staged.folder.file) as target,
        ):
            shutil.copyfileobj(source, target, _BLOCK)
            target.flush()
            found = os.fstat(source.fileno())
            system.set_mode(target.fileno(), stat.S_IMODE(found.st_mode) & NEW_FILE)
            time = found.st_mtime_ns if modified is None else round(modified.timestamp() * 1e9)
            system.set_times(target.fileno(), staged.path, time)
            system.sync(target.fileno())


def _plain(folder: Folder) -> Callable[[str, int], int]:
    """Return an opener of files that waits for no pipe which others put in a file's place."""
    return lambda name, flags: folder.file(name, flags | system.NO_WAIT)


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


def _taken(path: Path, mode: int) -> Conflict:
    if stat.S_ISDIR(mode):
        return Conflict(f"{str(path)!r} is a directory, and should be a file")
    return Conflict(
        f"{str(path)!r} exists already and is another file", hint="--overwrite replaces it"
    )


def _below(folder: Folder, part: str, path: Path, *, make: int | None) -> Folder:
    try:
        return folder.below(part, make=make)
    except OSError as error:
        if error.errno in LINKED:
            raise Conflict(f"{part!r} on the way to {str(path)!r} is a link or a file") from None
        if error.errno == errno.ENOENT:
            raise
        raise Conflict(
            f"cannot open {part!r} on the way to {str(path)!r}: {error.strerror}"
        ) from error
