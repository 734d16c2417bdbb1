"""An archive that is stored: what a reply tells of it, and its entry into the catalog."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from glaciercli.catalog.store import Catalog
from glaciercli.clients.glacier import Client
from glaciercli.errors import AccessDenied, IntegrityError
from glaciercli.evidence import endings
from glaciercli.evidence.witnesses import Kind
from glaciercli.models import Archive, Scope
from glaciercli.services import scopes
from glaciercli.services.upload._opening import account_of
from glaciercli.tasks.outcome import concerns_all
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
    """Enter an archive into the catalog; entering it twice changes nothing."""
    scope = _scope(client, catalog, archive, account)
    # The journal's hash is of the file that was sent; one of an older version does not say so.
    catalog.created(scope, replace(archive, hash_from=Kind.UPLOAD.value), token=token)


def _scope(client: Client, catalog: Catalog, archive: Archive, account: str | None) -> Scope:
    """Return the world of an archive whose upload was begun in an account, where that is known.

    Where its Location names another one, or these credentials were of another before, the vault's
    own ARN decides, if they may look at it.
    """
    named = {each for each in (account_of(archive.location), account) if each is not None}
    before = scopes.cached(client, catalog)
    if len(named) == 1 and (before is None or before.account in named):
        return scopes.in_account(client, catalog, named.pop())
    try:
        return scopes.of_vault(client, catalog, archive.vault)
    except AccessDenied as error:
        if len(named) != 1 or concerns_all(error):
            raise
        return scopes.in_account(client, catalog, named.pop())
