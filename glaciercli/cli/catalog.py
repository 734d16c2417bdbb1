"""`glacier catalog`: what this machine knows of the vaults."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from glaciercli import models
from glaciercli.catalog import filters, findings
from glaciercli.cli import complete
from glaciercli.cli.app import App
from glaciercli.cli.options import Group, limit_option, name_option, pass_app, waiting_options
from glaciercli.cli.types import SIZE, TIME, VAULT
from glaciercli.errors import GlacierError, IntegrityError, NotFound, NotReady, Partial
from glaciercli.services import archives, inventory, jobs, scopes, vaults, verification

COLUMNS = ("vaultName", "name", "size", "creationDate", "status", "archiveId")
INVENTORY = ("vaultName", "InventoryDate", "archives", "size", "new", "gone")
AUDIT = (
    "vaultName",
    "InventoryDate",
    "archives",
    "missing",
    "changed",
    "foreign",
    "duplicates",
    "undeleted",
)
_NAMED = 3  # findings of a kind that are told by name; the rest are counted


@click.group(cls=Group)
def catalog() -> None:
    """Search what this machine knows of all vaults, and renew it."""


@catalog.command(name="list")
@name_option
@limit_option
@pass_app
def list_(app: App, glob: str | None, limit: int | None) -> None:
    """List the archives of all vaults, newest first.

    Example:
        glacier catalog list --limit 20
    """
    found = archives.listing(
        app.client, app.catalog, filters=filters.Filter(glob=glob), limit=limit
    )
    app.output.listing(found, COLUMNS, empty="no archives are known here")


@catalog.command()
@click.argument("text")
@click.option("--min-size", type=SIZE, metavar="SIZE", help="At least so big.")
@click.option("--max-size", type=SIZE, metavar="SIZE", help="At most so big.")
@click.option("--after", type=TIME, metavar="TIME", help="Created from then on.")
@click.option("--before", type=TIME, metavar="TIME", help="Created before.")
@limit_option
@pass_app
def search(app: App, text: str, limit: int | None, **bounds: object) -> None:
    """Find archives in all vaults by a part of their name, in upper or lower case.

    Example:
        glacier catalog search holiday --after 2015-01-01
    """
    wanted = filters.Filter(text=text, **bounds)  # type: ignore[arg-type]
    found = archives.listing(app.client, app.catalog, filters=wanted, limit=limit)
    app.output.listing(found, COLUMNS, empty=f"no archive's name contains {text!r}")


@catalog.command()
@click.argument("names", nargs=-1, type=VAULT, metavar="[VAULT]...", shell_complete=complete.vaults)
@waiting_options
@pass_app
def sync(app: App, names: tuple[str, ...], poll: jobs.Poll) -> None:
    """Bring the inventories of vaults, or of all, into the catalog; exit 75 for those to come.

    Inventories are asked for and taken as far as they are ready, so from cron: --no-wait, and the
    next run goes on.

    Example:
        glacier catalog sync --no-wait
    """
    wanted = names or tuple(each.name for each in vaults.listing(app.client))
    failures: dict[str, GlacierError] = {}

    def merged(names: Sequence[str], poll: jobs.Poll) -> Iterator[models.Inventory]:
        for name in names:
            failures.pop(name, None)
            try:
                with app.progress(name) as progress:
                    yield inventory.sync(
                        app.client, app.catalog, name, poll=poll, progress=progress
                    )
            except (NotReady, NotFound) as error:
                failures[name] = error

    def merged_twice() -> Iterator[models.Inventory]:
        # All are asked for before the first is waited for: the waits are hours, and they overlap.
        yield from merged(wanted, jobs.Poll(timeout=0.0))
        if poll.timeout != 0:
            late = [name for name, error in failures.items() if isinstance(error, NotReady)]
            yield from merged(late, poll)

    app.output.listing(merged_twice(), INVENTORY)
    if not failures:
        return
    if all(isinstance(each, NotReady) for each in failures.values()):
        later = ", ".join(failures)
        raise NotReady(
            f"inventories are not ready yet: {later}", hint="run the same command again later"
        )
    raise Partial(f"{len(failures)} of {len(wanted)} vaults are not in the catalog", failures)


@catalog.command()
@click.argument("names", nargs=-1, type=VAULT, metavar="[VAULT]...", shell_complete=complete.vaults)
@pass_app
def verify(app: App, names: tuple[str, ...]) -> None:
    """Compare the catalog with the last inventory of vaults, or of all; exit 6 or 9 if unsound.

    No inventory is asked for, and no stored byte is read: `glacier catalog sync` renews the
    inventories, `glacier archive verify --sample` reads. A vault is not sound when archives are
    missing from it or have changed. Archives that others made, that are there twice, or that are
    listed days after their deletion are counted too, and lose nothing.

    Example:
        glacier catalog verify photos
    """
    wanted = names or tuple(each.name for each in vaults.listing(app.client))
    failures: dict[str, GlacierError] = {}

    def audits() -> Iterator[models.Audit]:
        for name in wanted:
            try:
                audit = verification.catalog(app.client, app.catalog, name)
            except NotReady as error:
                failures[name] = error
                continue
            if not audit.is_sound:
                failures[name] = IntegrityError(_unsound(app, audit))
            yield audit

    app.output.listing(audits(), AUDIT)
    if len(wanted) == 1:
        for error in failures.values():
            raise error
    if failures:
        raise Partial(f"{len(failures)} of {len(wanted)} vaults are not proven sound", failures)


def _unsound(app: App, audit: models.Audit) -> str:
    """Return what is wrong with a vault, the first archives by name."""
    scope = scopes.of(app.client, app.catalog)
    told = []
    for kind in ("missing", "changed"):
        count, found = findings.look(app.catalog, scope, audit.vault, kind, limit=_NAMED)
        if count:
            names = [each.name or each.id for each in found]
            more = [f"{count - len(names):,} more"] if count > len(names) else []
            told.append(f"{count:,} {kind} ({', '.join(names + more)})")
    return f"vault {audit.vault} is not sound: {', '.join(told)}"
