"""What the shell completes: names that this machine already knows. Never a request."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem


def vaults(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the vaults that this machine knows."""
    del ctx, incomplete
    return []
