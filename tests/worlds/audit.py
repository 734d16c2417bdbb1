"""What the catalog knows, held against the truth: nothing is forgotten, nothing is called gone."""

import json
from dataclasses import dataclass

from worlds.stage import Place, service_of

PRESENT = {"new", "seen"}


@dataclass(frozen=True)
class Row:
    """An archive as the catalog has it."""

    place: Place
    vault: str
    id: str
    name: str | None
    status: str


def rows_of(exported):
    """Read what `catalog export --everywhere` has written."""
    for line in exported.splitlines():
        said = json.loads(line)
        place = Place(service_of(said["endpoint"]), said["account"])
        yield Row(place, said["vaultName"], said["archiveId"], said.get("name"), said["status"])


def compare(world, exported):
    """Fail where the catalog calls gone what is there, or has lost what the user was told."""
    listed = {}
    for row in rows_of(exported):
        assert row.place in world.truth.archives, f"nobody's account: {row}"
        listed.setdefault((row.place, row.id), []).append(row)
        if not is_excused(world, row.place, row.vault):
            _compare_row(world, row)
    for place, known in world.told.known.items():
        for ident in known:
            vault = world.truth.archives[place][ident].vault
            assert (place, ident) in listed or is_excused(world, place, vault), (
                f"forgotten: {ident} of {vault} in {place}\n{story(world)}"
            )
    for place, deleted in world.told.deleted.items():
        for row in (each for ident in deleted for each in listed.get((place, ident), ())):
            assert row.status not in PRESENT, f"was deleted from here: {row}\n{story(world)}"


def _compare_row(world, row):
    stored = world.truth.archives[row.place].get(row.id)
    if row.status in PRESENT:
        assert stored is not None, f"was never there: {row}\n{story(world)}"
        assert stored.vault == row.vault, f"is in another vault: {row}\n{story(world)}"
        world.told.known[row.place][row.id] = row.name
    else:
        is_there = stored is not None and stored.is_there
        assert not is_there, f"is there, and called {row.status}: {row}\n{story(world)}"


def is_excused(world, place, vault):
    """Tell whether a lie was told of a vault's archives that nobody could have seen through.

    What an inventory says of an archive that is not known here, and of dates, is all there is.
    """
    return any(
        (each.place, each.vault) == (place, vault) and each.member.startswith("inventory.")
        for each in world.liar.told
    )


def story(world, last=6):
    """Return the last commands of a world, as a failure tells them."""
    return "\n".join(str(run) for run in world.runs[-last:])
