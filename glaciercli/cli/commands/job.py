"""`glacier job`: retrievals, inventories and queries, which take hours and are asked for first."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from glaciercli import models
from glaciercli.cli import complete
from glaciercli.cli.app import App
from glaciercli.cli.command import Group, pass_app
from glaciercli.cli.options import (
    description_option,
    one_vault_option,
    overwrite_option,
    reference_argument,
    tier_option,
    vault_option,
    waiting_options,
    workers_option,
)
from glaciercli.cli.types import RANGE, TIME
from glaciercli.errors import UsageError
from glaciercli.evidence.proofs import Proof
from glaciercli.present.consent import telling
from glaciercli.services.download import outputs
from glaciercli.services.inventory import archives
from glaciercli.services.jobs import jobs, listing, retrievals
from glaciercli.tasks import waiting

COLUMNS = ("JobId", "Action", "StatusCode", "Tier", "CreationDate", "OutputExpirationDate")
OF_ALL = ("vaultName", "JobId", "Action", "StatusCode", "CreationDate", "OutputExpirationDate")
_STATUSES = {"in-progress": "InProgress", "succeeded": "Succeeded", "failed": "Failed"}
_HEADERS = {"use": "USE", "ignore": "IGNORE", "none": "NONE"}

topic_option = click.option("--topic", metavar="ARN", help="SNS topic to tell when it is done.")


@click.group(cls=Group)
def job() -> None:
    """Start, watch and fetch retrievals and inventories.

    Example:
        glacier job list --vault photos
    """


@job.command(name="list")
@one_vault_option("Only this vault.  [default: all of them]")
@click.option("--status", type=click.Choice(list(_STATUSES)), help="Only those in this state.")
@click.option("--done/--running", "completed", default=None, help="Only those that are, or not.")
@pass_app
def list_(app: App, vault: str | None, status: str | None, completed: bool | None) -> None:
    """List jobs, of one vault or of all, and until when their outputs are kept.

    The service forgets a job about a day after it is done, and its output with it.

    Example:
        glacier job list
        glacier job list --vault photos --status succeeded
    """
    found = [
        each
        for each in listing.refresh(app.client, app.catalog, vault)
        if (status is None or each.status == _STATUSES[status])
        and (completed is None or each.completed is completed)
    ]
    app.output.listing(
        found, COLUMNS if vault else OF_ALL, empty=f"no jobs in {vault or 'any vault'}"
    )


@job.command()
@reference_argument("job_id", complete.jobs, metavar="JOB")
@vault_option
@pass_app
def show(app: App, job_id: str, vault: str) -> None:
    """Show a job.

    Example:
        glacier job show HkF9p6o7yjhF --vault photos
    """
    _show(app, jobs.show(app.client, vault, job_id))


@job.command()
@reference_argument("job_id", complete.jobs, metavar="JOB")
@vault_option
@waiting_options
@pass_app
def wait(app: App, job_id: str, vault: str, poll: waiting.Poll) -> None:
    """Wait until a job is done; exit 75 when the time is up before that.

    Example:
        glacier job wait HkF9p6o7yjhF --vault photos --max-wait 6h
    """
    found = jobs.show(app.client, vault, job_id)
    with app.progress("job") as progress:
        done = jobs.wait(app.client, vault, found.id, poll=poll, progress=progress)
    _show(app, done)


@job.command()
@reference_argument("job_id", complete.jobs, metavar="JOB")
@click.argument(
    "dest",
    required=False,
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    metavar="[DEST]",
)
@vault_option
@workers_option
@overwrite_option
@pass_app
def output(
    app: App, job_id: str, dest: Path | None, vault: str, workers: int, *, overwrite: bool
) -> None:
    """Fetch what a finished job has prepared, into DEST or to stdout.

    Fetching is free and can be repeated for a day. An archive goes to a terminal only if DEST is
    given as `-`.

    Example:
        glacier job output HkF9p6o7yjhF inventory.json --vault photos
    """
    found = jobs.show(app.client, vault, job_id)
    if dest is None and found.action == "ArchiveRetrieval" and app.output.stdout.isatty():
        raise UsageError("an archive is bytes, and stdout a terminal", hint="name a file; or -")
    dest = dest or Path("-")
    archive = archives.of_job(app.client, app.catalog, found)
    stdout = app.output.stdout if str(dest) == "-" else None
    with app.progress("stdout" if stdout else dest.name, beside=stdout) as progress:
        proof = outputs.save(
            app.client,
            found,
            stdout.buffer if stdout else dest,
            archive=archive,
            journals=app.journals,
            workers=workers,
            progress=progress,
            overwrite=overwrite,
        )
    if stdout is None:
        app.at_end.append(
            lambda: outputs.acknowledge(app.client, found, dest, journals=app.journals)
        )
    _tell_output(app, found, None if stdout else dest, proof)


def _tell_output(app: App, job: models.Job, path: Path | None, proof: Proof | None) -> None:
    """Say what was fetched, to stdout or into a file, and what proves it."""
    if proof is None:  # an inventory, which has no hash
        if path is not None:
            app.output.show(job, COLUMNS)
        return
    name = proof.archive.name or proof.archive.id
    what = name if proof.is_whole else f"bytes {proof.start}-{proof.stop - 1} of {name}"
    sentence = proof.sentence(str(path or "stdout"), what)
    if path is None:
        app.output.note_below(sentence)
    else:
        app.output.done(proof.fetched(job, str(path)), sentence)


@job.group()
def start() -> None:
    """Ask Glacier to prepare something; it costs, and cannot be cancelled.

    Example:
        glacier job start archive big.tar --vault photos --tier bulk
    """


@start.command()
@reference_argument("reference", complete.archives, metavar="ARCHIVE")
@vault_option
@tier_option
@click.option("--range", "span", type=RANGE, metavar="A-B", help="Only these bytes: 0-16MiB.")
@description_option
@topic_option
@pass_app
def archive(
    app: App,
    reference: str,
    *,
    vault: str,
    tier: str,
    span: tuple[int, int] | None,
    description: str | None,
    topic: str | None,
) -> None:
    """Start the retrieval of an archive.

    `glacier archive download` does this, waits, and fetches; use this to only start.

    Example:
        glacier job start archive big.tar --vault photos --tier bulk
    """
    found = archives.show(app.client, app.catalog, vault, reference)
    started = retrievals.start(
        app.client,
        found,
        telling(app.tell),
        tier=tier,
        range=span,
        description=description,
        topic=topic,
    )
    _show(app, started)


@start.command()
@vault_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "csv"]),
    default="json",
    show_default=True,
    help="Form of the inventory.",
)
@click.option("--after", type=TIME, metavar="TIME", help="Archives created from then on.")
@click.option("--before", type=TIME, metavar="TIME", help="Archives created before.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="List at most N archives.")
@click.option("--marker", help="Go on after an inventory that --limit cut.")
@description_option
@topic_option
@pass_app
def inventory(
    app: App,
    *,
    vault: str,
    form: str,
    after: datetime | None,
    before: datetime | None,
    limit: int | None,
    marker: str | None,
    description: str | None,
    topic: str | None,
) -> None:
    """Start the retrieval of a vault's inventory.

    Example:
        glacier job start inventory --vault photos --format csv
    """
    started = jobs.start_inventory(
        app.client,
        vault,
        format=form.upper(),
        start_date=after,
        end_date=before,
        limit=limit,
        marker=marker,
        description=description,
        topic=topic,
    )
    _show(app, started)


@start.command()
@reference_argument("reference", complete.archives, metavar="ARCHIVE")
@click.option("--expression", required=True, metavar="SQL", help="What to select.")
@click.option("--bucket", required=True, metavar="NAME", help="S3 bucket for the result.")
@click.option("--prefix", required=True, metavar="KEY", help="Where in the bucket.")
@click.option(
    "--header",
    type=click.Choice(list(_HEADERS)),
    default="none",
    show_default=True,
    help="What the first line of the CSV is for.",
)
@click.option("--delimiter", default=",", show_default=True, help="Between the fields.")
@vault_option
@tier_option
@description_option
@pass_app
def select(
    app: App,
    reference: str,
    *,
    expression: str,
    bucket: str,
    prefix: str,
    header: str,
    delimiter: str,
    vault: str,
    tier: str,
    description: str | None,
) -> None:
    r"""Start a query over an archive of CSV; the result goes to S3.

    Example:
        glacier job start select log.csv --vault photos --bucket results \
            --prefix log/ --expression "select * from archive s where s._2 = 'x'"
    """
    found = archives.show(app.client, app.catalog, vault, reference)
    csv = {"FieldDelimiter": delimiter}
    started = jobs.start_select(
        app.client,
        vault,
        found.id,
        expression=expression,
        input_serialization={"csv": {**csv, "FileHeaderInfo": _HEADERS[header]}},
        output_serialization={"csv": csv},
        output_location={"S3": {"BucketName": bucket, "Prefix": prefix}},
        tier=tier,
        description=description,
    )
    _show(app, started)


def _show(app: App, found: models.Job) -> None:
    app.output.show(listing.seen(app.client, app.catalog, found), COLUMNS)
