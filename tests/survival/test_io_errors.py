"""File systems that do less than most: writes that take only half, and no hard links."""

import errno

import pytest
from survival import forks
from survival.events import Watch
from survival.scenarios import BY_NAME
from survival.world import share_session


def test_writes_that_take_only_half_are_finished(scenario, world):
    def run():
        Watch(lambda _: None, short=True).install(share_session())
        scenario.run(world)
        scenario.check(world)

    world.reset()
    forks.run(run).require(f"{scenario.name} with short writes")


@pytest.mark.parametrize("scenario", [BY_NAME["download"]], indirect=True, ids=["download"])
def test_a_file_gets_its_name_where_there_are_no_hard_links(scenario, world):
    links = []

    def see(event):
        if event.name == "link":
            links.append(event)
            raise OSError(errno.EPERM, "no links here")

    def run():
        Watch(see).install(share_session())
        scenario.run(world)
        scenario.check(world)
        return len(links)

    world.reset()
    assert forks.run(run).require("a download without links") == 1
