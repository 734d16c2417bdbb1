"""What a disk may hold after a power failure, built from a record of what a run did to it.

The model promises no more than POSIX does: bytes of a file are on disk once that file was synced,
names of a directory once that directory was. Whatever was not may be there, may not, or may be
there in part, in any order. SQLite's files and the service's are copied as they are at each event:
their durability is their own business.
"""

import hashlib
import itertools
import os
import random
import shutil
from dataclasses import dataclass, field
from pathlib import Path

_SECTOR = 512


@dataclass(frozen=True)
class Op:
    """One change or sync, by paths relative to the world's live directory."""

    kind: str
    path: str = ""
    other: str = ""
    offset: int = 0
    data: bytes = b""


class Recorder:
    """Notes what a run does to its journals and targets; for `events.Watch` to tell.

    Before each event it copies the files that are not modelled, so that `copies/N` goes with the
    first N operations.
    """

    def __init__(self, world, copies):
        self.ops = []
        self._world = world
        self._copies = copies
        copies.mkdir()

    def see(self, event):
        op = self._op(event)
        shutil.copytree(
            self._world.home / "data",
            self._copies / str(len(self.ops)),
            ignore=shutil.ignore_patterns("*-shm"),
        )
        self.ops.append(op)

    def _op(self, event):
        name, args = event.name, event.arguments
        if name == "tell":
            return Op("tell", args[0])
        if name in {"before-send", "response-received", "COMMIT"}:
            return Op(name)
        path = self._relative(args[0])
        if path is None or not self._is_modelled(path):
            return Op("elsewhere")
        return _TRANSLATIONS[name](self, path, *args)

    def _is_modelled(self, path):
        return path.startswith(("home/state", "out")) or path == "home"

    def _relative(self, where):
        if isinstance(where, int):
            where = os.readlink(f"/proc/self/fd/{where}")  # noqa: PTH115 - a magic link
        path = os.path.relpath(where, self._world.live)
        return None if path.startswith("..") else path

    def _open(self, path, where, flags, *_):
        if flags & os.O_CREAT and flags & os.O_TMPFILE != os.O_TMPFILE:
            return Op("elsewhere") if Path(where).exists() else Op("create", path)
        return Op("elsewhere")

    def _write(self, path, number, data):
        return Op("write", path, offset=os.fstat(number).st_size, data=bytes(data))  # appended

    def _pwrite(self, path, _number, data, offset):
        return Op("write", path, offset=offset, data=bytes(data))

    def _truncate(self, path, _number, size):
        return Op("truncate", path, offset=size)

    def _sync(self, path, _number):
        return Op("syncdir" if (self._world.live / path).is_dir() else "sync", path)

    def _two(kind):  # noqa: N805 - a maker of methods
        def make(self, path, _where, other, **_):
            return Op(kind, path, self._relative(other))

        return make

    def _one(kind):  # noqa: N805
        return lambda self, path, *_: Op(kind, path)

    _rename, _link = _two("rename"), _two("link")
    _unlink, _rmdir = _one("unlink"), _one("rmdir")
    _mkdir, _mode = _one("mkdir"), _one("mode")


_TRANSLATIONS = {
    "open": Recorder._open,
    "write": Recorder._write,
    "pwrite": Recorder._pwrite,
    "ftruncate": Recorder._truncate,
    "fsync": Recorder._sync,
    "fdatasync": Recorder._sync,
    "rename": Recorder._rename,
    "replace": Recorder._rename,
    "link": Recorder._link,
    "unlink": Recorder._unlink,
    "mkdir": Recorder._mkdir,
    "rmdir": Recorder._rmdir,
    "chmod": Recorder._mode,
    "fchmod": Recorder._mode,
    "utime": Recorder._mode,
}


@dataclass
class _File:
    """A file's bytes: `safe` survive, each of `pending` may or may not."""

    safe: bytes = b""
    pending: list = field(default_factory=list)

    def sync(self):
        self.safe, self.pending = _applied(self.safe, self.pending), []


def _applied(data, ops):
    data = bytearray(data)
    for op in ops:
        if op.kind == "truncate":
            del data[op.offset :]
            data.extend(bytes(op.offset - len(data)))
        else:
            data.extend(bytes(max(0, op.offset - len(data))))
            data[op.offset : op.offset + len(op.data)] = op.data
    return bytes(data)


def _nulled(op, keep=lambda _: False):
    """Return a write whose length counts but whose sectors are only there where `keep` says so."""
    if op.kind != "write":
        return op
    sectors = range(0, len(op.data), _SECTOR)
    parts = [op.data[at : at + _SECTOR] for at in sectors]
    data = b"".join(part if keep(part) else bytes(len(part)) for part in parts)
    return Op("write", op.path, offset=op.offset, data=data)


def _torn(ops, share):
    """Return the operations with only a share of the last one's bytes."""
    *before, last = ops
    if last.kind != "write":
        return before
    data = last.data[: int(len(last.data) * share)]
    return [*before, Op("write", last.path, offset=last.offset, data=data)]


@dataclass(frozen=True)
class State:
    """What is found when the power is back: contents by path (None for a directory)."""

    prefix: int
    tree: dict
    links: dict  # of a path to the one that it shares its file with
    told: tuple

    def digest(self, copy_digest):
        parts = repr((sorted(self.tree), sorted(self.links.items()), self.told, copy_digest))
        whole = hashlib.sha256(parts.encode())
        for path in sorted(self.tree):
            whole.update(self.tree[path] or b"")
        return whole.hexdigest()


