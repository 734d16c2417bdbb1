"""What a command said, held against the truth: stored, proven, deleted, verified."""

import re

from worlds.audit import PRESENT, is_excused, rows_of, story
from worlds.truth import Pending

from glaciercli.errors import Exit
from glaciercli.treehash import tree_hash

#: The witnesses that say what they say together with the bytes.
_OF_THE_SERVICE = {"job", "checksum", None}
#: Milliseconds by which an archive is older than its vault, whoever dated them.
_BY_ANY_CLOCK = 72 * 3600 * 1000
#: How a second copy of the same file is told of.
_SAID_OF_TWINS = re.compile(r"once more|twice|had stored|a second time|stored too")


def upload(world, run, vault, name, data, modified=None):
    """What is called stored is there, with these bytes, and each archive that was made is told.

    `modified` is the time of change of a file, by which the program may know it again.
    """
    told, truth = world.told, world.truth
    for place, made in run.made:
        assert (place, made.vault) == (run.place, vault), f"stored elsewhere: {made}\n{run}"
    key = (run.place, vault, name)
    if run.killed or run.exit != Exit.OK:
        _remember(world, run, vault, name)
        if _SAID_OF_TWINS.search(run.stderr):
            told.sent.pop(key, None)
        return
    ident = run.json["archiveId"]
    is_lie = any(each.member.endswith(("x-amz-archive-id", "uploadId")) for each in run.lies)
    if not is_lie:
        stored = truth.archives[run.place].get(ident)
        # What another machine has deleted meanwhile, nobody has heard of.
        is_there = stored is not None and (stored.is_there or ident in world.deleted_elsewhere)
        assert is_there, f"called stored, and is not there: {ident}\n{story(world)}"
        assert stored.vault == vault, f"is in vault {stored.vault}\n{run}"
        assert truth.bytes[stored.tree_hash] == data, f"holds other bytes than {name}\n{run}"
        told.known[run.place][ident] = name
    for _, made in run.made:
        assert is_lie or run.tells_of(made.id), f"stored, and not told: {made.id}\n{story(world)}"
    _judge_twin(world, run, key, (ident, data, modified))
    mine = [each for each in told.pending if is_about(each, run.place, vault, name)]
    for each in mine:
        told.pending.remove(each)
        if truth.is_there(each.place, each.id) and each.id != ident:
            assert run.tells_of(each.id) or _SAID_OF_TWINS.search(run.stderr), (
                f"an earlier run stored {each.id}, and nobody says so\n{story(world)}"
            )


def _judge_twin(world, run, key, sent):
    """The same file is stored once more only with a word."""
    before = world.told.sent.get(key)
    world.told.sent[key] = sent
    if before is None or before[1:] != sent[1:] or not run.made or run.is_disturbed:
        return
    ident = before[0]
    if world.truth.is_there(run.place, ident) and sent[2] is not None:
        assert run.tells_of(ident) or _SAID_OF_TWINS.search(run.stderr), (
            f"stored a second time, and nobody says so: {ident}\n{story(world)}"
        )


def is_about(pending, place, vault, name):
    return (pending.place, pending.vault, pending.name) == (place, vault, name)


def _remember(world, run, vault, name):
    """Note the archives that a run made before it could tell."""
    for place, made in run.made:
        if not run.tells_of(made.id):
            world.told.pending.append(Pending(place, vault, name, made.id))


def download(world, run, ident, path, part=slice(None)):
    """What is called proven is, byte for byte, what was stored; unless the word is the liar's."""
    told = run.json
    if world.liar.told and told["provenBy"] in _OF_THE_SERVICE:
        return
    got, data = path.read_bytes(), world.truth.content(run.place, ident)[part]
    assert got == data, f"called proven, and {len(got)} other bytes: {ident}\n{run}"
    if told["provenBy"] == "upload":
        assert ident in world.made_here, f"nobody uploaded that here: {ident}\n{run}"


