"""The file that is being received: written beside its place, put there when it is proven."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import stat
from datetime import datetime
from pathlib import Path
from typing import Self

from glaciercli import system
from glaciercli.errors import Busy, Conflict, GlacierError
from glaciercli.files.descriptor import Descriptor
from glaciercli.files.place import Place, exists
from glaciercli.treehash import LEAF_SIZE

_MAX_NAME = 255  # bytes, on every file system that matters
_ANY = "*" * 8  # in the place of what is random in a name
#: What the system says of a name that is no file, or a file of another user's.
_IN_THE_WAY = frozenset(
    {
        *(errno.EACCES, errno.EISDIR, errno.ELOOP, errno.EMLINK, errno.ENODEV, errno.ENOENT),
        *(errno.ENXIO, errno.EOPNOTSUPP, errno.EPERM),
    }
)


class PartFile:
    """A `.part` beside the target, whose name tells the content; use it in a `with` block.

    One run has it at a time, until it has got its name: a second one would write into the file
    that the first one has proven. Journals do not see to that, for a run of another user, or one
    that names the directory by a link, has another journal.
    """

    def __init__(self, place: Place, name: str, descriptor: Descriptor) -> None:
        self._place = place
        self._name = name
        self.path = place.path.with_name(name)
        self.descriptor = descriptor
        #: The file that has the usual name, where that is not this user's alone.
        self.instead_of: Path | None = None

    @classmethod
    def open(cls, place: Place, content: str) -> Self:
        """Open or make the part file for `content`, any text that names what is received.

        A file of that name which is not this user's alone is left as it is: whoever made it may
        hold it open, and write into it after it was proven. Another name is taken then, and found
        by the next run.
        """
        while True:
            part = cls(place, *_opened(place, content))
            _lock(part)
            if not part._is_there:
                continue  # the run that had it has just given it its name
            if os.fstat(part.descriptor.number).st_nlink > 1:
                # A run was killed while it gave the file its name, and the file was moved since:
                # whatever has that other name is not to be written to any more.
                part.remove()
                continue
            usual = place.beside(_part_name(place, content)).path
            part.instead_of = None if part.path == usual else usual
            return part

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Not left to the descriptor's end: an error that is kept keeps it open.
        if hasattr(self, "descriptor"):
            system.unlock(self.descriptor.number)

    @property
    def size(self) -> int:
        """Bytes from the start to the last one written; there may be gaps between."""
        return os.fstat(self.descriptor.number).st_size

    def write(self, view: memoryview, position: int) -> None:
        """Write all of a buffer at a position, in bytes; raises Conflict naming the file."""
        try:
            while view:
                count = system.write_at(self.descriptor.number, view, position)
                view, position = view[count:], position + count
        except OSError as error:
            raise _cannot_write(self.path, error) from error

    def keep(self, start: int, stop: int) -> tuple[int, str]:
        """Keep only [start, stop) of the content, in bytes; return the new size and tree hash.

        Nothing is cut off before `finish`. Raises Conflict where the file ends before `stop`.
        """
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
        """Make the content durable, exactly `size` bytes, with the time it had when it was sent.

        From now on it has the rights of any new file. Raises Conflict where the disk refuses.
        """
        number = self.descriptor.number
        try:
            os.ftruncate(number, size)
            system.set_mode(number, NEW_FILE)
            if modified is not None:
                system.set_times(number, self.path, round(modified.timestamp() * 1e9))
            system.sync(number)
        except OSError as error:
            raise _cannot_write(self.path, error) from error

    def place(self, *, overwrite: bool) -> None:
        """Give the file its name; Conflict when something has it and `overwrite` was not asked.

        Nothing is read or written after it. Conflict also where others have replaced the directory
        or the file meanwhile.
        """
        place = self._place
        place.require_there()
        if not self._is_there:
            raise _replaced(self.path)
        proven = os.fstat(self.descriptor.number)
        if not system.RENAMES_OPEN_FILES:
            del self.descriptor
        try:
            place.folder.move(self._name, place.folder, place.name, replace=overwrite)
        except FileExistsError:
            raise exists(place.path) from None
        except OSError as error:
            raise _cannot_write(place.path, error) from error
        place.folder.sync()
        if place.is_shared and not place.has(proven):
            raise _replaced(place.path)

    def remove(self) -> None:
        """Remove the part file, unless it has got its name."""
        self._place.folder.remove(self._name)

    @property
    def _is_there(self) -> bool:
        """Tell whether the name still stands for this very file."""
        return self._place.beside(self._name).has(os.fstat(self.descriptor.number))


def received(place: Place, content: str) -> int:
    """Return about how many bytes of a content earlier runs have received, and keep on the disk."""
    return place.beside(_part_name(place, content)).allocated


def finish_placing(place: Place, content: str) -> None:
    """Make the end of a `PartFile.place` that was cut short: the target alone has the file."""
    for name in (_part_name(place, content), *_further_names(place, content)):
        found = _tried(place, name)
        if found and (_is_private(found) or place.has(os.fstat(found.number))):
            place.folder.remove(name)
    place.folder.sync()


def _opened(place: Place, content: str) -> tuple[str, Descriptor]:
    """Return a part file that is this user's alone, with its name; a new one where there is none.

    Where a new one is no more private than the one of the known name, the file system does not
    tell users apart, as that of many a stick: then it is that one.
    """
    known = _part_name(place, content)
    first = _tried(place, known, os.O_CREAT)
    if first is not None and _is_private(first):
        return known, first
    for name in _further_names(place, content):
        found = _tried(place, name)
        if found is not None and _is_private(found):
            return name, found
    name = _part_name(place, content, secrets.token_hex(len(_ANY) // 2))
    new = _tried(place, name, os.O_CREAT | os.O_EXCL)
    if new is None:
        raise Conflict(f"cannot write into directory {str(place.path.parent)!r}")
    if first is None or _is_private(new) or _writers(first) != _writers(new):
        return name, new
    place.folder.remove(name)
    return known, first


def _tried(place: Place, name: str, flags: int = 0) -> Descriptor | None:
    """Open a plain file; None for what is none, or cannot be opened because of what it is."""
    path = place.beside(name).path
    try:
        number = place.folder.file(name, os.O_RDWR | system.NO_WAIT | flags)
    except OSError as error:
        if error.errno in _IN_THE_WAY:
            return None
        raise _cannot_write(path, error) from error
    descriptor = Descriptor(number, path)
    return descriptor if stat.S_ISREG(os.fstat(number).st_mode) else None


def _is_private(file: Descriptor) -> bool:
    """Tell whether nobody but this user can have a file open for writing."""
    return system.is_own(os.fstat(file.number)) and not _writers(file)[1]


def _writers(file: Descriptor) -> tuple[int, int]:
    """Return who can write a file: its owner, and the rights of others to do so."""
    status = os.fstat(file.number)
    return status.st_uid, system.mode_beyond_owner_and_own_group(status) & 0o022


def _part_name(place: Place, content: str, further: str = "") -> str:
    """Return the name of the part file for a content, or with `further` another one for it."""
    tag = hashlib.sha256(content.encode()).hexdigest()[:8]
    end = f".{tag}.{further}.part" if further else f".{tag}.part"
    return os.fsdecode(os.fsencode(place.name)[: _MAX_NAME - len(end)]) + end


def _further_names(place: Place, content: str) -> list[str]:
    """Return the other names that earlier runs have taken, where the known one was not theirs."""
    name = _part_name(place, content, _ANY)
    start, _, end = name.rpartition(_ANY)
    return sorted(
        each
        for each in place.folder.names()
        if len(each) == len(name) and each.startswith(start) and each.endswith(end)
    )


def _lock(part: PartFile) -> None:
    """Hold a part file for this process; Busy when another one does."""
    try:
        system.lock(part.descriptor.number)
    except BlockingIOError:
        raise Busy(
            f"another run of glacier is busy with {str(part.path)!r}",
            hint="wait for it, or stop it, then run the same command again",
        ) from None
    except OSError:
        pass  # no locks on this file system; what is received is proven all the same


def _replaced(path: Path) -> Conflict:
    return Conflict(
        f"{str(path)!r} was replaced by another program while this ran",
        hint="see who can write into its directory, then run the same command again",
    )


def _cannot_write(path: Path, error: OSError) -> GlacierError:
    return Conflict(
        f"cannot write {str(path)!r}: {error.strerror}",
        hint="mend that, then run the same command again; what was received is kept",
    )


def _umask() -> int:
    mask = os.umask(0o077)  # the only way to read it
    os.umask(mask)
    return mask


#: The rights of a file that gets its name. The umask is read once: it is the process's, so of two
#: threads that read it one may find the other's 077, and leave that behind.
NEW_FILE = 0o666 & ~_umask()
