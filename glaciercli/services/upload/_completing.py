"""The last step of an upload: it is asked for, and what it made is written down.

A completion whose reply was lost may have been applied. The journal tells so to later runs, and no
longer than that: what was refused, or never sent, has stored nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from glaciercli.catalog.states import INVENTORY_LAG
from glaciercli.catalog.store import Catalog
from glaciercli.clients.glacier import Client
from glaciercli.clients.pace import may_have_been_applied
from glaciercli.errors import (
    AccessDenied,
    Conflict,
    GlacierError,
    IntegrityError,
    NotFound,
    NotReady,
    Refused,
    Unavailable,
)
from glaciercli.evidence import endings
from glaciercli.evidence.witnesses import Kind
from glaciercli.hints import Hint
from glaciercli.models import Archive
from glaciercli.services import scopes
from glaciercli.services.upload._opening import Fate, account_of, drop, require_account
from glaciercli.services.vaults import vaults
from glaciercli.transfer.upload_journal import UploadJournal

_LATE = timedelta(days=1)  # from when `--quiet` does not hide that an end is uncertain


class Uncertain(NotReady):
    """The upload is gone after a completion that nobody heard of: it is stored, or had expired."""


class Expired(NotFound):
    """The upload is gone, and no completion of it was applied: nothing is stored."""


def complete(
    client: Client, journal: UploadJournal, catalog: Catalog, *, size: int, tree_hash: str
) -> Archive:
    """Complete the upload of a journal and return its archive, recorded in the catalog.

    See `ask` for what is raised.
    """
    archive = ask(client, journal, size=size, tree_hash=tree_hash)
    record(client, journal, catalog, archive)
    return archive


def ask(client: Client, journal: UploadJournal, *, size: int, tree_hash: str) -> Archive:
    """Ask for the completion of a journal's upload; return the archive that the reply tells of.

    May be asked again by a later run: the service answers a repeated completion with the same
    archive for a while (API reference, "CompleteMultipartUpload"). Raises Expired when the upload
    is gone and nothing is stored, Uncertain when an earlier attempt may have stored it, and Refused
    when what it holds is not what the hash says; it is open then.
    """
    may_be_applied = journal.state.completing is not None
    if not may_be_applied:
        journal.completing(tree_hash, size, client.now())

    def again(error: Unavailable) -> bool:
        nonlocal may_be_applied
        may_be_applied = may_be_applied or may_have_been_applied(error)
        return True

    def once() -> dict[str, str]:
        return client.once(
            "CompleteMultipartUpload",
            vaultName=journal.intent.vault,
            uploadId=journal.state.upload_id,
            archiveSize=str(size),
            checksum=tree_hash,
        )

    try:
        reply = client.pace.run(once, again=again)
    except NotFound as error:
        raise _gone(client, journal, may_be_applied=may_be_applied) from error
    except (AccessDenied, Refused, Unavailable):
        if not may_be_applied:
            journal.not_stored()
        raise
    return archive_of(client, journal, reply, size=size, tree_hash=tree_hash)


def _gone(client: Client, journal: UploadJournal, *, may_be_applied: bool) -> GlacierError:
    """Return what it means that the service does not know the upload."""
    there = vaults.show(client, journal.intent.vault)
    require_account(journal, there.arn.split(":")[4])
    # To abort costs nothing when it has expired, and saves a bill where it was a mistake.
    if may_be_applied or drop(client, journal) is Fate.COMPLETED:
        journal.uncertain()
        return uncertain(client, journal)
    journal.not_stored()
    return Expired(endings.expired(journal.intent.name), hint="run the same command again")


def uncertain(client: Client, journal: UploadJournal) -> Uncertain:
    """Return the error for an upload that is stored or had expired, while nothing tells which."""
    intent, asked = journal.intent, journal.state.asked
    due = asked + INVENTORY_LAG
    hint: Hint = (
        f"run the same command again; {endings.known_by(due)}; or --again, to store it anew"
    )
    if intent.path is None:
        hint = endings.complete_by_id(intent.vault, journal.state.upload_id or "")
    error = Uncertain(endings.uncertain(intent.name), hint=hint)
    error.is_late = client.now() - asked > _LATE
    return error


def archive_of(
    client: Client, journal: UploadJournal, reply: dict[str, str], *, size: int, tree_hash: str
) -> Archive:
    """Return the archive that a reply tells of; raises IntegrityError where it is another."""
    intent = journal.intent
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
        created=client.now(),
        modified=intent.modified,
        path=intent.path,
        location=reply.get("location"),
        hash_from=Kind.UPLOAD.value,
    )


def record(client: Client, journal: UploadJournal, catalog: Catalog, archive: Archive) -> None:
    """Write down a stored archive, in the journal first and then in the catalog."""
    try:
        if journal.state.done is None:
            journal.done(archive)
        enter(client, catalog, archive, journal.state.account, journal.intent.token)
    except Conflict as error:
        raise Conflict(endings.unrecorded(archive, error.message), hint=endings.MEND) from error


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
