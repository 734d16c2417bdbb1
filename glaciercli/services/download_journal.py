"""What a download's journal says, so that a later run can go on where this one was stopped.

download   which archive, or which part of it, goes where
retrieval  the token of the job; before InitiateJob
job        the job's id; after it
range      a range that is proven and in the part file, with its hash
placing    all is proven, with what the file will be; before the part file gets its name
done       it has its name; kept until the user has been told
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from glaciercli.client import Client
from glaciercli.errors import Conflict
from glaciercli.transfer.journal import UNREADABLE, Journal, key_of


@dataclass
class DownloadState:
    """A journal's lines, folded."""

    job_id: str | None = None
    ranges: dict[tuple[int, int], str] = field(default_factory=dict)
    placed: tuple[int, str] | None = None
    done: bool = False

    @classmethod
    def fold(cls, lines: list[dict[str, Any]]) -> Self:
        """Return the state that the lines lead to; raises one of UNREADABLE."""
        state = cls()
        for line in lines:
            match line["kind"]:
                case "retrieval":
                    state.job_id = None
                case "job":
                    state.job_id = str(line["job_id"])
                case "range":
                    state.ranges[int(line["start"]), int(line["stop"])] = str(line["tree_hash"])
                case "placing":
                    state.placed = int(line["size"]), str(line["tree_hash"])
                case "done":
                    state.done = True
                case "download":
                    pass  # for people: what the journal is about
                case kind:
                    raise ValueError(f"{kind!r} is no line of a download")
        return state


class DownloadJournal:
    """The journal of one download, open and locked, with the state it leads to."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        try:
            self.state = DownloadState.fold(journal.lines)
        except UNREADABLE as error:
            journal.close()
            raise Conflict(
                f"journal {str(journal.path)!r} does not make sense: {error!r}",
                hint=f"rm {journal.path}, then run the same command again",
            ) from error

    @classmethod
    def open(cls, client: Client, journals: Path, vault: str, content: str, path: Path) -> Self:
        """Open the journal of `content` of a vault going to a path."""
        key = key_of(
            client.target.endpoint,
            client.target.account_id,
            client.region,
            vault,
            content,
            str(path),
        )
        return cls(Journal.open(journals / "downloads", key))

    def begin(self, content: str, path: Path) -> None:
        self._journal.restart()
        self._journal.append("download", content=content, path=str(path))
        self.state = DownloadState()

    def retrieval(self, token: str) -> None:
        self._journal.append("retrieval", token=token)
        self.state.job_id = None

    def job(self, job_id: str) -> None:
        if self.state.job_id != job_id:
            self._journal.append("job", job_id=job_id)
        self.state.job_id = job_id

    def range(self, start: int, stop: int, tree_hash: str) -> None:
        # Not durable: a later run reads the part file again, and believes what it finds there.
        self._journal.append("range", durable=False, start=start, stop=stop, tree_hash=tree_hash)

    def placing(self, size: int, tree_hash: str) -> None:
        self._journal.append("placing", size=size, tree_hash=tree_hash)
        self.state.placed = size, tree_hash

    def done(self) -> None:
        self._journal.append("done")
        self.state.done = True

    @property
    def is_empty(self) -> bool:
        return not self._journal.lines and self.state == DownloadState()

    def forget(self) -> None:
        self._journal.forget()

    def close(self) -> None:
        self._journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
