"""`glacier policy`: who may do what with a vault, and how much may be retrieved."""

from __future__ import annotations

import click

from glaciercli.cli.app import App
from glaciercli.cli.command import Group, pass_app
from glaciercli.cli.options import policy_argument, vault_argument, yes_option
from glaciercli.services.vaults import access_policy, retrieval_policy


@click.group(cls=Group)
def policy() -> None:
    """Access policies of vaults, and the account's retrieval policy.

    Example:
        glacier policy show photos
    """


@policy.command()
@vault_argument
@pass_app
def show(app: App, vault: str) -> None:
    """Print the access policy of a vault, as the JSON document that `set` takes.

    Example:
        glacier policy show photos > policy.json
    """
    app.output.document(access_policy.show(app.client, vault).document)


@policy.command(name="set")
@vault_argument
@policy_argument
@pass_app
def set_(app: App, vault: str, policy: str) -> None:
    """Replace the access policy of a vault.

    POLICY is a file, `-` for stdin, or the JSON text itself.

    Example:
        glacier policy set photos policy.json
    """
    record = access_policy.set_(app.client, vault, policy)
    app.output.done(record, f"vault {vault} has its access policy")


@policy.command()
@vault_argument
@yes_option
@pass_app
def delete(app: App, vault: str, *, yes: bool) -> None:
    """Delete the access policy of a vault.

    Example:
        glacier policy delete photos --yes
    """
    app.confirm(f"delete the access policy of vault {vault}?", yes=yes)
    record = access_policy.delete(app.client, vault)
    app.output.done(record, f"vault {vault} has no access policy any more")


@policy.group()
def retrieval() -> None:
    """How much the account lets itself retrieve: a brake on the bill.

    Example:
        glacier policy retrieval set free-tier
    """


@retrieval.command(name="show")
@pass_app
def show_retrieval(app: App) -> None:
    """Show the data retrieval policy of the account in the region.

    Example:
        glacier policy retrieval show
    """
    app.output.show(retrieval_policy.show(app.client))


@retrieval.command(name="set")
@click.argument("limit")
@pass_app
def set_retrieval(app: App, limit: str) -> None:
    """Set the data retrieval policy: `none`, `free-tier`, or bytes an hour.

    Standard retrievals beyond it are refused, and cost nothing; bulk and expedited ones are never
    refused.

    Example:
        glacier policy retrieval set 10GiB
    """
    app.output.show(retrieval_policy.set_(app.client, limit))
