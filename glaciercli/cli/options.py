"""The options that many commands share, and the command classes that understand them anywhere."""

from __future__ import annotations

import functools
import inspect
import textwrap
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from glaciercli.cli import complete
from glaciercli.cli.app import the_app
from glaciercli.cli.types import DURATION, REFERENCE, SIZE, TIME, VAULT
from glaciercli.cli.words import mark_ids, scan
from glaciercli.config import COLORS, OUTPUTS, TIERS
from glaciercli.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])
_EXAMPLE = "\n\nExample:\n"


def pass_app(function: F) -> F:
    """Give a command the run's App as its first argument."""

    @functools.wraps(function)
    def command(*args: Any, **kwargs: Any) -> Any:
        return function(the_app(click.get_current_context()), *args, **kwargs)

    return command  # type: ignore[return-value]


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Keep a global option in the App; only what was really given, so that others keep theirs."""
    assert param.name is not None
    if ctx.get_parameter_source(param.name) is ParameterSource.COMMANDLINE:
        the_app(ctx).flags[param.name] = value


def _global(*names: str, **attributes: Any) -> click.Option:
    return click.Option(names, expose_value=False, is_eager=True, callback=_remember, **attributes)


#: Accepted before and after the command. One list, shared by every command.
GLOBALS: tuple[click.Option, ...] = (
    _global("--local", is_flag=True, help="Use the embedded Glacier instead of AWS."),
    _global("--local-root", metavar="DIR", help="Where the embedded Glacier lives; means --local."),
    _global("--profile", metavar="NAME", help="Profile of the AWS configuration."),
    _global("--region", metavar="NAME", help="AWS region, such as us-east-1."),
    _global("--account-id", metavar="ID", help="Owner of the vaults; your own account if not set."),
    _global("--endpoint-url", metavar="URL", help="Another Glacier than that of AWS."),
    _global("--output", type=click.Choice(OUTPUTS), help="How data is printed.  [default: table]"),
    _global("--query", metavar="JMESPATH", help="Print only what this expression finds."),
    _global("--color", type=click.Choice(COLORS), help="Colour on stdout.  [default: auto]"),
    _global("--quiet", "-q", is_flag=True, help="Only data and errors."),
    _global("--verbose", "-v", is_flag=True, help="Tell each request on stderr."),
    _global("--debug", is_flag=True, help="Tell everything, with tracebacks."),
    _global("--no-progress", is_flag=True, help="No progress bars."),
    _global("--log-file", type=click.Path(dir_okay=False, path_type=Path), help="Append a log."),
    _global(
        "--timeout",
        metavar="DURATION",
        help="Give a silent server up after this.  [default: 2m]",
    ),
    _global(
        "--bandwidth-limit",
        metavar="SIZE/s",
        help="Move at most this many bytes a second, such as 5MiB/s.",
    ),
    _global(
        "--max-requests", metavar="N", help="Stop after this many requests; run again to go on."
    ),
    _global(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Read this instead of config.toml.",
    ),
)


class Described(click.Command):
    """A command whose docstring ends with an example, and which takes the global options."""

    #: Lines that can be pasted; shown after the options, in the man page, and run by the tests.
    examples: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        text, _, example = inspect.cleandoc(kwargs.pop("help", None) or "").partition(_EXAMPLE)
        kwargs["help"] = text
        super().__init__(*args, **kwargs)
        self.examples = tuple(textwrap.dedent(example).strip().splitlines())

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return [*super().get_params(ctx), *GLOBALS]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        own = [
            param.get_help_record(ctx)
            for param in self.get_params(ctx)
            if isinstance(param, click.Option) and param not in GLOBALS
        ]
        records = [record for record in own if record is not None]
        if records:
            with formatter.section("Options"):
                formatter.write_dl(records)
        if isinstance(self, click.Group):
            self.format_commands(ctx, formatter)

    def format_epilog(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.examples:
            with formatter.section("Example" if len(self.examples) == 1 else "Examples"):
                for line in self.examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


class Command(Described):
    """A leaf: ids that begin with `-` are ids, and a vault is an argument or an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if any(param.type is REFERENCE for param in self.params):
            args = mark_ids(args, self.get_params(ctx))
        # A shell that completes must find the vault's word still to be given.
        takes_vault = any(isinstance(param, _VaultArgument) for param in self.params)
        if takes_vault and not ctx.resilient_parsing:
            args = self._with_vault(ctx, args)
        return super().parse_args(ctx, args)

    def _with_vault(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put an empty word where the vault's argument stands, if the words are for the others."""
        words = list(scan(args, self.get_params(ctx)))
        free = [word.place for word in words if word.kind == "word"]
        named = any(name in _VAULT_NAMES for word in words for name in word.names)
        others = [
            each
            for each in self.params
            if isinstance(each, click.Argument) and not isinstance(each, _VaultArgument)
        ]
        needed = sum(each.required for each in others)
        takes_many = any(each.nargs < 0 for each in others)
        if (len(free) > needed) if not named else (len(free) > len(others) and not takes_many):
            return args
        place = free[0] if free else len(args)
        return [*args[:place], "", *args[place:]]

    def invoke(self, ctx: click.Context) -> Any:
        the_app(ctx).start_log()
        return super().invoke(ctx)


class Group(Described, click.Group):
    """Commands about one thing."""

    command_class = Command
    group_class = type

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with all of their first line, however long."""
        rows = [
            (name, (command.help or "").partition("\n")[0])
            for name in self.list_commands(ctx)
            if (command := self.get_command(ctx, name)) is not None
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class DefaultGroup(Group):
    """A group whose verb may be left out: words that begin with no verb are the default's."""

    def __init__(self, *args: Any, default: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.default = default

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, self._with_verb(ctx, args))

    def _with_verb(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the verb first: the one that is there, or the default."""
        verb = self.commands[self.default]
        words = list(scan(args, [*self.get_params(ctx), *verb.params]))
        first = next((word for word in words if word.kind in {"word", "end"}), None)
        if first is not None and args[first.place] in self.commands:
            return [args[first.place], *args[: first.place], *args[first.place + 1 :]]
        if first is None and (not args or {"-h", "--help"} & set(args)):
            return args  # nothing that the default could work on: this group's own help
        return [self.default, *args]

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        found = super().shell_complete(ctx, incomplete)
        return [*found, CompletionItem(incomplete, type="file")]


_VAULT_NAMES = ("--vault", "-V")


def _default_vault(ctx: click.Context, _param: click.Parameter, value: str | None) -> str:
    """Return the vault given, or that of the environment or the config file."""
    if ctx.resilient_parsing:
        return value or ""
    found = value or the_app(ctx).settings["vault"]
    if not found:
        raise click.UsageError("no vault is named: --vault NAME, or set GLACIER_VAULT", ctx)
    return str(VAULT.convert(found, None, ctx))


vault_option = click.option(
    "--vault",
    "-V",
    metavar="NAME",
    callback=_default_vault,
    shell_complete=complete.vaults,
    help="The vault.  [env: GLACIER_VAULT]",
)


class _VaultArgument(click.Argument):
    """Marks the optional argument that names the vault, for Command to find."""


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
        cls=_VaultArgument,
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
        with click.open_file(value, encoding="utf-8") as stream:
            return str(stream.read())
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not UTF-8 text"
        raise click.UsageError(f"policy {value!r}: {reason}", ctx) from error


policy_argument = click.argument(
    "policy", metavar="POLICY", callback=_policy_text, shell_complete=complete.files
)


def reference_argument(name: str, complete_with: Any = None, **attributes: Any) -> Callable[[F], F]:
    """Give a command an argument that takes an id, its beginning, or a name."""
    return click.argument(name, type=REFERENCE, shell_complete=complete_with, **attributes)


def _setting(name: str, kind: click.ParamType, attribute: str) -> Callable[..., Any]:
    """Return a callback that takes the flag, or else the environment, config.toml or default."""

    def resolve(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
        if ctx.resilient_parsing:
            return value
        if value is None and (found := the_app(ctx).settings[name]) is not None:
            value = kind.convert(found, param, ctx)
        if attribute and value is not None:
            setattr(the_app(ctx), attribute, max(getattr(the_app(ctx), attribute), value))
        return value

    return resolve


workers_option = click.option(
    "--workers",
    type=click.IntRange(1, 64),
    metavar="N",
    callback=_setting("workers", click.IntRange(1, 64), "connections"),
    help="Parts in flight at once.  [default: 8]",
)
part_size_option = click.option(
    "--part-size",
    type=SIZE,
    metavar="SIZE",
    callback=_setting("part-size", SIZE, ""),
    help="Size of the parts, a power of two MiB.  [default: 16MiB, more for huge files]",
)
tier_option = click.option(
    "--tier",
    type=click.Choice(TIERS, case_sensitive=False),
    callback=_setting("tier", click.Choice(TIERS, case_sensitive=False), ""),
    help="Speed and price of the retrieval.  [default: standard, 3-5 hours]",
)
max_wait_option = click.option(
    "--max-wait",
    type=DURATION,
    metavar="DURATION",
    help="Wait no longer than this, then exit 75.  [default: as long as it takes]",
)


def waiting_options(function: F) -> F:
    """Give a command `poll`: how long it waits for a job, and how often it looks."""

    @functools.wraps(function)
    def command(
        *args: Any,
        poll_interval: timedelta,
        max_wait: timedelta | None,
        no_wait: bool,
        **kwargs: Any,
    ) -> Any:
        from glaciercli.services.jobs import Poll  # noqa: PLC0415 - help does not need it

        limit = timedelta(0) if no_wait else max_wait
        seconds = None if limit is None else limit.total_seconds()
        return function(*args, poll=Poll(poll_interval.total_seconds(), seconds), **kwargs)

    options = (
        click.option(
            "--poll-interval",
            type=DURATION,
            metavar="DURATION",
            callback=_setting("poll-interval", DURATION, ""),
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
        click.option("--before", type=TIME, metavar="TIME", help="Created before."),
        click.option("--after", type=TIME, metavar="TIME", help="Created from then on."),
        click.option("--max-size", type=SIZE, metavar="SIZE", help="At most so big."),
        click.option("--min-size", type=SIZE, metavar="SIZE", help="At least so big."),
    ):
        function = option(function)
    return function


limit_option = click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="At most so many."
)
dry_run_option = click.option("--dry-run", is_flag=True, help="Only say what would be done.")
yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask.")
