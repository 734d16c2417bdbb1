"""The end of a history: no more lies and losses, time passes, and all must come to rest.

No command ends in 75 for ever; and the catalog comes to say what is so.
"""

from worlds import judge
from worlds.audit import PRESENT, is_excused, rows_of, story
from worlds.moves.retrieving import restore
from worlds.stage import ACCOUNTS, OWN_KEYS
from worlds.world import VAULTS

from glaciercli.errors import Exit

_ROUNDS = 8  # of two days each: an inventory is a day old, and an upload uncertain for three
_LATER = {"days": 2}
_READY = {"hours": 7}


def settle(world):
    """Bring each place that the tool was in to rest, and compare."""
    world.liar.heal()
    for place in list(world.used):
        _enter(world, place)
        for path, vault in _uploads(world, place):
            _repeat_upload(world, path, vault)
        for vault in VAULTS:
            _come_to_rest(world, place, vault)
    world.audit()


def _enter(world, place):
    world.names_account = False
    key = OWN_KEYS[ACCOUNTS.index(place.account)]
    world.go(place.service, 0, key, place.account)
    assert world.place == place


def _uploads(world, place):
    """Return the uploads of files to vaults that are there, that were tried in a place."""
    found = {}
    for run in world.runs:
        words = list(run.words)
        if run.place == place and "upload" in words and words[words.index("upload") + 1] != "-":
            path, vault = words[words.index("upload") + 1], words[words.index("-V") + 1]
            if vault in world.truth.vaults[place]:
                found[path, vault] = None
    return [(world.machine.files / path.rpartition("/")[2], vault) for path, vault in found]


def _repeat_upload(world, path, vault):
    """Run an upload again until it is done: some day it must be."""
    for number in range(2 * _ROUNDS):
        run = world.run("upload", str(path), "-V", vault, "--workers", "1")
        if run.exit == Exit.CONFLICT and "--again" in run.stderr:  # it is another account's
            run = world.run("upload", str(path), "-V", vault, "--workers", "1", "--again")
        judge.upload(world, run, vault, path.name, path.read_bytes(), path.stat().st_mtime_ns)
        if run.exit != Exit.NOT_READY:
            assert run.exit == Exit.OK or world.liar.told, f"cannot be stored\n{story(world)}"
            return
        world.wait(**(_READY if number % 2 else _LATER))
    raise AssertionError(f"in 75 for ever\n{story(world)}")


def _come_to_rest(world, place, vault):
    """Bring inventories until the catalog cannot be behind, then hold all of it to the truth."""
    is_there = vault in world.truth.vaults[place]
    world.wait(days=5)
    for _ in range(2):
        for _ in range(_ROUNDS):
            run = world.run("catalog", "sync", vault, "--no-wait")
            if run.exit != Exit.NOT_READY or vault not in world.truth.written[place]:
                break
            world.wait(**_READY)
        else:
            raise AssertionError(f"in 75 for ever\n{story(world)}")
        if is_there and vault in world.truth.written[place]:
            assert run.exit == Exit.OK or world.liar.told, f"{story(world)}"
        world.wait(days=5)
    if is_excused(world, place, vault):
        return
    truth = world.truth.archives[place]
    listed = set()
    for row in rows_of(world.export()):
        if row.place == place and row.vault == vault and row.status in PRESENT:
            assert truth[row.id].is_there, f"listed, and is gone: {row}\n{story(world)}"
            listed.add(row.id)
    there = {ident for ident, each in truth.items() if each.is_there and each.vault == vault}
    assert there == listed, f"not listed: {there - listed}\n{story(world)}"
    if there and not world.liar.told:
        assert restore(world, vault), f"not restored\n{story(world, 2)}"
