"""`glacier vault`: the containers that archives live in."""

from __future__ import annotations

from datetime import timedelta

import click

from glaciercli.cli.app import App
from glaciercli.cli.options import Group, max_wait_option, pass_app, vault_argument, yes_option
from glaciercli.services import notifications as service
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


@vault.command()
@vault_argument
@click.option("--gone", is_flag=True, help="Wait until it is not there any more.")
@max_wait_option
@pass_app
def wait(app: App, vault: str, *, gone: bool, max_wait: timedelta | None) -> None:
    """Wait until a vault is there, or with --gone until it is not; exit 75 if that takes too long.

    Example:
        glacier vault wait photos --max-wait 1m
    """
    seconds = None if max_wait is None else max_wait.total_seconds()
    record = vaults.wait(app.client, vault, gone=gone, timeout=seconds)
    if record is None:
        app.output.note(f"vault {vault} is gone")
    else:
        app.output.done(record, f"vault {vault} is there")


@vault.group()
def notifications() -> None:
    """Where a vault says, through SNS, that jobs are done."""


@notifications.command(name="show")
@vault_argument
@pass_app
def show_notifications(app: App, vault: str) -> None:
    """Show where a vault's notifications go.

    Example:
        glacier vault notifications show photos
    """
    app.output.show(service.show(app.client, vault))


@notifications.command(name="set")
@vault_argument
@click.option("--topic", required=True, metavar="ARN", help="The SNS topic.")
@click.option(
    "--event",
    "events",
    type=click.Choice(service.EVENTS),
    multiple=True,
    help="Only this one; may be repeated.  [default: both]",
)
@pass_app
def set_notifications(app: App, vault: str, topic: str, events: tuple[str, ...]) -> None:
    """Let a vault tell an SNS topic when jobs are done.

    Example:
        glacier vault notifications set photos --topic arn:aws:sns:us-east-1:1234:jobs
    """
    app.output.show(service.set_(app.client, vault, topic, events=events or service.EVENTS))


@notifications.command(name="delete")
@vault_argument
@yes_option
@pass_app
def delete_notifications(app: App, vault: str, *, yes: bool) -> None:
    """Let a vault tell nobody any more.

    Example:
        glacier vault notifications delete photos --yes
    """
    app.confirm(f"delete the notifications of vault {vault}?", yes=yes)
    record = service.delete(app.client, vault)
    app.output.done(record, f"vault {vault} tells nobody any more")
