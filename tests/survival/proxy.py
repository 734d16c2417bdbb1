"""A proxy that hurts: it stands before a real server and spoils chosen exchanges.

What it does to a request or a reply is a kind of `KINDS`; the server's own faults (a refused
request, an expired job) are better asked of the engine. A kind may not fit: a reply without a body
has no byte to flip. Then the exchange passes, and the kind waits for the next one.
"""

import http.client
import json
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

from loopback import Listener, go_on, read_head

from glaciercli.local import wire

_STALL = 20.0  # seconds at most; a client that gave up closes the connection much earlier


class Dropped(Exception):
    """The connection is to end now, with a reset or (`polite`) without."""

    def __init__(self, polite=False):
        self.polite = polite


@dataclass
class Exchange:
    """A request with its reply, as far as there is one."""

    operation: str
    method: str
    target: str
    headers: dict
    length: int
    body: bytes = b""
    status: int = 0
    reply: dict = field(default_factory=dict)
    content: bytes = b""


class Proxy(Listener):
    """Forwards to `port`; the next `times` exchanges of an operation get a kind of fault."""

    def __init__(self, port):
        self._upstream = port
        self._lock = threading.Lock()
        self._operation, self._kind, self._left = "", "", 0
        #: Rewrites each reply as a server of another make would have written it.
        self.dialect = lambda exchange: exchange
        self.delivered = 0
        self._open = set()
        super().__init__()

    def spoil(self, operation, kind, times=1):
        self._operation, self._kind, self._left, self.delivered = operation, kind, times, 0

    def heal(self):
        self._left = 0

    def close(self):
        super().close()
        for each in list(self._open):
            _reset(each)

    def serve(self, client):
        self._open.add(client)
        upstream = http.client.HTTPConnection("127.0.0.1", self._upstream)
        reader = client.makefile("rb")
        try:
            while (exchange := _head(reader)) is not None:
                self._exchange(client, reader, upstream, exchange)
        except Dropped as drop:
            if not drop.polite:
                _reset(client)
        except (OSError, ValueError, http.client.HTTPException):
            pass  # one of the two is gone
        finally:
            self._open.discard(client)
            upstream.close()
            reader.close()
            client.close()

    def _exchange(self, client, reader, upstream, exchange):
        spoils = self._take(exchange)
        go_on(client, exchange.headers)
        if spoils == "reset-in-request" and exchange.length:
            reader.read(exchange.length // 2)
            self.delivered += 1
            raise Dropped
        exchange.body = reader.read(exchange.length)
        if spoils in _NOT_APPLIED:
            self.delivered += 1
            _NOT_APPLIED[spoils](client, exchange)
        else:
            _forward(upstream, exchange)
            self.dialect(exchange)
            if spoils is not None and _fits(spoils, exchange):
                self.delivered += 1
                _APPLIED[spoils](client, exchange)
            elif spoils is not None:
                self._left += 1  # for the next one
        client.sendall(_written(exchange))

    def _take(self, exchange):
        with self._lock:
            fits = exchange.operation == self._operation and self._left > 0
            if not fits or (self._kind in _WITH_BODY_SENT and not exchange.length):
                return None
            self._left -= 1
            return self._kind


def _head(reader):
    head = read_head(reader)
    if head is None:
        return None
    method, target, headers = head
    operation = wire.route(method, target).operation.name
    return Exchange(operation, method, target, headers, int(headers.get("content-length", 0)))


def _forward(upstream, exchange):
    kept = {
        name: value
        for name, value in exchange.headers.items()
        if name not in {"host", "expect", "connection"}
    }
    upstream.request(exchange.method, exchange.target, body=exchange.body, headers=kept)
    reply = upstream.getresponse()
    exchange.status, exchange.reply = reply.status, dict(reply.getheaders())
    exchange.content = reply.read()


def _written(exchange, content=None):
    lines = [f"HTTP/1.1 {exchange.status} Whatever"]
    lines += [f"{name}: {value}" for name, value in exchange.reply.items()]
    content = exchange.content if content is None else content
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content


def _reset(client):
    try:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.shutdown(socket.SHUT_RD)
        client.close()
    except OSError:
        pass  # it is closed


# --- kinds that the server never hears of


def _reset_now(_client, _exchange):
    raise Dropped


def _stall(client, _exchange):
    client.settimeout(_STALL)
    try:
        client.recv(1)  # until the client has had enough
    except TimeoutError:
        pass
    raise Dropped


def _answer(status, content, **headers):
    def answer(_client, exchange):
        exchange.status, exchange.content = status, content
        exchange.reply = {
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }

    return answer


def _refusal(status, code, message="no", **headers):
    content = json.dumps({"code": code, "type": "Client", "message": message}).encode()
    return _answer(status, content, **headers)


_HTML = b"<html><body><h1>Log in to the airport's network</h1></body></html>"
_DEEP = b"[" * 200_000
_TYPES = (
    b'{"VaultList": 5, "JobList": 5, "UploadsList": 5, "Parts": 5, "Marker": [], "VaultName": {},'
    b' "JobId": 7, "Action": [], "Completed": "x", "CreationDate": 5, "PartSizeInBytes": "x"}'
)

_NOT_APPLIED = {
    "reset": _reset_now,
    "stall": _stall,
    "408": _refusal(408, "RequestTimeoutException"),
    "throttled": _refusal(400, "ThrottlingException"),
    "429": _refusal(429, "TooManyRequestsException", Retry_After="0"),
    "500": _refusal(500, "ServiceUnavailableException"),
    "502-html": _answer(502, _HTML, Content_Type="text/html"),
    "503-empty": _answer(503, b""),
    "expired-token": _refusal(403, "ExpiredTokenException"),
    "bad-signature": _refusal(403, "InvalidSignatureException", "Signature expired: 2010 is past"),
    "404": _refusal(404, "ResourceNotFoundException", "The thing was not found: x"),
    "portal": _answer(200, _HTML, Content_Type="text/html"),
    "redirect": _answer(301, b"", Location="http://127.0.0.1:9/elsewhere"),
}


# --- kinds that come after the server has done it


def _applied_then(content_of, **changed):
    """Replace the reply's body, and its length with it."""

    def change(_client, exchange):
        exchange.content = content_of(exchange)
        exchange.reply["Content-Length"] = str(len(exchange.content))
        exchange.reply.update(changed)

    return change


def _finish(_client, _exchange):
    raise Dropped(polite=True)


def _cut(client, exchange):
    whole = _written(exchange)
    client.sendall(whole[: len(whole) - max(1, len(exchange.content) // 2)])
    raise Dropped(polite=True)


def _stall_in_reply(client, exchange):
    whole = _written(exchange)
    client.sendall(whole[: len(whole) - max(1, len(exchange.content) // 2)])
    _stall(client, exchange)


def _chunked_cut(client, exchange):
    exchange.reply.pop("Content-Length", None)
    exchange.reply["Transfer-Encoding"] = "chunked"
    half = exchange.content[: len(exchange.content) // 2]
    client.sendall(_written(exchange, f"{len(half):x}\r\n".encode() + half))
    raise Dropped(polite=True)


def _trailing(client, exchange):
    client.sendall(_written(exchange) + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    raise Dropped(polite=True)


def _flip(_client, exchange):
    if exchange.content:
        at = len(exchange.content) // 2
        flipped = bytes([exchange.content[at] ^ 1])
        exchange.content = exchange.content[:at] + flipped + exchange.content[at + 1 :]


def _header(name, value):
    def change(_client, exchange):
        exchange.reply.pop(name, None)
        if value is not None:
            exchange.reply[name] = value

    return change


def _drip(client, exchange):
    whole = _written(exchange)
    for at in range(6):
        client.sendall(whole[at : at + 1])
        time.sleep(0.02)
    client.sendall(whole[6:])
    exchange.reply, exchange.content = {}, b""
    raise Dropped(polite=True)


_APPLIED = {
    "applied-reset": _reset_now,
    "applied-end": _finish,
    "applied-stall": _stall,
    "cut": _cut,
    "stall-in-reply": _stall_in_reply,
    "chunked-cut": _chunked_cut,
    "short": _applied_then(lambda exchange: exchange.content[: len(exchange.content) // 2]),
    "trailing": _trailing,
    "flip": _flip,
    "wrong-checksum": _header("x-amz-sha256-tree-hash", "0" * 64),
    "no-checksum": _header("x-amz-sha256-tree-hash", None),
    "wrong-range": _header("Content-Range", "bytes 0-1/2"),
    "html": _applied_then(lambda _: _HTML, **{"Content-Type": "text/html"}),
    "deep-json": _applied_then(lambda _: _DEEP),
    "wrong-types": _applied_then(lambda _: _TYPES),
    "drip": _drip,
}
_WITH_BODY_SENT = {"reset-in-request"}
_WITH_BODY = {"cut", "stall-in-reply", "chunked-cut", "short", "flip"}
_WITH_HEADER = {
    "wrong-checksum": "x-amz-sha256-tree-hash",
    "no-checksum": "x-amz-sha256-tree-hash",
    "wrong-range": "Content-Range",
}
#: Kinds that not every exchange can have.
FITTING_SOME = _WITH_BODY_SENT | _WITH_BODY | set(_WITH_HEADER)
#: Kinds in which nothing comes any more, though the connection stands.
SILENT = {"stall", "applied-stall", "stall-in-reply"}


def _fits(kind, exchange):
    """Tell whether a reply has what a kind spoils."""
    if kind in _WITH_BODY:
        return len(exchange.content) > 2  # not only the {} of an empty document
    return kind not in _WITH_HEADER or _WITH_HEADER[kind] in exchange.reply


KINDS = ["reset-in-request", *_NOT_APPLIED, *_APPLIED]
