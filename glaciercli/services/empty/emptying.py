"""Emptying a vault for good: a plan that is shown, deletions that resume, and the vault's own end.

What was deleted is in the catalog, so a run that was stopped goes on where it was; only archives
that the plan counted are deleted, never what came into the vault after it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from glaciercli.catalog import lives
from glaciercli.catalog.filters import EVERYTHING, Filter
from glaciercli.errors import (
    AccessDenied,
    GlacierError,
    NotFound,
    NotReady,
    Partial,
    Refused,
    Unavailable,
    UsedUp,
)
from glaciercli.evidence import vault_words
from glaciercli.hints import Command
from glaciercli.limits import EARLY_DELETION
from glaciercli.models import Archive, Consent, Emptied, EmptyPlan, Scope, Vault
from glaciercli.models.plans import digest_of, require_planned
from glaciercli.services import scopes
from glaciercli.services.inventory import syncing
from glaciercli.services.vaults import vaults
from glaciercli.tasks.outcome import concerns_all
from glaciercli.tasks.pool import Pool
from glaciercli.tasks.progress import NullProgress, Progress
from glaciercli.tasks.waiting import Poll

if TYPE_CHECKING:
    from glaciercli.catalog.store import Catalog
    from glaciercli.clients.glacier import Client

_FIRST_AND_LAST = 5  # archives that a plan names at either end
_BATCH = 500  # deletions that a crash may forget; the service takes them a second time
_BATCH_SECONDS = 2.0
_TOO_MANY = 1000  # failures after which going on is of no use
_NOW = Poll(timeout=0.0)


def plan(
    client: Client,
    catalog: Catalog,
    vault: str,
    *,
    filters: Filter = EVERYTHING,
    with_vault: bool = False,
    poll: Poll = _NOW,
    progress: Progress = NullProgress(),
) -> EmptyPlan:
    """Return what emptying the vault would delete, by an inventory as new as the service has.

    `with_vault` plans the vault's own end as well. An inventory that the catalog lacks is fetched
    first; raises NotReady where that takes longer than `poll`. Nothing is deleted.
    """
    there = vaults.show(client, vault)
    scope = scopes.remembered(client, catalog, there, progress=progress)
    if syncing.is_behind(catalog, scope, there):
        syncing.sync(client, catalog, vault, poll=poll, progress=progress)
    newest = catalog.inventory(scope, vault)
    # Before the totals: what is recorded in between is counted, and then not deleted.
    watermark = catalog.watermark()
    totals = catalog.totals(scope, vault, filters=filters)
    early = client.now() - EARLY_DELETION
    young = replace(filters, after=max(filters.after or early, early))
    recent = catalog.totals(scope, vault, filters=young)
    first, last = (
        tuple(
            catalog.archives(
                scope, vault, filters=filters, limit=_FIRST_AND_LAST, oldest_first=oldest_first
            )
        )
        for oldest_first in (True, False)
    )
    return EmptyPlan(
        vault,
        there.arn,
        archives=totals.count,
        size=totals.size,
        oldest=totals.oldest,
        newest=totals.newest,
        early=recent.count,
        early_size=recent.size,
        inventory_date=None if newest is None else newest.made,
        uploads=sum(1 for _ in client.pages("ListMultipartUploads", vaultName=vault)),
        first=first,
        last=last,
        watermark=watermark,
        with_vault=with_vault,
        digest=_digest(there, watermark, filters, with_vault=with_vault),
    )


def require_done(client: Client, catalog: Catalog, vault: str, error: NotFound) -> None:
    """Return if a vault that is not there is one that was emptied here; raises NotFound if not.

    A run may end after the vault is deleted and before it has told so; the next finds no vault.
    That another account has none says nothing of it.
    """
    account = scopes.answering(client, error)
    if account is not None:
        scope = scopes.in_account(client, catalog, account)
        if lives.was_emptied_here(catalog, scope, vault):
            lives.deleted(catalog, scope, vault, client.now())
            return
    raise scopes.ended(client, catalog, vault, error) from error


def empty(
    client: Client,
    catalog: Catalog,
    plan: EmptyPlan,
    consent: Consent,
    *,
    filters: Filter = EVERYTHING,
    workers: int = 8,
    poll: Poll = _NOW,
    progress: Progress = NullProgress(),
) -> Emptied:
    """Delete the archives of a plan that `consent` agrees to, and the vault where it is planned.

    Raises Refused, having deleted nothing, where `filters` are not the plan's or the vault is
    another one; and where it is another one later, having recorded nothing since it was last
    looked at. Progress counts archives. Raises Partial naming each archive that could not be
    deleted; NotReady, saying when, while the vault itself cannot be deleted yet. Running it again
    goes on.
    """
    there = vaults.show(client, plan.vault)
    scope = scopes.remembered(client, catalog, there)
    _require_same(plan, there)
    require_planned(plan, _digest(there, plan.watermark, filters, with_vault=plan.with_vault))
    consent(plan)
    doomed = catalog.archives(
        scope, plan.vault, filters=filters, oldest_first=True, up_to=plan.watermark
    )
    progress.start(plan.archives)

    def record(done: list[tuple[str, datetime]]) -> None:
        _require_unswapped(client, plan)
        catalog.deletions(scope, plan.vault, done, ours=True)

    deleted, size = _delete_all(client, plan.vault, doomed, record, workers, progress)
    if plan.with_vault:
        left = catalog.totals(scope, plan.vault)
        if left.count:
            raise Refused(
                f"vault {plan.vault!r} still holds {left.count:,} archives that the plan did not"
                " include",
                hint=Command("vault", "empty", plan.vault, "--delete-vault"),
            )
        try:
            _delete_vault(client, catalog, scope, plan, poll, progress)
        except NotReady as error:
            report = Emptied(plan.vault, deleted, size, vault_deleted=False)
            raise error.but(report=report) from error
    return Emptied(plan.vault, deleted, size, vault_deleted=plan.with_vault)


def _require_same(plan: EmptyPlan, there: Vault) -> None:
    if there.arn != plan.arn:
        raise Refused(
            f"the plan is for {plan.arn}, but this is {there.arn}",
            hint="use the profile that the plan was made with, then run the same command again",
        )


def _require_unswapped(client: Client, plan: EmptyPlan) -> None:
    """Raise Refused where the vault is not the plan's any more; costs one request.

    A profile or an endpoint can be of another account from one request to the next. That takes the
    deletion of an archive that it never had for done, and its reply names no account: only the
    vault's own ARN tells. So each batch asks for it before it is recorded; what is not recorded is
    deleted once more by the next run, which does no harm.

    Where no look can be made, since `--max-requests` are used up, credentials have expired or
    nobody answers, the batch is recorded: else an upload would be told that it is stored.
    """
    try:
        there = vaults.show(client, plan.vault)
    except (AccessDenied, Unavailable, UsedUp):
        return
    _require_same(plan, there)


def _digest(there: Vault, watermark: int, filters: Filter, *, with_vault: bool) -> str:
    """Return what binds a run to its plan: which archives of which vault, and its own end.

    A vault that was made anew has the name and ARN of the one that was planned for.
    """
    states = sorted(filters.states) if filters.states else None  # a set has no order
    vault = there.arn, there.created
    return digest_of(vault, watermark, replace(filters, states=None), states, with_vault)


def last_deletion(client: Client, catalog: Catalog, vault: Vault) -> datetime | None:
    """Return when the vault's last archive was deleted here; None while any is known in it."""
    scope = scopes.remembered(client, catalog, vault)
    if catalog.totals(scope, vault.name).count:
        return None
    return catalog.last_deletion(scope, vault.name)


