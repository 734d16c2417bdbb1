"""What an upload would send and cost, and many uploads in one run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from glaciercli.errors import UsageError
from glaciercli.models import Archive, UploadPlan
from glaciercli.tasks.outcome import Outcome
from glaciercli.transfer import parts
from glaciercli.transfer.source import Source
from glaciercli.units import counted


def plan(path: Path, vault: str, part_size: int | None, *, single: bool = False) -> UploadPlan:
    """Return the parts and the requests that a file takes, having sent nothing.

    `part_size` is in bytes; None is the default for the file's size. Raises Refused for a file that
    cannot be stored so, UsageError for stdin, whose size is not known.
    """
    if str(path) == "-":
        raise UsageError("the size of stdin is not known before it is read")
    size = Source.open(path, vault).size
    if single:
        parts.check_single(size)
        return UploadPlan(str(path), size, part_size=size, parts=1, requests=1)
    layout = parts.plan(size, part_size)
    # One request to begin, one to complete.
    return UploadPlan(str(path), layout.size, layout.part_size, layout.count, layout.count + 2)


def send_all(paths: Sequence[Path], send: Callable[[Path], Archive]) -> Iterator[Archive]:
    """Yield the archive of each file that `send` stores, and raise in the end for the others.

    A failure that the next file would meet as well ends the run (see `Outcome`).
    """
    outcome = Outcome()
    for path in paths:
        with outcome.item(str(path)):
            yield send(path)
    outcome.finish(
        f"{counted(len(outcome.done), 'file')} uploaded",
        hint="run the same command again; what has been uploaded is not sent again",
    )
