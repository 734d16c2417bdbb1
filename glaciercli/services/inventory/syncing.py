"""A vault's inventory into the catalog: the job reused or started, waited for, read, merged."""

from __future__ import annotations

import hashlib
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from glaciercli import system
from glaciercli.catalog import futures
from glaciercli.catalog import jobs as catalog_jobs
from glaciercli.catalog.inventories import Document, Entry
from glaciercli.catalog.merging import merge
from glaciercli.clients import wording
from glaciercli.errors import (
    GlacierError,
    IntegrityError,
    NotFound,
    NotReady,
)
from glaciercli.evidence import vault_words
from glaciercli.hints import Command
from glaciercli.models import Inventory, Job, Scope, Vault
from glaciercli.services import scopes
from glaciercli.services.download import outputs
from glaciercli.services.jobs import jobs
from glaciercli.services.vaults import vaults
from glaciercli.tasks.outcome import Outcome
from glaciercli.tasks.progress import NullProgress, Progress
from glaciercli.tasks.waiting import Poll
from glaciercli.units import counted, format_time_seconds

if TYPE_CHECKING:
    from glaciercli.catalog.store import Catalog
    from glaciercli.clients.glacier import Client

_SAME_INVENTORY = timedelta(hours=12)  # its date and the vault's were seen four hours apart
_LEFT_BEHIND = timedelta(days=7)  # by then the service has long dropped the job of a document


class NoInventory(NotReady):
    """The vault has no inventory yet; the service makes the first about a day after a change."""


def sync(
    client: Client,
    catalog: Catalog,
    vault: str,
    *,
    poll: Poll = Poll(),
    progress: Progress = NullProgress(),
) -> Inventory:
    """Merge the vault's inventory into the catalog; return what it is and what it changed.

    Uses an inventory job that is done and was not merged, or is running, else starts one. Raises
    NotReady when `poll` runs out first, or while the vault has no inventory: the same call goes
    on later, also with a document that was received in part. Raises NotFound for a vault that is
    gone, which is recorded, and IntegrityError, having merged nothing, for what is no inventory
    of this vault, or has dates that are days later than the job's end.
    """
    try:
        there = vaults.show(client, vault)
    except NotFound as error:
        raise scopes.ended(client, catalog, vault, error) from error
    scope = scopes.remembered(client, catalog, there, progress=progress)
    last = catalog.inventory(scope, vault)
    merged = None if last is None else last.asked
    job = _job(client, there, merged=merged, progress=progress)
    catalog_jobs.record(catalog, scope, job)
    job = jobs.wait(client, vault, job.id, poll=poll, progress=progress)
    catalog_jobs.record(catalog, scope, job)
    path = _receive(client, catalog, job, progress)
    try:
        document = Document.open(path)
        if document.arn != there.arn or document.made is None:
            raise IntegrityError(
                f"job {job.id} brought an inventory of {document.arn}, not of {there.arn}"
            )
        done = job.finished or client.now()
        _refuse_future(job, "CreationDate", job.created, done)
        _refuse_future(job, "InventoryDate", document.made, done)
        futures.forget(catalog, scope, vault, max(done, client.now()))
        report = merge(
            catalog,
            scope,
            vault,
            _dated(document, job),
            made=document.made,
            asked=job.created or client.now(),
            job_id=job.id,
        )
    except IntegrityError:
        path.unlink()  # the next run fetches it anew
        raise
    path.unlink()
    outputs.acknowledge(client, job, path, journals=path.parent)
    _sweep(path.parent)
    _compare(there, report, progress)
    if report.returned:
        progress.note(vault_words.returned(report))
    if report.corrected:
        progress.warn(vault_words.corrected(report))
    return report


def sync_all(
    client: Client,
    catalog: Catalog,
    names: Sequence[str] = (),
    *,
    poll: Poll = Poll(),
    progress: Progress = NullProgress(),
) -> list[Inventory]:
    """Sync vaults, or all of the account; all jobs are started before any is waited for.

    Of all, those without an inventory are told and left out, and those that were deleted elsewhere
    are failures. Raises NotReady naming the vaults whose jobs are running when `poll` runs out,
    Partial naming those that failed, both with what was merged; what is wrong with a single vault
    is raised as it is.
    """
    reports: list[Inventory] = []
    outcome = Outcome()
    waiting = list(names)
    if not names:
        listed = list(vaults.listing(client))
        for each in listed:  # also those that are left out: each may be another than was known
            scopes.remembered(client, catalog, each, progress=progress)
        waiting = [each.name for each in listed if _has_inventory(each, progress)]
        for name, lost in scopes.lost(client, catalog, listed).items():
            outcome.failed(name, lost)
    try:
        for last in (False, True):  # the first round starts the jobs, the last one waits for them
            for name in waiting:
                limit = poll if last else Poll(timeout=0.0)
                with outcome.item(name):
                    reports.append(sync(client, catalog, name, poll=limit, progress=progress))
            waiting = [name for name in waiting if name in outcome.waiting]
    except GlacierError as error:
        raise error.but(report=reports) from error
    outcome.finish(f"{counted(len(reports), 'vault')} synced", report=reports or None)
    return reports


def is_behind(catalog: Catalog, scope: Scope, vault: Vault) -> bool:
    """Tell whether the service has an inventory that the catalog does not have."""
    if vault.inventoried is None:
        return False  # there is none, and what was uploaded here is known
    last = catalog.inventory(scope, vault.name)
    if last is None:
        return vault.archives > 0
    if vault.inventoried - last.made <= _SAME_INVENTORY and last.archives == vault.archives:
        return False
    # An empty inventory holds nothing that could be unknown here.
    return vault.archives > 0 and vault.inventoried > last.asked


