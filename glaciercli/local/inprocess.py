"""The engine behind a botocore client without a network: requests are answered, not sent."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from typing import Any, cast
from urllib.parse import urlsplit

from botocore.auth import UNSIGNED_PAYLOAD
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError

from glaciercli.local.errors import ConnectionDropped
from glaciercli.local.wire import Body, FileWindow, Request, Response

_CONTENT_HASH = "x-amz-content-sha256"
_REGION = re.compile(r"Credential=[^/,\s]+/\d{8}/([^/,\s]+)/")


def plug_in(client: Any, handle: Callable[[Request], Response], *, trusting: bool = False) -> None:
    """Have a boto3 or botocore Glacier client ask `handle`, an engine's, in this process.

    All that the client does before and after the wire stays: checks, hashes, signing, retries,
    parsing. A client that does not sign is in the region that it was made for. With `trusting`, no
    side computes the plain hash of an upload: it binds a signature to bytes on their way, and these
    have none. The tree hash proves them.
    """

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        try:
            response = handle(_request(request, client.meta.region_name, trusting=trusting))
        except ConnectionDropped as error:
            raise _closed(request) from error
        return _response(request, response)

    client.meta.events.register("before-send.glacier", answer)
    if trusting:
        for operation in ("UploadArchive", "UploadMultipartPart"):
            client.meta.events.register_first(f"before-call.glacier.{operation}", _spare)


def _spare(params: dict[str, Any], **_: Any) -> None:
    """Keep botocore from hashing an upload that says no plain hash itself."""
    params["headers"].setdefault(_CONTENT_HASH, UNSIGNED_PAYLOAD)


def _request(request: AWSPreparedRequest, region: str | None, *, trusting: bool) -> Request:
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    signed = _REGION.search(headers.get("authorization", ""))
    address = urlsplit(request.url)
    length = headers.get("content-length")
    return Request(
        method=request.method,
        target=f"{address.path}?{address.query}" if address.query else address.path,
        headers=headers,
        body=_body(request.body),
        length=int(length) if length is not None else None,
        region=signed[1] if signed else region or "us-east-1",
        is_hashed=not (trusting and headers.get(_CONTENT_HASH) == UNSIGNED_PAYLOAD),
    )


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _body(body: Any) -> Body:
    if body is None:
        return _Bytes(b"")
    if isinstance(body, str):
        return _Bytes(body.encode())
    if isinstance(body, bytes | bytearray | memoryview):
        return _Bytes(body)
    return cast(Body, body)


class _Bytes:
    """A body in memory, handed out as views of itself."""

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self._left = memoryview(data)

    def read(self, size: int, /) -> memoryview:
        block, self._left = self._left[:size], self._left[size:]
        return block


def _response(request: AWSPreparedRequest, response: Response) -> AWSResponse:
    body = response.body
    window = body if isinstance(body, FileWindow) else io.BytesIO(body)
    return AWSResponse(request.url, response.status, response.headers, _Stream(window))


def _closed(request: AWSPreparedRequest) -> ConnectionClosedError:
    return ConnectionClosedError(endpoint_url=request.url, request=request)


class _Stream(io.RawIOBase):
    """What botocore takes for a connection's reply."""

    def __init__(self, source: io.RawIOBase | io.BytesIO) -> None:
        self._source = source

    def stream(self, amount: int = 1 << 16, **_: Any) -> Iterator[bytes]:
        while block := self.read(amount):
            yield block

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._source.readinto(buffer) or 0

    def read(self, size: int | None = -1, /) -> bytes:
        return self._source.read(-1 if size is None else size) or b""

    def close(self) -> None:
        self._source.close()
        super().close()
