"""A world: two services, one machine, a clock, and the truth about all of them."""

import os
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import boto3
import time_machine
from worlds import audit
from worlds.lies import Impostor, Liar, Spoil
from worlds.machine import Machine, Run, globals_of
from worlds.stage import ACCOUNTS, OWN_KEYS, URLS, Place, Stage, service_of
from worlds.truth import Told, Truth

from glaciercli.errors import EXIT_MEANINGS, Exit

VAULTS = ("photos", "docs")
# Long ago, so that whatever the real clock dates is never old to a program of this world.
_BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
_A_COMMAND = timedelta(minutes=1)


@dataclass(frozen=True)
class Lose:
    """The command's requests from that one on get no reply, whether they are applied or not."""

    request: int
    applied: bool
    times: int = 1


@dataclass(frozen=True)
class Kill:
    """The command's process is killed at its event of that number."""

    event: int


@dataclass
class World:
    """What the moves of a history act on. Enter it; it takes the place of boto3 and of time."""

    room: object
    patch: object
    counts: Counter = field(default_factory=Counter)
    runs: list = field(default_factory=list)

    def __enter__(self):
        self.time = time_machine.travel(_BEGIN, tick=False)
        self._traveller = self.time.start()
        self.key = OWN_KEYS[0]
        self._set_environment()
        self.stage = Stage(self.room)
        self.patch.setattr(boto3, "Session", self.stage.session)
        self.machine = Machine(self.room)
        self.truth = Truth(self.stage)
        self.told = Told()
        self._told_then = None
        self.liar = self.stage.spoil = Liar(self.truth)
        self.url = URLS[0][0]
        self.names_account = False
        self.used = {}  # the places that the tool was in, with the URL of each
        self.commands = 0
        self.deleted_elsewhere = set()
        self.made_here = set()  # the archives that the program has made
        self.last = None  # the user's last move
        for place in (Place(0, ACCOUNTS[0]), Place(0, ACCOUNTS[1]), Place(1, ACCOUNTS[0])):
            for vault in VAULTS[: 1 if place.account == ACCOUNTS[1] else 2]:
                self.stage.other(place).create_vault(vaultName=vault)
        self.truth.look()
        return self

    def __exit__(self, *_):
        self.stage.close()
        self.time.stop()

    def _set_environment(self):
        values = {
            "HOME": str(self.room / "home"),
            "GLACIER_HOME": str(self.room / "home"),
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": "a secret",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        for name, value in values.items():
            self.patch.setenv(name, value)

    def play(self, move):
        """Make a move, then hold what the catalog says to the truth."""
        move.play(self)
        if hasattr(move, "accident"):
            self.last = move
        self.audit()

    # --- where the user is

    @property
    def place(self):
        """The account that the next command will be in."""
        return Place(service_of(self.url), self.stage.owners[self.key])

    def go(self, service, spelling, key, account):
        """Use an endpoint and a key; the assumed one is of that account from now on."""
        urls = URLS[service]
        self.url = urls[spelling % len(urls)]
        self.key = key
        if key not in OWN_KEYS:
            self.stage.owners[key] = account
        os.environ["AWS_ACCESS_KEY_ID"] = key

    def wait(self, **span):
        self._traveller.shift(timedelta(**span))

    # --- what the user does

    def run(self, *words, accident=None, stdin=None):
        """Run a command with what happens to it, look at the truth, and judge what it said."""
        self.wait(seconds=_A_COMMAND.total_seconds())
        place = self.place
        self.used[place] = self.url
        words = (*globals_of(self.url, place.account if self.names_account else None), *words)
        told, fault = len(self.liar.told), None
        self.stage.begin()
        if isinstance(accident, Lose):
            fault = self.stage.engine(place).faults.drop(
                "*", skip=accident.request, times=accident.times, applied=accident.applied
            )
        elif isinstance(accident, Spoil):
            self.liar.once = accident
        elif isinstance(accident, Impostor):
            self.liar.impostor = accident
        if isinstance(accident, Kill):
            self.stage.close()
            code, stdout, stderr = self.machine.run_killed(words, accident.event, stdin)
        else:
            code, stdout, stderr = self.machine.run(words, stdin)
        self.liar.once = None
        run = Run(words, place, code, stdout, stderr, killed=code is None)
        run.lies = self.liar.told[told:]
        if fault is not None:
            faults = self.stage.engine(place).faults
            run.lost = faults.delivered(fault)
            faults.clear()
        run.made = self.truth.look()
        self.made_here.update(made.id for _, made in run.made)
        self._count(run, accident)
        self.runs.append(run)
        self.commands += 1
        if not run.killed:
            assert run.exit in EXIT_MEANINGS, run
            assert run.exit not in {Exit.UNEXPECTED, Exit.USAGE}, run
            if run.exit == Exit.UNAVAILABLE:
                assert run.is_disturbed or self.liar.lasting, run
        return run

    def _count(self, run, accident):
        self.counts["commands"] += 1
        self.counts["accidents planned"] += accident is not None
        self.counts["accidents that happened"] += accident is not None and run.is_disturbed
        self.counts["lies told"] += len(run.lies)
        self.counts["replies lost"] += run.lost
        self.counts["kills"] += run.killed

    def export(self):
        """Return all that the catalog says, of all places."""
        code, stdout, stderr = self.machine.run(("catalog", "export", "--everywhere"))
        assert code == 0, stderr
        return stdout.decode()

    def audit(self):
        """Compare what the catalog says of every archive with the truth."""
        audit.compare(self, self.export())

    def known_archive(self, vault, number):
        """Return the id of an archive that the user knows: of this account, else of any."""
        for places in ([self.place], self.told.known):
            found = [
                ident
                for place in places
                for ident in self.told.known[place]
                if self.truth.archives[place][ident].vault == vault
            ]
            if found:
                return found[number % len(found)]
        return None

    # --- backups of the program's state

    def keep_state(self):
        self.machine.keep_state()
        self._told_then = self.told.copy()

    def put_state_back(self):
        """Tell whether there was a backup to put back."""
        if self._told_then is None:
            return False
        self.machine.put_state_back()
        self.told = self._told_then.copy()
        return True
