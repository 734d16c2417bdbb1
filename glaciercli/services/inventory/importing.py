"""Files of other tools and of our own, read into the catalog."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from glaciercli.catalog import imports, readers
from glaciercli.models import Imported, Scope
from glaciercli.services import scopes

if TYPE_CHECKING:
    from glaciercli.catalog.store import Catalog
    from glaciercli.clients.glacier import Client


def import_file(
    client: Client,
    catalog: Catalog,
    path: Path,
    *,
    vault: str | None = None,
    tool: str | None = None,
) -> Imported:
    """Read a file into the catalog of the client's world, or of the one that it names itself.

    See `imports.import_file`. The service is asked for the account only where the file is silent.
    """
    tool = tool or readers.detect(path)
    scope = (
        Scope(client.endpoint, client.target.account_id, client.region)
        if imports.names_its_account(path, tool)
        else scopes.of(client, catalog)
    )
    return imports.import_file(catalog, scope, path, vault=vault, tool=tool, now=client.now())
