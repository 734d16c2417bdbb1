"""Lies in replies: any member of any reply absent, wrong, or what another reply said there.

A lie is told in bytes that are otherwise right: of the right form, of the right length. What is
told is noted, since a lie that was never told proves nothing.
"""

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta

from glaciercli.local import wire
from glaciercli.treehash import tree_hash
from glaciercli.units import format_time_seconds, parse_time

ABSENT = object()
_EVIL = bytes(each ^ 0x55 for each in range(256))
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_ACCOUNT = re.compile(r"(?<=[:/])(111111111111|222222222222)(?=[:/])")
_OTHER_ACCOUNT = {"111111111111": "222222222222", "222222222222": "111111111111"}
_RANGE = re.compile(r"(\d+-)?(\d+)")


@dataclass(frozen=True)
class Told:
    """A lie that was told: in whose vault, by which operation, about which member."""

    place: object
    vault: str | None
    operation: str
    member: str
    manner: str


@dataclass(frozen=True)
class Spoil:
    """A lie about one member of one reply; a lasting one is told again by all that follow.

    `reply` counts the command's replies and `member` that reply's members. The manners are
    `absent`, `wrong` and `other`: what another archive, vault or account has there.
    """

    reply: int
    member: int
    manner: str
    lasting: bool = False


@dataclass(frozen=True)
class Impostor:
    """A service that hands out other bytes than those stored, each range with its hash.

    Its jobs are `honest`, or tell these bytes' hash as theirs; what such a job says of the whole
    archive's hash is `true`, `absent` or as `wrong`.
    """

    jobs: str


class Liar:
    """Tells the lies that are asked for; called with each Exchange of the tool."""

    def __init__(self, truth):
        self._truth = truth
        self._seen = defaultdict(list)  # the values that passed by, by member
        self.once = None
        self.lasting = []  # (operation, member's path, manner)
        self.impostor = None
        self.told = []

    def heal(self):
        self.once = self.impostor = None
        self.lasting.clear()

    def __call__(self, exchange):
        response = exchange.response
        if response.status >= 400:
            return
        reply = _Reply(exchange)
        for path in reply.paths():
            self._note(path, reply.get(path))
        if self.impostor is not None:
            self._pose(exchange, reply)
        spoil = self.once
        paths = reply.paths()
        if spoil is not None and exchange.number == spoil.reply and paths:
            path = paths[spoil.member % len(paths)]
            self._lie(exchange, reply, path, spoil.manner)
            if spoil.lasting:
                self.lasting.append((exchange.operation, path, spoil.manner))
        else:
            for operation, path, manner in self.lasting:
                if operation == exchange.operation and path in reply.paths():
                    self._lie(exchange, reply, path, manner)
        reply.write()

    def _note(self, path, value):
        seen = self._seen[path[-1]]
        if isinstance(value, str | int | bool) and value not in seen:
            seen.append(value)

    def _lie(self, exchange, reply, path, manner):
        right = reply.get(path)
        value = ABSENT
        if manner == "other":
            others = [each for each in self._seen[path[-1]] if each != right]
            value = others[-1] if others else wrong(right)
        elif manner == "wrong":
            value = wrong(right)
        if value is not ABSENT and value == right:
            return  # nothing of this form is any different
        reply.set(path, value)
        self._tell(exchange, ".".join(str(each) for each in path), manner)

    def _tell(self, exchange, member, manner):
        vault = exchange.params.get("vaultName")
        self.told.append(Told(exchange.place, vault, exchange.operation, member, manner))

    def _pose(self, exchange, reply):
        """Answer for an archive's retrieval as one who holds other bytes."""
        jobs = {"DescribeJob": [reply.document], "ListJobs": (reply.document or {}).get("JobList")}
        for job in jobs.get(exchange.operation) or ():
            if job.get("Action") == "ArchiveRetrieval" and self.impostor.jobs != "honest":
                self._pose_in_job(exchange, job)
        if exchange.operation == "GetJobOutput" and reply.inventory is None and reply.output:
            reply.output = reply.output.translate(_EVIL)
            if "x-amz-sha256-tree-hash" in reply.headers:
                reply.headers["x-amz-sha256-tree-hash"] = tree_hash(reply.output)
            self._tell(exchange, "body", self.impostor.jobs)

    def _pose_in_job(self, exchange, job):
        first, last = map(int, job["RetrievalByteRange"].split("-"))
        whole = self._truth.content(exchange.place, job["ArchiveId"]).translate(_EVIL)
        if job.get("SHA256TreeHash"):
            job["SHA256TreeHash"] = tree_hash(whole[first : last + 1])
        if self.impostor.jobs == "absent":
            job["ArchiveSHA256TreeHash"] = None
        elif self.impostor.jobs == "wrong":
            job["ArchiveSHA256TreeHash"] = tree_hash(whole)
        self._tell(exchange, "SHA256TreeHash", self.impostor.jobs)


