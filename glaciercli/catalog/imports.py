"""The catalog from files and into one: what other tools have written, and our own export.

What the files say is read by `readers`, and by `inventories` where it is an inventory.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import TextIO

from glaciercli.catalog import lives
from glaciercli.catalog._events import Alias, Deleted, Event, Source
from glaciercli.catalog.filters import Filter
from glaciercli.catalog.inventories import Document
from glaciercli.catalog.merging import merge
from glaciercli.catalog.readers import READERS, TOOLS, detect
from glaciercli.catalog.states import STATES, deletion_of
from glaciercli.catalog.store import Catalog
from glaciercli.errors import IntegrityError, Refused, UsageError
from glaciercli.models import Archive, Imported, Scope

_VAULT = re.compile(r"arn:aws[a-z-]*:glacier:([a-z0-9-]+):(\d+):vaults/([\w.-]+)", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def import_file(
    catalog: Catalog,
    scope: Scope,
    path: Path,
    *,
    vault: str | None = None,
    tool: str | None = None,
    now: datetime | None = None,
) -> Imported:
    """Read a file into the catalog; return what it was and what it held.

    A file proves that something was there, or was deleted, and never that anything is not there:
    what it lacks may have been left out. `now` is the service's time, after which nothing is dated.

    What it says of one account and region is taken as a whole or, after an error, not at all.
    `vault` is needed where the file does not name it, else only that vault's archives are taken.
    Without `tool` the file's beginning tells. Raises Refused for a file that is none of these,
    IntegrityError naming the line that makes no sense, UsageError for a tool that is not known.
    """
    tool = tool or detect(path)
    if tool not in TOOLS:
        raise UsageError(f"unknown tool {tool!r}", hint=f"one of {', '.join(TOOLS)}")
    source = Source(path, scope, vault)
    now = now or datetime.now(UTC)
    if tool == "inventory":
        return _merge_document(catalog, source, now)
    groups = groupby(READERS[tool](source), key=lambda pair: pair[0])
    archives = new = deletions = 0
    for where, pairs in groups:
        events = (event for _, event in pairs)
        # What another catalog took from an inventory, this one has not made either.
        counts = _Group(vault, now).record(catalog, where, events, ours=tool != "export")
        archives, new, deletions = archives + counts[0], new + counts[1], deletions + counts[2]
    return Imported(str(path), tool, archives, new, deletions)


class _Group:
    """What a file tells of one account and region, on its way into the catalog."""

    def __init__(self, vault: str | None, now: datetime) -> None:
        self._vault, self._now = vault, now
        self._archives = 0
        self._others: list[Deleted | Alias] = []
        #: Since when each vault is gone; None where it holds an archive that is there.
        self._ends: dict[str, datetime | None] = {}

    def record(
        self, catalog: Catalog, scope: Scope, events: Iterable[Event], *, ours: bool
    ) -> tuple[int, int, int]:
        """Record it all, or nothing; return how many archives, new ones and deletions it told."""
        deletions = 0
        with catalog.database.write():
            new = catalog.created_all(scope, self._taken(events), ours=ours)
            for name, group in groupby(self._others, key=lambda each: each.vault):
                told = list(group)
                stones = [(each.id, each.when) for each in told if isinstance(each, Deleted)]
                # A date that is still to come would outlast every inventory.
                catalog.deletions(
                    scope, name, ((ident, min(at, self._now)) for ident, at in stones)
                )
                catalog.add_aliases(
                    scope, name, ((each.name, each.id) for each in told if isinstance(each, Alias))
                )
                deletions += len(stones)
            for name, when in self._ends.items():
                if when is not None:
                    lives.gone_elsewhere(catalog, scope, name, min(when, self._now))
        return self._archives, new, deletions

    def _taken(self, events: Iterable[Event]) -> Iterator[Archive]:
        for event in events:
            if self._vault is not None and event.vault != self._vault:
                continue
            if isinstance(event, Archive):
                self._archives += 1
                self._note_end(event)
                created = event.created and min(event.created, self._now)
                # Whatever it says of itself; and no inventory could miss what is still to come.
                yield replace(event, created=created, hash_from="import")
            else:
                self._others.append(event)

    def _note_end(self, archive: Archive) -> None:
        if deletion_of(archive) is not None:
            return
        ended = archive.vault_gone
        last = self._ends.setdefault(archive.vault, ended)
        self._ends[archive.vault] = None if last is None or ended is None else max(last, ended)


def export(
    catalog: Catalog, scopes: Iterable[Scope], stream: TextIO, *, vault: str | None = None
) -> int:
    """Write archives as JSON lines, those known to be deleted too; return how many.

    A line has all that a restore needs: where the archive is, its id, size, hash, name and time.
    """
    count = 0
    everything = Filter(states=frozenset(STATES))
    for scope in scopes:
        where = {"endpoint": scope.endpoint, "account": scope.account, "region": scope.region}
        names_of = functools.cache(functools.partial(catalog.aliases, scope))
        for archive in catalog.archives(scope, vault, filters=everything, oldest_first=True):
            names = names_of(archive.vault).get(archive.id)
            further = {"aliases": names} if names else {}
            # ASCII only: names that are not Unicode survive as escapes.
            stream.write(json.dumps({**where, **archive.as_json(), **further}) + "\n")
            count += 1
    return count


def names_its_account(path: Path, tool: str) -> bool:
    """Tell whether a file says whose archives it speaks of, so that nobody else need be asked."""
    return tool == "export" or (tool == "inventory" and Document.open(path).arn is not None)


def _merge_document(catalog: Catalog, source: Source, now: datetime) -> Imported:
    """Merge a document for what it lists: a job may have been asked for a part of the vault."""
    document = Document.open(source.path)
    if document.arn is not None and document.made is not None:
        found = _VAULT.fullmatch(document.arn)
        if found is None:
            raise IntegrityError(f"{str(source.path)!r} is the inventory of {document.arn!r}")
        region, account, vault = found.groups()
        scope, made = replace(source.scope, region=region, account=account), document.made
        if source.vault not in {None, vault}:
            raise Refused(f"{str(source.path)!r} is an inventory of vault {vault!r}")
    else:  # CSV does not say when it was made, but not before its newest archive was stored
        scope, vault = source.scope, source.the_vault
        made = max((each.created for each in document.entries()), default=_EPOCH)
    dated = (each._replace(created=min(each.created, now)) for each in document.entries())
    report = merge(catalog, scope, vault, dated, made=min(made, now), asked=None)
    return Imported(str(source.path), "inventory", report.archives, report.new, 0)
