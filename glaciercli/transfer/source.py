"""What is being sent: a file, opened once and watched for changes, or a stream, read once."""

from __future__ import annotations

import os
import select
import stat
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Self

from glaciercli import system
from glaciercli.errors import Conflict, Refused, UsageError
from glaciercli.evidence import words
from glaciercli.files.descriptor import Descriptor
from glaciercli.hints import Command, quoted

_LOOK = 0.5  # seconds between looks at whether there is a reason to go on
# Some file systems keep what any 64 bits say.
_FIRST, _LAST = (datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (1, 9999))


@dataclass(frozen=True)
class Identity:
    """What makes two looks at a file the same file with the same content."""

    device: int
    inode: int
    size: int
    modified_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        """Return the identity of a file by its status."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)

    def as_json(self) -> dict[str, int]:
        """Return what a line of a journal keeps; `from_json` reads it."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        """Return the identity that a journal has kept; raises KeyError or ValueError otherwise."""
        return cls(**{name: int(fields[name]) for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class Source:
    """An open regular file with its identity when it was opened."""

    path: Path
    descriptor: Descriptor
    identity: Identity
    #: Changes with every write and with most attempts to hide one; not kept across runs, because a
    #: rename or a chmod between two runs changes it as well.
    changed_ns: int

    @classmethod
    def open(cls, path: Path, vault: str = "VAULT") -> Self:
        """Open a regular file for sending; raises UsageError, Conflict or Refused naming it.

        What is no file can be sent as a stream, to `vault`.
        """
        try:
            # Else opening a named pipe that nobody writes to would hang.
            number = os.open(path, os.O_RDONLY | system.NO_WAIT)
        except FileNotFoundError:
            raise UsageError(f"file {str(path)!r} does not exist") from None
        except OSError as error:
            raise Conflict(f"cannot read {str(path)!r}: {error.strerror}") from error
        descriptor = Descriptor(number, path)
        status = os.fstat(number)
        if not stat.S_ISREG(status.st_mode):
            name = path.absolute().name
            if stat.S_ISDIR(status.st_mode):
                stream = Command("upload", "-", "--name", f"{name}.tar", "--vault", vault)
                hint = (f"tar c {quoted(path)} | ", stream)
                raise Refused(f"{str(path)!r} is a directory", hint=hint)
            stream = Command("upload", "-", "--name", name, "--vault", vault)
            raise Refused(
                f"{str(path)!r} is not a regular file", hint=(stream, f" < {quoted(path)}")
            )
        if status.st_size == 0:
            raise Refused(
                f"{str(path)!r} is empty, and Glacier cannot store an empty archive",
                hint="leave it out, or pack it with others",
            )
        return cls(path.absolute(), descriptor, Identity.of(status), status.st_ctime_ns)

    @property
    def size(self) -> int:
        """Bytes of the file when it was opened."""
        return self.identity.size

    @property
    def modified(self) -> datetime:
        """When the file was written to, as near as a calendar of the years 1 to 9999 can say it."""
        seconds = self.identity.modified_ns / 1e9
        return datetime.fromtimestamp(min(max(seconds, _FIRST), _LAST), UTC)

    def has_changed(self) -> bool:
        """Tell whether the file, or what its path names, is not what was opened any more."""
        try:
            self.require_unchanged()
        except Conflict:
            return True
        return False

    def require_unchanged(self) -> None:
        """Raise Conflict when the file, or what its path names, is not what was opened."""
        try:
            looks = [os.fstat(self.descriptor.number), self.path.stat()]
        except OSError as error:
            raise Conflict(f"{self.path} went away while it was being read") from error
        for status in looks:
            if Identity.of(status) != self.identity or status.st_ctime_ns != self.changed_ns:
                raise Conflict(
                    words.file_changed(self.path),
                    hint="run the same command again when nothing writes to it",
                )


class Stream:
    """A pipe, a terminal or the like, whose end is an end and nothing else is.

    Python's own reader takes a pipe that has nothing yet for one at its end, if whoever made it
    made it non-blocking; and goes on reading a terminal after its end of input.
    """

    def __init__(self, stream: BinaryIO, check: Callable[[], None] = lambda: None) -> None:
        """Read a stream; `check` may raise to stop that, also while nothing comes."""
        self._raw: Any = getattr(stream, "raw", stream)
        self._check = check
        self._can_wait = True
        self._ended = False

    def read(self, size: int) -> bytearray:
        """Return the next `size` bytes; fewer only at the end."""
        block = bytearray(size)
        filled = 0
        with memoryview(block) as view:
            while filled < size and not self._ended:
                self._wait()
                count = self._raw.readinto(view[filled:])
                if count is not None:
                    filled += count
                    self._ended = count == 0
        del block[filled:]
        return block

    def _wait(self) -> None:
        """Wait until the stream has bytes, or its end; what cannot be waited for is read."""
        self._check()
        while self._can_wait:
            try:
                if select.select([self._raw], [], [], _LOOK)[0]:
                    return
            except (
                OSError,
                TypeError,
                ValueError,
            ):  # not in memory; on Windows, not for a pipe either
                self._can_wait = False
            self._check()