def stream(world, run, vault, reference):
    """What came is what was stored, all of it or a beginning; or it is said not to be."""
    if run.exit == Exit.INTEGRITY and world.liar.told:
        return
    archives = world.truth.archives[run.place]
    contents = [
        world.truth.bytes[archives[ident].tree_hash]
        for ident, name in world.told.known[run.place].items()
        if reference in {ident, name} and archives[ident].vault == vault
    ]
    if run.exit == Exit.OK:
        assert run.stdout in contents, f"called proven, and other bytes\n{run}"
    else:
        fits = [each for each in contents if each.startswith(run.stdout)]
        assert fits or not run.stdout, f"other bytes on stdout\n{run}"


def samples(world, run):
    """What is called whole is the whole of it, and its hash that under which it was stored."""
    for each in run.json:
        if each["provenWhole"] or not world.liar.told:
            data = world.truth.content(run.place, each["archiveId"])
            first, last = map(int, each["RetrievalByteRange"].split("-"))
            assert each["SHA256TreeHash"] == tree_hash(data[first : last + 1]), run


def deletion(world, run, ident):
    """What is called deleted is in none of the accounts that it may have been in."""
    if run.killed or run.exit != Exit.OK:
        return
    for place, archives in world.truth.archives.items():
        if place.service == run.place.service and ident in archives:
            assert not archives[ident].is_there, f"called deleted: {ident} in {place}\n{run}"
            world.told.deleted[place].add(ident)


def emptying(world, run, vault, before):
    """What was known in a vault that is called emptied is gone; so is a vault called deleted."""
    truth = world.truth
    if run.killed or run.exit != Exit.OK:
        return
    if not is_excused(world, run.place, vault):
        left = [each for each in before if truth.is_there(run.place, each)]
        assert not left, f"called emptied, and holds {left}\n{story(world)}"
    if run.json["vaultDeleted"]:
        assert vault in truth.past_vaults[run.place], f"there never was such a vault\n{run}"
        assert vault not in truth.vaults[run.place], f"called deleted\n{run}"


def verification(world, run, place, ident, data, status):
    """A file called the same as an archive is; and the archive is not known to be gone."""
    if run.exit != Exit.OK:
        return
    stored = world.truth.content(place, ident)
    assert stored == data, f"called the same as {ident}, and is not\n{run}"
    assert status in {"new", "seen"}, f"verified, and {status}\n{run}"


def restoration(world, run, vault, tree):
    """Each file is an archive of its name; called done, all that is known and there is restored.

    Returns whether that is so, whatever the run says.
    """
    truth = world.truth
    known = {
        ident: name
        for ident, name in world.told.known[run.place].items()
        if truth.archives[run.place][ident].vault == vault
    }
    # Of equal names the newest has it; the others have their ids in theirs.
    wanted = {(name, truth.content(run.place, ident)): ident for ident, name in known.items()}
    found = set()
    for path in tree.rglob("*"):
        if path.is_file() and ".glacier-restore" not in path.parts:
            name = path.relative_to(tree).as_posix().partition(".archive-")[0]
            found.add((name, path.read_bytes()))
    assert found <= wanted.keys(), f"{found - wanted.keys()} was never stored\n{story(world)}"
    lacking = [
        ident
        for pair, ident in wanted.items()
        if pair not in found and truth.is_there(run.place, ident)
    ]
    if run.exit == Exit.OK and not is_excused(world, run.place, vault):
        assert not lacking, f"called restored, without {lacking}\n{story(world)}"
    return not lacking


def sync(world, run, vault):
    """Nothing is listed that was in an earlier vault of the name, and is clearly older than it."""
    is_told = run.exit in {Exit.OK, Exit.NOT_READY} and not run.is_disturbed
    if not is_told or is_excused(world, run.place, vault):
        return
    truth = world.truth
    made = truth.vaults[run.place].get(vault, 0)
    for row in rows_of(world.export()):
        if (row.place, row.vault) == (run.place, vault) and row.status in PRESENT:
            created = truth.archives[row.place][row.id].created
            assert created > made - _BY_ANY_CLOCK, (
                f"listed, and was in a vault that is gone: {row}\n{story(world)}"
            )
