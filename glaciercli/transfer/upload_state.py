"""What an upload's journal says, so that a later run can go on where this one was stopped.

    upload      what is sent, where to, under which token; before InitiateMultipartUpload
    single      it goes in one request instead; before UploadArchive
    opened      the upload's id; after it
    completing  the whole tree hash; before CompleteMultipartUpload
    uncertain   completion was asked for and the upload is gone: it is stored, or has expired
    reopened    completion was refused for what the upload holds, which is still open
    not_stored  nothing was stored by what was asked for so far
    done        the archive; kept until the user has been told of it
    over        the user has been told, or the upload was given up
    answered    what became of an upload before this one is known

Which parts have arrived is not in it: the service's own list says that better. A file that changes
is sent anew, under a second `upload`, though the end of the first may not be known: that question
stays in the journal until it is answered.

Which line may follow is a table, `_NEXT`. It binds what is written. What is read may lack lines
that a bad sector took, and means what the rest says.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Self

from glaciercli import system
from glaciercli.models import Archive
from glaciercli.transfer.journal import Journal
from glaciercli.transfer.source import Identity
from glaciercli.units import format_time, parse_time

_CLOCK_SKEW = timedelta(minutes=15)  # between us and the service, which allows 5 itself


@dataclass(frozen=True)
class Run:
    """The run that has begun an upload: on which machine, since which of its starts, by which file.

    A lock tells whether a run on this journal is alive. It says nothing of another machine's, which
    has a copy of the journal.
    """

    host: str
    boot: str | None  # None where the system does not name its starts
    file: str  # the journal's device and inode; a copy has others

    @classmethod
    def here(cls, journal: Journal) -> Self:
        """Return this run, by this machine, its present start and the journal's file."""
        return cls(socket.gethostname(), system.boot_id(), journal.file)

    def may_live_beside(self, other: Self) -> bool:
        """Tell whether this run may be alive while another one holds a journal of the upload."""
        if self.host != other.host:
            return True
        return self.boot == other.boot and self.file != other.file


