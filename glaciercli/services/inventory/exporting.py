"""The catalog written into a file, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from glaciercli.catalog import imports
from glaciercli.errors import Conflict, NotFound
from glaciercli.files.place import place_of
from glaciercli.files.target import PartFile
from glaciercli.hints import Command
from glaciercli.models import Scope
from glaciercli.services import scopes

if TYPE_CHECKING:
    from glaciercli.catalog.store import Catalog
    from glaciercli.clients.glacier import Client


def exported_scopes(client: Client, catalog: Catalog, vault: str | None) -> list[Scope]:
    """Return the client's world, to be exported; raises NotFound if the vault is not known in it.

    An export of nothing, for a typing error in its name, would be found out too late.
    """
    scope = scopes.of(client, catalog)
    if vault is not None and vault not in catalog.vaults(scope):
        raise NotFound(
            f"nothing is known here of vault {vault!r}",
            hint=Command("vault", "inventory", vault),
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
    with place_of(path) as place:
        place.require_free(overwrite=overwrite)
        with PartFile.open(place, f"export {os.getpid()}") as part:
            try:
                with os.fdopen(os.dup(part.descriptor.number), "w", encoding="ascii") as stream:
                    count = imports.export(catalog, where, stream, vault=vault)
                    stream.flush()
                    part.finish(stream.tell(), None)
                part.place(overwrite=overwrite)
            except OSError as error:
                raise Conflict(f"cannot write {str(path)!r}: {error.strerror}") from error
            finally:
                part.remove()
    return count
