"""The user sends: files, changed or not, and what pipes give."""

import os
import time
from dataclasses import dataclass

from helpers import payload
from worlds import judge
from worlds.world import VAULTS

from glaciercli.units import MIB

FILES = ("a.bin", "b.bin")
#: Three of one size; one of two parts, and of two leaves.
CONTENTS = tuple(payload(size, seed) for seed, size in enumerate((300, 300, 300, 4000, MIB + 5)))


def _write(world, name, data, *, keep_time=False):
    world.truth.keep(data)
    path = world.machine.files / name
    times = path.stat() if path.exists() else None
    with path.open("r+b" if times else "wb") as file:
        file.write(data)
        file.truncate()
    if keep_time and times is not None:
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    else:
        world.wait(seconds=1)
        os.utime(path, (time.time(), time.time()))
    return path


def file_of(world, index):
    """Return a file of the user's, written when it is first asked for."""
    path = world.machine.files / FILES[index]
    return path if path.exists() else _write(world, path.name, CONTENTS[index])


@dataclass(frozen=True)
class Upload:
    """Upload a file, as it is now."""

    file: int = 0
    vault: int = 0
    how: str = "plain"
    accident: object = None

    def play(self, world):
        path, vault = file_of(world, self.file), VAULTS[self.vault]
        options = {
            "plain": (),
            "single": ("--single",),
            "again": ("--again",),
            "described": ("--description", f"of {path.name}"),
            "two requests": ("--max-requests", "2"),
        }[self.how]
        words = ("upload", str(path), "-V", vault, "--workers", "1", *options)
        run = world.run(*words, accident=self.accident)
        judge.upload(world, run, vault, path.name, path.read_bytes(), path.stat().st_mtime_ns)


@dataclass(frozen=True)
class Stream:
    """Upload what a pipe gives."""

    content: int = 0
    vault: int = 0
    accident: object = None

    def play(self, world):
        data, vault = CONTENTS[self.content], VAULTS[self.vault]
        world.truth.keep(data)
        words = ("upload", "-", "--name", "pipe", "-V", vault, "--workers", "1")
        run = world.run(*words, accident=self.accident, stdin=data)
        judge.upload(world, run, vault, "pipe", data)


@dataclass(frozen=True)
class Change:
    """Change a file, perhaps as programs do that keep its time of change."""

    file: int = 0
    content: int = 1
    keep_time: bool = False

    def play(self, world):
        file_of(world, self.file)
        _write(world, FILES[self.file], CONTENTS[self.content], keep_time=self.keep_time)
