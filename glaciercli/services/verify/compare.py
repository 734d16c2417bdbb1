"""A file against an archive, by what the catalog and the newest inventory say of it.

Nothing is retrieved, so no stored byte is read: that is what a sample is for.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from glaciercli.errors import (
    IntegrityError,
    Refused,
)
from glaciercli.evidence import words
from glaciercli.evidence.standings import require_present
from glaciercli.evidence.witnesses import Claim
from glaciercli.hints import Command
from glaciercli.models import Verified
from glaciercli.services import scopes
from glaciercli.services.inventory import archives
from glaciercli.transfer.source import Source

if TYPE_CHECKING:
    from glaciercli.catalog.store import Catalog
    from glaciercli.clients.glacier import Client


def file(
    client: Client, catalog: Catalog, vault: str | None, reference: str, path: Path
) -> Verified:
    """Compare a file with an archive without retrieving it; raises IntegrityError if they differ.

    Proves that the file is what the catalog knows by a hash, and by whose word. That the service
    still has it is proven as far as its newest inventory goes, whose date is in the result: raises
    NotFound or IntegrityError where what is known says otherwise (see `require_present`). Raises
    Refused where the catalog knows no hash to compare with, Conflict where the file changes.
    """
    found = archives.show(client, catalog, vault, reference)
    last = catalog.inventory(scopes.of(client, catalog), found.vault)
    newest = None if last is None else last.made
    require_present(found, newest)
    claim = Claim.of_catalog(found)
    if claim is None:
        raise Refused(
            f"the catalog does not know the tree hash of {reference!r}",
            hint=Command("vault", "inventory", found.vault),
        )
    source = Source.open(path)
    tree_hash = source.descriptor.tree_hash(source.size)
    source.require_unchanged()
    for what, here, there in (
        ("bytes", source.size, found.size),
        ("tree hash", tree_hash, claim.tree_hash),
    ):
        if there is not None and here != there:
            raise IntegrityError(words.another_file(path, found, what, here, there))
    return Verified(
        found.id,
        found.vault,
        str(path),
        source.size,
        tree_hash,
        found.seen,
        found.status,
        newest,
        proven_by=claim.by.kind.value,
        proven_date=claim.by.date,
    )
