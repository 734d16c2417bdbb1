"""Requests and replies, whatever carries them; their shapes are botocore's own service model.

Every member of a reply's shape is present, null where it does not apply, keys sorted, compact: so
the live service writes. (botocore drops nulls; older clients fail on a key that is missing.)
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from urllib.parse import parse_qsl, unquote

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape, StructureShape

from glaciercli import system
from glaciercli.local.errors import ServiceError
from glaciercli.local.rules import unreadable_body
from glaciercli.units import MIB

Params = Mapping[str, Any]

VERSION = "2012-06-01"  # of the API; every request names it in x-amz-glacier-version

_MAX_JSON = MIB  # the largest document that an operation takes is a policy of 20 KB


class Body(Protocol):
    """A request's body; `read` returns at most `size` bytes, and none at the end."""

    def read(self, size: int, /) -> bytes | memoryview:
        """Return up to `size` bytes; none at the end, or where the sender stopped."""


@dataclass(frozen=True)
class Request:
    """A request as it came, and what the transport knows of its sender."""

    method: str
    target: str  # path?query as sent, still encoded
    headers: Mapping[str, str]  # names in lower case
    body: Body
    length: int | None  # Content-Length
    region: str = "us-east-1"
    is_hashed: bool = True  # an upload must come with its plain SHA-256


class FileWindow(io.RawIOBase):
    """Bytes [start, stop) of an open file; whoever sends them closes it.

    The file is open from the start, so the bytes stay readable when its name goes away.
    """

    def __init__(self, path: Path, start: int, stop: int) -> None:
        self.start, self.stop = start, stop
        self.file: BinaryIO = path.open("rb", buffering=0)
        self._at = start

    def __len__(self) -> int:
        return self.stop - self.start

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with what comes next; return how many bytes, 0 at the end."""
        view = memoryview(buffer).cast("B")[: self.stop - self._at]
        count = system.read_into(self.file.fileno(), view, self._at) if view else 0
        self._at += count
        return count

    def close(self) -> None:
        # The collector closes too, even a window whose file could not be opened.
        if hasattr(self, "file"):
            self.file.close()
        super().close()


@dataclass
class Response:
    """A reply; its Content-Length is in the headers and may be a lie where a fault asks for one."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | FileWindow = b""


@dataclass(frozen=True)
class Route:
    """Which operation a request means, and the parameters that its address holds."""

    operation: OperationModel
    uri: Mapping[str, str]
    query: Mapping[str, str]


@cache
def model() -> ServiceModel:
    """Return the service's model; loading it takes a tenth of a second, so once."""
    return ServiceModel(Loader().load_service_model("glacier", "service-2"), "glacier")


@cache
def _routes() -> list[tuple[str, list[str], dict[str, str], OperationModel]]:
    def rows() -> Iterator[tuple[str, list[str], dict[str, str], OperationModel]]:
        for name in model().operation_names:
            operation = model().operation_model(name)
            path, _, query = operation.http["requestUri"].partition("?")
            yield operation.http["method"], path.split("/"), dict(parse_qsl(query)), operation

    # Addresses with a fixed query come first: they are the more particular ones.
    return sorted(rows(), key=lambda row: -len(row[2]))


def route(method: str, target: str) -> Route:
    """Return what a request's line asks for; raises where no operation is like it."""
    path, _, query_text = target.partition("?")
    segments = path.split("/")
    query = dict(parse_qsl(query_text, keep_blank_values=True))
    for wanted, template, fixed, operation in _routes():
        if method != wanted or len(template) != len(segments):
            continue
        uri = _match(template, segments)
        if uri is None:
            continue
        for name, value in fixed.items():
            if query.get(name) != value:
                break
        else:
            return Route(operation, uri, query)
    if segments[-1:] == ["tags"] and method == "POST":
        raise ServiceError(
            "InvalidParameterValueException", f"Invalid operation: {query.get('operation', 'null')}"
        )
    raise ServiceError("BadRequest", f"Unknown operation: {method} {path}")


def _match(template: list[str], segments: list[str]) -> dict[str, str] | None:
    uri = {}
    for wanted, segment in zip(template, segments, strict=True):
        if not wanted.startswith("{"):
            if wanted != segment:
                return None
            continue
        # Decoded segment by segment, so that an encoded slash stays inside its segment.
        uri[wanted[1:-1]] = unquote(segment, errors="replace")
        if not segment:
            return None
    return uri


