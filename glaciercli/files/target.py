"""The file that is being received: written beside its place, put there when it is proven."""

from __future__ import annotations

import hashlib
import os
import stat
from datetime import datetime
from pathlib import Path
from typing import Self

from glaciercli import system
from glaciercli.errors import Busy, Conflict, GlacierError
from glaciercli.files.descriptor import Descriptor
from glaciercli.files.locks import is_current
from glaciercli.hints import quoted
from glaciercli.treehash import LEAF_SIZE

_MAX_NAME = 255  # bytes, on every file system that matters


class PartFile:
    """A `.part` beside the target. Its name tells the content, so it can only be our own.

    One run has it at a time, until it has got its name: a second one would write into the file
    that the first one has proven. Journals do not see to that, for a run of another user, or one
    that names the directory by a link, has another journal. Use it in a `with` block.
    """

    def __init__(self, target: Path, path: Path, number: int) -> None:
        self.target = target
        self.path = path
        self.descriptor = Descriptor(number, path)

    @classmethod
    def open(cls, target: Path, content: str) -> Self:
        """Open or make the part file for `content`, any text that names what is received."""
        path = _part_path(target, content)
        try:
            number = os.open(path, os.O_RDWR | os.O_CREAT | system.OWN, 0o600)
        except OSError as error:
            raise _cannot_write(path, error) from error
        part = cls(target, path, number)
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise Conflict(f"{str(path)!r} is in the way", hint="move it, then run this again")
        _lock(number, path)
        if not is_current(path, number):
            return cls.open(target, content)  # the run that had it has just given it its name
        if os.fstat(number).st_nlink > 1:
            # A run was killed while it gave the file its name, and the file was moved since:
            # whatever has that other name is not to be written to any more.
            path.unlink()
            return cls.open(target, content)
        return part

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Not left to the descriptor's end: an error that is kept keeps it open.
        if hasattr(self, "descriptor"):
            system.unlock(self.descriptor.number)

    @property
    def size(self) -> int:
        return os.fstat(self.descriptor.number).st_size

    def write(self, view: memoryview, position: int) -> None:
        """Write all of a buffer at a position."""
        try:
            while view:
                count = system.write_at(self.descriptor.number, view, position)
                view, position = view[count:], position + count
        except OSError as error:
            raise _cannot_write(self.path, error) from error

    def keep(self, start: int, stop: int) -> tuple[int, str]:
        """Keep only [start, stop) of the content; return the new size and tree hash."""
        position = 0
        buffer = memoryview(bytearray(LEAF_SIZE))
        while start + position < stop:
            view = buffer[: stop - start - position]
            count = self.descriptor.read_into(view, start + position)
            if count == 0:
                raise self.descriptor.cut_short()
            self.write(view[:count], position)
            position += count
        return position, self.descriptor.tree_hash(position)

    def finish(self, size: int, modified: datetime | None) -> None:
        """Make the content durable, exactly `size` bytes, with the time it had when it was sent."""
        number = self.descriptor.number
        try:
            os.ftruncate(number, size)
            system.set_mode(number, _NEW_FILE)
            if modified is not None:
                system.set_times(number, self.path, round(modified.timestamp() * 1e9))
            system.sync(number)
        except OSError as error:
            raise _cannot_write(self.path, error) from error

    def place(self, *, overwrite: bool) -> None:
        """Give the file its name; Conflict when something has it and `overwrite` was not asked.

        Nothing is read or written after it.
        """
        if not system.RENAMES_OPEN_FILES:
            del self.descriptor
        try:
            if overwrite:
                self.path.replace(self.target)
            else:
                system.move_to_free(self.path, self.target)
        except FileExistsError:
            raise exists(self.target) from None
        except OSError as error:
            raise _cannot_write(self.target, error) from error
        system.sync_directory(self.target.parent)


def _lock(number: int, path: Path) -> None:
    """Hold a part file for this process; Busy when another one does."""
    try:
        system.lock(number)
    except BlockingIOError:
        raise Busy(
            f"another run of glacier is busy with {str(path)!r}",
            hint="wait for it, or stop it, then run the same command again",
        ) from None
    except OSError:
        pass  # no locks on this file system; what is received is proven all the same


def finish_placing(target: Path, content: str) -> None:
    """Make the end of a `place` that was cut short: the target alone has the file."""
    _part_path(target, content).unlink(missing_ok=True)
    system.sync_directory(target.parent)


def require_free(target: Path, *, overwrite: bool) -> None:
    """Raise Conflict before anything is paid for when the target cannot be written.

    Only a file, or a link to one, may be overwritten: the file that takes its place is a new one,
    so a device or a pipe would be gone.
    """
    if not target.parent.is_dir():
        raise Conflict(
            f"directory {str(target.parent)!r} does not exist",
            hint=f"mkdir -p {quoted(target.parent)}",
        )
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise Conflict(f"cannot write into directory {str(target.parent)!r}")
    if target.is_dir():
        raise Conflict(f"{str(target)!r} is a directory", hint="name a file in it")
    if target.exists() and not target.is_file():
        raise Conflict(f"{str(target)!r} is no file", hint="name one; `-` is stdout")
    if not overwrite and os.path.lexists(target):
        raise exists(target)


def exists(target: Path) -> Conflict:
    return Conflict(f"{str(target)!r} exists already", hint="--overwrite replaces it")


def _part_path(target: Path, content: str) -> Path:
    tag = hashlib.sha256(content.encode()).hexdigest()[:8]
    name = os.fsencode(target.name)[: _MAX_NAME - len(f".{tag}.part")]
    return target.with_name(os.fsdecode(name) + f".{tag}.part")


def _cannot_write(path: Path, error: OSError) -> GlacierError:
    return Conflict(
        f"cannot write {str(path)!r}: {error.strerror}",
        hint="mend that, then run the same command again; what was received is kept",
    )


def _umask() -> int:
    mask = os.umask(0o077)  # the only way to read it
    os.umask(mask)
    return mask


# Read once: it is the process's, so of two threads that read it one may find the other's 077, and
# leave that behind.
_NEW_FILE = 0o666 & ~_umask()
