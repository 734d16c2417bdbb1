"""Which archive a person means: a name, `name@date`, an id, `id:PREFIX`, or the start of an id."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from glaciercli.catalog.states import PRESENT
from glaciercli.errors import Conflict, NotFound
from glaciercli.models import Archive
from glaciercli.units import format_time_seconds

#: Returns the archives for an SQL condition with its values, newest first.
Select = Callable[..., list[Archive]]

_BY_ALIAS = "id IN (SELECT id FROM aliases WHERE aliases.vault = archives.vault AND name = ?)"
_SHOWN = 5  # candidates that an error names
_SHORTEST_PREFIX = 4  # characters; shorter ones are names that were mistyped


def find(reference: str, select: Select, vault: str | None) -> Archive:
    """Return the one archive that is meant; see `Catalog.find`.

    A name wins over `name@date`, that over an id's start. Archives known to be deleted or gone are
    found by their whole id only, so that they can be looked at.
    """
    prefix = reference.removeprefix("id:")
    is_marked = prefix != reference
    if exact := select("id = ?", prefix):
        return exact[0]
    # The command line marks each word with a leading dash, which may be a name all the same.
    if not is_marked or prefix.startswith("-"):
        for look in (_named, _dated):
            if named := look(prefix, select):
                return _only(reference, named)
    found: list[Archive] = []
    if len(prefix) >= _SHORTEST_PREFIX or is_marked:
        found = select("id >= ? AND id < ?", prefix, prefix + "\x7f")
    there = _present(found)
    if there:
        return _only(reference, there)
    raise _not_found(reference, vault, found or select("name = ?", reference))


def _named(reference: str, select: Select) -> list[Archive]:
    return _present(select("name = ?", reference)) or _present(select(_BY_ALIAS, reference))


def _dated(reference: str, select: Select) -> list[Archive]:
    """Return the archives of `name@date`, where the date is the start of the creation time."""
    name, at, date = reference.rpartition("@")
    if not at:
        return []
    there = _named(name, select)
    return [each for each in there if _version(each).startswith(date.upper())]


def _present(archives: Iterable[Archive]) -> list[Archive]:
    return [each for each in archives if each.status in PRESENT]


def _version(archive: Archive) -> str:
    return "" if archive.created is None else format_time_seconds(archive.created)


def _only(reference: str, archives: list[Archive]) -> Archive:
    if len(archives) == 1:
        return archives[0]
    shown = [f"{each.name or ''}@{_version(each)} id:{each.id[:12]}" for each in archives]
    vaults = {each.vault for each in archives}
    more = f", and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    raise Conflict(
        f"{reference!r} may be {len(archives)} archives: {', '.join(shown[:_SHOWN])}{more}",
        hint="say which: NAME@DATE, id:PREFIX"
        + (f", or --vault ({', '.join(sorted(vaults))})" if len(vaults) > 1 else ""),
    )


def _not_found(reference: str, vault: str | None, lost: list[Archive]) -> NotFound:
    where = f"vault {vault!r}" if vault else "any vault that the catalog knows"
    if lost:
        return NotFound(
            f"archive {reference!r} of vault {lost[0].vault!r} is {lost[0].status}",
            hint="glacier catalog list --state deleted --state gone",
        )
    return NotFound(
        f"no archive {reference!r} in {where}",
        hint=f"glacier archive list --vault {vault}" if vault else "glacier catalog list",
    )
