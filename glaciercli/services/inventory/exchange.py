"""The catalog in and out of files: other tools' records of what they stored, and our own."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from glaciercli.catalog import imports, readers
from glaciercli.errors import Conflict, NotFound
from glaciercli.files.place import place_of
from glaciercli.files.target import PartFile
from glaciercli.hints import Command
from glaciercli.models import Consent, Imported, Scope
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
    runs out: the same call goes on.
    """
    mapping = mapping or f"{vault}_mapping"
    both = [vaults.show(client, each) for each in (vault, mapping)]
    scope = scopes.learned(client, catalog, both[0])
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
