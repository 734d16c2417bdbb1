"""The user brings inventories, as jobs or as files, and compares."""

from dataclasses import dataclass

from worlds import judge
from worlds.audit import rows_of
from worlds.moves.sending import file_of
from worlds.world import VAULTS


@dataclass(frozen=True)
class Sync:
    """Ask for a vault's inventory, and again when it must be ready."""

    vault: int | None = 0
    wait: int = 7
    accident: object = None

    def play(self, world):
        names = () if self.vault is None else (VAULTS[self.vault],)
        words = ("catalog", "sync", *names, "--no-wait")
        run = world.run(*words, accident=self.accident)
        if run.exit == 75 and self.wait:
            world.wait(hours=self.wait)
            run = world.run(*words, accident=self.accident)
        for vault in VAULTS if self.vault is None else names:
            judge.sync(world, run, vault)


@dataclass(frozen=True)
class Import:
    """Ask for an inventory, or a part of one, as a file; and import that."""

    vault: int = 0
    form: str = "json"
    part: str = "whole"
    accident: object = None

    def play(self, world):
        vault = VAULTS[self.vault]
        part = {
            "whole": (),
            "limit": ("--limit", "1"),
            "after": ("--after", "2020-01-03"),
            "before": ("--before", "2020-01-03"),
        }[self.part]
        words = ("job", "start", "inventory", "-V", vault, "--format", self.form, *part)
        started = world.run(*words)
        if started.exit != 0:
            return
        world.wait(hours=7)
        path = world.machine.out / f"inventory-{world.commands}"
        job = started.json["JobId"]
        if world.run("job", "output", job, str(path), "-V", vault, accident=self.accident).exit:
            return
        world.run("catalog", "import", str(path), "-V", vault)


@dataclass(frozen=True)
class Reimport:
    """Import once more a document that was imported before: the latest, or the one before..."""

    back: int = 1

    def play(self, world):
        done = [run for run in world.runs if "import" in run.words]
        if done:
            index = done[-(self.back % len(done))].words.index("import")
            world.run(*done[-(self.back % len(done))].words[index - 1 :])


@dataclass(frozen=True)
class Verify:
    """Compare a file with an archive, before it is removed perhaps."""

    vault: int = 0
    archive: int = 0
    file: int = 0
    accident: object = None

    def play(self, world):
        vault, path = VAULTS[self.vault], file_of(world, self.file)
        reference = world.known_archive(vault, self.archive)
        if reference is None:
            return
        words = ("archive", "verify", reference, str(path), "-V", vault)
        run = world.run(*words, accident=self.accident)
        if run.exit == 0:
            rows = list(rows_of(world.export()))
            for place in world.truth.archives:
                if place.service != run.place.service or reference not in world.told.known[place]:
                    continue
                status = {each.status for each in rows if each.id == reference}
                judge.verification(
                    world, run, place, reference, path.read_bytes(), next(iter(status), "unknown")
                )


@dataclass(frozen=True)
class Audit:
    """Compare the catalog with its newest inventory."""

    vault: int | None = 0

    def play(self, world):
        names = () if self.vault is None else (VAULTS[self.vault],)
        world.run("catalog", "verify", *names)
