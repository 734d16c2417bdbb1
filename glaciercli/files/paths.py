"""Names of archives to paths in a directory: pure, and refusing rather than repairing.

Names come from other tools and other people. None may lead out of the directory that the user
named, and none is bent into something else without a word: what cannot be a path is refused with
its reason, and only what is harmless is normalised: a drive letter or a leading slash is dropped,
as the directory takes their place.
"""

from __future__ import annotations

import os
import re
import unicodedata
from itertools import chain, count
from pathlib import PurePosixPath

from glaciercli.models import Archive

MAX_COMPONENT = 255  # bytes, on every file system that matters
MAX_PATH = 4095  # bytes, Linux's PATH_MAX without its NUL

_DRIVE = re.compile(r"[A-Za-z]:(?=[/\\]|\.\.|$)")
# Tools of POSIX systems, in whose names a backslash is a character like any other.
_POSIX_TOOLS = frozenset({"glacier", "mt1", "mt2", "mt-aws-glacier", "git-annex", "glacier-cli"})
_RESERVED = re.compile(r"(?:CON|PRN|AUX|NUL|CLOCK\$|COM\d|LPT\d)(?:\..*)?", re.IGNORECASE)
_NOT_PORTABLE = re.compile(r'[<>:"|?*]')


class Unsafe(ValueError):
    """The name cannot become a path; its text is the reason."""


def relative(archive: Archive, name: str | None = None, *, portable: bool = False) -> PurePosixPath:
    """Return the path for an archive's name, or for another `name` of it; raises Unsafe.

    A name that is not known gives way to the id. With `portable`, names that Windows' file systems
    cannot hold or take for devices are refused too; on others they are names like any other.
    """
    text = archive.name if name is None else name
    if not text:
        return PurePosixPath(f"archive-{archive.id}")
    if archive.tool not in _POSIX_TOOLS:
        text = text.replace("\\", "/")
        drive = _DRIVE.match(text)
        text = text[drive.end() :] if drive else text
    parts = [each for each in text.split("/") if each not in {"", "."}]
    if not parts:
        raise Unsafe("names nothing")
    for part in parts:
        _check(part, portable=portable)
    path = PurePosixPath(*parts)
    if len(os.fsencode(path)) > MAX_PATH:
        raise Unsafe(f"is longer than {MAX_PATH} bytes")
    return path


def _check(part: str, *, portable: bool) -> None:
    if part == "..":
        raise Unsafe("leads out of the directory (..)")
    if any(unicodedata.category(each) == "Cc" for each in part):
        raise Unsafe("holds a control character")
    try:
        size = len(os.fsencode(part))
    except UnicodeEncodeError:
        raise Unsafe("holds what is neither a character nor a byte") from None
    if size > MAX_COMPONENT:
        raise Unsafe(f"has a part of more than {MAX_COMPONENT} bytes")
    if portable:
        if _RESERVED.fullmatch(part):
            raise Unsafe(f"has a part that Windows takes for a device ({part})")
        if part[-1] in ". " or _NOT_PORTABLE.search(part):
            raise Unsafe(f"has a part that Windows cannot hold ({part})")


class Layout:
    """Which archive gets which path; no two get the same, on any file system.

    Paths count as the same when they differ in case or in Unicode's composition only, as they do
    where such files are one. Who comes first gets the name; whoever comes later gets
    `.archive-<start of its id>` behind it.
    """

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._directories: set[str] = set()

    def file(self, path: PurePosixPath, archive_id: str) -> PurePosixPath:
        """Return the path for a file, `path` itself or one beside it."""
        free = self._free(path, archive_id)
        self._files.add(_key(free))
        self._enter(free.parent)
        return free

    def directory(self, path: PurePosixPath, archive_id: str) -> PurePosixPath:
        """Return the path for a directory; several archives may ask for the same."""
        free = self._below_no_file(path, archive_id)
        self._enter(free)
        return free

    def _free(self, path: PurePosixPath, archive_id: str) -> PurePosixPath:
        parent = self._below_no_file(path.parent, archive_id)
        # By aliases, one archive may ask for one name twice, or for two that only look the same.
        marks = chain((archive_id[:8], archive_id), map(str, count(2)))
        names = chain((path.name,), (_suffixed(path.name, each) for each in marks))
        return next(parent / each for each in names if not self._is_taken(_key(parent / each)))

    def _is_taken(self, key: str) -> bool:
        return key in self._files or key in self._directories

    def _below_no_file(self, directory: PurePosixPath, archive_id: str) -> PurePosixPath:
        """Return the directory, with another name for a part that is a file's already."""
        found = PurePosixPath()
        for part in directory.parts:
            names = (part, _suffixed(part, archive_id[:8]), _suffixed(part, archive_id))
            found /= next(each for each in names if _key(found / each) not in self._files)
        return found

    def _enter(self, directory: PurePosixPath) -> None:
        while directory.parts:
            self._directories.add(_key(directory))
            directory = directory.parent


def _key(path: PurePosixPath) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", str(path)).casefold())


def _suffixed(name: str, mark: str) -> str:
    suffix = f".archive-{mark}"
    raw = os.fsencode(name)[: MAX_COMPONENT - len(suffix)]
    # A character that the cut has split is dropped; bytes that never were one are kept.
    return os.fsdecode(raw.decode("utf-8", "ignore").encode() if _is_text(name) else raw) + suffix


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