def _has_inventory(vault: Vault, progress: Progress) -> bool:
    if vault.inventoried is None:
        progress.note(f"vault {vault.name!r} has no inventory yet")
    return vault.inventoried is not None


def _job(client: Client, vault: Vault, *, merged: datetime | None, progress: Progress) -> Job:
    """Return the inventory job to merge or to wait for; starts one where that brings more.

    A done job that was not merged is always of use: who looks once a day would otherwise find each
    time that the service has a newer inventory than the job of the day before, and never get any.
    """
    found = [job for job in jobs.listing(client, vault.name) if _is_whole(job)]
    # A rehearsal's clock may be far ahead of ours: what is done there tells.
    now = max([client.now(), *(job.finished for job in found if job.finished is not None)])
    if merged is not None and futures.is_future(merged, now):
        merged = None
    done = [job for job in found if job.succeeded and _is_after(job, merged)]
    running = [job for job in found if not job.completed]
    newest = max(done, key=lambda job: job.created or vault.created, default=None)
    if newest is not None and _is_after(newest, vault.inventoried):
        return newest
    if running:
        return newest or running[0]
    started = _start(client, vault)
    if newest is None or started.succeeded:
        return started
    progress.note(
        f"vault {vault.name!r} has a newer inventory than the one that is ready; run again in "
        "about five hours for that one"
    )
    return newest


def _refuse_future(job: Job, member: str, date: datetime | None, end: datetime) -> None:
    """Raise IntegrityError for a date that is days later than the job's end.

    It is compared with the service's own dates: its clock may be far ahead of ours in a rehearsal.
    """
    if date is not None and futures.is_future(date, end):
        raise IntegrityError(
            f"job {job.id} has {member} {format_time_seconds(date)}, and was done by "
            f"{format_time_seconds(end)}"
        )


def _dated(document: Document, job: Job) -> Iterator[Entry]:
    """Yield a document's archives; raises IntegrityError for one that is dated after it."""
    made = document.made
    for entry in document.entries():
        if made is not None and futures.is_future(entry.created, made):
            raise IntegrityError(
                f"job {job.id} brought an inventory of {format_time_seconds(made)} in which "
                f"archive {entry.id} with CreationDate {format_time_seconds(entry.created)}"
            )
        yield entry


def _is_after(job: Job, moment: datetime | None) -> bool:
    return moment is None or (job.created is not None and job.created > moment)


def _start(client: Client, vault: Vault) -> Job:
    try:
        return jobs.start_inventory(client, vault.name)
    except NotFound as error:
        if not wording.has_no_inventory(error):
            raise
        raise NoInventory(
            f"vault {vault.name!r} has no inventory yet; the first comes within about a day",
            hint=("run again later: ", Command("vault", "inventory", vault.name)),
            code=error.code,
        ) from error


def _is_whole(job: Job) -> bool:
    """Tell whether a job brings a vault's whole inventory as JSON, whoever started it."""
    asked = job.inventory_parameters or {}
    ranged = any(asked.get(each) for each in ("StartDate", "EndDate", "Limit", "Marker"))
    return (
        job.action == "InventoryRetrieval" and asked.get("Format", "JSON") == "JSON" and not ranged
    )


def _receive(client: Client, catalog: Catalog, job: Job, progress: Progress) -> Path:
    """Bring the job's output beside the catalog, going on with what an earlier run received."""
    path = place(catalog, job)
    directory = system.private_directory(path.parent)
    if not _is_there(path):  # else a run was stopped between receiving it, whole, and merging it
        outputs.save(
            client,
            job,
            path,
            archive=None,
            journals=directory,
            progress=progress,
            overwrite=True,  # a rename, which leaves no second name behind when it is cut short
        )
    if path.stat().st_size != job.inventory_size:
        size = path.stat().st_size
        path.unlink()
        raise IntegrityError(f"the inventory has {size} bytes, its job says {job.inventory_size}")
    return path


def _sweep(directory: Path) -> None:
    """Remove what runs have left that were stopped, and whose job has expired since."""
    oldest = time.time() - _LEFT_BEHIND.total_seconds()
    for path in directory.rglob("*"):
        with suppress(FileNotFoundError):  # another run has just come to its end, or sweeps too
            status = path.lstat()
            if stat.S_ISREG(status.st_mode) and status.st_mtime < oldest:
                path.unlink()


def _is_there(path: Path) -> bool:
    """Tell whether a document is there that nobody else can have written."""
    try:
        return system.why_not_own(path.lstat()) is None
    except FileNotFoundError:
        return False


def place(catalog: Catalog, job: Job) -> Path:
    """Return where a job's document lies while it is on its way into the catalog."""
    # An id is the service's word, and no file is named by it.
    name = hashlib.sha256(job.id.encode()).hexdigest()[:32]
    return catalog.directory / "inventories" / f"{name}.json"


def _compare(vault: Vault, report: Inventory, progress: Progress) -> None:
    """Say so when the service's two accounts of the same inventory differ."""
    same = (
        vault.inventoried is not None
        and abs((vault.inventoried - report.inventory_date).total_seconds()) < 2
    )
    if same and vault.archives != report.archives:
        progress.note(vault_words.counts_differ(vault, report))
