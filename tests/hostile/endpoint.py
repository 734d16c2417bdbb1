"""An HTTP server that says what it is told to say, in bytes: right replies, and wrong ones.

It learns the right replies by letting an engine answer, and says them again without one. Then any
of them may be exchanged for another.
"""

import io
import re
import socket
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, replace

from loopback import Listener, go_on, read_head

from glaciercli.local import wire

_CREDENTIAL = re.compile(r"Credential=[^/,\s]+/\d{8}/([^/,\s]+)/")


@dataclass(frozen=True)
class Reply:
    """What goes over the wire; `raw` is said instead of all the rest, `fill` after the body."""

    status: int = 200
    headers: tuple = ()
    body: bytes = b""
    raw: bytes | None = None
    fill: int = 0  # bytes more, in blocks: too many to hold

    def with_body(self, body, **headers):
        said = self.with_headers(**{"Content-Length": str(len(body)), **headers})
        return replace(said, body=body)

    def with_headers(self, **given):
        """Return the reply with headers exchanged; None takes one away, a tuple says several."""
        names = {name.lower() for name in given}
        kept = [pair for pair in self.headers if pair[0].lower() not in names]
        for name, value in given.items():
            values = value if isinstance(value, tuple) else (value,)
            kept += [(name, each) for each in values if each is not None]
        return replace(self, headers=tuple(kept))

    def blocks(self):
        if self.raw is not None:
            yield self.raw
            return
        lines = [f"HTTP/1.1 {self.status} Whatever"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        yield "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body
        yield from (b" " * (1 << 16) for _ in range(self.fill >> 16))


class Endpoint(Listener):
    """Listens on loopback; `answer(operation, request)` says what each request is told."""

    answer = None

    def serve(self, client):
        with client, client.makefile("rb") as reader:
            try:
                while (request := _read(client, reader)) is not None:
                    # A wrong reply leaves the connection in no state to be used again.
                    reply, last = self.answer(_operation(request), request)
                    for block in reply.blocks():
                        client.sendall(block)
                    if last:
                        client.shutdown(socket.SHUT_WR)
                        return
            except (OSError, ValueError):
                pass  # the client has had enough


def _read(client, reader):
    head = read_head(reader)
    if head is None:
        return None
    method, target, headers = head
    go_on(client, headers)
    length = int(headers.get("content-length", 0))
    signed = _CREDENTIAL.search(headers.get("authorization", ""))
    return wire.Request(method, target, headers, io.BytesIO(reader.read(length)), length, signed[1])


def _operation(request):
    return wire.route(request.method, request.target).operation.name


class Recorder:
    """Lets an engine answer, and keeps the answers by operation."""

    def __init__(self, engine):
        self._engine = engine
        self._lock = threading.Lock()
        self.replies = defaultdict(list)

    def __call__(self, operation, request):
        response = self._engine.handle(request)
        body = response.body
        if isinstance(body, wire.FileWindow):
            with body as window:
                body = window.read()
        # HEAD is not spoken here, and each length is that of the body.
        headers = {**response.headers, "Content-Length": str(len(body))}
        reply = Reply(response.status, tuple(headers.items()), body)
        with self._lock:
            self.replies[operation].append(reply)
        return reply, False


class Player:
    """Says the kept replies again, the last ones for ever; those of one operation are wrong."""

    def __init__(self, replies, operation=None, wrong=None):
        self._replies = replies
        self._operation, self._wrong = operation, wrong
        self._lock = threading.Lock()
        self.asked = Counter()

    def __call__(self, operation, _request):
        with self._lock:
            number = self.asked[operation]
            self.asked[operation] += 1
        if operation == self._operation:
            if callable(self._wrong):
                return self._wrong(number), False
            return self._wrong, True
        known = self._replies.get(operation)
        if not known:  # what the right replies never led to
            return _NOT_KNOWN, False
        return known[min(number, len(known) - 1)], False


_GONE = b'{"code":"ResourceNotFoundException","message":"not found","type":"Client"}'
_NOT_KNOWN = Reply(404, (("Content-Length", str(len(_GONE))),), _GONE)
