"""`glacier upload`: files and pipes into a vault."""

from __future__ import annotations

from pathlib import Path

import click

from glaciercli import models
from glaciercli.catalog import descriptions
from glaciercli.cli import complete
from glaciercli.cli.app import App
from glaciercli.cli.command import DefaultGroup, pass_app
from glaciercli.cli.options import (
    description_option,
    dry_run_option,
    part_size_option,
    reference_argument,
    vault_option,
    workers_option,
    yes_option,
)
from glaciercli.config import DESCRIPTION_FORMATS
from glaciercli.errors import UsageError
from glaciercli.hints import Command, quoted
from glaciercli.services.upload import (
    open_uploads,
    options,
    orphans,
    plan,
    receipts,
    streams,
    uploads,
)

ARCHIVE = ("name", "size", "checksum", "archiveId")
OPEN = ("MultipartUploadId", "PartSizeInBytes", "CreationDate", "name", "path")
PLAN = ("path", "size", "PartSizeInBytes", "parts", "requests")
_FILE = click.Path(exists=True, allow_dash=True, path_type=Path)  # the sender knows the kinds


@click.group(cls=DefaultGroup, default="start", subcommand_metavar="FILE... | COMMAND [ARGS]...")
def upload() -> None:
    """Upload files to a vault; run again to resume.

    Whatever stopped it, the same command goes on where it was: only what is missing is sent, and
    nothing is stored twice. Files are sent in parts; n parts cost n + 2 requests.

    Example:
        glacier upload big.tar --vault photos
        tar cz home | glacier upload - --vault photos --name home.tar.gz
    """


@upload.command()
@click.argument("files", nargs=-1, required=True, type=_FILE, metavar="FILE...")
@vault_option
@description_option
@click.option(
    "--description-format",
    type=click.Choice(DESCRIPTION_FORMATS),
    default=DESCRIPTION_FORMATS[0],
    help="How name and time are written, for other tools to read.  [default: mt2]",
)
@part_size_option
@workers_option
@click.option("--name", metavar="NAME", help="Name of what comes from stdin.  [default: stdin]")
@click.option("--single", is_flag=True, help="One request, no resuming; for small files.")
@click.option(
    "--again",
    is_flag=True,
    help="Send anew if an earlier upload's end is uncertain, or in another account.",
)
@dry_run_option
@pass_app
def start(
    app: App,
    files: tuple[Path, ...],
    *,
    vault: str,
    description: str | None,
    description_format: str,
    part_size: int | None,
    workers: int,
    name: str | None,
    single: bool,
    again: bool,
    dry_run: bool,
) -> None:
    """Upload files, or `-` for stdin, each as one archive; run again to resume.

    Example:
        glacier upload start big.tar --vault photos --part-size 64MiB
        glacier upload start note.txt --vault photos --single
    """
    _require_fitting(files, vault, name, of_files=single or again)
    if dry_run:
        descriptions.require_storable(description or "")
        app.output.listing(
            (plan.plan(each, vault, part_size, single=single) for each in files), PLAN
        )
        return

    stored: list[receipts.Receipt] = []
    # Only once everything is told: a run cut short before that reports the archives again.
    app.at_end.append(lambda: receipts.all_told(stored))

    def send(file: Path) -> models.Archive:
        label = name or "stdin" if str(file) == "-" else file.name
        with app.progress(label) as progress:
            if str(file) == "-":
                receipt = streams.start(
                    app.client,
                    app.stdin.buffer,
                    vault,
                    name=label,
                    journals=app.journals,
                    catalog=app.catalog,
                    description=description,
                    description_format=description_format,
                    part_size=part_size,
                    workers=workers,
                    progress=progress,
                )
            else:
                receipt = uploads.start(
                    app.client,
                    file,
                    vault,
                    journals=app.journals,
                    catalog=app.catalog,
                    description=description,
                    description_format=description_format,
                    part_size=part_size,
                    workers=workers,
                    progress=progress,
                    single=single,
                    again=again,
                )
        stored.append(receipt)
        return receipt.archive

    if len(files) == 1:
        app.output.show(send(files[0]), ARCHIVE, brief=True)
    else:
        app.output.listing(plan.send_all(files, send), ARCHIVE)


@upload.command(name="list")
@vault_option
@pass_app
def list_(app: App, vault: str) -> None:
    """List a vault's uploads that are neither completed nor aborted; their parts are billed.

    Example:
        glacier upload list --vault photos
    """
    found = open_uploads.listing(app.client, vault, journals=app.journals)
    app.output.listing(found, OPEN, empty=f"no open uploads in vault {vault}")


@upload.command()
@reference_argument("upload_id", complete.uploads, metavar="UPLOAD")
@vault_option
@pass_app
def show(app: App, upload_id: str, vault: str) -> None:
    """Show an open upload with the parts that have arrived.

    Example:
        glacier upload show OW2fM5iVylEp --vault photos
    """
    app.output.show(open_uploads.show(app.client, vault, upload_id, journals=app.journals), OPEN)


@upload.command()
@reference_argument("upload_id", complete.uploads, metavar="UPLOAD")
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@vault_option
@workers_option
@pass_app
def resume(app: App, upload_id: str, file: Path | None, vault: str, workers: int) -> None:
    """Go on with an upload that was begun on another machine, or complete one of stdin.

    On this machine, running the same `upload` again is enough for a file. Here the parts that
    have arrived are compared with FILE first. Without FILE, an upload of stdin is completed, all of
    which has arrived.

    Example:
        glacier upload resume OW2fM5iVylEp big.tar --vault photos
    """
    with app.progress(file.name if file else "stdin") as progress:
        upload_options = options.Options(app.journals, app.catalog, workers, progress)
        if file is None:
            receipt = orphans.resume(app.client, vault, upload_id, upload_options)
        else:
            receipt = uploads.resume(app.client, vault, upload_id, file, upload_options)
    app.at_end.append(receipt.told)
    app.output.show(receipt.archive, ARCHIVE, brief=True)


@upload.command()
@reference_argument("upload_id", complete.uploads, metavar="UPLOAD")
@vault_option
@yes_option
@pass_app
def abort(app: App, upload_id: str, vault: str, *, yes: bool) -> None:
    """Give up an open upload; the parts that have arrived are deleted.

    Example:
        glacier upload abort OW2fM5iVylEp --vault photos --yes
    """
    found = open_uploads.show(app.client, vault, upload_id, journals=app.journals)
    what = found.path or found.name or found.id
    app.confirm(f"give up the upload of {what}?", yes=yes)
    open_uploads.abort(app.client, vault, found.id, journals=app.journals)
    app.output.done(found, f"upload {found.id} is aborted")


def _require_fitting(
    files: tuple[Path, ...], vault: str, name: str | None, *, of_files: bool
) -> None:
    """Raise UsageError where an option is not for what is to be sent."""
    given = [str(each) for each in files]
    if name is not None and given != ["-"]:
        stream = Command("upload", "-", "--name", name, "--vault", vault)
        raise UsageError(
            "--name is for stdin alone; a file has its own name",
            hint=(stream, f" < {quoted(files[0])}"),
        )
    if of_files and "-" in given:
        raise UsageError("--single and --again are for files; a stream comes once, in parts")
