"""A Synology's vault, whose archives the newest archive of its mapping vault names."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from glaciercli.catalog import imports
from glaciercli.errors import NotFound
from glaciercli.hints import Command
from glaciercli.models import Consent, Imported
from glaciercli.services import scopes
from glaciercli.services.download import downloads
from glaciercli.services.inventory import syncing
from glaciercli.services.vaults import vaults
from glaciercli.system import private_directory
from glaciercli.tasks.progress import NullProgress, Progress
from glaciercli.tasks.waiting import Poll

if TYPE_CHECKING:
    from glaciercli.catalog.store import Catalog
    from glaciercli.clients.glacier import Client


def join_mapping(
    client: Client,
    catalog: Catalog,
    vault: str,
    consent: Consent,
    *,
    journals: Path,
    mapping: str | None = None,
    tier: str = "Standard",
    poll: Poll = Poll(),
    progress: Progress = NullProgress(),
) -> Imported:
    """Name the archives of a Synology's vault by the newest archive of its mapping vault.

    Both vaults' inventories are brought first, where the service has newer ones. The retrieval
    is charged, once for each mapping, and `consent` is asked before it. Raises NotReady when `poll`
    runs out: the same call goes on; NotFound where the mapping's vault has no archive.
    """
    mapping = mapping or f"{vault}_mapping"
    both = [vaults.show(client, each) for each in (vault, mapping)]
    scope = scopes.remembered(client, catalog, both[0])
    behind = [each.name for each in both if syncing.is_behind(catalog, scope, each)]
    if behind:
        syncing.sync_all(client, catalog, behind, poll=poll, progress=progress)
    newest = next(catalog.archives(scope, mapping, limit=1), None)
    if newest is None:
        raise NotFound(
            f"no archive of vault {mapping!r} is known here",
            hint=Command("vault", "inventory", mapping),
        )
    # It stays, and its journal with it: the next run finds it there and pays for nothing.
    name = hashlib.sha256(f"{scope} {newest.id}".encode()).hexdigest()[:32]
    path = private_directory(catalog.directory / "mappings") / f"{name}.sqlite"
    downloads.download(
        client,
        newest,
        path,
        consent,
        journals=journals,
        tier=tier,
        poll=poll,
        progress=progress,
        overwrite=True,
    )
    return imports.import_file(catalog, scope, path, vault=vault, tool="synology")
