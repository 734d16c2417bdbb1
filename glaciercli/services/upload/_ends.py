"""How an upload may end that did not bring an archive."""

from __future__ import annotations

from enum import Enum

from glaciercli.errors import NotFound, NotReady


class Uncertain(NotReady):
    """The upload is gone after a completion that nobody heard of: it is stored, or had expired."""


class Expired(NotFound):
    """The upload is gone, and no completion of it was applied: nothing is stored."""


class Fate(Enum):
    """What became of an upload that was to be aborted."""

    ABORTED = "aborted"  # it was open; nothing of it is stored
    GONE = "gone"  # the service does not know it: it has expired, or was completed some time ago
    COMPLETED = "completed"  # there is nothing to abort, and the service says so
