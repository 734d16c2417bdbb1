"""Every file of ours, exchanged for what somebody else has put there or what a disk has made of it.

The command that needs the file ends soon, with an exit code of ours and one line; whatever a link
led to is untouched, nothing that others can see was made, and what was in the file is still there.
"""

import hashlib
import json
import os
import shutil
import signal
import socket
import stat
import tempfile
import time
import zlib
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from disks import memory_directory
from helpers import payload, run, write

from glaciercli.cli.root import cli
from glaciercli.errors import EXIT_MEANINGS, Exit
from glaciercli.units import MIB

_SOON = 3.0  # seconds; hanging is the failure that this is for
_SHARES = 4  # of the attacks: each kind of file meets one share by default, and each its own
_VICTIM = b"a file of somebody's\n" * 20
_NOBODY = 65534


class Home:
    """A home in which every kind of file is there, and is put back before each attack."""

    def __init__(self, root):
        self.live = root / "live"
        self.home = self.live / "home"
        self.victim = root / "victim"
        self._kept = root / "kept"
        self.big = write(root / "big.tar", payload(2 * MIB + 5, seed=3))
        self.again = write(root / "again.tar", payload(MIB, seed=4))
        self.out = self.live / "out"
        self.out.mkdir(parents=True)

    def build(self):
        run("vault", "create", "photos")
        run("upload", self.big, "-V", "photos", "--part-size", "1MiB")
        run("catalog", "list")
        (self.home / "config").mkdir()
        write(self.home / "config" / "config.toml", b'vault = "photos"\n')
        refusal = ("status", "code=AccessDeniedException", "--status", "403", "--times", "99")
        run("local", "fault", "add", "GetJobOutput", *refusal)
        run("local", "fault", "add", "CompleteMultipartUpload", *refusal)
        run("archive", "download", "big.tar", self.out / "got", "-V", "photos", exit=4)
        run("upload", self.again, "-V", "photos", exit=4)
        job = run("job", "start", "inventory", "-V", "photos", "--output", "json").json["JobId"]
        run("local", "fault", "clear")
        document = run("job", "output", job, "-", "-V", "photos").raw
        name = hashlib.sha256(job.encode()).hexdigest()[:32]
        write(self.home / "data" / "inventories" / f"{name}.json", document)
        for each in self.home.rglob("*"):
            each.chmod(0o700 if each.is_dir() else 0o600)
        shutil.copytree(self.live, self._kept)

    def reset(self):
        shutil.rmtree(self.live)
        shutil.copytree(self._kept, self.live)
        self.victim.unlink(missing_ok=True)
        self.victim.write_bytes(_VICTIM)
        self.victim.with_name("made").unlink(missing_ok=True)
        self.victim.with_name("made").unlink(missing_ok=True)

    def path(self, kind):
        """Return where the file of a kind is, or would be."""
        pattern = KINDS[kind][0]
        return next(self.live.glob(pattern), self.live / pattern)

    def holds(self, content):
        """Tell whether some file has a content, under whatever name."""
        files = (each for each in self.live.rglob("*") if each.is_file() and not each.is_symlink())
        return any(each.stat().st_size >= len(content) and _has(each, content) for each in files)


def _has(path, content):
    with path.open("rb") as file:
        return file.read(len(content)) == content


@pytest.fixture(scope="module")
def house():
    root = Path(tempfile.mkdtemp(prefix="glacier-", dir=memory_directory()))
    home = Home(root)
    with pytest.MonkeyPatch.context() as patch:
        _enter(patch, home)
        home.build()
    yield home
    shutil.rmtree(root)


def _enter(patch, home):
    patch.setenv("GLACIER_HOME", str(home.home))
    patch.setenv("GLACIER_LOCAL", "true")


