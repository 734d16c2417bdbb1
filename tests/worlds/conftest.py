"""A room in memory for each world: all that a world does is writing and syncing."""

import shutil
import tempfile
from pathlib import Path

import pytest
from disks import memory_directory
from worlds.ending import settle
from worlds.world import World


@pytest.fixture
def play():
    """Play a history in a world of its own, and bring that to rest; return the world."""

    def played(history, *, to_rest=True):
        room = Path(tempfile.mkdtemp(prefix="glacier-", dir=memory_directory()))
        try:
            with pytest.MonkeyPatch.context() as patch, World(room, patch) as world:
                for move in history:
                    world.play(move)
                if to_rest:
                    settle(world)
                return world
        finally:
            shutil.rmtree(room)

    return played
