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

from glaciercli.catalog.events import Alias, Deleted, Source
from glaciercli.catalog.filters import Filter
from glaciercli.catalog.inventories import Document
from glaciercli.catalog.merging import merge
from glaciercli.catalog.readers import READERS, TOOLS, detect
from glaciercli.catalog.states import STATES
from glaciercli.catalog.store import Catalog
from glaciercli.errors import IntegrityError, Refused, UsageError
from glaciercli.models import Archive, Imported, Scope

_VAULT = re.compile(r"arn:aws[a-z-]*:glacier:([a-z0-9-]+):(\d+):vaults/([\w.-]+)", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def import_file(
    catalog: Catalog, scope: Scope, path: Path, *, vault: str | None = None, tool: str | None = None
) -> Imported:
    """Read a file into the catalog; return what it was and what it held.

    What it says of one account and region is taken as a whole or, after an error, not at all.
    `vault` is needed where the file does not name it, else only that vault's archives are taken.
    Without `tool` the file's beginning tells. Raises Refused for a file that is none of these,
    IntegrityError naming the line that makes no sense.
    """
    tool = tool or detect(path)
    if tool not in TOOLS:
        raise UsageError(f"unknown tool {tool!r}", hint=f"one of {', '.join(TOOLS)}")
    source = Source(path, scope, vault)
    if tool == "inventory":
        return _merge_document(catalog, source)
    archives = new = deletions = 0
    for where, events in groupby(READERS[tool](source), key=lambda pair: pair[0]):
        others: list[Deleted | Alias] = []

        def wanted() -> Iterator[Archive]:
            nonlocal archives
            for _, event in events:  # noqa: B023 - drawn before the next group is
                if vault is not None and event.vault != vault:
                    continue
                if isinstance(event, Archive):
                    archives += 1
                    yield replace(event, hash_from="import")  # whatever it says of itself
                else:
                    others.append(event)  # noqa: B023

        with catalog.database.write():
            # What another catalog took from an inventory, this one has not made either.
            new += catalog.created_all(where, wanted(), ours=tool != "export")
            for name, group in groupby(others, key=lambda each: each.vault):
                told = list(group)
                gone = [(each.id, each.when) for each in told if isinstance(each, Deleted)]
                catalog.deletions(where, name, gone)
                catalog.add_aliases(
                    where, name, ((each.name, each.id) for each in told if isinstance(each, Alias))
                )
                deletions += len(gone)
    return Imported(str(path), tool, archives, new, deletions)


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


def _merge_document(catalog: Catalog, source: Source) -> Imported:
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
    # When it was asked for is not known either, so the least is believed of what it lacks.
    report = merge(catalog, scope, vault, document.entries(), made=made, asked=made)
    return Imported(str(source.path), "inventory", report.archives, report.new, 0)
