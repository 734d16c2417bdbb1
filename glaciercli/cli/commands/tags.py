"""`glacier tags`: labels of a vault, for bills and policies."""

from __future__ import annotations

import click

from glaciercli.cli.app import App
from glaciercli.cli.command import Group, pass_app
from glaciercli.cli.options import vault_argument, yes_option
from glaciercli.errors import UsageError
from glaciercli.services.vaults import tags as service

COLUMNS = ("Key", "Value")


@click.group(cls=Group)
def tags() -> None:
    """Tags of a vault.

    Example:
        glacier tags list photos
    """


@tags.command(name="list")
@vault_argument
@pass_app
def list_(app: App, vault: str) -> None:
    """List the tags of a vault.

    Example:
        glacier tags list photos
    """
    found = service.listing(app.client, vault)
    app.output.listing(found, COLUMNS, empty=f"vault {vault} has no tags")


@tags.command()
@vault_argument
@click.argument("pairs", nargs=-1, required=True, metavar="KEY=VALUE...")
@pass_app
def add(app: App, vault: str, pairs: tuple[str, ...]) -> None:
    """Set tags of a vault, and list all that it has then.

    Example:
        glacier tags add photos owner=anna project=archive
    """
    wanted = {}
    for each in pairs:
        key, equals, value = each.partition("=")
        if not equals or not key:
            raise UsageError(f"{each!r} is not a tag; write it like owner=anna")
        wanted[key] = value
    app.output.listing(service.add(app.client, vault, wanted), COLUMNS)


@tags.command()
@vault_argument
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@yes_option
@pass_app
def remove(app: App, vault: str, keys: tuple[str, ...], *, yes: bool) -> None:
    """Remove tags of a vault by key, and list those that are left.

    A policy can depend on a tag, such as one that holds archives against deletion.

    Example:
        glacier tags remove photos project --yes
    """
    app.confirm(f"remove {', '.join(keys)} from the tags of vault {vault}?", yes=yes)
    left = service.remove(app.client, vault, keys)
    app.output.listing(left, COLUMNS, empty=f"vault {vault} has no tags")