class _Reply:
    """A reply taken apart: headers that are members, a document, an inventory, or bytes."""

    def __init__(self, exchange):
        response = exchange.response
        self._response = response
        self.headers = response.headers
        self.document = self.inventory = self.output = None
        body = response.body
        if isinstance(body, wire.FileWindow):
            with body:
                body = body.read()
        self._length = len(body)
        if exchange.operation != "GetJobOutput":
            self.document = json.loads(body) if body else None
        else:
            self.output = body
            # Read in ranges, it is no document; those of these worlds come in one.
            if body.startswith(b'{"VaultARN"') and body.endswith(b"]}"):
                self.inventory = json.loads(body)
        shape = wire.model().operation_model(exchange.operation).output_shape
        members = shape.members.values() if shape is not None else ()
        self._names = {each.serialization.get("name") for each in members}

    def paths(self):
        """Return where its members are; what a lie has taken away has none."""
        found = [("header", name) for name in self.headers if name in self._names]
        for where in ("document", "inventory"):
            found += _nodes(getattr(self, where), (where,))
        return found

    def get(self, path):
        holder, key = self._holder(path)
        return holder[key]

    def set(self, path, value):
        holder, key = self._holder(path)
        if value is ABSENT:
            del holder[key]
        else:
            holder[key] = str(value) if path[0] == "header" else value

    def _holder(self, path):
        holder = self.headers if path[0] == "header" else getattr(self, path[0])
        for key in path[1:-1]:
            holder = holder[key]
        return holder, path[-1]

    def write(self):
        """Put it together; an inventory keeps its length, which its job has told."""
        if self.document is not None:
            self._response.body = wire.dump(self.document)
            self.headers["Content-Length"] = str(len(self._response.body))
        elif self.inventory is not None:
            self._response.body = wire.dump(self.inventory).ljust(self._length)
        elif self.output is not None:
            self._response.body = self.output


def _nodes(value, path):
    """Return the paths of all members below; of a list those of its first two items."""
    items = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        items = list(enumerate(value))[:2]
    found = []
    for key, each in items:
        if each is not None:
            found += [(*path, key), *_nodes(each, (*path, key))]
    return found


def wrong(value):
    """Return a value of the same form that is not so."""
    if isinstance(value, str):
        return _wrong_text(value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return 0 if value else 1
    return type(value)()  # an empty list, an object without members


_WORDS = {"Succeeded": "Failed", "InProgress": "Succeeded", "Failed": "Succeeded"}


def _wrong_text(text):
    if text in _WORDS:
        return _WORDS[text]
    if _DATE.fullmatch(text):
        return format_time_seconds(parse_time(text) - timedelta(days=30))
    if account := _ACCOUNT.search(text):
        return text.replace(account[1], _OTHER_ACCOUNT[account[1]])
    if numbers := _RANGE.fullmatch(text):
        return f"{numbers[1] or ''}{int(numbers[2]) + 1}"
    return text[::-1]  # ids and hashes are of the same form backwards
