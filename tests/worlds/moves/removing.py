"""The user makes vaults, and removes: archives, all of a vault, a vault."""

from dataclasses import dataclass

from worlds import judge
from worlds.world import VAULTS


@dataclass(frozen=True)
class Create:
    """Create a vault."""

    vault: int = 0
    accident: object = None

    def play(self, world):
        run = world.run("vault", "create", VAULTS[self.vault], accident=self.accident)
        if run.exit == 0:
            assert VAULTS[self.vault] in world.truth.vaults[run.place], run


@dataclass(frozen=True)
class Delete:
    """Delete an archive that is known here, by its id or by a file's name."""

    vault: int = 0
    archive: int = 0
    name: str | None = None
    accident: object = None

    def play(self, world):
        vault = VAULTS[self.vault]
        reference = self.name or world.known_archive(vault, self.archive)
        if reference is None:
            return
        words = ("archive", "delete", reference, "-V", vault, "--yes")
        run = world.run(*words, accident=self.accident)
        for said in (run.json or ()) if run.exit == 0 else ():
            judge.deletion(world, run, said["archiveId"])


@dataclass(frozen=True)
class Empty:
    """Empty a vault, and perhaps delete it; trying again a day or two later."""

    vault: int = 0
    delete_vault: bool = False
    accident: object = None

    def play(self, world):
        vault = VAULTS[self.vault]
        options = ("--delete-vault",) if self.delete_vault else ()
        words = ("vault", "empty", vault, "--yes", "--no-wait", "--workers", "1", *options)
        for hours in (0, 7, 50):
            world.wait(hours=hours)
            known = [
                ident
                for ident in world.told.known[world.place]
                if world.truth.archives[world.place][ident].vault == vault
            ]
            run = world.run(*words, accident=self.accident)
            judge.emptying(world, run, vault, known)
            if run.exit != 75:
                return


@dataclass(frozen=True)
class DeleteVault:
    """Delete a vault."""

    vault: int = 0
    accident: object = None

    def play(self, world):
        vault = VAULTS[self.vault]
        run = world.run("vault", "delete", vault, "--yes", accident=self.accident)
        if run.exit == 0:
            assert vault in world.truth.past_vaults[run.place], run
            assert vault not in world.truth.vaults[run.place], run
