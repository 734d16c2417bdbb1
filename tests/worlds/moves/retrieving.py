"""The user retrieves: to files, to stdout, as a tree, or a sample of what is stored."""

import shutil
from dataclasses import dataclass

from worlds import judge
from worlds.world import VAULTS

_READY = 6  # hours, after which a standard retrieval is done


@dataclass(frozen=True)
class Download:
    """Retrieve an archive or some bytes of it, to a file or to stdout; again when ready."""

    vault: int = 0
    archive: int = 0
    name: str | None = None
    to: str = "file"
    accident: object = None

    def play(self, world):
        vault = VAULTS[self.vault]
        reference = self.name or world.known_archive(vault, self.archive)
        if reference is None:
            return
        path = world.machine.out / f"download-{world.commands}"
        first, stop = (10, 200) if self.to == "range" else (0, None)
        options = ("--range", f"{first}-{stop}") if stop else ()
        target = "-" if self.to == "stdout" else str(path)
        words = ("archive", "download", reference, target, "-V", vault, "--no-wait", *options)
        run = world.run(*words, accident=self.accident)
        if run.exit == 75:
            world.wait(hours=_READY)
            run = world.run(*words, accident=self.accident)
        if run.killed:
            return
        if self.to == "stdout":
            judge.stream(world, run, vault, reference)
        elif run.exit == 0:
            judge.download(world, run, run.json["archiveId"], path, slice(first, stop))
        else:
            assert not path.exists(), f"a name for what is not proven\n{run}"


@dataclass(frozen=True)
class Output:
    """Start the retrieval of an archive, and fetch its output when it must be done."""

    vault: int = 0
    archive: int = 0
    accident: object = None

    def play(self, world):
        vault = VAULTS[self.vault]
        reference = world.known_archive(vault, self.archive)
        if reference is None:
            return
        started = world.run("job", "start", "archive", reference, "-V", vault)
        if started.exit != 0:
            return
        world.wait(hours=_READY)
        path, job = world.machine.out / f"output-{world.commands}", started.json["JobId"]
        run = world.run("job", "output", job, str(path), "-V", vault, accident=self.accident)
        if run.exit == 0:
            judge.download(world, run, run.json["ArchiveId"], path)


@dataclass(frozen=True)
class Restore:
    """Restore a vault as a tree of files; and again when it must be ready."""

    vault: int = 0
    accident: object = None

    def play(self, world):
        restore(world, VAULTS[self.vault], self.accident)


def restore(world, vault, accident=None):
    """Restore a vault; tell whether all is there that is known and in it."""
    world.audit()  # which takes in what the catalog has learned
    tree = world.machine.out / f"tree-{world.commands}"
    words = ("archive", "download", "--to", str(tree), "-V", vault, "--no-wait", "--yes")
    run = world.run(*words, accident=accident)
    if run.exit == 75:
        world.wait(hours=_READY)
        run = world.run(*words, accident=accident)
    is_whole = judge.restoration(world, run, vault, tree)
    shutil.rmtree(tree, ignore_errors=True)
    return is_whole


@dataclass(frozen=True)
class Sample:
    """Retrieve a little of some archives, to see that it is there."""

    vault: int = 0
    accident: object = None

    def play(self, world):
        seed = str(world.commands)
        words = ("archive", "verify", "--sample", "3", "--seed", seed, "-V", VAULTS[self.vault])
        run = world.run(*words, "--yes", "--no-wait", accident=self.accident)
        if run.exit == 75:
            world.wait(hours=_READY)
            run = world.run(*words, "--yes", "--no-wait", accident=self.accident)
        if run.exit == 0:
            judge.samples(world, run)
