"""What an upload's journal says, so that a later run can go on where this one was stopped.

    upload      what is sent, where to, under which token; before InitiateMultipartUpload
    single      it goes in one request instead; before UploadArchive
    opened      the upload's id; after it
    completing  the whole tree hash; before CompleteMultipartUpload
    uncertain   completion was asked for and the upload is gone: it is stored, or has expired
    reopened    completion was refused for what the upload holds, which is still open
    done        the archive; kept until the user has been told of it

Which parts have arrived is not in it: the service's own list says that better.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from glaciercli.clients.glacier import Client
from glaciercli.hints import Command, quoted
from glaciercli.models import Archive
from glaciercli.transfer.journal import UNREADABLE, Journal, iter_journals
from glaciercli.transfer.source import Identity
from glaciercli.transfer.state import TransferJournal, folded
from glaciercli.units import format_time, parse_time

_CLOCK_SKEW = timedelta(minutes=15)  # between us and the service, which allows 5 itself


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

    @property
    def size(self) -> int | None:
        return self.identity.size if self.identity else None

    @property
    def earliest(self) -> datetime:
        """The first moment that the service may have dated it, by a clock that is not ours."""
        return self.started - _CLOCK_SKEW

    def as_json(self) -> dict[str, Any]:
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {
            **fields,
            "identity": self.identity.as_json() if self.identity else None,
            "modified": format_time(self.modified),
            "started": format_time(self.started),
        }

    @classmethod
    def from_json(cls, line: dict[str, Any]) -> Self:
        fields = {name: line[name] for name in cls.__dataclass_fields__}
        identity = fields["identity"]
        return cls(
            **{
                **fields,
                "part_size": int(fields["part_size"]),
                "identity": Identity.from_json(identity) if identity else None,
                "modified": parse_time(fields["modified"]),
                "started": parse_time(fields["started"]),
            }
        )


@dataclass
class UploadState:
    """A journal's lines, folded: the state of the newest upload in it."""

    intent: Intent | None = None
    single: bool = False
    upload_id: str | None = None
    account: str | None = None
    tree_hash: str | None = None
    size: int | None = None
    completing: datetime | None = None
    uncertain: bool = False
    done: Archive | None = None

    @property
    def is_ending(self) -> bool:
        """Tell whether it has got as far as its completion."""
        return self.completing is not None or self.done is not None

    def after(self, line: dict[str, Any]) -> Self:
        """Return the state after one line more; raises one of UNREADABLE."""
        match line["kind"]:
            case "upload":
                return type(self)(intent=Intent.from_json(line))
            case "single":
                self.single = True
            case "opened":
                self.upload_id, self.account = str(line["upload_id"]), line["account"]
            case "completing":
                self.tree_hash, self.size = str(line["tree_hash"]), int(line["size"])
                self.completing = parse_time(line["time"])
            case "uncertain":
                self.uncertain = True
            case "reopened":
                self.tree_hash = self.completing = None
            case "done":
                self.done = Archive.from_api(line["archive"])
            case kind:
                raise ValueError(f"{kind!r} is no line of an upload")
        return self


class UploadJournal(TransferJournal[UploadState]):
    """The journal of one upload."""

    directory = "uploads"

    def __init__(self, journal: Journal) -> None:
        remove = f"; then rm {quoted(journal.path)}"
        mend = ("see open uploads with: ", Command("upload", "list"), remove)
        super().__init__(journal, UploadState(), mend)

    @classmethod
    def open(cls, client: Client, journals: Path, vault: str, what: str) -> Self:
        """Open the journal of `what` (a path, or a stream's token) going to a vault."""
        return cls(cls.locked(client, journals, vault, what))

    @property
    def intent(self) -> Intent:
        """What the upload in it is to store; not asked of a journal that was just made."""
        assert self.state.intent is not None
        return self.state.intent

    def begin(self, intent: Intent) -> None:
        self._journal.restart()
        self.append("upload", **intent.as_json())

    def single(self) -> None:
        self.append("single")

    def opened(self, upload_id: str, account: str | None) -> None:
        self.append("opened", upload_id=upload_id, account=account)

    def completing(self, tree_hash: str, size: int, now: datetime) -> None:
        self.append("completing", tree_hash=tree_hash, size=size, time=format_time(now))

    def reopened(self) -> None:
        self.append("reopened")

    def uncertain(self) -> None:
        if not self.state.uncertain:
            self.append("uncertain")

    def done(self, archive: Archive) -> None:
        self.append("done", archive=archive.as_json())


def known(journals: Path) -> Iterator[UploadState]:
    """Yield the state of every upload that this machine has begun and not finished."""
    for _, lines in iter_journals(journals / UploadJournal.directory):
        try:
            state = folded(UploadState(), lines)
        except UNREADABLE:
            continue  # the run that owns it says what is wrong; a listing goes on
        if state.intent is not None:
            yield state
