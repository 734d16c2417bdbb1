"""The options and arguments that many commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import timedelta
from math import inf
from pathlib import Path
from typing import Any, TypeVar

import click

from glaciercli.cli import complete
from glaciercli.cli.app import the_app
from glaciercli.cli.command import VaultArgument
from glaciercli.cli.types import DURATION, REFERENCE, SIZE, TIME, VAULT
from glaciercli.config import TIERS
from glaciercli.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])


def _default_vault(ctx: click.Context, param: click.Parameter, value: str | None) -> str:
    """Return the vault given, or that of the environment or the config file."""
    if ctx.resilient_parsing:
        return value or ""
    if value:
        return str(VAULT.convert(value, None, ctx))
    found = _setting("vault", VAULT)(ctx, param, None)
    if not found:
        raise click.UsageError("no vault is named: --vault NAME, or set GLACIER_VAULT", ctx)
    return str(found)


vault_option = click.option(
    "--vault",
    "-V",
    metavar="NAME",
    callback=_default_vault,
    shell_complete=complete.vaults,
    help="The vault.  [env: GLACIER_VAULT]",
)


def one_vault_option(help: str) -> Callable[[F], F]:  # noqa: A002 - click's word
    """Give a command a vault that GLACIER_VAULT does not choose: without it, all are meant."""
    return click.option(
        "--vault", "-V", type=VAULT, metavar="NAME", shell_complete=complete.vaults, help=help
    )


def vault_argument(function: F) -> F:
    """Give a command `vault`, written as its first argument or as `--vault`."""

    @functools.wraps(function)
    def command(*args: Any, vault: str | None, vault_word: str | None, **kwargs: Any) -> Any:
        ctx = click.get_current_context()
        if vault and vault_word and vault != vault_word:
            raise UsageError(f"two vaults are named: {vault_word!r} and {vault!r}")
        return function(*args, vault=_default_vault(ctx, None, vault_word or vault), **kwargs)  # type: ignore[arg-type]

    option = click.option(
        "--vault",
        "-V",
        metavar="NAME",
        shell_complete=complete.vaults,
        help="The vault, if not given as argument.  [env: GLACIER_VAULT]",
    )
    argument = click.argument(
        "vault_word",
        cls=VaultArgument,
        metavar="[VAULT]",
        required=False,
        shell_complete=complete.vaults,
    )
    return option(argument(command))  # type: ignore[return-value]


def _policy_text(ctx: click.Context, _param: click.Parameter, value: str) -> str:
    """Return a policy's text: given as such, on stdin, or in a file."""
    if ctx.resilient_parsing or value.lstrip().startswith(("{", "[")):
        return value
    try:
        if value == "-":
            return the_app(ctx).stdin.read()
        return Path(value).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not UTF-8 text"
        raise click.UsageError(f"policy {value!r}: {reason}", ctx) from error


policy_argument = click.argument(
    "policy", metavar="POLICY", callback=_policy_text, shell_complete=complete.files
)


def reference_argument(name: str, complete_with: Any = None, **attributes: Any) -> Callable[[F], F]:
    """Give a command an argument that takes an id, its beginning, or a name."""
    return click.argument(name, type=REFERENCE, shell_complete=complete_with, **attributes)


def _setting(name: str, kind: click.ParamType) -> Callable[..., Any]:
    """Return a callback that takes the flag, or else the environment, config.toml or default."""

    def resolve(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
        if ctx.resilient_parsing:
            return value
        settings = the_app(ctx).settings
        if value is None and settings[name] is not None:
            try:
                value = kind.convert(settings[name], param, ctx)
            except click.BadParameter as error:
                raise settings.wrong(name, error.message) from error
        return value

    return resolve


_WORKERS = click.IntRange(1, 64)


def _workers(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Return how many workers are meant, each of which needs a connection."""
    count = _setting("workers", _WORKERS)(ctx, param, value)
    if count is not None:
        the_app(ctx).connections = max(the_app(ctx).connections, count)
    return count


workers_option = click.option(
    "--workers",
    type=_WORKERS,
    metavar="N",
    callback=_workers,
    help="Parts in flight at once.  [default: 8]",
)
part_size_option = click.option(
    "--part-size",
    type=SIZE,
    metavar="SIZE",
    callback=_setting("part-size", SIZE),
    help="Size of the parts, a power of two MiB.  [default: 16MiB, more for huge files]",
)
_TIER = click.Choice(TIERS, case_sensitive=False)


def _tier(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Return the tier as the service writes it."""
    found = _setting("tier", _TIER)(ctx, param, value)
    return found and found.capitalize()


tier_option = click.option(
    "--tier",
    type=_TIER,
    callback=_tier,
    help="Speed and price of the retrieval.  [default: standard, 3-5 hours]",
)
max_wait_option = click.option(
    "--max-wait",
    type=DURATION,
    metavar="DURATION",
    callback=lambda _ctx, _param, value: inf if value is None else value.total_seconds(),
    help="Wait no longer than this, then exit 75.  [default: as long as it takes]",
)


_LEAST_INTERVAL = timedelta(seconds=1)


def waiting_options(function: F) -> F:
    """Give a command `poll`: how long it waits for a job, and how often it looks."""

    @functools.wraps(function)
    def command(
        *args: Any,
        poll_interval: timedelta,
        max_wait: float,
        no_wait: bool,
        **kwargs: Any,
    ) -> Any:
        from glaciercli.tasks.waiting import Poll  # noqa: PLC0415 - help does not need it

        if poll_interval < _LEAST_INTERVAL:
            raise UsageError("a --poll-interval below 1s would ask all the time, and pay for it")
        poll = Poll(poll_interval.total_seconds(), 0.0 if no_wait else max_wait)
        return function(*args, poll=poll, **kwargs)

    options = (
        click.option(
            "--poll-interval",
            type=DURATION,
            metavar="DURATION",
            callback=_setting("poll-interval", DURATION),
            help="How often to look whether the job is done.  [default: 15m]",
        ),
        max_wait_option,
        click.option("--no-wait", is_flag=True, help="Exit 75 at once if it is not done."),
    )
    for option in reversed(options):
        command = option(command)
    return command  # type: ignore[return-value]


description_option = click.option("--description", metavar="TEXT", help="Stored with it, as given.")
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
name_option = click.option(
    "--name", "glob", metavar="GLOB", help="Only archives whose name matches, such as '*.tar'."
)


def bounds_options(function: F) -> F:
    """Give a command the bounds of a Filter, under its names: sizes and times of creation."""
    for option in (
        click.option("--before", type=TIME, metavar="TIME", help="Created before TIME."),
        click.option("--after", type=TIME, metavar="TIME", help="Created at or after TIME."),
        click.option("--max-size", type=SIZE, metavar="SIZE", help="No larger than SIZE."),
        click.option("--min-size", type=SIZE, metavar="SIZE", help="No smaller than SIZE."),
    ):
        function = option(function)
    return function


STATES = ("new", "seen", "missing", "gone", "deleted")
state_option = click.option(
    "--state",
    "states",
    type=click.Choice(STATES),
    multiple=True,
    callback=lambda _ctx, _param, value: frozenset(value) or None,
    help="Only those in this state; may be repeated.  [default: all but gone and deleted]",
)
limit_option = click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="Show at most N."
)
dry_run_option = click.option("--dry-run", is_flag=True, help="Only say what would be done.")
yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask.")