@dataclass(frozen=True)
class Intent:
    """What one upload is to store. `identity` and `size` are None for a stream."""

    vault: str
    name: str
    path: str | None
    identity: Identity | None
    part_size: int
    token: str
    description: str
    modified: datetime
    started: datetime
    run: Run | None = None  # None in journals that are older than this member

    @property
    def size(self) -> int | None:
        """Bytes of the file; None for a stream, which has no known size."""
        return self.identity.size if self.identity else None

    @property
    def host(self) -> str:
        """The machine that has begun it."""
        return self.run.host if self.run else "an unknown machine"

    @property
    def earliest(self) -> datetime:
        """The first moment that the service may have dated it, by a clock that is not ours."""
        return self.started - _CLOCK_SKEW

    def as_json(self) -> dict[str, Any]:
        """Return what a line of the journal keeps; `from_json` reads it."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {
            **fields,
            "identity": self.identity.as_json() if self.identity else None,
            "modified": format_time(self.modified),
            "started": format_time(self.started),
            "run": asdict(self.run) if self.run else None,
        }

    @classmethod
    def from_json(cls, line: dict[str, Any]) -> Self:
        """Return the intent of a line; raises KeyError, TypeError or ValueError for any other."""
        fields = {name: line[name] for name in cls.__dataclass_fields__ if name != "run"}
        identity, run = fields["identity"], line.get("run")
        return cls(
            **{
                **fields,
                "part_size": int(fields["part_size"]),
                "identity": Identity.from_json(identity) if identity else None,
                "modified": parse_time(fields["modified"]),
                "started": parse_time(fields["started"]),
                "run": Run(**{name: run[name] for name in Run.__dataclass_fields__})
                if run
                else None,
            }
        )


class Stage(Enum):
    """How far an upload has come."""

    NOTHING = "not begun"
    BEGUN = "begun"
    SINGLE = "sent in one request"
    OPEN = "open"
    COMPLETING = "being completed"
    UNCERTAIN = "of an uncertain end"
    DONE = "done"
    OVER = "over"


#: The lines that may be written at each stage; `answered` is about another upload, and may at any.
_NEXT: Mapping[Stage, frozenset[str]] = {
    Stage.NOTHING: frozenset({"upload"}),
    Stage.BEGUN: frozenset({"upload", "single", "opened", "over"}),
    Stage.SINGLE: frozenset({"upload", "done", "over"}),
    Stage.OPEN: frozenset({"upload", "completing", "reopened", "over"}),
    Stage.COMPLETING: frozenset(
        {"upload", "uncertain", "reopened", "not_stored", "done", "over"},
    ),
    Stage.UNCERTAIN: frozenset({"upload", "reopened", "not_stored", "done", "over"}),
    Stage.DONE: frozenset({"upload", "over"}),
    Stage.OVER: frozenset({"upload"}),
}


@dataclass(frozen=True)
class UploadState:
    """A journal's lines, folded: the state of the newest upload in it."""

    intent: Intent | None = None
    single: bool = False
    upload_id: str | None = None
    account: str | None = None
    #: Of the whole, from when all of it was hashed; so is `size`.
    tree_hash: str | None = None
    size: int | None = None
    completing: datetime | None = None
    #: When the one request was sent, in journals that tell it.
    sent: datetime | None = None
    uncertain: bool = False
    done: Archive | None = None
    over: bool = False
    #: The uploads before this one that may have been stored, each as it was left.
    earlier: tuple[UploadState, ...] = ()

    @property
    def stage(self) -> Stage:
        """How far it has come, by what is known of it."""
        if self.over:
            return Stage.OVER
        if self.done is not None:
            return Stage.DONE
        if self.completing is not None:
            return Stage.UNCERTAIN if self.uncertain else Stage.COMPLETING
        if self.upload_id is not None:
            return Stage.OPEN
        if self.single:
            return Stage.SINGLE
        return Stage.NOTHING if self.intent is None else Stage.BEGUN

    @property
    def is_ending(self) -> bool:
        """Tell whether it has got as far as its completion, and nobody was told of its end."""
        return self.stage in {Stage.COMPLETING, Stage.UNCERTAIN, Stage.DONE}

    @property
    def may_be_stored(self) -> bool:
        """Tell whether it may have been stored, and nothing has told that or how."""
        return not self.over and self.done is None and (self.single or self.completing is not None)

    def allows(self, line: dict[str, Any]) -> bool:
        """Tell whether a line may be written now."""
        kind = line["kind"]
        if kind == "answered":
            return line["token"] in {each.token for each in self.earlier}
        if kind == "opened" and self.completing is not None and self.upload_id is None:
            return True  # in the place of the line that was lost
        return kind in _NEXT[self.stage]

    def after(self, line: dict[str, Any]) -> UploadState:
        """Return the state after one line more; raises one of UNREADABLE."""
        if line["kind"] == "upload":
            left = [replace(self, earlier=())] if self.may_be_stored else []
            return UploadState(intent=Intent.from_json(line), earlier=(*self.earlier, *left))
        if self.intent is None:
            raise ValueError(f"{line['kind']!r} without an upload before it")
        return replace(self, **self._told_by(line))

    def _told_by(self, line: dict[str, Any]) -> dict[str, Any]:
        """Return what a line tells of the upload, by member."""
        known: dict[str, Any]
        match line["kind"]:
            case "single":
                sent = parse_time(line["time"]) if line.get("time") else None
                known = {"single": True, "tree_hash": line.get("tree_hash"), "sent": sent}
            case "opened":
                known = {"upload_id": str(line["upload_id"]), "account": line["account"]}
            case "completing":
                known = {"tree_hash": str(line["tree_hash"]), "size": int(line["size"])}
                known |= {"completing": parse_time(line["time"]), "uncertain": False}
            case "uncertain" | "over" as kind:
                known = {kind: True}
            case "reopened":
                known = {"tree_hash": None, "completing": None, "uncertain": False}
            case "not_stored":
                known = {"completing": None, "single": False, "uncertain": False}
            case "done":
                known = {"done": Archive.from_api(line["archive"])}
            case "answered":
                token = line.get("token")
                known = {"earlier": tuple(each for each in self.earlier if each.token != token)}
            case kind:
                raise ValueError(f"{kind!r} is no line of an upload")
        return known

    @property
    def token(self) -> str | None:
        """The token of the latest intent; None in a journal that has none."""
        return self.intent.token if self.intent else None

    @property
    def asked(self) -> datetime:
        """When what may have stored it was asked for; asked of one that may be stored."""
        assert self.intent is not None
        return self.completing or self.sent or self.intent.started
