"""Power failure: each state that the disk may be in after any event, the command again, the oracle.

The states are built by a model from what a run really did; what runs on them is the real thing.
"""

import os
import random
import shutil

import pytest
from survival import forks
from survival.accidents import recover
from survival.disk import Disk, Recorder, State, digest_of, read_tree
from survival.events import Watch
from survival.scenarios import BY_NAME, SCENARIOS
from survival.world import share_session

from glaciercli.transfer.journal import Journal


class Record:
    """What one run of a scenario did, with copies of what is not modelled at each of its events."""

    def __init__(self, scenario, world, copies):
        forks.run(lambda: scenario.prepare(world)).require("prepare")
        world.keep()
        self.scenario, self._world, self._copies = scenario, world, copies
        self._base = read_tree(world.live)
        self.ops = forks.run(self._recorded).require(f"record {scenario.name}")
        self._digests = [digest_of(copies / str(number)) for number in range(len(self.ops))]

    def _recorded(self):
        recorder = Recorder(self._world, self._copies)
        watch = Watch(recorder.see)
        watch.install(share_session())
        self._world.tell = lambda text: watch.happen("tell", text)
        self.scenario.run(self._world)
        watch.happen("before-send")  # of nothing: what is left when all is done
        return recorder.ops

    def states(self, without=""):
        """Return how many states there are, and those that differ; `without` a kind of sync."""
        ops = [op for op in self.ops if op.kind != without or not without]
        at = [n for n, op in enumerate(self.ops) if op.kind != without or not without]
        count, found = 0, {}
        for number in range(len(ops)):
            for state in Disk(self._base, ops[:number]).states():
                count += 1
                found.setdefault(state.digest(self._digests[at[number]]), (at[number], state))
        return count, list(found.values())

    def journals_left(self, without=""):
        """Return the journals that may be found, and say something, after the whole command."""
        ops = [op for op in self.ops if op.kind != without]
        return {
            path
            for state in Disk(self._base, ops).states()
            for path, data in state.tree.items()
            if path.endswith(".journal") and data
        }

    def restore(self, number, state: State):
        """Make the world what a state says."""
        world = self._world
        world.reset()
        for each in ("home/data", "home/state", "out"):
            shutil.rmtree(world.live / each, ignore_errors=True)
        shutil.copytree(self._copies / str(number), world.home / "data")
        world.out.mkdir()
        for path, data in state.tree.items():
            place = world.live / path
            if data is None:
                place.mkdir(mode=0o700, exist_ok=True)
            else:
                place.write_bytes(data)
                place.chmod(0o600)
        for path, other in state.links.items():
            os.link(world.live / other, world.live / path)
        for text in state.told:
            world.tell(text)

    def survive(self, states):
        """Run the command on each state and look; return how many could not be brought to order."""
        for number, state in states:
            self.restore(number, state)
            yield forks.run(recover(self.scenario, self._world)), number, state


@pytest.fixture(params=SCENARIOS, ids=lambda scenario: scenario.name)
def record(request, world, room):
    return Record(request.param, world, room / "copies")


def require_all(record, states):
    for ended, number, state in record.survive(states):
        before = [op.kind for op in record.ops[max(0, number - 3) : number]]
        there = {path: len(data or b"") for path, data in state.tree.items()}
        ended.require(f"{record.scenario.name}, event {number}, after {before}, with {there}")


def test_some_states_after_a_power_failure_are_brought_to_order(record, count):
    """None of them has a journal that the run has removed: the next run would go by its history."""
    removed = {op.path for op in record.ops if op.kind == "unlink" and ".journal" in op.path}
    assert not removed & record.journals_left()
    assert removed <= record.journals_left(without="syncdir")

    _, states = record.states()
    chosen = random.Random(1).sample(states, min(2, len(states)))
    require_all(record, chosen)
    count({"power-loss states of commands": len(chosen)})


@pytest.mark.slow
def test_all_states_after_a_power_failure_are_brought_to_order(record, count):
    _, states = record.states()
    require_all(record, states)

    count({"power-loss states of commands": len(states)})


@pytest.mark.parametrize("record", [BY_NAME["upload"]], indirect=True, ids=["upload"])
@pytest.mark.parametrize("kind", ["sync", "syncdir"])
def test_the_harness_finds_a_sync_that_is_missing(record, kind):
    _, states = record.states(without=kind)

    assert any(ended.code for ended, _, _ in record.survive(reversed(states)))


class TestJournal:
    """The journal alone, which is fast enough for thousands of states."""

    LINES = 40

    @pytest.fixture
    def written(self, world, room):
        """What a run did that wrote a journal, some of it without waiting for the disk."""
        world.home.joinpath("data").mkdir(parents=True)

        def write():
            recorder = Recorder(world, room / "copies")
            watch = Watch(recorder.see)
            watch.install(share_session())
            with Journal.open(world.journals / "uploads", "key") as journal:
                for number in range(self.LINES):
                    durable = number % 3 != 0
                    journal.append("part", durable=durable, number=number, text="x" * 30 * number)
                    if durable:
                        watch.happen("tell", number)
            return recorder.ops

        return forks.run(write).require("write a journal")

    def losses(self, world, ops, seeds):
        """Return how many states there are, and of how many the journal lost what it promised."""
        count, losses = 0, 0
        for number in range(len(ops)):
            for state in Disk({}, ops[:number]).states(seeds=range(seeds)):
                shutil.rmtree(world.live)
                directory = world.journals / "uploads"
                directory.mkdir(parents=True)
                for path, data in state.tree.items():
                    if data is not None:
                        (world.live / path).write_bytes(data)
                        (world.live / path).chmod(0o600)
                with Journal.open(directory, "key") as journal:
                    found = [line["number"] for line in journal.found]
                count += 1
                assert found == sorted(set(found))
                assert set(found) <= set(range(self.LINES))
                losses += not set(range(max(state.told, default=-1) + 1)) <= set(found)
        return count, losses

    @pytest.mark.parametrize("seeds", [20, pytest.param(240, marks=pytest.mark.slow)])
    def test_what_was_acknowledged_is_there_after_any_power_failure(
        self, world, written, seeds, count
    ):
        states, losses = self.losses(world, written, seeds)

        assert losses == 0
        assert states > 40 * seeds
        count({"power-loss states of a journal": states})

    @pytest.mark.parametrize("kind", ["sync", "syncdir"])
    def test_the_harness_finds_a_sync_that_is_missing(self, world, written, kind):
        _, losses = self.losses(world, [op for op in written[:24] if op.kind != kind], 1)

        assert losses
