"""`glacier catalog`: what this machine knows of the vaults."""

from __future__ import annotations

from pathlib import Path

import click

from glaciercli import models
from glaciercli.catalog import filters, imports
from glaciercli.cli import complete
from glaciercli.cli.app import App
from glaciercli.cli.command import Group, pass_app
from glaciercli.cli.options import (
    bounds_options,
    limit_option,
    name_option,
    one_vault_option,
    overwrite_option,
    state_option,
    tier_option,
    vault_argument,
    waiting_options,
    yes_option,
)
from glaciercli.cli.types import VAULT
from glaciercli.evidence import vault_words
from glaciercli.services.inventory import archives, exporting, importing, syncing, synology
from glaciercli.services.verify import audit
from glaciercli.tasks import waiting
from glaciercli.units import counted

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

_vaults_argument = click.argument(
    "names", nargs=-1, type=VAULT, metavar="[VAULT]...", shell_complete=complete.vaults
)


@click.group(cls=Group)
def catalog() -> None:
    """Search what this machine knows of all vaults, and renew it.

    Example:
        glacier catalog search holiday
    """


@catalog.command(name="list")
@name_option
@state_option
@limit_option
@pass_app
def list_(app: App, glob: str | None, states: frozenset[str] | None, limit: int | None) -> None:
    """List the archives of all vaults, newest first.

    Example:
        glacier catalog list --limit 20
    """
    found = archives.listing(
        app.client, app.catalog, filters=filters.Filter(glob=glob, states=states), limit=limit
    )
    app.output.listing(found, COLUMNS, empty="no archives are known here")


@catalog.command()
@click.argument("text")
@bounds_options
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
@_vaults_argument
@waiting_options
@pass_app
def sync(app: App, names: tuple[str, ...], poll: waiting.Poll) -> None:
    """Bring the inventories of vaults, or of all, into the catalog; exit 75 for those to come.

    Inventories are asked for and taken as far as they are ready, so from cron: --no-wait, and the
    next run goes on.

    Example:
        glacier catalog sync --no-wait
    """

    def tell(merged: list[models.Inventory]) -> None:
        app.output.listing(merged, INVENTORY)

    with app.reporting(tell), app.progress("inventories") as progress:
        merged = syncing.sync_all(app.client, app.catalog, names, poll=poll, progress=progress)
    tell(merged)


@catalog.command()
@_vaults_argument
@pass_app
def verify(app: App, names: tuple[str, ...]) -> None:
    """Compare the catalog with the last inventory of vaults, or of all; exit 6 or 9 if unsound.

    No inventory is asked for, and no stored byte is read: `glacier catalog sync` renews the
    inventories, `glacier archive verify --sample` reads. A vault is not sound when archives are
    missing from it or have changed, or when it is gone itself. Archives that others made, that are
    there twice, or that are listed days after their deletion are counted too, and lose nothing.

    Example:
        glacier catalog verify photos
    """
    with app.progress("vaults") as progress:
        app.output.listing(audit.audit(app.client, app.catalog, names, progress=progress), AUDIT)


@catalog.command(name="import")
@click.argument(
    "file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    shell_complete=complete.files,
)
@one_vault_option("Its vault, where the file does not say; else take no other.")
@click.option(
    "--tool",
    metavar="NAME",
    help="What wrote it: mt-aws-glacier, glacier-cli, sagu, synology, export or inventory."
    "  [default: what the file begins with]",
)
@pass_app
def import_(app: App, file: Path, vault: str | None, tool: str | None) -> None:
    """Read another tool's record of its archives, an inventory or an export into the catalog.

    Knows the journals of mt-aws-glacier, the caches of glacier-cli and Synology, the logs of SAGU,
    inventories as Glacier hands them out, and what `glacier catalog export` has written. Importing
    a file twice changes nothing.

    Example:
        glacier catalog import photos.journal --vault photos
    """
    read = importing.import_file(app.client, app.catalog, file, vault=vault, tool=tool)
    app.output.done(read, vault_words.taken(read))


@catalog.command()
@vault_argument
@click.option(
    "--mapping",
    type=VAULT,
    metavar="NAME",
    shell_complete=complete.vaults,
    help="Its mapping vault.  [default: VAULT_mapping]",
)
@tier_option
@waiting_options
@yes_option
@pass_app
def mapping(
    app: App, vault: str, *, mapping: str | None, tier: str, poll: waiting.Poll, yes: bool
) -> None:
    """Name the archives of a Synology NAS, whose names are in a second vault; run again to go on.

    Glacier Backup keeps the paths of a vault's archives in a SQLite file, the newest archive of the
    vault VAULT_mapping. This brings the inventories of both, retrieves that file, which is charged
    and takes hours, and joins it. From cron: --no-wait, until it does not exit with 75 any more.

    Example:
        glacier catalog mapping nas --tier bulk
    """
    with app.progress("mapping") as progress:
        read = synology.join_mapping(
            app.client,
            app.catalog,
            vault,
            app.consent(yes=yes),
            journals=app.journals,
            mapping=mapping,
            tier=tier,
            poll=poll,
            progress=progress,
        )
    app.output.done(read, f"vault {vault}: {counted(read.archives, 'archive')} have their names")


@catalog.command()
@click.argument(
    "file",
    required=False,
    metavar="[FILE]",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    shell_complete=complete.files,
)
@one_vault_option("Only this vault.  [default: all]")
@click.option("--everywhere", is_flag=True, help="Of all accounts, regions and endpoints.")
@overwrite_option
@pass_app
def export(
    app: App, file: Path | None, *, vault: str | None, everywhere: bool, overwrite: bool
) -> None:
    """Write what is known of all archives as JSON lines, for a backup or another machine.

    Deleted archives are among them. Without FILE, or with `-`, stdout gets the lines. `glacier
    catalog import` reads them.

    Example:
        glacier catalog export catalog.jsonl
        glacier catalog export --vault photos > photos.jsonl
    """
    where = (
        app.catalog.scopes()
        if everywhere
        else exporting.exported_scopes(app.client, app.catalog, vault)
    )
    if file is None or str(file) == "-":
        imports.export(app.catalog, where, app.output.stdout, vault=vault)
        app.output.flush()
        return
    count = exporting.export_to(app.catalog, where, file, vault=vault, overwrite=overwrite)
    app.output.done(
        models.Exported(str(file), count), f"{counted(count, 'archive')} written to {file}"
    )