def _delete_all(
    client: Client,
    vault: str,
    doomed: Iterator[Archive],
    record: Callable[[list[tuple[str, datetime]]], None],
    workers: int,
    progress: Progress,
) -> tuple[int, int]:
    """Delete archives in parallel; `record` them, also when stopped. Return count and bytes."""
    failures: dict[str, GlacierError] = {}
    done: list[tuple[str, datetime]] = []
    count = size = 0
    written = time.monotonic()

    def delete(archive: Archive) -> tuple[Archive, GlacierError | None]:
        return archive, _delete(client, vault, archive)

    try:
        for archive, error in Pool(workers).map(delete, doomed):
            progress.advance(1)
            if error is None:
                count, size = count + 1, size + (archive.size or 0)
                done.append((archive.id, client.now()))
            else:
                failures[archive.id] = error
            if len(done) >= _BATCH or time.monotonic() - written > _BATCH_SECONDS:
                batch, done = done, []  # a batch that is refused is not offered again
                record(batch)
                written = time.monotonic()
            if len(failures) >= _TOO_MANY or (failures and not count and len(failures) >= workers):
                break
    finally:
        if done:
            record(done)
    if failures:
        raise Partial(
            vault_words.partly_emptied(vault, count, len(failures)),
            failures,
            hint=("mend that, then go on: ", Command("vault", "empty", vault)),
            report=Emptied(vault, count, size, vault_deleted=False),
        )
    return count, size


def _delete(client: Client, vault: str, archive: Archive) -> GlacierError | None:
    """Delete one archive; return what forbids that, and raise what concerns those that follow."""
    try:
        client.call("DeleteArchive", vaultName=vault, archiveId=archive.id)
    except (AccessDenied, Refused) as error:
        if concerns_all(error):
            raise
        return error  # of this one alone: a lock may forbid it by its age
    except NotFound as error:
        # Amazon's service takes a deletion twice; others say so of an archive that is gone.
        if archive.id not in error.message:
            raise
    client.pace.note_progress()
    return None


def _delete_vault(
    client: Client,
    catalog: Catalog,
    scope: Scope,
    plan: EmptyPlan,
    poll: Poll,
    progress: Progress,
) -> None:
    """Delete the vault, waiting as long as `poll` allows for the inventory that sees it empty."""
    vault = plan.vault
    emptied = catalog.last_deletion(scope, vault) or client.now()
    again = Command("vault", "empty", vault, "--delete-vault", "--yes")
    told = False
    while True:
        _require_same(plan, vaults.show(client, vault))
        try:
            vaults.delete(client, vault, emptied=emptied, again=again)
        except NotReady as reason:
            if client.pace.stop.is_set() or not poll.left:
                raise
            if not told:
                progress.note(f"{reason.message}; waiting")
                told = True
            client.pace.stop.wait(min(poll.interval, poll.left))
        else:
            lives.deleted(catalog, scope, vault, client.now())
            return
