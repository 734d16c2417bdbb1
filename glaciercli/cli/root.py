"""The root of the command tree. A group's module is imported when the group is used."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem, add_completion_class, shell_complete

from glaciercli import __version__
from glaciercli.cli import boundary
from glaciercli.cli.app import App, the_app
from glaciercli.cli.command import GLOBALS, Group
from glaciercli.cli.lazy import command_module
from glaciercli.cli.signals import PROGRAM

COMPLETION = "_GLACIER_COMPLETE"  # how a shell's script asks what a word could become

#: Each command's module and its line in `--help`, which must not cost an import.
COMMANDS: dict[str, tuple[str, str]] = {
    "vault": ("vault", "Create, list, inventory, empty and delete vaults."),
    "archive": ("archive", "List, show, download and delete archives, by name or id."),
    "job": ("job", "Start, watch and fetch retrievals and inventories."),
    "upload": ("upload", "Upload files to a vault; run again to resume."),
    "catalog": ("catalog", "Search what this machine knows of all vaults, and renew it."),
    "lock": ("lock", "Lock a vault's policy for ever, after 24 hours of trial."),
    "policy": ("policy", "Access policies of vaults, and the account's retrieval policy."),
    "tags": ("tags", "Tags of a vault."),
    "capacity": ("capacity", "Provisioned capacity for expedited retrievals."),
    "local": ("local", "Tend the embedded Glacier that --local uses."),
    "config": ("config", "Show which settings are in force, and why."),
    "treehash": ("treehash", "Print the SHA-256 tree hash of files; `-` is stdin."),
}


class Root(Group):
    """Loads a command when it is named, and ends every error at the boundary."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = command_module(COMMANDS[cmd_name][0])
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])
        with formatter.section("Global options, before or after the command"):
            records = [option.get_help_record(ctx) for option in GLOBALS]
            formatter.write_dl([record for record in records if record is not None])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the commands without importing any of them."""
        commands = [
            CompletionItem(name, help=line)
            for name, (_, line) in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]

    def run(self, arguments: Sequence[str], app: App) -> int:
        """Run a command line and return its exit code; raises what goes wrong.

        Not Click's own `main`: that one ends the process by itself when a pipe is closed.
        """
        instruction = os.environ.get(COMPLETION)
        if instruction:
            from glaciercli.cli.complete import Bash, Fish  # noqa: PLC0415 - for this alone

            add_completion_class(Bash)
            add_completion_class(Fish)
            return shell_complete(self, {"obj": app}, PROGRAM, COMPLETION, instruction)
        try:
            with self.make_context(PROGRAM, list(arguments), obj=app) as context:
                self.invoke(context)
        except click.exceptions.Exit as exit_:
            return exit_.exit_code
        return 0

    def main(self, args: Sequence[str] | None = None, *_: Any, **extra: Any) -> Any:
        """Run a command line and exit, as Click's test runner and `python -c` expect."""
        arguments = list(sys.argv[1:] if args is None else args)
        app = extra.get("obj") or App()
        code = boundary.run(lambda: self.run(arguments, app), app, arguments)
        app.close()
        sys.exit(code)


def _refuse_git_annex(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        # git-annex asks this of any program called `glacier` before it trusts it with data. Ours
        # does not speak that protocol, and a wrong program of this name has lost data before.
        raise click.UsageError("this is not the glacier program that git-annex knows", ctx)


@click.group(
    cls=Root,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "auto_envvar_prefix": None,
    },
)
@click.version_option(__version__, "--version", prog_name=PROGRAM)
@click.option(
    "--compatibility-test-git-annex",
    is_flag=True,
    hidden=True,
    expose_value=False,
    is_eager=True,
    callback=_refuse_git_annex,
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Amazon Glacier vaults from the command line.

    Upload, list, retrieve, verify, lock and empty; or rehearse all of it without an account on the
    embedded Glacier, with --local.

    Example:
        glacier --local vault create photos
        glacier --local upload big.tar --vault photos
        glacier --local archive list --vault photos
        glacier --local archive download big.tar restored.tar --vault photos
    """
    the_app(ctx)
