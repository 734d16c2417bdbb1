"""`glacier vault`: the containers that archives live in."""

from __future__ import annotations

import click

from glaciercli import models
from glaciercli.catalog import filters
from glaciercli.cli.app import App
from glaciercli.cli.command import Group, pass_app
from glaciercli.cli.options import (
    dry_run_option,
    max_wait_option,
    name_option,
    vault_argument,
    waiting_options,
    workers_option,
    yes_option,
)
from glaciercli.errors import Conflict, IntegrityError, NotFound, Refused
from glaciercli.evidence import vault_words
from glaciercli.present import plans
from glaciercli.present.text import human
from glaciercli.services import scopes
from glaciercli.services.empty import emptying
from glaciercli.services.inventory import details, syncing
from glaciercli.services.vaults import notifications as service
from glaciercli.services.vaults import vaults
from glaciercli.tasks import waiting

_EVENTS = {
    "archive": "ArchiveRetrievalCompleted",
    "inventory": "InventoryRetrievalCompleted",
}
COLUMNS = ("VaultName", "NumberOfArchives", "SizeInBytes", "LastInventoryDate", "CreationDate")


@click.group(cls=Group)
def vault() -> None:
    """Create, list, inventory, empty and delete vaults.

    Example:
        glacier vault create photos
        glacier vault list
    """


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
    app.output.listing(
        vaults.listing(app.client), COLUMNS, empty=f"no vaults in {app.client.region}"
    )


@vault.command()
@vault_argument
@pass_app
def show(app: App, vault: str) -> None:
    """Show one vault.

    Glacier counts archives and bytes once a day, at its inventory. What was uploaded or deleted
    from here since is told beside them, by the catalog.

    Example:
        glacier vault show photos
    """
    found = vaults.show(app.client, vault)
    try:
        catalog = app.catalog
    except (OSError, Conflict, IntegrityError, Refused) as error:
        app.output.note(f"what was uploaded from here is not known: {error}")
    else:
        found = details.of(app.client, catalog, found)
    app.output.show(found, COLUMNS, told={"As of": _as_of(found)})


def _as_of(vault: models.Vault) -> str:
    """Return what the counts of a vault stand for, and what they lack, in words."""
    if vault.inventoried is None:
        when = "no inventory yet"
    else:
        when = f"the inventory of {human('LastInventoryDate', vault.inventoried, short=False)}"
    return when + vault_words.since_inventory(vault)


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
    vaults.delete(
        app.client, vault, emptied=emptying.last_deletion(app.client, app.catalog, record)
    )
    scopes.deleted_here(app.client, app.catalog, record)
    app.output.done(record, vault_words.deleted(vault))


@vault.command()
@vault_argument
@waiting_options
@pass_app
def inventory(app: App, vault: str, poll: waiting.Poll) -> None:
    """Bring the vault's inventory into the catalog, so that its archives have names.

    Glacier takes an inventory about once a day, and takes hours to hand it out. What was uploaded
    or deleted here meanwhile is kept.

    Example:
        glacier vault inventory photos
    """
    with app.progress("inventory") as progress:
        merged = syncing.sync(app.client, app.catalog, vault, poll=poll, progress=progress)
    app.output.show(merged)


@vault.command()
@vault_argument
@click.option("--delete-vault", is_flag=True, help="Then delete the vault itself.")
@name_option
@workers_option
@waiting_options
@dry_run_option
@yes_option
@pass_app
def empty(
    app: App,
    vault: str,
    *,
    delete_vault: bool,
    glob: str | None,
    workers: int,
    poll: waiting.Poll,
    dry_run: bool,
    yes: bool,
) -> None:
    """Delete all archives of a vault, by a plan that is shown first; run again to go on.

    Only what the plan counted is deleted, never what came into the vault after it. Archives of
    less than 90 days are charged for the rest of them.

    Example:
        glacier vault empty photos --dry-run
        glacier vault empty photos --delete-vault
    """
    wanted = filters.Filter(glob=glob)
    with app.progress("inventory") as progress:
        try:
            plan = emptying.plan(
                app.client,
                app.catalog,
                vault,
                filters=wanted,
                with_vault=delete_vault,
                poll=poll,
                progress=progress,
            )
        except NotFound as error:
            if not delete_vault:
                raise
            emptying.require_done(app.client, app.catalog, vault, error)
            app.output.show(models.Emptied(vault, 0, 0, vault_deleted=True))
            return
    lines = list(map(app.written, plans.sentences(plan)))
    if dry_run:
        app.output.done(plan, *lines)
        return
    for line in lines:
        app.output.note(line)
    with app.reporting(app.output.show), app.progress(vault, unit=" archives") as progress:
        emptied = emptying.empty(
            app.client,
            app.catalog,
            plan,
            app.consent(yes=yes),
            filters=wanted,
            workers=workers,
            poll=poll,
            progress=progress,
        )
    app.output.show(emptied)


@vault.command()
@vault_argument
@click.option("--gone", is_flag=True, help="Wait until it is not there any more.")
@max_wait_option
@pass_app
def wait(app: App, vault: str, *, gone: bool, max_wait: float) -> None:
    """Wait until a vault is there, or with --gone until it is not; exit 75 if that takes too long.

    Example:
        glacier vault wait photos --max-wait 1m
    """
    record = vaults.wait(app.client, vault, gone=gone, timeout=max_wait)
    if record is not None:
        app.output.done(record, f"vault {vault} is there")
    elif app.output.is_plain:
        app.output.lines([vault_words.gone(vault)])
    else:
        app.output.document(None)


@vault.group()
def notifications() -> None:
    """Notify an SNS topic when jobs of a vault are done.

    Example:
        glacier vault notifications show photos
    """


@notifications.command(name="show")
@vault_argument
@pass_app
def show_notifications(app: App, vault: str) -> None:
    """Show the SNS topic and the events of a vault's notifications.

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
    type=click.Choice(list(_EVENTS)),
    multiple=True,
    help="Only this one; may be repeated.  [default: both]",
)
@pass_app
def set_notifications(app: App, vault: str, topic: str, events: tuple[str, ...]) -> None:
    r"""Set the SNS topic that is notified when jobs of a vault are done.

    Example:
        glacier vault notifications set photos \
            --topic arn:aws:sns:us-east-1:123456789012:jobs
    """
    chosen = [_EVENTS[each] for each in events]
    app.output.show(service.set_(app.client, vault, topic, events=chosen or service.EVENTS))


@notifications.command(name="delete")
@vault_argument
@yes_option
@pass_app
def delete_notifications(app: App, vault: str, *, yes: bool) -> None:
    """Delete a vault's notification configuration.

    Example:
        glacier vault notifications delete photos --yes
    """
    app.confirm(f"delete the notifications of vault {vault}?", yes=yes)
    record = service.delete(app.client, vault)
    app.output.done(record, f"vault {vault} has no notifications any more")
