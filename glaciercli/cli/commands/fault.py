"""`glacier local fault`: failures that the embedded Glacier was asked for."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Any

import click

from glaciercli import models
from glaciercli.cli.app import App
from glaciercli.cli.command import Group, pass_app
from glaciercli.errors import UsageError

if TYPE_CHECKING:
    from glaciercli.local.engine import Engine

COLUMNS = ("number", "operation", "kind", "arguments", "skip", "remaining", "delivered")
_CODES = {
    400: "BadRequest",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "RequestTimeoutException",
    429: "ThrottlingException",
    500: "ServiceUnavailableException",
}
KINDS = (
    "status", "throttle", "drop-before", "drop-after", "truncate", "corrupt", "header", "whole",
    "delay", "expire",
)  # fmt: skip


@click.group(cls=Group)
def fault() -> None:
    """Let requests to the embedded Glacier fail, to see what a program does then.

    Example:
        glacier local fault add UploadMultipartPart --status 503
    """


@fault.command()
@click.argument("operation")
@click.argument("kind", required=False, type=click.Choice(KINDS), metavar="[KIND]")
@click.argument("arguments", nargs=-1, metavar="[NAME=VALUE]...")
@click.option(
    "--status",
    type=click.IntRange(400, 599),
    metavar="HTTP",
    help="Answer with this; the kind need not be named.",
)
@click.option(
    "--times",
    type=click.IntRange(min=1),
    metavar="N",
    default=1,
    help="Fail N requests.  [default: 1]",
)
@click.option(
    "--skip", type=click.IntRange(min=0), metavar="N", default=0, help="Skip the first N requests."
)
@pass_app
def add(
    app: App,
    *,
    operation: str,
    kind: str | None,
    arguments: tuple[str, ...],
    status: int | None,
    times: int,
    skip: int,
) -> None:
    """Let the next requests of OPERATION fail; `*` means any.

    KIND is status (code, status, message, retry_after), throttle, drop-before, drop-after,
    truncate (keep), corrupt (at), header (name, value), whole, delay (seconds) or expire.

    Example:
        glacier local fault add UploadMultipartPart --status 503 --times 3
        glacier local fault add CompleteMultipartUpload drop-after
    """
    given = dict(_argument(each) for each in arguments)
    if status is not None:
        kind, given = kind or "status", {"code": _code(status), "status": status, **given}
    if kind is None:
        raise UsageError("what is to happen? name a kind, or give --status")
    _require_operation(operation)
    with app.engine() as engine:
        try:
            number = engine.faults.add(operation, kind=kind, times=times, skip=skip, **given)
        except (TypeError, ValueError) as error:
            raise UsageError(str(error)) from error
        app.output.show(next(each for each in _faults(engine) if each.number == number), COLUMNS)


@fault.command(name="list")
@pass_app
def list_(app: App) -> None:
    """List the faults, with how often each was delivered.

    Example:
        glacier local fault list
    """
    with app.engine() as engine:
        app.output.listing(_faults(engine), COLUMNS, empty="no faults")


@fault.command()
@pass_app
def clear(app: App) -> None:
    """Remove all faults.

    Example:
        glacier local fault clear
    """
    with app.engine() as engine:
        removed = _faults(engine)
        engine.faults.clear()
    app.output.listing(removed, COLUMNS, empty="no faults")


def _require_operation(name: str) -> None:
    """Refuse to wait for a request that never comes."""
    from glaciercli.local.engine import OPERATIONS  # noqa: PLC0415 - only `local` opens one

    if name != "*" and name not in OPERATIONS:
        close = difflib.get_close_matches(name, OPERATIONS, 1)
        guess = f"; did you mean {close[0]}?" if close else ", such as ListVaults"
        raise UsageError(f"{name!r} is not an operation{guess}")


def _code(status: int) -> str:
    """Return the code that the service most often gives with an HTTP status."""
    return _CODES.get(status) or _CODES[500 if status >= 500 else 400]


def _argument(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"{text!r} is not an argument; write it like status=500")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value  # a plain word, such as an error code


def _faults(engine: Engine) -> list[models.FaultRule]:
    return [
        models.FaultRule(
            each.number,
            each.operation,
            each.kind.value,
            each.arguments,
            each.skip,
            each.remaining,
            each.delivered,
        )
        for each in engine.faults.list()
    ]