def parameters(request: Request, found: Route, body: bytes) -> dict[str, Any]:
    """Return an operation's parameters by the model's names, absent and null ones left out.

    Raises for a body that is not JSON or has a member of another type than the shape's.
    """
    shape = found.operation.input_shape
    payload = shape.serialization.get("payload")
    result: dict[str, Any] = {}
    in_body: dict[str, Shape] = {}
    for name, member in shape.members.items():
        location = member.serialization.get("location")
        wire_name = member.serialization.get("name", name)
        if location == "uri":
            result[name] = found.uri[wire_name]
        elif location == "querystring":
            if found.query.get(wire_name):  # an empty one is an absent one
                result[name] = found.query[wire_name]
        elif location == "header" and wire_name.lower() in request.headers:
            result[name] = request.headers[wire_name.lower()]
        elif location is None and not (payload and member.type_name == "blob"):
            in_body[name] = member
    if in_body and body:
        document = _parse(body)
        if payload:
            result[payload] = _typed(document, in_body[payload])
        else:
            whole = {name: document[name] for name in in_body if document.get(name) is not None}
            result |= {name: _typed(value, in_body[name]) for name, value in whole.items()}
    return result


def read_document(request: Request) -> bytes:
    """Return a small body whole; raises for one that is larger than any operation takes."""
    if (request.length or 0) > _MAX_JSON:
        raise ServiceError("BadRequest", f"Request body is too large: {request.length} bytes")
    blocks = bytearray()
    while block := request.body.read(_MAX_JSON + 1 - len(blocks)):
        blocks += block
        if len(blocks) > _MAX_JSON:
            raise ServiceError("BadRequest", "Request body is too large")
    return bytes(blocks)


def _parse(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise unreadable_body() from None
    if not isinstance(document, dict):
        raise unreadable_body()
    return document


_SCALARS: dict[str, type] = {"string": str, "long": int, "integer": int, "boolean": bool}


def _typed(value: Any, shape: Shape) -> Any:
    """Return a JSON value as its shape says; raises for a value of another type."""
    match shape.type_name, value:
        case "structure", dict():
            given = {name: each for name, each in value.items() if each is not None}
            known = given.keys() & shape.members.keys()
            return {name: _typed(given[name], shape.members[name]) for name in known}
        case "list", list():
            return [_typed(each, shape.member) for each in value]
        case "map", dict():
            typed = {key: _typed(each, shape.value) for key, each in value.items()}
            return {_typed(key, shape.key): each for key, each in typed.items()}
        case "string", str() if not value.isascii():
            return _encodable(value)
        case kind, _ if type(value) is _SCALARS.get(kind):
            return value
        case "string", int() if type(value) is int:
            return str(value)  # some clients write a Limit as a number
    raise unreadable_body()


def _encodable(text: str) -> str:
    r"""Return a text that has a UTF-8 form; JSON can write halves of characters, as `\ud800`."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise unreadable_body() from None
    return text


def reply(operation: OperationModel, result: Params) -> Response:
    """Return an operation's result, given by the model's names, as a reply."""
    response = Response(operation.http.get("responseCode", 200))
    shape = operation.output_shape
    if shape is None:
        return response
    payload = shape.serialization.get("payload")
    in_body: dict[str, Shape] = {}
    for name, member in shape.members.items():
        location = member.serialization.get("location")
        if location == "statusCode":
            response.status = result[name]
        elif location == "header":
            if result.get(name) is not None:
                response.headers[member.serialization["name"]] = str(result[name])
        else:
            in_body[name] = member
    if payload and in_body[payload].type_name == "blob":
        response.body = result[payload]
    elif in_body:
        document = (
            complete(result[payload], in_body[payload])
            if payload
            else {name: complete(result.get(name), member) for name, member in in_body.items()}
        )
        response.headers["Content-Type"] = "application/json"
        response.body = dump(document, sort=True)
    return response


def refusal(error: ServiceError) -> Response:
    """Return the reply that says no."""
    headers = {"Content-Type": "application/json"} | error.headers
    return Response(error.status, headers, error.body)


def complete(value: Any, shape: Shape) -> Any:
    """Return a value with every member of its shape, null where it has none."""
    if value is None:
        return None
    if isinstance(shape, StructureShape):
        return {name: complete(value.get(name), member) for name, member in shape.members.items()}
    if shape.type_name == "list":
        return [complete(each, shape.member) for each in value]
    return value


def dump(document: Any, *, sort: bool = False) -> bytes:
    """Return JSON as the service writes it: compact, in UTF-8."""
    text = json.dumps(document, separators=(",", ":"), sort_keys=sort, ensure_ascii=False)
    return text.encode()
