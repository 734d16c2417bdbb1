"""The last step of an upload, and what can be said when its reply never came."""

from __future__ import annotations

import re
from dataclasses import replace

from glaciercli.catalog.filters import Filter
from glaciercli.catalog.states import INVENTORY_LAG
from glaciercli.catalog.store import Catalog
from glaciercli.clients.glacier import Client
from glaciercli.clients.wording import disputes_parts
from glaciercli.errors import (
    Conflict,
    IntegrityError,
    NotFound,
    NotReady,
    Refused,
)
from glaciercli.evidence.witnesses import Kind
from glaciercli.hints import Command, Hint
from glaciercli.models import Archive
from glaciercli.services import scopes
from glaciercli.services.vaults import vaults
from glaciercli.tasks.progress import Progress
from glaciercli.tasks.waiting import Poll
from glaciercli.transfer.upload_journal import Intent, UploadJournal

_ACCOUNT = re.compile(r"(?:^|/)(\d+)/vaults/")


class Uncertain(NotReady):
    """The upload is gone after completion was asked for: it is stored, or it has expired."""


def complete(
    client: Client, journal: UploadJournal, catalog: Catalog, *, size: int, tree_hash: str
) -> Archive:
    """Complete the upload of a journal and return its archive, recorded in the catalog.

    May be asked again by a later run: the service answers a repeated completion with the same
    archive for a while. Raises Uncertain when it does not know the upload any more, Refused when
    what it holds is not what the hash says; the upload then is still open.
    """
    intent = journal.intent
    if journal.state.completing is None:
        journal.completing(tree_hash, size, client.now())
    try:
        reply = client.call(
            "CompleteMultipartUpload",
            vaultName=intent.vault,
            uploadId=journal.state.upload_id,
            archiveSize=str(size),
            checksum=tree_hash,
        )
    except NotFound as error:
        vaults.require(client, intent.vault)
        journal.uncertain()
        raise _uncertain(intent) from error
    require_hash(reply, tree_hash, intent.name)
    return record(client, journal, catalog, reply, size=size, tree_hash=tree_hash)


def require_hash(reply: dict[str, str], tree_hash: str, name: str) -> None:
    """Raise IntegrityError when the service says that it has stored something else."""
    stored_hash = reply.get("checksum", tree_hash)
    if stored_hash != tree_hash:
        raise IntegrityError(
            f"archive {reply['archiveId']} was stored with tree hash {stored_hash},"
            f" not {tree_hash}; it is not recorded as a copy of {name}"
        )


def record(
    client: Client,
    journal: UploadJournal,
    catalog: Catalog,
    reply: dict[str, str],
    *,
    size: int,
    tree_hash: str,
) -> Archive:
    """Write down a stored archive, in the journal first and then in the catalog."""
    intent = journal.intent
    archive = Archive(
        id=reply["archiveId"],
        vault=intent.vault,
        size=size,
        tree_hash=tree_hash,
        name=intent.name,
        description=intent.description,
        created=client.now(),
        modified=intent.modified,
        path=intent.path,
        location=reply.get("location"),
        hash_from=Kind.UPLOAD.value,
    )
    try:
        journal.done(archive)
        enter(client, catalog, archive, journal.state.account, intent.token)
    except Conflict as error:
        raise Conflict(
            f"{intent.name} is stored as {archive.id}, with tree hash {tree_hash}; but that cannot"
            f" be written down: {error.message}",
            hint="mend that, then run the same command again; nothing is stored twice",
        ) from error
    return archive


def enter(
    client: Client, catalog: Catalog, archive: Archive, account: str | None, token: str
) -> None:
    """Enter an archive into the catalog; entering it twice changes nothing."""
    account = account_of(archive.location) or account or client.target.account
    scope = (
        scopes.in_account(client, catalog, account)
        if account
        else scopes.of_vault(client, catalog, archive.vault)
    )
    # The journal's hash is of the file that was sent; one of an older version does not say so.
    catalog.created(scope, replace(archive, hash_from=Kind.UPLOAD.value), token=token)


def resolve(
    client: Client, journal: UploadJournal, catalog: Catalog, *, progress: Progress
) -> Archive | None:
    """Settle an uncertain upload by the vault's inventory; None when it surely has expired.

    Raises Uncertain while no inventory is new enough to tell.
    """
    # Rare, and what reads inventories is slow to import.
    from glaciercli.services.inventory import syncing  # noqa: PLC0415

    intent, state = journal.intent, journal.state
    assert state.completing is not None
    try:
        report = syncing.sync(
            client, catalog, intent.vault, poll=Poll(timeout=0.0), progress=progress
        )
    except NotReady as error:
        raise _uncertain(intent) from error
    scope = scopes.of(client, catalog)
    same = Filter(min_size=state.size, max_size=state.size, after=intent.earliest)
    stored = catalog.archives(scope, intent.vault, filters=same)
    # By its description too: another file may hold the same bytes, under a name of its own.
    wanted = (state.tree_hash, intent.description.strip(" "))
    found = next((each for each in stored if _told(each) == wanted), None)
    if found is not None:
        journal.done(found)
        return found
    if report.inventory_date > state.completing + INVENTORY_LAG:
        return None
    raise _uncertain(intent)


def _told(archive: Archive) -> tuple[str | None, str]:
    return archive.tree_hash, archive.description.strip(" ")


def settle(
    client: Client,
    journal: UploadJournal,
    catalog: Catalog,
    progress: Progress,
    *,
    again: bool = False,
) -> Archive | None:
    """Bring a journal that speaks of completion to its end; None when nothing was stored.

    Raises Uncertain while that cannot be known; with `again` it is taken for not stored.
    """
    state = journal.state
    if state.done is not None:
        enter(client, catalog, state.done, state.account, journal.intent.token)
        return state.done
    assert state.tree_hash is not None and state.size is not None  # noqa: PT018
    try:
        # Asked again even when it is uncertain: a 404 that was a mistake ends here.
        return complete(client, journal, catalog, size=state.size, tree_hash=state.tree_hash)
    except Uncertain:
        pass  # the journal says so now
    except Refused as error:
        if not disputes_parts(error):
            raise
        if _is_open(client, journal):
            journal.reopened()
            return None
        journal.uncertain()
    return None if again else resolve(client, journal, catalog, progress=progress)


def _is_open(client: Client, journal: UploadJournal) -> bool:
    vault = journal.intent.vault
    try:
        client.call("ListParts", vaultName=vault, uploadId=journal.state.upload_id)
    except NotFound:
        vaults.require(client, vault)
        return False
    return True


def account_of(location: str | None) -> str | None:
    """Return the account in a reply's Location, `/<account>/vaults/...`; None if it tells none.

    Servers of another make write a whole URL there, or repeat the `-` of the request.
    """
    found = _ACCOUNT.search(location or "")
    return found[1] if found else None


def _uncertain(intent: Intent) -> Uncertain:
    hint: Hint = (
        "run the same command again tomorrow; --again stores it anew, perhaps a second time"
    )
    if intent.path is None:
        sync = Command("catalog", "sync", intent.vault)
        hint = ("tomorrow: ", sync, "; sent again, it may be there twice")
    return Uncertain(
        f"{intent.name} was being completed when the connection broke, and its upload is gone:"
        f" it is stored, or it has expired; the vault's next inventory will tell which",
        hint=hint,
    )
