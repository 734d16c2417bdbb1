"""What another tool's file tells: archives, deletions and further names, each checked.

Files come from anywhere. Nothing of theirs is taken that the service cannot have told their tool:
an id that is a command, a size beyond the greatest archive, a date before the service was opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

from glaciercli import limits
from glaciercli.errors import UsageError
from glaciercli.models import Archive, Scope

UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)  # the date of what a tool does not date


class Deleted(NamedTuple):
    """A deletion that another tool has recorded."""

    vault: str
    id: str
    when: datetime


class Alias(NamedTuple):
    """A further name of an archive."""

    vault: str
    name: str
    id: str


Event = Archive | Deleted | Alias
E = TypeVar("E", Archive, Deleted, Alias)


@dataclass(frozen=True)
class Source:
    """A file, and where its archives are as far as it does not say so itself."""

    path: Path
    scope: Scope
    vault: str | None

    @property
    def the_vault(self) -> str:
        """The vault that the user has named; raises UsageError where none is, or it is no name."""
        if self.vault is None:
            raise UsageError(f"{str(self.path)!r} does not name its vault", hint="add --vault NAME")
        if not limits.is_vault_name(self.vault):
            raise UsageError(f"{self.vault!r} is not a vault's name")
        return self.vault


def sound(event: E) -> E:
    """Return an event whose fields the service can have told; raises ValueError for any other."""
    if not limits.is_id(event.id):
        raise ValueError(f"{event.id!r} is no archive's id")
    if not limits.is_vault_name(event.vault):
        raise ValueError(f"{event.vault!r} is no vault's name")
    if isinstance(event, Archive):
        if event.size is not None and not limits.is_archive_size(event.size):
            raise ValueError(f"{event.size} bytes is no archive's size")
        if event.tree_hash is not None and not limits.is_tree_hash(event.tree_hash):
            raise ValueError(f"{event.tree_hash!r} is no tree hash")
        _require_time(event.created)
        _require_time(event.deleted)
    elif isinstance(event, Deleted):
        _require_time(event.when)
    return event


def _require_time(moment: datetime | None) -> None:
    if moment is not None and moment != UNKNOWN and not limits.is_time(moment):
        raise ValueError(f"{moment.isoformat()} is no time of the service's")
