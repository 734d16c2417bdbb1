"""Kills beyond the sweep: recoveries that are killed too, and what is forgotten in one go."""

import random

import pytest
from survival import forks
from survival.accidents import dying, recover
from survival.events import Watch
from survival.scenarios import BY_NAME
from survival.world import DATA, VAULT, share_session

from glaciercli.services.upload import receipts, uploads


@pytest.mark.slow
def test_a_run_whose_recoveries_are_killed_too_is_brought_to_its_end(scenario, world, count):
    chance = random.Random(scenario.name)
    for _ in range(8):
        world.reset()
        kills = 0
        for _ in range(3):
            if not world.is_over:
                number = chance.randrange(1, 90)
                ended = forks.run(dying(scenario.run, world, number))
                kills += ended.killed
        forks.run(recover(scenario, world)).require(f"{scenario.name} after {kills} kills")
        count({"kill points": kills})


def test_what_was_told_of_several_files_is_forgotten_in_one_go(world):
    """A run that is killed in between is run again, and stores again what it had forgotten."""
    BY_NAME["upload"].prepare(world)
    other = world.source.with_name("other.tar")
    other.write_bytes(DATA[:9])

    def run():
        client, catalog, seen = world.client(), world.catalog(), []
        stored = [
            uploads.start(client, path, VAULT, journals=world.journals, catalog=catalog)
            for path in (world.source, other)
        ]
        Watch(seen.append).install(share_session())
        receipts.all_told(stored)
        return [each.name for each in seen]

    names = forks.run(run).require("telling")
    assert names[names.index("unlink") :] == ["unlink", "unlink", "fsync"]
    assert world.journal_files == []
