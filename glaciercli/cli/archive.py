"""`glacier archive`: what is in the vaults, by name."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

from glaciercli import models
from glaciercli.catalog import filters
from glaciercli.cli import complete
from glaciercli.cli.app import App
from glaciercli.cli.options import (
    Group,
    limit_option,
    name_option,
    overwrite_option,
    pass_app,
    reference_argument,
    tier_option,
    vault_option,
    waiting_options,
    workers_option,
    yes_option,
)
from glaciercli.cli.types import RANGE
from glaciercli.errors import Refused
from glaciercli.services import archives, downloads, jobs

COLUMNS = ("name", "size", "creationDate", "status", "archiveId")


@click.group(cls=Group)
def archive() -> None:
    """List, show, download and delete archives, by name or id."""


@archive.command(name="list")
@vault_option
@name_option
@limit_option
@pass_app
def list_(app: App, vault: str, glob: str | None, limit: int | None) -> None:
    """List a vault's archives, as the catalog of this machine knows them.

    Archives uploaded here are known at once, all others after `glacier vault inventory`.

    Example:
        glacier archive list --vault photos
    """
    found = archives.listing(
        app.client, app.catalog, vault, filters=filters.Filter(glob=glob), limit=limit
    )
    app.output.listing(found, COLUMNS, empty=f"no archives of vault {vault} are known here")


@archive.command()
@reference_argument("reference", complete.archives, metavar="ARCHIVE")
@vault_option
@pass_app
def show(app: App, reference: str, vault: str) -> None:
    """Show an archive.

    Example:
        glacier archive show big.tar --vault photos
    """
    app.output.show(archives.show(app.client, app.catalog, vault, reference), COLUMNS)


@archive.command()
@reference_argument("reference", complete.archives, metavar="ARCHIVE")
@click.argument(
    "dest",
    required=False,
    metavar="[DEST]",
    type=click.Path(allow_dash=True, path_type=Path),
)
@vault_option
@tier_option
@workers_option
@waiting_options
@click.option("--range", "span", type=RANGE, metavar="A-B", help="Only these bytes: 0-16MiB.")
@overwrite_option
@pass_app
def download(
    app: App,
    reference: str,
    dest: Path | None,
    *,
    vault: str,
    tier: str,
    workers: int,
    poll: jobs.Poll,
    span: tuple[int, int] | None,
    overwrite: bool,
) -> None:
    """Retrieve an archive into DEST, proven byte by byte; run again to go on.

    Uses a retrieval that is there already, or starts one, which costs; waits until it is ready,
    which takes hours; and fetches it. DEST is a file, a directory, or `-` for stdout; without it,
    the archive's name in the current directory.

    Example:
        glacier archive download big.tar restored.tar --vault photos --tier bulk
    """
    found = archives.show(app.client, app.catalog, vault, reference)
    if dest is not None and str(dest) == "-":
        with app.progress("stdout") as progress:
            downloads.to_stream(
                app.client,
                vault,
                found,
                sys.stdout.buffer,
                tier=tier.capitalize(),
                poll=poll,
                progress=progress,
                range=span,
            )
        return
    target = _target(found, dest)
    with app.progress(target.name) as progress:
        got = downloads.download(
            app.client,
            vault,
            found,
            target,
            journals=app.journals,
            tier=tier.capitalize(),
            poll=poll,
            workers=workers,
            progress=progress,
            overwrite=overwrite,
            range=span,
        )
    app.at_end.append(
        lambda: downloads.acknowledge(app.client, got, target, journals=app.journals, range=span)
    )
    written = replace(got, path=str(target))
    app.output.done(written, f"{target} is {got.name or got.id}: every byte is proven")


@archive.command()
@reference_argument("references", complete.archives, metavar="ARCHIVE...", nargs=-1, required=True)
@vault_option
@yes_option
@pass_app
def delete(app: App, references: tuple[str, ...], vault: str, *, yes: bool) -> None:
    """Delete archives. Glacier keeps no copy; within 90 days of upload it charges a fee.

    Example:
        glacier archive delete big.tar --vault photos --yes
    """
    found = [archives.show(app.client, app.catalog, vault, each) for each in references]
    names = ", ".join(each.name or each.id for each in found)
    app.confirm(f"delete {names} from vault {vault}, for ever?", yes=yes)
    deleted = (archives.delete(app.client, app.catalog, vault, each.id) for each in found)
    app.output.listing(deleted, ("name", "size", "archiveId"))


def _target(found: models.Archive, dest: Path | None) -> Path:
    """Return the file to write; a name from outside never leads out of the directory meant."""
    if dest is not None and not dest.is_dir():
        return dest
    name = (found.name or found.id).replace("\\", "/").rpartition("/")[2]
    if name in {"", ".", ".."} or not name.isprintable() or len(name.encode()) > 255:
        raise Refused(f"{found.name!r} is no name for a file", hint="name the file: DEST")
    return (dest or Path()) / name
