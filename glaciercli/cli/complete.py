"""What the shell completes: names that this machine already knows. Never a request.

A shell asks on every press of the key, so nothing is made that is not there: no catalog, no engine,
no client. What cannot be read completes to nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click
from click.shell_completion import BashComplete, CompletionItem, FishComplete

from glaciercli.cli.app import App, the_app
from glaciercli.cli.words import WHOLE_ID
from glaciercli.errors import GlacierError
from glaciercli.present.text import safe

if TYPE_CHECKING:
    from glaciercli.models import Scope

_SPECIAL = re.compile(r"([^\w@%+=:,./-])")  # what a shell may take for more than itself
_MOST = 200  # more than anybody reads


def files(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Leave it to the shell to complete the name of a file."""
    return [CompletionItem(incomplete, type="file")]


def vaults(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the vaults that the catalog knows."""
    return _from_catalog(ctx, incomplete, lambda app, scope: app.catalog.vaults(scope))


def archives(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the names of archives in the vault at hand, or in all."""
    return _from_catalog(
        ctx,
        incomplete,
        lambda app, scope: app.catalog.names(scope, _vault(ctx), incomplete, limit=_MOST),
    )


def jobs(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the ids of the jobs that the ledger knows, each with what it is."""
    from glaciercli.catalog import jobs as catalog_jobs  # noqa: PLC0415 - for this word alone

    return _from_catalog(
        ctx,
        incomplete,
        lambda app, scope: {
            job.id: f"{job.action}, {job.status}"
            for job in catalog_jobs.jobs(app.catalog, scope, _vault(ctx))
        },
    )


def uploads(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the ids of uploads that were begun here and are open, each with its file."""
    from glaciercli.transfer.upload_journal import known  # noqa: PLC0415 - for this word alone

    def begun() -> dict[str, str]:
        vault = _vault(ctx)
        return {
            state.upload_id: state.intent.name
            for state in known(the_app(ctx).journals)
            if state.upload_id and state.intent and not state.done
            if vault in {None, state.intent.vault}
        }

    return _items(incomplete, begun)


def _from_catalog(
    ctx: click.Context, incomplete: str, find: Callable[[App, Scope], Iterable[str]]
) -> list[CompletionItem]:
    app = the_app(ctx)

    def found() -> dict[str, str]:
        if not app.places.catalog.exists():
            return {}
        told: dict[str, str] = {}
        for scope in _scopes(app):
            each = find(app, scope)
            told.update(each if isinstance(each, dict) else dict.fromkeys(each, ""))
        return told

    return _items(incomplete, found)


def _items(incomplete: str, find: Callable[[], dict[str, str]]) -> list[CompletionItem]:
    """Return the first words found that begin so, in order, each with what is told of it."""
    try:
        found = find()
    except GlacierError:
        return []  # a damaged catalog or config is told by commands, not in the middle of a line
    fit = sorted(each for each in found if each.startswith(incomplete) and _is_word(each))
    return [CompletionItem(each, help=safe(found[each]) or None) for each in fit[:_MOST]]


def _is_word(name: str) -> bool:
    """Tell whether a name can be put on a line: one that others chose may be a flag, or act."""
    return name.isprintable() and (not name.startswith("-") or bool(WHOLE_ID.fullmatch(name)))


class Bash(BashComplete):
    """Click's completion for bash, which puts a word on the line as it is.

    What it puts there is run when the user presses enter, so a name from a catalog is quoted. zsh
    and fish quote by themselves.
    """

    def format_completion(self, item: CompletionItem[str]) -> str:
        if item.type != "plain":
            return super().format_completion(item)
        quoted = _SPECIAL.sub(r"\\\1", item.value)
        # The shell's function reads it with `read`, which takes one level of quoting away.
        return super().format_completion(CompletionItem(quoted.replace("\\", "\\\\")))


class Fish(FishComplete):
    """Click's completion for fish, which cuts a word at its first comma.

    And has paths completed by a function of fish's to which `~` and `$HOME` are plain letters.
    """

    source_template = FishComplete.source_template.replace(
        'string split "," $completion', 'string split --max 1 "," $completion'
    ).replace("__fish_complete_path $metadata[2]", "complete -C \"'' \"(commandline -ct)")


def _scopes(app: App) -> list[Scope]:
    """Return the worlds that the command line so far may mean."""
    endpoint, region = app.target.endpoint, app.settings["region"]
    return [
        scope
        for scope in app.catalog.scopes()
        if scope.endpoint == endpoint and region in {None, scope.region}
    ]


def _vault(ctx: click.Context) -> str | None:
    named: str | None = ctx.params.get("vault") or the_app(ctx).settings["vault"]
    return named
