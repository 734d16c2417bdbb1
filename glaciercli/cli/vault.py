"""`glacier vault`: the containers that archives live in."""

from __future__ import annotations

import click

from glaciercli.cli.app import App
from glaciercli.cli.options import Group, pass_app, vault_argument, yes_option
from glaciercli.services import vaults

COLUMNS = ("VaultName", "NumberOfArchives", "SizeInBytes", "LastInventoryDate", "CreationDate")


@click.group(cls=Group)
def vault() -> None:
    """Create, list, show and delete vaults."""


@vault.command()
@vault_argument
@pass_app
def create(app: App, vault: str) -> None:
    """Create a vault; one that exists stays as it is.

    Example:
        glacier vault create photos
    """
    record = vaults.create(app.client, vault)
    app.output.done(record, f"vault {record.name} is there: {record.arn}")


@vault.command(name="list")
@pass_app
def list_(app: App) -> None:
    """List the vaults of the account in one region.

    Counts and sizes are those of each vault's last inventory, which is about a day old.

    Example:
        glacier vault list
    """
    app.output.listing(vaults.listing(app.client), COLUMNS, empty="no vaults in this region")


@vault.command()
@vault_argument
@pass_app
def show(app: App, vault: str) -> None:
    """Show one vault.

    Example:
        glacier vault show photos
    """
    app.output.show(vaults.show(app.client, vault), COLUMNS)


@vault.command()
@vault_argument
@yes_option
@pass_app
def delete(app: App, vault: str, *, yes: bool) -> None:
    """Delete an empty vault.

    Glacier deletes a vault only when its last inventory found it empty and nothing was written to
    it since. Exit 75 says that it will work later.

    Example:
        glacier vault delete photos --yes
    """
    record = vaults.show(app.client, vault)
    app.confirm(f"delete vault {vault}?", yes=yes)
    vaults.delete(app.client, vault)
    app.output.done(record, f"vault {vault} is deleted")
