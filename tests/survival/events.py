"""The boundary between a run and its machine: each call that leaves the process, in order.

Installed in a forked child only, which never takes it down again. What is seen: the functions of
`os` that change files, SQLite's commits, and requests on their way out and back.
"""

import itertools
import os
import sqlite3
import threading
from dataclasses import dataclass

CALLS = (
    *("write", "pwrite", "ftruncate", "fsync", "fdatasync"),
    *("rename", "replace", "link", "unlink", "mkdir", "rmdir", "chmod", "fchmod", "utime"),
)
_WRITES = {"write", "pwrite"}
_FOR_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


@dataclass(frozen=True)
class Event:
    """Something that is about to happen; `half` is a write of which the first half happened."""

    number: int
    name: str
    arguments: tuple = ()
    half: bool = False


class Watch:
    """Tells `see` of every event before it happens; `see` may kill, raise, or just note it.

    With `halves` there is another event in the middle of each write. With `short` a write takes
    only half of what it is given, as near a quota, and says so.
    """

    def __init__(self, see, *, halves=False, short=False):
        self.count = 0
        self._see = see
        self._halves = halves
        self._short = short
        self._lock = threading.RLock()
        self._inside = False

    def install(self, botocore_session):
        for name in CALLS:
            setattr(os, name, self._wrapped(name, getattr(os, name)))
        os.open = self._wrapped_open(os.open)
        self._watch_commits()
        for event in ("before-send", "response-received"):
            botocore_session.register(f"{event}.glacier", self._request(event))

    def happen(self, name, *arguments, half=False):
        with self._lock:
            if self._inside:
                return  # what the watcher itself does is not the run's doing
            self._inside = True
            try:
                self.count += 1
                self._see(Event(self.count, name, arguments, half))
            finally:
                self._inside = False

    def _wrapped(self, name, real):
        def call(*args, **kwargs):
            self.happen(name, *_whole(args, **kwargs))
            if (self._halves or self._short) and name in _WRITES and len(args[1]) > 1:
                half = memoryview(args[1])[: len(args[1]) // 2]
                done = real(args[0], half, *args[2:])
                if self._short:
                    return done
                self.happen(name, *args, half=True)
                rest = memoryview(args[1])[done:]
                moved = (args[2] + done,) if name == "pwrite" else ()
                return done + real(args[0], rest, *moved)
            return real(*args, **kwargs)

        return call

    def _wrapped_open(self, real):
        def call(path, flags, *args, **kwargs):
            if flags & _FOR_WRITING:
                self.happen("open", *_whole((path,), **kwargs), flags)
            return real(path, flags, *args, **kwargs)

        return call

    def _watch_commits(self):
        watch, connect = self, sqlite3.connect

        class Connection(sqlite3.Connection):
            def __init__(self, path, *args, **kwargs):
                super().__init__(path, *args, **kwargs)
                self.path = path

            def execute(self, sql, *args):
                if sql == "COMMIT":
                    watch.happen("COMMIT", self.path)
                return super().execute(sql, *args)

        sqlite3.connect = lambda *args, **kwargs: connect(*args, **kwargs, factory=Connection)

    def _request(self, event):
        def see(event_name, **_):
            self.happen(event, event_name.rpartition(".")[2])

        return see


def _whole(args, *, dir_fd=None, src_dir_fd=None, dst_dir_fd=None, **_):
    """Return a call's arguments with names relative to open directories as whole paths."""
    directories = [src_dir_fd, dst_dir_fd] if dir_fd is None else [dir_fd]
    return tuple(
        arg if directory is None else os.path.join(os.readlink(f"/proc/self/fd/{directory}"), arg)  # noqa: PTH115, PTH118
        for arg, directory in itertools.zip_longest(args, directories[: len(args)])
    )
