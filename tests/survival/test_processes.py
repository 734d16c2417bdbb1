"""The real program, several at once, signalled and killed: the second is told, nobody is harmed."""

import itertools
import os
import random
import signal
import subprocess
import sys
import time

import pytest
from helpers import heal, payload
from survival import forks
from survival.programs import ONES, Program, wait_until, warm
from survival.scenarios import BY_NAME
from survival.world import VAULT, share_session

from glaciercli.units import MIB

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


class Command:
    """A command of the program with its beginning and its oracle."""

    def __init__(self, scenario, world, *words):
        self._scenario, self._world, self._words = scenario, world, words
        forks.run(lambda: scenario.prepare(world)).require("prepare")
        world.keep()

    def start(self):
        return Program(self._world, "--local", *self._words)

    def finish(self):
        """Run it as its user would again, to the end; return how it went."""
        run = self.start()
        assert run.end() == 0, run.stderr
        return run

    def check(self, *runs):
        for each in runs:
            for archive in each.archives:
                self._world.tell(archive)
        forks.run(lambda: self._scenario.check(self._world)).require(f"{self._words}")

    def reset(self):
        self._world.reset()

    def hold(self, operation, seconds=30.0):
        """Have the service be slow with one request of an operation."""

        def add():
            self._world.client().engine.faults.add(operation, kind="delay", seconds=seconds)

        forks.run(add).require("hold")

    def release(self):
        def clear():
            heal(self._world.client().engine)

        forks.run(clear).require("release")

    @property
    def is_held(self):
        """Tell whether a run is in the slow request; it holds no lock of the engine's there."""

        def look():
            return sum(each.delivered for each in self._world.client().engine.faults.list())

        return forks.run(look).require("look") > 0


@pytest.fixture(params=["upload", "download"])
def command(request, world):
    warm()
    if request.param == "upload":
        words = ("upload", world.source, "-V", VAULT, *ONES)
        return Command(BY_NAME["upload"], world, *words)
    words = ("archive", "download", "big.tar", world.target, "-V", VAULT, "--output", "json")
    return Command(BY_NAME["download"], world, *words)


def signalled(command, world, number, delay):
    """Run, and send a signal after a while; return the run, and how long it took to end."""
    command.reset()
    run = command.start()
    time.sleep(delay)
    run.kill(number)
    began = time.monotonic()
    run.end(timeout=20.0)
    return run, time.monotonic() - began


@pytest.mark.parametrize("points", [5, pytest.param(25, marks=pytest.mark.slow)])
def test_a_signal_at_any_moment_ends_a_run_that_the_next_one_goes_on_with(
    command, world, points, count
):
    began = time.monotonic()
    command.finish()
    usual = time.monotonic() - began
    chance, stopped = random.Random(points), 0
    # The first run is the slowest: many of the others have ended when the signal comes.
    for number in itertools.islice(itertools.cycle(SIGNALS), 30 * points):
        run, seconds = signalled(command, world, number, chance.uniform(0, usual))
        assert seconds < 5
        if run.end() == -number:
            continue  # before the program had begun
        runs = [run]
        if run.end() != 0:
            stopped += 1
            assert run.end() == 128 + number, run.stderr
            assert "glacier --local " in run.stderr
            runs.append(command.finish())
        command.check(*runs)
        if stopped == points:
            break
    assert stopped == points
    count({"signals": stopped})


def killed_at_random(command, world, points, start):
    """Kill runs at random moments, and bring each to its end; return how many were killed."""
    began = time.monotonic()
    start().communicate()
    usual = time.monotonic() - began
    chance, kills = random.Random(points), 0
    for _ in range(6 * points):
        command.reset()
        process = start()
        time.sleep(chance.uniform(0, usual))
        process.kill()
        stdout, _ = process.communicate()
        if process.returncode == -signal.SIGKILL and not stdout:
            kills += 1
            command.check(command.finish())
        if kills == points:
            break
    return kills


