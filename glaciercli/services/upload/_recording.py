"""An archive that is stored: what a reply tells of it, and its entry into the catalog."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from glaciercli.catalog.store import Catalog
from glaciercli.clients.glacier import Client
from glaciercli.errors import IntegrityError
from glaciercli.evidence import endings
from glaciercli.evidence.witnesses import Kind
from glaciercli.models import Archive
from glaciercli.services import scopes
from glaciercli.services.upload._opening import account_of
from glaciercli.transfer.upload_state import Intent


def archive_of(
    intent: Intent, reply: dict[str, str], *, size: int, tree_hash: str, now: datetime
) -> Archive:
    """Return the archive that a reply tells of; raises IntegrityError where it is another."""
    stored_hash = reply.get("checksum", tree_hash)
    if stored_hash != tree_hash:
        raise IntegrityError(
            endings.other_hash(intent.name, reply["archiveId"], stored_hash, tree_hash)
        )
    return Archive(
        id=reply["archiveId"],
        vault=intent.vault,
        size=size,
        tree_hash=tree_hash,
        name=intent.name,
        description=intent.description,
        created=now,
        modified=intent.modified,
        path=intent.path,
        location=reply.get("location"),
        hash_from=Kind.UPLOAD.value,
    )


def enter(
    client: Client, catalog: Catalog, archive: Archive, account: str | None, token: str
) -> None:
    """Enter an archive into the catalog; entering it twice changes nothing.

    Where its Location names another account than the upload's, or than these credentials were of
    before, the vault's own ARN decides.
    """
    named = {each for each in (account_of(archive.location), account) if each is not None}
    if named != {account} and (before := scopes.told(client, catalog)) is not None:
        named.add(before.account)
    scope = (
        scopes.in_account(client, catalog, named.pop())
        if len(named) == 1
        else scopes.of_vault(client, catalog, archive.vault)
    )
    # The journal's hash is of the file that was sent; one of an older version does not say so.
    catalog.created(scope, replace(archive, hash_from=Kind.UPLOAD.value), token=token)
