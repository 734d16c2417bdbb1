"""The command classes: global options anywhere, ids that begin with `-`, help with an example."""

from __future__ import annotations

import difflib
import functools
import inspect
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from glaciercli.cli.app import the_app
from glaciercli.cli.types import REFERENCE
from glaciercli.cli.words import mark_ids, scan
from glaciercli.config import COLORS, OUTPUTS

F = TypeVar("F", bound=Callable[..., Any])
_EXAMPLE = "\n\nExample:\n"
_VAULT_NAMES = ("--vault", "-V")


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
    _global("--quiet", "-q", is_flag=True, help="Only data and errors; no word with exit 75."),
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
        """Return the command's own parameters, and the global options, which go anywhere."""
        return [*super().get_params(ctx), *GLOBALS]

    def own_options(self, ctx: click.Context) -> list[click.Option]:
        """Return the options that are not everybody's."""
        return [
            param
            for param in self.get_params(ctx)
            if isinstance(param, click.Option) and param not in GLOBALS
        ]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        own = [option.get_help_record(ctx) for option in self.own_options(ctx)]
        records = [record for record in own if record is not None]
        if records:
            with formatter.section("Options"):
                formatter.write_dl(records)
        if isinstance(self, click.Group):
            self.format_commands(ctx, formatter)
        if ctx.parent is not None:
            formatter.write_paragraph()
            formatter.write_text("Global options, such as --output and --region: glacier --help")

    def format_epilog(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.examples:
            with formatter.section("Example" if len(self.examples) == 1 else "Examples"):
                for line in self.examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


class VaultArgument(click.Argument):
    """Marks the optional argument that names the vault, for Command to find."""


class Command(Described):
    """A leaf: ids that begin with `-` are ids, and a vault is an argument or an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the words of a command line: ids may begin with `-`, the vault has a default."""
        if any(param.type is REFERENCE for param in self.params):
            args = mark_ids(args, self.get_params(ctx))
        # A shell that completes must find the vault's word still to be given.
        takes_vault = any(isinstance(param, VaultArgument) for param in self.params)
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
            if isinstance(each, click.Argument) and not isinstance(each, VaultArgument)
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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is meant; Click's own guess knows none that is not imported."""
        names = self.list_commands(ctx)
        if args[0] not in names and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0], names, 1) or self._below(ctx, args[0])
            guess = f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
            raise click.UsageError(f"no such command {args[0]!r}{guess}", ctx)
        return super().resolve_command(ctx, args)

    def _below(self, ctx: click.Context, word: str) -> list[str]:
        """Return the commands of this name in the groups, such as `archive download`."""
        groups = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        return [
            f"{name} {word}"
            for name, group in groups
            if isinstance(group, click.Group) and word in group.list_commands(ctx)
        ]

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

    def own_options(self, ctx: click.Context) -> list[click.Option]:
        """Return the default's options with the group's: they are written without the verb."""
        verb = self.commands[self.default].params
        return [
            *(each for each in verb if isinstance(each, click.Option)),
            *super().own_options(ctx),
        ]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the words of a command line, with the group's default verb where none is named."""
        return super().parse_args(ctx, self._with_verb(ctx, args))

    def _with_verb(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the verb first: the one that is there, or the default."""
        verb = self.commands[self.default]
        words = list(scan(args, [*self.get_params(ctx), *verb.params]))
        first = next((word for word in words if word.kind in {"word", "end"}), None)
        if first is not None and args[first.place] in self.commands:
            return [args[first.place], *args[: first.place], *args[first.place + 1 :]]
        if first is None and {"-h", "--help"} & set(args):
            return args  # this group's own help
        if not args and ctx.resilient_parsing:
            return args  # a shell completes the verbs
        return [self.default, *args]

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        found = super().shell_complete(ctx, incomplete)
        return [*found, CompletionItem(incomplete, type="file")]
