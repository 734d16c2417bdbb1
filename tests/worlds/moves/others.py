"""Others act, time passes, and the user turns elsewhere."""

from dataclasses import dataclass, replace

from worlds.moves.sending import CONTENTS, FILES
from worlds.stage import ACCOUNTS, ASSUMED, OWN_KEYS
from worlds.world import VAULTS


@dataclass(frozen=True)
class DeleteElsewhere:
    """Another machine deletes an archive."""

    vault: int = 0
    archive: int = 0

    def play(self, world):
        place, vault = world.place, VAULTS[self.vault]
        there = [
            each
            for each in world.truth.archives[place].values()
            if each.is_there and each.vault == vault
        ]
        if there:
            ident = there[self.archive % len(there)].id
            world.stage.other(place).delete_archive(vaultName=vault, archiveId=ident)
            world.deleted_elsewhere.add(ident)
            world.truth.look()


@dataclass(frozen=True)
class UploadElsewhere:
    """Another machine stores an archive, under the name of a file of ours."""

    vault: int = 0
    content: int = 2
    file: int = 0

    def play(self, world):
        vault = VAULTS[self.vault]
        if vault in world.truth.vaults[world.place]:
            data = CONTENTS[self.content]
            world.truth.keep(data)
            world.stage.other(world.place).upload_archive(
                vaultName=vault, archiveDescription=FILES[self.file], body=data
            )
            world.truth.look()


@dataclass(frozen=True)
class RemakeElsewhere:
    """Another machine empties a vault, deletes it a day later, and perhaps makes it anew."""

    vault: int = 0
    anew: bool = True

    def play(self, world):
        place, vault = world.place, VAULTS[self.vault]
        other = world.stage.other(place)
        if vault not in world.truth.vaults[place]:
            other.create_vault(vaultName=vault)
            world.truth.look()
            return
        for each in world.truth.archives[place].values():
            if each.is_there and each.vault == vault:
                other.delete_archive(vaultName=vault, archiveId=each.id)
                world.deleted_elsewhere.add(each.id)
        world.wait(hours=26)
        for each in other.list_multipart_uploads(vaultName=vault)["UploadsList"]:
            other.abort_multipart_upload(vaultName=vault, uploadId=each["MultipartUploadId"])
        other.delete_vault(vaultName=vault)
        if self.anew:
            world.wait(hours=1)
            other.create_vault(vaultName=vault)
        world.truth.look()


@dataclass(frozen=True)
class Go:
    """Use another endpoint, or another spelling of it; as another account, or by another key."""

    service: int = 0
    spelling: int = 0
    account: int = 0
    own_key: bool = True
    named: bool = False

    def play(self, world):
        key = OWN_KEYS[self.account] if self.own_key else ASSUMED
        world.go(self.service, self.spelling, key, ACCOUNTS[self.account])
        world.names_account = self.named


@dataclass(frozen=True)
class Wait:
    """Time passes."""

    hours: int = 30

    def play(self, world):
        world.wait(hours=self.hours)


@dataclass(frozen=True)
class Again:
    """Do the last of the user's commands once more, and nothing happens to it this time."""

    def play(self, world):
        if world.last is not None:
            replace(world.last, accident=None).play(world)


@dataclass(frozen=True)
class Keep:
    """Make a backup of the program's state."""

    def play(self, world):
        world.keep_state()


@dataclass(frozen=True)
class PutBack:
    """Put an older state of the program back."""

    def play(self, world):
        world.counts["old states put back"] += world.put_state_back()


@dataclass(frozen=True)
class Heal:
    """The service says the truth from now on."""

    def play(self, world):
        world.liar.heal()