class Disk:
    """The disk after the first operations of a record, ready to lose its power."""

    def __init__(self, base, ops):
        self._names = {}  # path -> _File or None for a directory, as the kernel sees it
        self._changes = []  # [operation, file, is it safe]
        self._safe_names = {}
        self.told = ()
        self._prefix = len(ops)
        for path, data in base.items():
            self._names[path] = None if data is None else _File(data)
        self._safe_names = dict(self._names)
        for op in ops:
            getattr(self, f"_do_{op.kind}".replace("-", "_"), _nothing)(op)

    def states(self, seeds=range(6)):
        """Yield what may be found, every combination of what may happen to bytes and to names."""
        for names in self._namespaces():
            for content in self._contents(seeds):
                yield self._state(names, content)

    def _namespaces(self):
        pending = [change for change in self._changes if not change[2]]
        count = len(pending)
        kept = [set(range(n)) for n in range(count + 1)]  # a journal's order: the first n
        kept += [set(range(count)) - {n} for n in range(count)]  # one is late
        kept += [{n} for n in range(count)]  # one is early
        seen = []
        for each in kept:
            if each not in seen:
                seen.append(each)
                yield self._namespace(each)

    def _namespace(self, kept):
        names, number = dict(self._safe_names), 0
        for op, file, safe in self._changes:
            if not safe:
                number += 1
                if number - 1 not in kept:
                    continue
            _rename_in(names, op, file)
        # What lies in a directory whose own name is lost is lost with it.
        lost = [path for path in names if not _is_rooted(path, names)]
        return {path: file for path, file in names.items() if path not in lost}

    def _contents(self, seeds):
        files = {id(file): file for file in self._all_files() if file.pending}
        yield lambda file: _applied(file.safe, file.pending)
        if not files:
            return
        yield lambda file: file.safe
        yield lambda file: _applied(file.safe, [_nulled(op) for op in file.pending])
        yield lambda file: _applied(file.safe, file.pending[-1:])
        yield lambda file: _applied(file.safe, file.pending[:-1])
        for share in (0.01, 0.5, 0.99):
            yield (
                lambda file, share=share: (
                    _applied(file.safe, _torn(file.pending, share)) if file.pending else file.safe
                )
            )
        for seed in seeds:
            chance = random.Random(seed)
            yield lambda file, chance=chance: _applied(
                file.safe, [_nulled(op, lambda _: chance.random() < 0.5) for op in file.pending]
            )

    def _all_files(self):
        there = [file for file in self._names.values() if file is not None]
        return there + [file for _, file, _ in self._changes if file is not None]

    def _state(self, names, content):
        tree, links, first = {}, {}, {}
        for path in sorted(names):
            file = names[path]
            if file is None:
                tree[path] = None
            elif id(file) in first:
                links[path] = first[id(file)]
            else:
                first[id(file)] = path
                tree[path] = content(file)
        return State(self._prefix, tree, links, self.told)

    # --- operations

    def _change(self, op, file=None):
        self._changes.append([op, file, False])
        _rename_in(self._names, op, file)

    def _do_create(self, op):
        self._change(op, _File())

    def _do_mkdir(self, op):
        if op.path not in self._names:
            self._change(op)

    def _do_rename(self, op):
        self._change(op, self._names[op.path])

    def _do_link(self, op):
        if op.other not in self._names:
            self._change(op, self._names[op.path])

    def _do_unlink(self, op):
        if op.path in self._names:
            self._change(op)

    def _do_rmdir(self, op):
        inside = [path for path in self._names if path.startswith(f"{op.path}/")]
        if op.path in self._names and not inside:  # else the call fails
            self._change(op)

    def _do_write(self, op):
        self._names[op.path].pending.append(op)

    _do_truncate = _do_write

    def _do_sync(self, op):
        self._names[op.path].sync()

    def _do_syncdir(self, op):
        for change in self._changes:
            parent = Path(change[0].other or change[0].path).parent
            change[2] = change[2] or str(parent) == op.path

    def _do_tell(self, op):
        self.told += (op.path,)


def _nothing(_op):
    """Requests, commits and modes change neither bytes nor names."""


def _rename_in(names, op, file):
    """Apply a change of names."""
    if op.kind in {"rename", "unlink", "rmdir"}:
        names.pop(op.path, None)
    if op.kind in {"rename", "link"}:
        names[op.other] = file
    elif op.kind in {"create", "mkdir"}:
        names[op.path] = file


def _is_rooted(path, names):
    parents = itertools.takewhile(lambda each: "/" in each, map(str, Path(path).parents))
    return all(str(parent) in names for parent in parents)


def read_tree(live):
    """Return the modelled part of a live directory, as `Disk` takes it for its beginning."""
    tree = {}
    for top in ("home/state", "out"):
        root = live / top
        for path in [root, *root.rglob("*")] if root.exists() else []:
            data = None if path.is_dir() else path.read_bytes()
            tree[str(path.relative_to(live))] = data
    return tree


def digest_of(directory):
    """Return a digest of all that is in a directory."""
    whole = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            whole.update(repr((str(path.relative_to(directory)), path.stat().st_size)).encode())
            whole.update(path.read_bytes())
    return whole.hexdigest()
