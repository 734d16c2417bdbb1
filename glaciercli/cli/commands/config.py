"""`glacier config`: which settings are in force, and why."""

from __future__ import annotations

import click

from glaciercli import models
from glaciercli.cli.app import App
from glaciercli.cli.command import Group, pass_app

COLUMNS = ("setting", "value", "source")


@click.group(cls=Group)
def config() -> None:
    """Show which settings are in force, and why.

    Example:
        glacier config show
    """


@config.command()
@pass_app
def show(app: App) -> None:
    """Show each setting with its value and where it comes from, and where our files live.

    Example:
        glacier config show
    """
    settings = app.settings
    told = {name: (value, settings.sources[name]) for name, value in settings.values.items()}
    told["endpoint-url"] = app.endpoint_setting
    rows = [models.SettingInForce(name, *each) for name, each in told.items()]
    places = app.places
    rows += [
        models.SettingInForce(
            "config file", str(app.flags.get("config") or places.config_file), "path"
        ),
        models.SettingInForce("catalog", str(places.catalog), "path"),
        models.SettingInForce("journals", str(app.journals), "path"),
        models.SettingInForce("embedded Glacier", str(app.local_root), "path"),
    ]
    app.output.listing(rows, COLUMNS)