# kind: where the file is, and a command that needs it
KINDS = {
    "config": ("home/config/config.toml", "config show"),
    "catalog": ("home/data/catalog.db", "catalog list"),
    "catalog's lock": ("home/data/catalog.db.lock", "catalog list"),
    "catalog's log": ("home/data/catalog.db-wal", "catalog list"),
    "upload's journal": ("home/state/journals/uploads/*.journal", "upload {again} -V photos"),
    "journals listed": ("home/state/journals/uploads/*.journal", "upload list -V photos"),
    "download's journal": (
        "home/state/journals/downloads/*.journal",
        "archive download big.tar {live}/out/got -V photos",
    ),
    "part file": ("out/got.*.part", "archive download big.tar {live}/out/got -V photos"),
    "inventory": ("home/data/inventories/*.json", "vault inventory photos"),
    "store": ("home/data/local/*.db", "vault list"),
}


# --- attacks: each puts something in the place of a file


class Unable(Exception):
    """Only root can do this."""


def _linked(path, house):
    path.symlink_to(house.victim)


def _dangling(path, house):
    path.symlink_to(house.victim.with_name("made"))


def _hard_linked(path, house):
    os.link(house.victim, path)


def _pipe(path, _):
    os.mkfifo(path)


def _directory(path, _):
    path.mkdir()
    write(path / "in it", b"x")


def _device(path, _):
    try:
        os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5))  # zeros without an end
    except PermissionError:
        raise Unable from None


def _socket(path, _):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))  # the whole path may be too long for one


def _of_another(path, _):
    if os.geteuid() != 0:
        raise Unable
    os.chown(path, _NOBODY, _NOBODY)


def _writable_by_a_group(path, _):
    if os.geteuid() != 0:
        raise Unable
    os.chown(path, -1, _NOBODY)
    path.chmod(0o660)


def _writable_by_all(path, _):
    path.chmod(0o666)


def _content(data):
    return lambda path, _: path.write_bytes(data)


def _sparse(path, _):
    path.write_bytes(b"")
    os.truncate(path, 1 << 30)


