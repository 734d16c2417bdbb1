"""What deletes or buys: all combinations of flags, terminals, answers; by the engine's record."""

import fcntl
import functools
import itertools
import json
import os
import pty
import select
import shutil
import signal
import sqlite3
import sys
import termios
import threading
import time
from contextlib import closing
from dataclasses import dataclass

import boto3
import pytest
from boto3 import Session
from helpers import MIB, payload, run, write
from survival import forks
from survival.world import share_session

from glaciercli.cli import boundary
from glaciercli.cli.app import App
from glaciercli.cli.root import cli
from glaciercli.cli.signals import catch_signals
from glaciercli.errors import Exit
from glaciercli.local.wire import model

#: Whatever is not a look; only that an inventory is asked for is no harm.
CHANGES = {
    name
    for name in model().operation_names
    if model().operation_model(name).http["method"] != "GET"
} - {"InitiateJob"}
POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "glacier:DeleteArchive",
                "Resource": "arn:aws:glacier:us-east-1:000000000000:vaults/kept",
            }
        ],
    }
)
TOPIC = "arn:aws:sns:us-east-1:000000000000:jobs"


@dataclass(frozen=True)
class Verb:
    """A command, the operations that it must not call unasked, and what agrees to them."""

    words: str
    does: frozenset
    agrees: str = "y"
    flags: tuple = ()  # each alone and all together
    homes: tuple = ("fresh",)
    dry: bool = False  # it knows --dry-run

    @property
    def yes(self):
        """The answers that agree."""
        return {"yes"} if self.agrees != "y" else {"yes", "upper case"}


def verb(words, *does, **more):
    return Verb(words, frozenset(does), **more)


INVENTORIES = ("fresh", "stale", "unknown")
VERBS = [
    verb("archive delete one.tar --vault full", "DeleteArchive", homes=INVENTORIES),
    verb("archive delete one.tar two.tar --vault full", "DeleteArchive"),
    verb("vault delete bare", "DeleteVault"),
    verb(
        "vault empty full --no-wait",
        "DeleteArchive",
        agrees="full",
        flags=("--delete-vault", "--name *"),
        homes=INVENTORIES,
        dry=True,
    ),
    verb("upload abort {upload} --vault full", "AbortMultipartUpload"),
    verb("lock start bare {policy}", "InitiateVaultLock", dry=True),
    verb("lock complete kept {lock}", "CompleteVaultLock", agrees="kept"),
    verb("lock abort kept", "AbortVaultLock"),
    verb("policy delete kept", "DeleteVaultAccessPolicy"),
    verb("tags remove kept hold", "RemoveTagsFromVault"),
    verb("vault notifications delete kept", "DeleteVaultNotifications"),
    verb("capacity purchase", "PurchaseProvisionedCapacity"),
]
AWAY = ["nobody", "a pipe that says yes", "a terminal to read only"]
CODES = {
    "upper case": Exit.REFUSED,
    "no": Exit.REFUSED,
    "nothing": Exit.REFUSED,
    "another name": Exit.REFUSED,
    "end of file": Exit.SIGNAL + 2,
    "interrupt": Exit.SIGNAL + 2,
}
SIZES = {"one": 5, "two": 7, "big": 3 * MIB}
ANSWERS = ["yes", "upper case", "no", "nothing", "another name", "end of file", "interrupt"]


def typed(answer, agrees):
    return {
        "yes": f"{agrees}\n",
        "upper case": f"{agrees.upper()}\n",
        "no": "n\n",
        "nothing": "\n",
        "another name": "other\n",
        "end of file": "\x04",
        "interrupt": "\x03",
    }[answer]


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """Return a home with one thing of each kind to lose, in each state of the inventory."""
    root = tmp_path_factory.mktemp("homes")
    share_session()
    return root, forks.run(lambda: _prepare(root)).require("prepare")


def _prepare(root):
    # All of them lived in one place: the catalog knows a store by its path.
    home = root / "home"
    _enter(home)
    files = [write(root / f"{name}.tar", payload(size)) for name, size in SIZES.items()]
    for vault in ("full", "bare", "kept"):
        run("vault", "create", vault)
    run("upload", *files[:2], "--vault", "full")
    run("upload", files[2], "--vault", "full", "--max-requests", "2", exit=Exit.REFUSED)
    upload = run("upload", "list", "--vault", "full", "--output", "json").ids[0]
    policy = write(root / "policy.json", POLICY.replace("kept", "bare").encode())
    run("policy", "set", "kept", POLICY)
    lock = run("lock", "start", "kept", POLICY, "--yes", "--output", "json").json["lockId"]
    run("tags", "add", "kept", "hold=true")
    run("vault", "notifications", "set", "kept", "--topic", TOPIC)
    run("vault", "inventory", "full")
    shutil.copytree(home, root / "fresh")
    shutil.copytree(home, root / "unknown")
    (root / "unknown" / "data" / "catalog.db").unlink()
    _enter(root / "elsewhere")
    write(root / "three.tar", b"from another machine")
    run("--local-root", home / "data" / "local", "upload", root / "three.tar", "--vault", "full")
    home.rename(root / "stale")
    return {"upload": upload, "policy": policy, "lock": lock}


def _enter(home):
    os.environ.update(GLACIER_HOME=str(home), GLACIER_LOCAL="true")
    boto3.Session = functools.partial(Session, botocore_session=share_session())