@pytest.mark.slow
def test_the_installed_program_killed_at_any_moment_is_brought_to_its_end(command, world, count):
    environment = {**os.environ, "GLACIER_HOME": str(world.home)}
    words = command.start().words

    def start():
        return subprocess.Popen(
            [sys.executable, "-m", "glaciercli", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )

    kills = killed_at_random(command, world, 12, start)
    assert kills == 12
    count({"kills of the installed program": kills})


@pytest.fixture
def operation(command):
    return "UploadMultipartPart" if "upload" in command._words else "GetJobOutput"


@pytest.mark.parametrize("rounds", [1, pytest.param(8, marks=pytest.mark.slow)])
@pytest.mark.parametrize("end", ["done", "killed", "stopped"])
def test_the_second_of_two_runs_is_refused_and_the_first_is_not_harmed(
    command, operation, end, rounds, count
):
    for _ in range(rounds):
        command.reset()
        command.hold(operation, seconds=30.0 if end == "killed" else 0.7)
        first = command.start()
        wait_until(lambda: command.is_held, "the first run did not begin")
        if end == "stopped":  # as by ^Z, or while the machine sleeps
            first.kill(signal.SIGSTOP)
        second = command.start()
        assert second.end() == 5, second.stderr
        assert "another run of glacier" in second.stderr
        if end == "killed":
            first.kill(signal.SIGKILL)
            assert first.end() == -signal.SIGKILL
            command.release()
            command.check(command.finish())
        else:
            first.kill(signal.SIGCONT)
            assert first.end() == 0, first.stderr
            command.check(first)
    count({"rounds of two processes": rounds})


@pytest.mark.parametrize("rounds", [2, pytest.param(8, marks=pytest.mark.slow)])
def test_runs_that_race_share_a_catalog_and_store_what_they_say(world, rounds, count):
    warm()
    share_session()
    forks.run(lambda: BY_NAME["upload"].prepare(world)).require("prepare")
    world.keep()
    sources = [world.source.with_name(f"{number}.tar") for number in range(3)]
    for number, source in enumerate(sources):
        source.write_bytes(payload(MIB + number, seed=number))
    for _ in range(rounds):
        world.reset()
        runs = [
            Program(world, "--local", "upload", source, "-V", VAULT, *ONES)
            for source in sources * 2
        ]
        codes = [each.end() for each in runs]
        assert set(codes) <= {0, 5}, [each.stderr for each in runs]
        told = {archive for each in runs for archive in each.archives}

        def look():
            client = world.client()
            return world.held(client), {each.id for each in world.catalogued(client)}

        held, known = forks.run(look).require("look")
        assert set(held) == told == known
        assert set(held.values()) == {source.read_bytes() for source in sources}
    count({"rounds of racing processes": rounds})


class TestServer:
    """`glacier local serve` is killed while programs upload to it."""

    def serve(self, world, port=0):
        server = Program(world, "local", "serve", "--port", str(port))
        wait_until(lambda: "http" in server.stdout, f"no server: {server.stderr}")
        return server, server.stdout.splitlines()[0].rpartition(" ")[2]

    @pytest.mark.parametrize("kills", [1, pytest.param(4, marks=pytest.mark.slow)])
    def test_what_was_acknowledged_outlives_the_server(self, world, kills, count):
        warm()
        forks.run(lambda: BY_NAME["upload"].prepare(world)).require("prepare")
        server, url = self.serve(world)
        chance = random.Random(kills)
        delivered, told = 0, {}
        for number in range(kills):
            source = world.source.with_name(f"{number}.tar")
            source.write_bytes(payload(6 * MIB + number, seed=number))
            words = ("--endpoint-url", url, "--region", "us-east-1", "upload", source, "-V", VAULT)
            run = Program(world, *words, *ONES)
            wait_until(lambda: world.journal_files, "the upload did not begin")
            time.sleep(chance.uniform(0, 0.1))
            server.kill(signal.SIGKILL)
            delivered += server.end() == -signal.SIGKILL
            server, _ = self.serve(world, url.rpartition(":")[2])
            assert run.end() == 0, run.stderr
            told[run.archives[0]] = source.read_bytes()
        server.kill(signal.SIGTERM)
        server.end()
        verify = Program(world, "local", "verify")

        assert delivered == kills
        assert verify.end() == 0, verify.stdout
        assert forks.run(lambda: world.held(world.client())).require("look") == told
        count({"kills of the server": delivered})
