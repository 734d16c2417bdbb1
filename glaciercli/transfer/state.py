"""The journal of a transfer, and the state that its lines lead to: of uploads and of downloads."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

from glaciercli.clients.glacier import Client
from glaciercli.errors import Conflict
from glaciercli.hints import Hint
from glaciercli.transfer.journal import UNREADABLE, Journal, forget_all, key_of, path_of


class State(Protocol):
    """What is known of a transfer after some of its lines."""

    def allows(self, line: dict[str, Any]) -> bool:
        """Tell whether a line may be written now; one that is read is taken as it is."""

    def after(self, line: dict[str, Any]) -> Self:
        """Return the state after one line more; raises one of UNREADABLE."""


S = TypeVar("S", bound=State)


def folded(state: S, lines: Iterable[dict[str, Any]]) -> S:
    """Return the state that lines lead to from another one; raises one of UNREADABLE."""
    for line in lines:
        state = state.after(line)
    return state


class TransferJournal(Generic[S]):
    """The journal of one transfer, open and locked, with the state that it leads to."""

    directory: ClassVar[str]  # among the journals

    def __init__(self, journal: Journal, before: S, mend: Hint) -> None:
        """Read an open journal, where `before` is the state before its first line.

        Raises Conflict, with `mend` as the hint, when the lines are intact and make no sense.
        """
        self._journal = journal
        self._appending = threading.Lock()  # workers append, each to the state before its line
        try:
            self.state = folded(before, journal.found)
        except UNREADABLE as error:
            journal.close()
            raise Conflict(
                f"journal {str(journal.path)!r} does not make sense: {error!r}",
                hint=mend,
            ) from error

    @classmethod
    def locked(cls, client: Client, journals: Path, vault: str, *what: str) -> Journal:
        """Open the file of a transfer, known by all that makes it another one."""
        directory = journals / cls.directory
        return Journal.open(directory, _key(directory, client, vault, *what))

    @classmethod
    def is_there(cls, client: Client, journals: Path, vault: str, *what: str) -> bool:
        """Tell whether a transfer has a journal, without the cost of opening it."""
        directory = journals / cls.directory
        return path_of(directory, _key(directory, client, vault, *what)).exists()

    def append(self, kind: str, *, durable: bool = True, **fields: Any) -> None:
        """Add a line (see `Journal.append`); the state is the one after it.

        Raises RuntimeError, and writes nothing, for a line that may not follow: that is a mistake
        in this program.
        """
        line = {"kind": kind, **fields}
        with self._appending:
            if not self.state.allows(line):
                raise RuntimeError(f"journal {str(self._journal.path)!r}: no {kind!r} may come now")
            self._journal.append(kind, durable=durable, **fields)
            self.state = self.state.after(line)

    def forget(self) -> None:
        """Remove the journal, and close it."""
        self._journal.forget()

    @classmethod
    def forget_together(cls, journals: Iterable[Self]) -> None:
        """Remove journals, and close them; see `journal.forget_all`."""
        forget_all(each._journal for each in journals)  # noqa: SLF001 - of the same class

    def close(self) -> None:
        """Close the file and let go of its lock; what is in it stays."""
        self._journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _key(directory: Path, client: Client, vault: str, *what: str) -> str:
    """Return the key of a transfer: that of a journal which is there under a former spelling.

    Journals are read for ever, and earlier versions made their keys of the URL as it was given.
    """

    def keyed(endpoint: str) -> str:
        return key_of(endpoint, client.target.account_id, client.region, vault, *what)

    key = keyed(client.endpoint)
    if path_of(directory, key).exists():
        return key
    former = (keyed(each) for each in client.former_endpoints)
    return next((each for each in former if path_of(directory, each).exists()), key)
