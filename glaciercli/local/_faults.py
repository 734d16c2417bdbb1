"""Faults on demand: what goes wrong between a client and the service, asked for by tests and users.

They are kept in the store, so `glacier local fault add` reaches an engine in another process. Each
counts how often it was delivered: a test that injects a fault must prove that it happened.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from glaciercli import system
from glaciercli.local.errors import CODES, ConnectionDropped, ServiceError
from glaciercli.local.store import Row, Store
from glaciercli.local.wire import FileWindow, Params, Request, Response
from glaciercli.units import MIB


class Kind(StrEnum):
    """What a fault does."""

    STATUS = "status"  # the reply is an error: code, status, message, retry_after
    THROTTLE = "throttle"  # 400 ThrottlingException
    DROP_BEFORE = "drop-before"  # no reply, and nothing was applied
    DROP_AFTER = "drop-after"  # no reply, but the request was applied
    TRUNCATE = "truncate"  # the body is cut to `keep` bytes, half by default; headers stay
    CORRUPT = "corrupt"  # a bit of the body's byte `at` is flipped, in the middle by default
    HEADER = "header"  # the reply's header `name` is `value`, or missing
    WHOLE = "whole"  # a Range is ignored: all of the output comes, with 200
    DELAY = "delay"  # the request waits `seconds` before it is looked at
    EXPIRE = "expire"  # the upload or the job that the request names has expired


@dataclass(frozen=True)
class Fault:
    """A fault and how it went so far."""

    number: int
    operation: str
    kind: Kind
    arguments: dict[str, Any]
    skip: int  # matching requests to let through first
    remaining: int
    delivered: int


class Faults:
    """The faults of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(
        self, operation: str, *, kind: str, times: int = 1, skip: int = 0, **arguments: Any
    ) -> int:
        """Let the next `times` requests of an operation fail, after `skip` of them.

        Returns the fault's number. `operation` may be `*`. Raises ValueError for a kind or an
        argument that there is not, and for one that is needed and not given.
        """
        unknown = arguments.keys() - _ARGUMENTS[Kind(kind)]
        if unknown:
            raise ValueError(f"a fault of kind {kind!r} has no argument {min(unknown)!r}")
        lacking = _NEEDED.get(Kind(kind), set()) - arguments.keys()
        if lacking:
            raise ValueError(f"a fault of kind {kind!r} needs an argument {min(lacking)!r}")
        if times < 1 or skip < 0:
            raise ValueError("a fault happens at least once, and skips no fewer than 0 requests")
        with self._store.write() as db:
            return db.insert(
                "INSERT INTO faults (operation, kind, arguments, skip, remaining)"
                " VALUES (?, ?, ?, ?, ?)",
                *(operation, Kind(kind).value, json.dumps(arguments), skip, times),
            )

    def drop(self, operation: str, *, times: int = 1, skip: int = 0, applied: bool = False) -> int:
        """Lose the connection, before the request is applied or, with `applied`, after."""
        kind = Kind.DROP_AFTER if applied else Kind.DROP_BEFORE
        return self.add(operation, kind=kind, times=times, skip=skip)

    def list(self) -> list[Fault]:
        """Return the faults that are ordered, in the order of their numbers, delivered ones too."""
        with self._store.read() as db:
            return [_fault(row) for row in db.all("SELECT * FROM faults ORDER BY number")]

    def delivered(self, number: int) -> int:
        """Return how often a fault happened."""
        with self._store.read() as db:
            row = db.find("SELECT delivered FROM faults WHERE number = ?", number)
        return row["delivered"] if row is not None else 0

    def clear(self) -> None:
        """Take all faults back, those too that were not delivered."""
        with self._store.write() as db:
            db.run("DELETE FROM faults")

    def take(self, operation: str) -> Fault | None:
        """Return the fault that this request gets, counted as delivered; mostly none."""
        condition = "remaining > 0 AND operation IN (?, '*')"
        with self._store.read() as db:
            armed = db.find(f"SELECT 1 FROM faults WHERE {condition}", operation)  # noqa: S608
        if armed is None:
            return None
        with self._store.write(durable=False) as db:
            for row in db.all(
                f"SELECT * FROM faults WHERE {condition} ORDER BY number",  # noqa: S608
                operation,
            ):
                if row["skip"] == 0:
                    db.run(
                        "UPDATE faults SET remaining = remaining - 1, delivered = delivered + 1"
                        " WHERE number = ?",
                        row["number"],
                    )
                    return _fault(row)
                db.run("UPDATE faults SET skip = skip - 1 WHERE number = ?", row["number"])
        return None


