"""`glacier capacity`: units that keep expedited retrievals from being refused."""

from __future__ import annotations

import click

from glaciercli.cli.app import App
from glaciercli.cli.command import Group, pass_app
from glaciercli.cli.options import yes_option
from glaciercli.services.vaults import capacity as service

COLUMNS = ("CapacityId", "StartDate", "ExpirationDate")


@click.group(cls=Group)
def capacity() -> None:
    """Provisioned capacity for expedited retrievals.

    Example:
        glacier capacity list
    """


@capacity.command(name="list")
@pass_app
def list_(app: App) -> None:
    """List the capacity units of the account in the region.

    Example:
        glacier capacity list
    """
    app.output.listing(service.capacity(app.client), COLUMNS, empty="no provisioned capacity")


@capacity.command()
@yes_option
@pass_app
def purchase(app: App, *, yes: bool) -> None:
    """Buy a capacity unit for a month; it is paid at once and cannot be given back.

    Without one, expedited retrievals mostly work, and are refused when demand is high.

    Example:
        glacier capacity purchase --yes
    """
    plan = service.plan(app.client)
    bought = service.purchase(app.client, plan, app.consent(yes=yes))
    app.output.show(bought, COLUMNS)
