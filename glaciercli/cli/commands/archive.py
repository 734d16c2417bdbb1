"""`glacier archive`: what is in the vaults, by name."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from glaciercli import models
from glaciercli.catalog import filters
from glaciercli.cli import complete
from glaciercli.cli.app import App
from glaciercli.cli.command import Group, pass_app
from glaciercli.cli.commands.restore import restore
from glaciercli.cli.options import (
    bounds_options,
    dry_run_option,
    limit_option,
    name_option,
    overwrite_option,
    reference_argument,
    state_option,
    tier_option,
    vault_option,
    waiting_options,
    workers_option,
    yes_option,
)
from glaciercli.cli.types import RANGE
from glaciercli.errors import Refused, UsageError
from glaciercli.evidence import words
from glaciercli.hints import Command
from glaciercli.present import plans
from glaciercli.present.consent import telling
from glaciercli.services.download import downloads
from glaciercli.services.empty import deleting
from glaciercli.services.inventory import archives
from glaciercli.services.verify import compare, samples
from glaciercli.tasks import waiting
from glaciercli.units import format_size

COLUMNS = ("name", "size", "creationDate", "status", "archiveId")
SAMPLES = ("name", "RetrievalByteRange", "provenWhole", "SHA256TreeHash", "archiveId")


@click.group(cls=Group)
def archive() -> None:
    """List, show, download and delete archives, by name or id.

    Example:
        glacier archive list --vault photos
        glacier archive download big.tar restored.tar --vault photos
    """


@archive.command(name="list")
@vault_option
@name_option
@state_option
@limit_option
@pass_app
def list_(
    app: App,
    vault: str,
    glob: str | None,
    states: frozenset[str] | None,
    limit: int | None,
) -> None:
    """List a vault's archives, as the catalog of this machine knows them.

    Archives uploaded here are known at once, all others after `glacier vault inventory`.

    Example:
        glacier archive list --vault photos
    """
    wanted = filters.Filter(glob=glob, states=states)
    found = archives.listing(app.client, app.catalog, vault, filters=wanted, limit=limit)

    def empty() -> str:
        left_out = archives.left_out(app.client, app.catalog, vault, filters=wanted)
        if left_out:
            return app.written(plans.left_out(vault, left_out))
        account, others = archives.accounts(app.client, app.catalog, vault)
        elsewhere = f" of account {account}, but of {', '.join(others)}" if others else ""
        return (
            f"no archives of vault {vault} are known here{elsewhere};"
            f" to ask Glacier: {app.written(Command('vault', 'inventory', vault))}"
        )

    app.output.listing(found, COLUMNS, empty=empty)


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
@reference_argument("reference", complete.archives, metavar="[ARCHIVE]", required=False)
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
@click.option(
    "--to",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Restore all archives, or those below, as a tree of files.",
)
@name_option
@bounds_options
@dry_run_option
@yes_option
@pass_app
def download(
    app: App,
    reference: str | None,
    dest: Path | None,
    *,
    vault: str,
    tier: str,
    workers: int,
    poll: waiting.Poll,
    span: tuple[int, int] | None,
    overwrite: bool,
    directory: Path | None,
    dry_run: bool,
    yes: bool,
    **wanted: Any,
) -> None:
    """Retrieve an archive into DEST, or many --to a directory; run again to go on.

    Uses a retrieval that is there already, or starts one, which costs; waits until it is ready,
    which takes hours; and fetches it, proven byte by byte. DEST is a file, a directory, or `-` for
    stdout; without it, the archive's name in the current directory.

    With --to, the archives that match get the paths that their names say; of equal names the
    newest one does. What is there already is not retrieved again. On a terminal it asks before it
    starts what is charged; a script is taken at its word, and --dry-run says what it would start.

    Example:
        glacier archive download big.tar restored.tar --vault photos --tier bulk
        glacier archive download --to photos --name '2015/*' -V photos --dry-run
    """
    if directory is not None:
        if reference is not None or span is not None:
            raise UsageError("--to restores whole archives, chosen by --name and the other filters")
        restore(
            app,
            vault,
            directory,
            filters=filters.Filter(**wanted),
            tier=tier,
            poll=poll,
            workers=workers,
            overwrite=overwrite,
            dry_run=dry_run,
            yes=yes,
        )
        return
    if reference is None:
        raise UsageError(
            "no archive is named, nor a directory for many: --to DIR",
            hint=(Command("archive", "list"), ", then ", Command("archive", "download", "NAME")),
        )
    if dry_run or any(each is not None for each in wanted.values()):
        filtered = ("--to", ".", "--name", reference, "--vault", vault, "--dry-run")
        raise UsageError(
            "--dry-run, --name and the other filters are for many: --to DIR",
            hint=Command("archive", "download", *filtered),
        )
    found = archives.show(app.client, app.catalog, vault, reference)
    if dest is not None and str(dest) == "-":
        with app.progress("stdout", beside=app.output.stdout) as progress:
            proof = downloads.to_stream(
                app.client,
                found,
                app.output.stdout.buffer,
                telling(app.tell),
                tier=tier,
                poll=poll,
                progress=progress,
                range=span,
            )
        app.output.note_below(proof.sentence("stdout", _what(found, span)))
        return
    target = _target(found, dest)
    with app.progress(target.name) as progress:
        proof = downloads.download(
            app.client,
            found,
            target,
            telling(app.tell),
            journals=app.journals,
            tier=tier,
            poll=poll,
            workers=workers,
            progress=progress,
            overwrite=overwrite,
            range=span,
        )
    app.at_end.append(
        lambda: downloads.acknowledge(app.client, found, target, journals=app.journals, range=span)
    )
    app.output.done(proof.received(str(target)), proof.sentence(str(target), _what(found, span)))


def _what(archive: models.Archive, span: tuple[int, int] | None) -> str:
    """Return what of an archive was asked for, as a person says it."""
    name = archive.name or archive.id
    if span is None:
        return name
    return f"{format_size(span[1] - span[0])} of {name}, from byte {span[0]}"


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
    with app.progress(vault) as progress:
        plan = deleting.plan(app.client, app.catalog, vault, references, progress=progress)
    for sentence in plans.sentences(plan):
        app.tell(sentence)
    deleted = deleting.delete_all(app.client, app.catalog, plan, app.consent(yes=yes))
    app.output.listing(deleted, ("name", "size", "archiveId"))


@archive.command()
@reference_argument("reference", complete.archives, metavar="[ARCHIVE]", required=False)
@click.argument(
    "file",
    required=False,
    metavar="[FILE]",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    shell_complete=complete.files,
)
@vault_option
@click.option(
    "--sample", type=click.IntRange(min=1), metavar="N", help="Retrieve 1 MiB of N archives."
)
@click.option("--seed", metavar="TEXT", help="What chooses the archives.  [default: today's date]")
@tier_option
@waiting_options
@yes_option
@pass_app
def verify(
    app: App,
    reference: str | None,
    file: Path | None,
    *,
    vault: str,
    sample: int | None,
    seed: str | None,
    tier: str,
    poll: waiting.Poll,
    yes: bool,
) -> None:
    """Prove that FILE is what an archive holds, or by --sample that stored bytes can be read.

    Comparing a file retrieves nothing and costs nothing: it is compared with the tree hash that the
    catalog knows, of the upload, of an inventory or of an import; which of them is said. What is
    deleted, gone or missing, or what the newest inventory lacks, is exit 3, and what an inventory
    lists with another size or hash is exit 6.

    A sample starts N retrievals, which are charged and take hours. It proves archives of up to 1
    MiB whole; of larger ones, that 1 MiB at random can be read and is what Glacier hashed, and
    nothing of their other bytes. The same seed goes on with the same retrievals.

    Example:
        glacier archive verify big.tar big.tar --vault photos
        glacier archive verify --sample 3 --vault photos --tier bulk --yes
    """
    if sample is not None:
        if reference is not None:
            raise UsageError("--sample chooses the archives itself; name none")
        _sample(app, vault, sample, seed=seed, tier=tier, poll=poll, yes=yes)
        return
    if reference is None or file is None:
        raise UsageError("name an archive and the file to compare with it, or --sample N")
    found = compare.file(app.client, app.catalog, vault, reference, file)
    app.output.done(found, words.verified(found, reference))


def _sample(
    app: App, vault: str, count: int, *, seed: str | None, tier: str, poll: waiting.Poll, yes: bool
) -> None:
    """Read some stored bytes, having said what that costs and what it does not prove."""
    plan = samples.plan(
        app.client,
        app.catalog,
        vault,
        count,
        seed=seed or f"{datetime.now(UTC):%Y-%m-%d}",
        tier=tier,
    )

    def tell(proven: list[models.Sample]) -> None:
        app.output.listing(proven, SAMPLES)

    with app.reporting(tell), app.progress(vault) as progress:
        proven = samples.read(
            app.client,
            app.catalog,
            plan,
            app.consent(yes=yes),
            poll=poll,
            progress=progress,
        )
    tell(proven)
    app.output.note(words.sampled(proven))


def _target(found: models.Archive, dest: Path | None) -> Path:
    """Return the file to write; a name from outside never leads out of the directory meant."""
    if dest is not None and not dest.is_dir():
        return dest
    name = (found.name or found.id).replace("\\", "/").rpartition("/")[2]
    if name in {"", ".", ".."} or not name.isprintable() or len(name.encode()) > 255:
        raise Refused(f"{found.name!r} is no name for a file", hint="name the file: DEST")
    return (dest or Path()) / name