def _cut(path, _):
    os.truncate(path, path.stat().st_size // 2)


def _flipped(path, _):
    data = bytearray(path.read_bytes())
    for at in range(0, len(data), 97):
        data[at] ^= 0x40
    path.write_bytes(data)


def _newer(path, _):
    data = path.read_bytes()
    if data.startswith(b"SQLite"):
        data = data[:60] + (9999).to_bytes(4, "big") + data[64:]  # user_version
    else:
        line = b'{"v":9999,"kind":"upload","what":["is","this"]}'
        data = b"%08x %s\n" % (zlib.crc32(line), line)
    path.write_bytes(data)


def _journal_of(*values):
    """Lines with right checksums, about something that is none of ours."""
    lines = [json.dumps(each).encode() for each in values]
    return _content(b"".join(b"%08x %s\n" % (zlib.crc32(each), each) for each in lines))


_UPLOAD = {"v": 1, "kind": "upload"}
_REPLACED = {  # the place is taken by something else
    "link": _linked,
    "dangling link": _dangling,
    "hard link": _hard_linked,
    "pipe": _pipe,
    "directory": _directory,
    "device": _device,
    "socket": _socket,
}
_CHANGED = {  # the file is there, but not as it was
    "of another user": _of_another,
    "writable by a group": _writable_by_a_group,
    "writable by all": _writable_by_all,
    "empty": _content(b""),
    "sparse": _sparse,
    "NULs": _content(b"\0" * 5000),
    "noise": _content(payload(5000, seed=9)),
    "not UTF-8": _content(b'vault = "\xff\xfe"\n{"v": "\xff"}\n'),
    "poison": _content(b'\x1b[2J = "\x1b]0;x\x07"\n\xe2\x80\xae\n'),
    "deep": _content(b"x = " + b"[" * 100_000 + b"]" * 100_000),
    "deep JSON": _content(b'{"a":' * 100_000),
    "cut": _cut,
    "flipped": _flipped,
    "newer": _newer,
    "no kind": _journal_of({"v": 1}),
    "odd kind": _journal_of({"v": 1, "kind": ["x"]}),
    "odd version": _journal_of({"v": "1", "kind": "upload"}, {"v": None}, {"v": True}),
    "empty intent": _journal_of(_UPLOAD),
    "half a story": _journal_of(
        {"v": 1, "kind": "opened", "upload_id": "x", "account": "y"},
        {"v": 1, "kind": "completing", "tree_hash": 5, "size": "many", "time": "now"},
        {"v": 1, "kind": "done", "archive": {"archiveId": 5}},
        {"v": 1, "kind": "job", "job_id": ["x"]},
        {"v": 1, "kind": "range", "start": -5, "stop": 2**70, "tree_hash": "../x"},
        {"v": 1, "kind": "placing", "size": -1, "tree_hash": None},
    ),
    "lines of all types": _journal_of(None, 5, "x", [], {}),
}
#: What a file holds that is made anew from the service at no cost, so that it may go.
_CACHES = {"inventory", "part file", "catalog's lock", "catalog's log"}


@pytest.mark.parametrize(
    "first", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, _SHARES))]
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_not_ours_ends_in_an_error_of_ours(house, kind, first, monkeypatch, count):
    _enter(monkeypatch, house)
    monkeypatch.chdir(house.victim.parent)
    findings = []
    tried = 0
    share = slice((first + list(KINDS).index(kind)) % _SHARES, None, _SHARES)
    for name, attack in [*_REPLACED.items(), *_CHANGED.items()][share]:
        house.reset()
        path = house.path(kind)
        if name in _REPLACED:
            path.unlink(missing_ok=True)
        elif not path.exists():
            write(path, b"")
            path.chmod(0o600)
        try:
            attack(path, house)
        except Unable:
            continue
        tried += 1
        content = path.read_bytes()[:5000] if path.is_file() and name in _CHANGED else b""
        found = list(_problems(house, kind, name, content))
        findings += [f"{kind}, {name}: {each}" for each in found]
    count({"files that were not ours": tried})

    assert findings == [], chr(10).join(findings)


def _problems(house, kind, name, content):
    words = KINDS[kind][1].format(live=house.live, again=house.again).split()
    started = time.monotonic()
    try:
        with _limited(_SOON):
            got = CliRunner().invoke(cli, words)
    except _Hung:
        yield f"hung for {_SOON} s"
        return
    if time.monotonic() - started > _SOON:
        yield f"took {time.monotonic() - started:.1f} s"
    if got.exit_code not in EXIT_MEANINGS or got.exit_code == Exit.UNEXPECTED:
        yield f"exit {got.exit_code}: {got.stderr or repr(got.exception)}"
    if sum(line.startswith("error: ") for line in got.stderr.splitlines()) != bool(got.exit_code):
        yield f"exit {got.exit_code} with {got.stderr!r}"
    if any(not each.isprintable() and each != "\n" for each in got.stderr):
        yield f"acts on a terminal: {got.stderr!r}"
    if house.victim.read_bytes() != _VICTIM or house.victim.with_name("made").exists():
        yield "wrote through a link"
    if name in _DISTRUSTED and kind not in _DROPPED and got.exit_code == 0:
        yield "was believed"
    # Of a line that was cut nothing is kept: nobody has relied on it.
    is_torn = name == "cut" and "journal" in kind
    if kind not in _CACHES and not is_torn and not house.holds(content):
        yield "was lost"


#: Left out of a listing without a word, or fetched anew.
_DROPPED = {"journals listed", "part file", "inventory"}
_DISTRUSTED = {"link", "hard link", "of another user", "writable by a group", "writable by all"}


class _Hung(BaseException):
    """Nothing of ours catches it."""


@contextmanager
def _limited(seconds):
    def stop(*_):
        raise _Hung

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)  # again: a finally may wait too
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
