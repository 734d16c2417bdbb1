"""Ids of jobs and uploads: long, and known by any beginning that only one of them has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from glaciercli.errors import Conflict, NotFound
from glaciercli.hints import Command
from glaciercli.models import Job, Upload

T = TypeVar("T", Job, Upload)

LENGTH = 92  # characters of a whole id


def beginning_with(beginning: str, there: Iterable[T], *, noun: str, vault: str) -> T:
    """Return what has this id, or one that begins so; raises NotFound or Conflict."""
    found = [each for each in there if each.id.startswith(beginning)]
    if not found:
        raise NotFound(
            f"no {noun} of vault {vault!r} begins with {beginning!r}",
            hint=Command(noun, "list", "--vault", vault),
        )
    found = [each for each in found if each.id == beginning] or found
    if len(found) > 1:
        raise Conflict(f"{len(found)} {noun}s begin with {beginning!r}", hint="give more of the id")
    return found[0]