def before(fault: Fault, store: Store, request: Request, params: Params) -> Request:
    """Do what a fault does to a request before it is looked at, and return the request."""
    arguments = fault.arguments
    match fault.kind:
        case Kind.DELAY:
            time.sleep(arguments["seconds"])
        case Kind.DROP_BEFORE:
            raise ConnectionDropped(f"fault {fault.number}: dropped before it was applied")
        case Kind.THROTTLE:
            raise ServiceError("ThrottlingException", "Rate exceeded")
        case Kind.STATUS:
            raise _error(fault)
        case Kind.WHOLE:
            headers = {name: text for name, text in request.headers.items() if name != "range"}
            return dataclasses.replace(request, headers=headers)
        case Kind.EXPIRE:
            with store.write() as db:
                db.run("UPDATE uploads SET touched_at = 0 WHERE id = ?", params.get("uploadId"))
                db.run("UPDATE jobs SET expires_at = 0 WHERE id = ?", params.get("jobId"))
    return request


def _error(fault: Fault) -> ServiceError:
    arguments = fault.arguments
    code = arguments.get("code", "ServiceUnavailableException")
    message = arguments.get("message", _MESSAGES.get(code, f"Injected fault {fault.number}"))
    status = arguments.get("status")
    kind = "Server" if code not in CODES and (status or 0) >= 500 else None
    error = ServiceError(code, message, status=status, kind=kind)
    if "retry_after" in arguments:
        error.headers["Retry-After"] = str(arguments["retry_after"])
    return error


def after(fault: Fault, response: Response) -> Response:
    """Do what a fault does to a reply; its Content-Length stays."""
    arguments, body = fault.arguments, response.body
    match fault.kind:
        case Kind.DROP_AFTER:
            if isinstance(body, FileWindow):
                body.close()
            raise ConnectionDropped(f"fault {fault.number}: dropped after it was applied")
        case Kind.TRUNCATE:
            keep = min(arguments.get("keep", len(body) // 2), len(body))
            if isinstance(body, FileWindow):
                body.stop = body.start + keep
            else:
                response.body = body[:keep]
        case Kind.CORRUPT if len(body):
            at = min(arguments.get("at", len(body) // 2), len(body) - 1)
            if isinstance(body, FileWindow):
                response.body = _corrupted(body, at)
            else:
                response.body = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        case Kind.HEADER:
            response.headers.pop(arguments["name"], None)
            if arguments.get("value") is not None:
                response.headers[arguments["name"]] = arguments["value"]
    return response


def _corrupted(window: FileWindow, at: int) -> FileWindow:
    """Return a copy of a window with one bit of its byte `at` flipped.

    A copy in a file, since a transport may send a window without looking at its bytes.
    """
    with tempfile.NamedTemporaryFile() as copy:
        while block := window.read(MIB):
            copy.write(block)
        size = copy.tell()
        byte = bytearray(1)
        system.read_into(window.file.fileno(), memoryview(byte), window.start + at)
        copy.seek(at)
        copy.write(bytes([byte[0] ^ 1]))
        copy.flush()
        window.close()
        return FileWindow(Path(copy.name), 0, size)


_MESSAGES = {
    "NoLongerSupportedException": (
        "This API is no longer supported for new accounts."
        " Please use Amazon S3 Glacier storage classes instead."
    ),
    "ThrottlingException": "Rate exceeded",
}

_ARGUMENTS: dict[Kind, set[str]] = {
    Kind.STATUS: {"code", "status", "message", "retry_after"},
    Kind.THROTTLE: set(),
    Kind.DROP_BEFORE: set(),
    Kind.DROP_AFTER: set(),
    Kind.TRUNCATE: {"keep"},
    Kind.CORRUPT: {"at"},
    Kind.HEADER: {"name", "value"},
    Kind.WHOLE: set(),
    Kind.DELAY: {"seconds"},
    Kind.EXPIRE: set(),
}
_NEEDED = {Kind.HEADER: {"name"}, Kind.DELAY: {"seconds"}}


def _fault(row: Row) -> Fault:
    return Fault(
        row["number"],
        row["operation"],
        Kind(row["kind"]),
        json.loads(row["arguments"]),
        row["skip"],
        row["remaining"],
        row["delivered"],
    )