class Attempt:
    """A run of the program in a home of its own, from one place, with one answer."""

    def __init__(self, home, words, place, answer=""):
        self._leader, follower = pty.openpty()
        self._told = home / "told"

        def work():
            os.setsid()
            fcntl.ioctl(follower, termios.TIOCSCTTY, 0)
            told = os.open(self._told, os.O_WRONLY | os.O_CREAT, 0o600)
            streams = {
                "a terminal": (follower, follower),
                "a terminal to read only": (follower, told),
                "a pipe that says yes": (_pipe(answer), told),
                "nobody": (os.open(os.devnull, os.O_RDONLY), told),
            }[place]
            for number, stream in enumerate((streams[0], streams[1], streams[1])):
                os.dup2(stream, number)
            sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
            os.environ.pop("COLUMNS", None)
            _enter(home)
            app = App(threading.Event())
            catch_signals(app.stop, words)
            code = boundary.run(lambda: cli.run(words, app), app, words)
            sys.stdout.flush()
            asked = app.__dict__.get("client")
            return code, [each.operation for each in asked.engine.log.calls()] if asked else []

        before = _rows(home)
        child = forks.Child(work)
        os.close(follower)
        try:
            self.shown = self._talk(answer) if place.startswith("a terminal") else ""
        except BaseException:
            child.kill()
            raise
        ended = child.join()
        if ended.code == Exit.SIGNAL + signal.SIGINT and ended.value is None:
            # A second ^C ends it at once, and the engine's record with it.
            assert _rows(home) == before
            ended = forks.Ended(0, (ended.code, []))
        self.code, calls = ended.require(" ".join(words))
        self.changes = set(calls) & CHANGES
        if self._told.exists():
            self.shown += self._told.read_text()
        os.close(self._leader)

    def _talk(self, answer):
        shown, answered, deadline = "", 0, time.monotonic() + 20
        again = deadline
        while True:
            assert time.monotonic() < deadline, shown
            if select.select([self._leader], [], [], 0.1)[0]:
                try:
                    shown += os.read(self._leader, 65536).decode()
                except OSError:  # the other side is closed
                    return shown
            elif answer == "\x03" and time.monotonic() > again:
                # One that came between Python's prompt and its read was not noticed.
                os.write(self._leader, b"\x03")
            if shown.count("[y/N]") + shown.count("to go on") > answered:
                # What is neither yes nor no is asked again.
                os.write(self._leader, b"\n" if answered else answer.encode())
                answered += 1
                again = time.monotonic() + 1.5


def _rows(home):
    """Return what the store holds that can be lost; jobs and inventories end by themselves."""
    held = {}
    with closing(sqlite3.connect(home / "data" / "local" / "glacier.db")) as connection:
        connection.row_factory = sqlite3.Row
        for table in ("vaults", "tags", "archives", "uploads", "accounts", "capacity"):
            rows = connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2")
            held[table] = [
                {
                    name: value
                    for name, value in dict(row).items()
                    if not name.startswith("inventory_")
                }
                for row in rows
            ]
    return held


def _pipe(text):
    reader, writer = os.pipe()
    os.write(writer, text.encode())
    os.close(writer)
    return reader


def combinations():
    for each in VERBS:
        dry = [("--dry-run",), ("--dry-run", "--yes")] if each.dry else []
        several = [each.flags] if len(each.flags) > 1 else []
        extras = [(), *((flag,) for flag in each.flags), *several]
        for home, extra, agreed in itertools.product(each.homes, extras, [(), ("--yes",), *dry]):
            for place in AWAY:
                yield each, home, (*extra, *agreed), place, "yes"
            for answer in ANSWERS if not agreed else ANSWERS[:1]:
                yield each, home, (*extra, *agreed), "a terminal", answer


def check(template, verb, home, flags, place, answer):
    """Make one attempt; fail unless it did what was agreed to, and nothing that was not."""
    root, named = template
    own = root / "home"
    shutil.rmtree(own, ignore_errors=True)
    shutil.copytree(root / home, own)
    words = [each.format(**named) for each in verb.words.split()]
    words += [word for flag in flags for word in flag.split()]
    got = Attempt(own, words, place, typed(answer, verb.agrees))

    if home == "unknown" and verb.words.startswith("archive"):
        assert (got.code, got.changes) == (Exit.NOT_FOUND, set())
        return
    said = (
        f"{' '.join(words)} | {home} | {place} | {answer} -> {got.code} {got.changes}\n{got.shown}"
    )
    if "--dry-run" in flags:
        assert got.changes == set(), said
        assert got.code == Exit.OK, said
    elif "--yes" in flags or (place == "a terminal" and answer in verb.yes):
        expected = verb.does | ({"DeleteVault"} if "--delete-vault" in flags else set())
        assert got.changes == expected, said
        assert got.code in {Exit.OK, Exit.NOT_READY}, said
    else:
        assert got.changes == set(), said
        assert got.code == (CODES[answer] if place == "a terminal" else Exit.USAGE), said
        assert place == "a terminal" or "hint: add --yes" in got.shown, said


def ways(verb):
    return [each for each in combinations() if each[0] is verb]


def test_nothing_is_deleted_or_bought_unasked(template, count):
    """Two or three ways of each command, each time others."""
    some = [
        each
        for number, verb in enumerate(VERBS)
        for each in ways(verb)[number % 7 :: len(ways(verb)) // 2]
    ]
    for each in some:
        check(template, *each)

    count({"combinations of a destructive command": len(some)})


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS, ids=lambda each: each.words)
def test_nothing_is_deleted_or_bought_unasked_in_any_way(template, verb, count):
    every = ways(verb)
    for each in every:
        check(template, *each)

    count({"combinations of a destructive command": len(every)})


def test_a_name_in_a_plan_makes_no_line_of_its_own(glacier):
    """A plan is read line by line before somebody agrees to it."""
    glacier("vault", "create", "photos")
    glacier("upload", "-", "--name", "x\nvault arn: 0 archives", "-V", "photos", input=b"x")

    said = glacier("vault", "empty", "photos", "--yes").stderr.splitlines()
    assert "  x\\x0avault arn: 0 archives" in said
