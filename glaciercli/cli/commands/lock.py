"""`glacier lock`: policies that nobody can lift."""

from __future__ import annotations

import click

from glaciercli import models
from glaciercli.cli.app import App
from glaciercli.cli.command import Group, pass_app
from glaciercli.cli.options import (
    dry_run_option,
    policy_argument,
    reference_argument,
    vault_argument,
    yes_option,
)
from glaciercli.cli.words import ID_MARK
from glaciercli.hints import Command
from glaciercli.services.vaults import lock as service
from glaciercli.units import format_duration

allow_only_option = click.option(
    "--allow-only", is_flag=True, help="Take a policy that denies nothing, which protects nothing."
)


@click.group(cls=Group)
def lock() -> None:
    """Lock a vault's policy for ever, after 24 hours of trial.

    Example:
        glacier lock start photos keep-a-year.json --dry-run
    """


@lock.command()
@vault_argument
@pass_app
def show(app: App, vault: str) -> None:
    """Show a vault's lock, what it forbids, and how long its trial still lasts.

    Example:
        glacier lock show photos
    """
    found = service.show(app.client, vault)
    app.output.show(found)
    _say_when(app, found)


@lock.command()
@vault_argument
@policy_argument
@allow_only_option
@dry_run_option
@yes_option
@pass_app
def start(app: App, vault: str, policy: str, *, allow_only: bool, dry_run: bool, yes: bool) -> None:
    """Put a lock policy in force for 24 hours of trial.

    POLICY is a file, `-` for stdin, or the JSON text itself; a file made for `aws glacier` will do.
    Within the 24 hours the lock can be completed or aborted; after them it goes away. The lock's id
    is told only once: keep it.

    A statement that can never hold is refused by name: one with a condition key that Glacier has
    not, for one, or about an account that no policy of the vault lets in.

    Example:
        glacier lock start photos keep-a-year.json
    """
    checked = service.check(app.client, vault, policy, allow_only=allow_only)
    for each in checked.forbids or ():
        app.output.note(f"will hold: {each}")
    if dry_run:
        app.output.show(checked)
        return
    app.confirm(f"start the trial of this lock on vault {vault}?", yes=yes)
    started = service.start(app.client, vault, policy, allow_only=allow_only)
    app.output.show(started)
    complete = app.written(Command("lock", "complete", vault, str(started.id)))
    app.output.note(f"to make it permanent: {complete}")
    app.output.note(f"to give it up:        {app.written(Command('lock', 'abort', vault))}")
    _say_when(app, started)


@lock.command()
@vault_argument
@reference_argument("lock_id", metavar="LOCK-ID")
@allow_only_option
@yes_option
@pass_app
def complete(app: App, vault: str, lock_id: str, *, allow_only: bool, yes: bool) -> None:
    """Make a lock permanent. This cannot be undone by anyone, AWS included.

    The policy on trial is checked as `start` checks it: another program may have set it.

    Example:
        glacier lock complete photos AE863rKkWZU53SLW5be4DUcW
    """
    for each in service.check_trial(app.client, vault, allow_only=allow_only).forbids or ():
        app.output.note(f"for ever: {each}")
    app.confirm(f"this locks vault {vault} for ever", yes=yes, typed=vault)
    identity = lock_id.removeprefix(ID_MARK)
    app.output.show(service.complete(app.client, vault, identity, allow_only=allow_only))


@lock.command()
@vault_argument
@yes_option
@pass_app
def abort(app: App, vault: str, *, yes: bool) -> None:
    """Give up a lock that is on trial; its policy ceases to hold.

    Example:
        glacier lock abort photos --yes
    """
    app.confirm(f"give up the lock on trial of vault {vault}?", yes=yes)
    record = service.abort(app.client, vault)
    app.output.done(record, f"vault {vault} has no lock any more")


def _say_when(app: App, found: models.Lock) -> None:
    if found.expires is not None:
        left = format_duration(found.expires - app.client.now())
        app.output.note(f"on trial: goes away in {left} unless it is completed")
