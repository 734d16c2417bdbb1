"""What of a vault goes where in a directory, and which of its files are there already."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from glaciercli.catalog.descriptions import decode
from glaciercli.catalog.filters import EVERYTHING, Filter
from glaciercli.errors import GlacierError, Refused
from glaciercli.files.paths import Layout, Unsafe, relative
from glaciercli.files.tree import STAGING, Tree
from glaciercli.models import Archive
from glaciercli.services import scopes
from glaciercli.services.jobs.retrievals import Retrievals

if TYPE_CHECKING:
    from glaciercli.catalog.store import Catalog
    from glaciercli.clients.glacier import Client

_ON_WINDOWS = sys.platform == "win32"


@dataclass(frozen=True)
class Item:
    """An archive and where it goes."""

    archive: Archive
    #: Where it is not yet, of its own path and those of its further names; empty when all is there.
    missing_paths: tuple[PurePosixPath, ...]
    #: A path with the same bytes, its own or that of an equal archive: they need no retrieval.
    existing_copy: PurePosixPath | None = None
    is_folder: bool = False
    #: The bytes are not the file's: its tool has compressed or encrypted them.
    is_packed: bool = False

    @property
    def content(self) -> tuple[object, ...]:
        """What is equal where the bytes are: the hash, or the id of an archive of unknown hash."""
        archive = self.archive
        return (archive.size, archive.tree_hash) if archive.tree_hash else (archive.id,)


@dataclass(frozen=True)
class Selection:
    """What of a vault is to be in a directory, oldest first, and what cannot be, with each reason.

    What is there was read once, to make this: it is as of then.
    """

    vault: str
    directory: Path
    items: tuple[Item, ...]
    refused: dict[str, GlacierError]
    #: How many archives match and are not wanted, since they are not there any more, by state.
    left_out: dict[str, int]
    #: The vault's, listed once, when first asked for: by the plan.
    retrievals: Retrievals

    @property
    def folders(self) -> list[Item]:
        """The directories among the items, which have no bytes to retrieve."""
        return [each for each in self.items if each.is_folder]

    @property
    def files(self) -> list[Item]:
        """The files among the items, oldest first."""
        return [each for each in self.items if not each.is_folder]

    @property
    def incomplete(self) -> list[Item]:
        """The files that are to be written, to one path or to several."""
        return [each for each in self.files if each.missing_paths]


def split_by_content(items: Iterable[Item]) -> tuple[list[Item], list[Item]]:
    """Return unique contents to retrieve, and items to copy from an equal file.

    Equal archives cost one retrieval: uploads that were done again fill many vaults. It is that of
    one which the newest inventory does not lack, where there is such a one.
    """
    missing: dict[tuple[object, ...], Item] = {}
    copies: list[Item] = []
    for item in sorted(items, key=lambda each: each.archive.status == "missing"):
        if item.existing_copy is not None:
            copies.append(item)
        elif (first := missing.setdefault(item.content, item)) is not item:
            copies.append(replace(item, existing_copy=first.missing_paths[0]))
    return list(missing.values()), copies


def select(
    client: Client,
    catalog: Catalog,
    vault: str,
    directory: Path,
    *,
    filters: Filter = EVERYTHING,
) -> Selection:
    """Lay out the archives that match as a tree; of equal names the newest archive gets it.

    Reads what the directory holds there already; writes nothing and retrieves nothing.
    """
    scope = scopes.of(client, catalog)
    layout, further = Layout(), catalog.aliases(scope, vault)
    items: list[Item] = []
    refused: dict[str, GlacierError] = {}
    for archive in catalog.archives(scope, vault, filters=filters):
        said = decode(archive.description)
        claim = layout.directory if said.is_folder else layout.file
        paths = []
        for name in (None, *further.get(archive.id, ())):
            try:
                paths.append(claim(_path(archive, name), archive.id))
            except Unsafe as reason:
                refused[archive.id] = Refused(f"{name or archive.name!r} {reason}")
        if paths:
            packed = said.compressed or said.encrypted
            item = Item(archive, tuple(paths), is_folder=said.is_folder, is_packed=packed)
            items.append(item)
    items.reverse()  # the order in which they were stored, which the service reads fastest
    if directory.is_dir():
        # Not in the loop above: reading takes hours, and would hold the catalog as long.
        with Tree(directory, staging=False) as tree:
            items = [each if each.is_folder else _compared(tree, each) for each in items]
        there = {each.content: each.existing_copy for each in items if each.existing_copy}
        items = [replace(each, existing_copy=there.get(each.content)) for each in items]
    left_out = catalog.left_out(scope, vault, filters=filters)
    retrievals = Retrievals(client, vault)
    return Selection(vault, directory, tuple(items), refused, left_out, retrievals)


def _path(archive: Archive, name: str | None) -> PurePosixPath:
    path = relative(archive, name, portable=_ON_WINDOWS)
    if path.parts[0] == STAGING:
        raise Unsafe(f"begins with {STAGING}, where files wait for their names")
    return path


def _compared(tree: Tree, item: Item) -> Item:
    """Return an item without the paths at which the directory holds its content."""
    size, tree_hash = item.archive.size, item.archive.tree_hash
    there = [path for path in item.missing_paths if tree.holds(path, size, tree_hash)]
    missing = tuple(path for path in item.missing_paths if path not in there)
    return replace(item, missing_paths=missing, existing_copy=next(iter(there), None))
