"""`glacier archive download --to`: many archives as a tree of files."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from glaciercli import models
from glaciercli.catalog import filters as catalog_filters
from glaciercli.cli.app import App
from glaciercli.errors import NotFound
from glaciercli.evidence import words
from glaciercli.hints import Command
from glaciercli.present import plans
from glaciercli.services import scopes
from glaciercli.services.restore import restoring, selection
from glaciercli.tasks import waiting


def restore(
    app: App,
    vault: str,
    directory: Path,
    *,
    filters: catalog_filters.Filter,
    tier: str,
    poll: waiting.Poll,
    workers: int,
    overwrite: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    """Say what would be retrieved; then, unless that is all that was asked for, do it."""
    # What is known of a vault that is gone is told below, as far as nothing has to be retrieved.
    with suppress(NotFound), app.progress(vault) as progress:
        scopes.of_vault_if_allowed(app.client, app.catalog, vault, progress=progress)
    wanted = selection.select(app.client, app.catalog, vault, directory, filters=filters)
    if not (wanted.items or wanted.refused):
        left_out = f" but those {words.left_out(wanted.left_out)}" if wanted.left_out else ""
        raise NotFound(
            f"no archives of vault {vault!r} that match are known here{left_out}",
            hint=Command("vault", "inventory", vault),
        )
    plan = restoring.plan(wanted, tier=tier, overwrite=overwrite)
    lines = list(map(app.written, plans.sentences(plan)))
    if dry_run:
        app.output.done(plan, *lines)
        return
    for line in lines:
        app.output.note(line)

    def tell(restored: models.Restored) -> None:
        app.output.done(
            restored,
            words.restored(restored),
        )

    with app.reporting(tell), app.progress(directory.name or str(directory)) as progress:
        restored = restoring.restore(
            app.client,
            app.catalog,
            wanted,
            plan,
            app.consent(yes=yes),
            journals=app.journals,
            poll=poll,
            workers=workers,
            progress=progress,
            overwrite=overwrite,
        )
    tell(restored)
