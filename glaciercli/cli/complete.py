"""What the shell completes: names that this machine already knows. Never a request."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem


def vaults(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the vaults that this machine knows."""
    del ctx, incomplete
    return []


def files(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Leave it to the shell to complete the name of a file."""
    del ctx
    return [CompletionItem(incomplete, type="file")]
