"""What a download's journal says, so that a later run can go on where this one was stopped.

download   which archive, or which part of it, goes where
retrieval  the token of the job; before InitiateJob
job        the job's id; after it
range      a range that is proven and in the part file, with its hash
placing    all is proven, with what the file will be; before the part file gets its name
done       it has its name; kept until the user has been told
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from glaciercli.clients.glacier import Client
from glaciercli.hints import quoted
from glaciercli.ranges import Span
from glaciercli.transfer.journal import Journal
from glaciercli.transfer.state import TransferJournal


@dataclass(frozen=True)
class DownloadState:
    """A journal's lines, folded."""

    content: str = ""
    path: str = ""
    job_id: str | None = None
    ranges: dict[Span, str] = field(default_factory=dict)
    placed: tuple[int, str] | None = None
    done: bool = False

    def allows(self, line: dict[str, Any]) -> bool:
        """Tell whether a line may be written now: any, once the download has begun."""
        return line["kind"] == "download" or self != DownloadState()

    def after(self, line: dict[str, Any]) -> Self:
        """Return the state after one line more; raises one of UNREADABLE."""
        match line["kind"]:
            case "download":
                return type(self)(str(line["content"]), str(line["path"]))
            case "retrieval":
                return replace(self, job_id=None)
            case "job":
                return replace(self, job_id=str(line["job_id"]))
            case "range":
                # In place: there may be 100,000, and a copy for each would be quadratic.
                self.ranges[int(line["start"]), int(line["stop"])] = str(line["tree_hash"])
                return self
            case "placing":
                return replace(self, placed=(int(line["size"]), str(line["tree_hash"])))
            case "done":
                return replace(self, done=True)
            case kind:
                raise ValueError(f"{kind!r} is no line of a download")


class DownloadJournal(TransferJournal[DownloadState]):
    """The journal of one download."""

    directory = "downloads"

    def __init__(self, journal: Journal) -> None:
        mend = f"rm {quoted(journal.path)}, then run the same command again"
        super().__init__(journal, DownloadState(), mend)

    @classmethod
    def open(cls, client: Client, journals: Path, vault: str, content: str, path: Path) -> Self:
        """Open the journal of `content` of a vault going to a path."""
        return cls(cls.locked(client, journals, vault, content, str(path)))

    def begin(self, content: str, path: Path) -> None:
        """Begin the journal of a content that goes to a path; what it held before is dropped."""
        self._journal.restart()
        self.append("download", content=content, path=str(path))

    def begin_again(self) -> None:
        """Begin the same download anew: nothing that was received before counts."""
        self.begin(self.state.content, Path(self.state.path))

    def retrieval(self, token: str) -> None:
        """Note a retrieval's token before it is asked for: a lost reply's job is found by it."""
        self.append("retrieval", token=token)

    def job(self, job_id: str) -> None:
        """Note the job whose output is waited for, unless it is known already."""
        if self.state.job_id != job_id:
            self.append("job", job_id=job_id)

    def range(self, start: int, stop: int, tree_hash: str) -> None:
        """Note that [start, stop) of the output is in the part file, with its tree hash."""
        # Not durable: a later run reads the part file again, and believes what it finds there.
        self.append("range", durable=False, start=start, stop=stop, tree_hash=tree_hash)

    def placing(self, size: int, tree_hash: str) -> None:
        """Note the whole's size and tree hash, before the part file gets its name."""
        self.append("placing", size=size, tree_hash=tree_hash)

    def done(self) -> None:
        """Note that the file has its name."""
        self.append("done")

    @property
    def is_empty(self) -> bool:
        """Whether it tells of no download: nothing was begun, or the line that said so is lost."""
        return self.state == DownloadState()
