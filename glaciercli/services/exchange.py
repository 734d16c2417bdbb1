"""The catalog in and out of files: other tools' records of what they stored, and our own."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from glaciercli.catalog import imports
from glaciercli.errors import NotFound
from glaciercli.models import Imported, Scope
from glaciercli.services import scopes
from glaciercli.transfer.target import PartFile, require_free

if TYPE_CHECKING:
    from glaciercli.catalog.store import Catalog
    from glaciercli.session import Client


def bring_in(
    client: Client,
    catalog: Catalog,
    path: Path,
    *,
    vault: str | None = None,
    tool: str | None = None,
) -> Imported:
    """Read a file into the catalog of the client's world (see `imports.bring_in`)."""
    return imports.bring_in(catalog, scopes.of(client, catalog), path, vault=vault, tool=tool)


def worlds(client: Client, catalog: Catalog, vault: str | None) -> list[Scope]:
    """Return the client's world, to be exported; raises NotFound if the vault is not known in it.

    An export of nothing, for a typing error in its name, would be found out too late.
    """
    scope = scopes.of(client, catalog)
    if vault is not None and vault not in catalog.vaults(scope):
        raise NotFound(
            f"nothing is known here of vault {vault!r}", hint=f"glacier vault inventory {vault}"
        )
    return [scope]


def export_to(
    catalog: Catalog,
    where: Iterable[Scope],
    path: Path,
    *,
    vault: str | None = None,
    overwrite: bool = False,
) -> int:
    """Write archives into a file (see `imports.export`); return how many.

    The file appears when it is whole, and not before; Conflict when it is there already.
    """
    require_free(path, overwrite=overwrite)
    part = PartFile.open(path, f"export {os.getpid()}")
    try:
        with os.fdopen(os.dup(part.descriptor.number), "w", encoding="ascii") as stream:
            count = imports.export(catalog, where, stream, vault=vault)
            stream.flush()
            part.finish(stream.tell(), None)
        part.place(overwrite=overwrite)
    finally:
        part.path.unlink(missing_ok=True)
    return count
