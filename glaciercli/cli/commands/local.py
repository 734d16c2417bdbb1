"""`glacier local`: tend the embedded Glacier, and serve it to other programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from glaciercli import models
from glaciercli.cli.app import App
from glaciercli.cli.command import Group, pass_app
from glaciercli.cli.commands.fault import fault
from glaciercli.errors import Conflict, IntegrityError, Interrupted, UsageError
from glaciercli.evidence import vault_words
from glaciercli.present.text import human
from glaciercli.units import counted, format_size, parse_duration

if TYPE_CHECKING:
    from glaciercli.local.http.sigv4 import Authenticator, Mode

DAMAGES = ("kind", "vaultName", "id", "reason")
NOTICES = ("Timestamp", "TopicArn", "Message")


@click.group(cls=Group)
def local() -> None:
    """Tend the embedded Glacier that --local uses.

    Example:
        glacier local info
    """


local.add_command(fault)


@local.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="A loopback address.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    default=8480,
    help="0 takes a free one.  [default: 8480]",
)
@click.option(
    "--auth",
    type=click.Choice(["off", "parse", "strict"]),
    default="parse",
    show_default=True,
    help="What is asked of signatures: nothing, form, or proof.",
)
@click.option(
    "--credentials",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="AWS credentials file with the keys that `strict` accepts.",
)
@click.option(
    "--root",
    type=click.Path(file_okay=False, path_type=Path),
    help="The directory to serve; the same as --local-root.",
)
@click.option("--access-log", is_flag=True, help="Tell each request on stderr.")
@pass_app
def serve(
    app: App,
    *,
    host: str,
    port: int,
    auth: str,
    credentials: Path | None,
    root: Path | None,
    access_log: bool,
) -> None:
    """Serve the embedded Glacier over HTTP, for SDKs and the AWS CLI, until interrupted.

    Prints `Serving Glacier on URL` once it listens, on loopback only. Other users of the machine
    are answered with --auth strict only. Reasons that the service keeps to itself, such as what is
    wrong with a policy, are told with --verbose.

    Example:
        glacier local serve --port 8480
        aws glacier list-vaults --account-id - --endpoint-url http://127.0.0.1:8480
    """
    from glaciercli.local.http.server import Server  # noqa: PLC0415 - only who serves pays for it

    authenticator = _authenticator(auth, credentials)
    told = app.output.note if access_log else None
    with app.engine(root) as engine:
        try:
            server = Server(engine, host, port, auth=authenticator, access_log=told)
        except ValueError as error:
            raise UsageError(str(error)) from error
        except OSError as error:
            why = str(error.strerror).partition(" (while")[0]  # Python says the address once more
            raise Conflict(
                f"cannot listen on {host}:{port}: {why}", hint="--port 0 finds a free one"
            ) from error
        try:
            with server:
                app.output.done(models.Served(server.url), f"Serving Glacier on {server.url}")
                app.stop.wait()
        except Interrupted:
            # Being stopped is how a server ends; requests in flight were answered before.
            app.output.note("stopped")


@local.command()
@click.argument(
    "act", type=click.Choice(["show", "advance", "freeze", "scale", "real"]), default="show"
)
@click.argument("value", required=False, metavar="[DURATION|FACTOR]")
@click.option(
    "--timing",
    type=click.Choice(["instant", "real"]),
    help="How long jobs and inventories take: no time, or Glacier's.",
)
@pass_app
def clock(app: App, *, act: str, value: str | None, timing: str | None) -> None:
    """Show or set the clock of the embedded Glacier.

    `advance 25h` lets time pass at once, `freeze` stops it, `scale 3600` makes an hour of every
    second, `real` gives it the world's pace again. It is kept with the store.

    Example:
        glacier local clock --timing real
        glacier local clock advance 25h
    """
    if (value is None) == (act in {"advance", "scale"}):
        raise UsageError("`advance` takes a duration and `scale` a factor; the others take nothing")
    with app.engine() as engine:
        if timing is not None:
            engine.timing = timing
        try:
            match act:
                case "advance":
                    engine.clock.advance(parse_duration(value or ""))
                case "freeze":
                    engine.clock.freeze()
                case "scale":
                    engine.clock.scale(float(value or ""))
                case "real":
                    engine.clock.real()
        except ValueError as error:
            raise UsageError(str(error)) from error
        reading = models.LocalClock(engine.clock.now(), engine.clock.rate, engine.timing.value)
    app.output.show(reading)


@local.command()
@click.option("--reset-meter", is_flag=True, help="Then begin anew to count what is billed.")
@pass_app
def info(app: App, *, reset_meter: bool) -> None:
    """Show what the embedded Glacier holds, where, and what AWS would have billed for.

    Counted are paid requests, retrieved and served bytes, and early deletions, since the beginning
    of the store or of the meter. Storage is not: it costs time, and no request.

    Example:
        glacier local info
        glacier local info --reset-meter --output json --query metered
    """
    from glaciercli.local.verify import info as measure  # noqa: PLC0415

    with app.engine() as engine:
        found = measure(engine, reset_meter=reset_meter)
    metered = models.Metered(**vars(found.metered))
    store = models.LocalStore(
        path=str(app.local_root),
        version=found.version,
        vaults=found.vaults,
        archives=found.archives,
        size=found.size,
        uploads=found.uploads,
        jobs=found.jobs,
        metered=metered,
    )
    app.output.show(store, told=dict(_billed(metered)))


def _billed(metered: models.Metered) -> Iterator[tuple[str, str]]:
    """Yield the lines of what was metered, for a person: what is not there has none."""
    since = metered.since
    yield "Metered since", "the beginning" if since is None else human("since", since, short=False)
    yield "Paid requests", f"{sum(metered.requests.values()):,}"
    for tier, count in metered.retrievals.items():
        size = format_size(metered.retrieved[tier])
        yield f"{tier} retrievals", f"{count:,} of {size}"
    for tier, count in metered.selects.items():
        yield f"{tier} selects", f"{count:,} of {format_size(metered.scanned[tier])}"
    if metered.inventories:
        yield "Inventories", f"{metered.inventories:,}"
    if metered.served:
        yield "Served", format_size(metered.served)
    if metered.early_deletions:
        size = format_size(metered.early_deleted)
        yield "Early deletions", f"{metered.early_deletions:,} of {size}"
    if metered.capacity_units:
        yield "Capacity units", f"{metered.capacity_units:,}"


@local.command()
@pass_app
def verify(app: App) -> None:
    """Read everything that the embedded Glacier holds and compare it with its hashes.

    Example:
        glacier local verify
    """
    from glaciercli.local.verify import verify as find_damages  # noqa: PLC0415

    count = 0

    def damages() -> Iterator[models.Damage]:
        nonlocal count
        for each in find_damages(engine):
            count += 1
            yield models.Damage(
                each.kind, each.vault, each.id, each.reason, each.region, each.start
            )

    with app.engine() as engine:
        app.output.listing(damages(), DAMAGES, empty=vault_words.store_sound())
    if count:
        raise IntegrityError(f"{counted(count, 'damage')} in {str(app.local_root)!r}")


@local.command()
@pass_app
def notifications(app: App) -> None:
    """List the notifications that SNS would have delivered.

    Example:
        glacier local notifications --output jsonl
    """
    with app.engine() as engine:
        sent = [models.Notice.from_api(each) for each in engine.outbox()]
    app.output.listing(sent, NOTICES, empty="no notifications")


def _authenticator(mode: str, credentials: Path | None) -> Authenticator:
    from glaciercli.local.http.sigv4 import Authenticator, read_credentials  # noqa: PLC0415

    try:
        return Authenticator(
            cast("Mode", mode),
            read_credentials(credentials) if credentials else None,
        )
    except (ValueError, PermissionError) as error:
        raise UsageError(str(error), hint="--credentials FILE") from error
