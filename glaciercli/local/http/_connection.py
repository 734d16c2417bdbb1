"""One client's connection: requests read from a socket, replies written to it.

h11 reads the heads, strictly, and writes them. Bodies never pass through it: they go from the
socket into the engine's own buffers and from its files to the socket, so that a part of 4 GiB
costs no memory and one copy.
"""

from __future__ import annotations

import hashlib
import io
import logging
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import cached_property
from http.client import responses
from typing import Protocol

import h11

from glaciercli.local.errors import ConnectionDropped, ServiceError, StoreError, denied, missing
from glaciercli.local.http._authorization import without_secrets
from glaciercli.local.http._body import Body, StalledError
from glaciercli.local.http._gate import admit, admit_head
from glaciercli.local.http._peer import is_stranger
from glaciercli.local.http.sigv4 import Authenticator, Caller
from glaciercli.local.rules import REQUEST_ID, new_id
from glaciercli.local.wire import VERSION, FileWindow, Request, Response, refusal
from glaciercli.units import KIB, MIB

log = logging.getLogger(__name__)

_MAX_UNHASHED = MIB  # of a body whose hash is needed before the engine may see it
_RECEIVE = 16 * KIB  # for a head; there rarely is more


@dataclass(frozen=True)
class Limits:
    """How long, in seconds, and how large, in bytes, a client may be."""

    connections: int = 100
    head_size: int = 32 * KIB
    head_timeout: float = 30.0  # for a whole head, however it drips in
    body_timeout: float = 60.0  # without a byte going either way
    body_rate: int = KIB  # bytes of a body a second, at the least
    idle_timeout: float = 300.0  # between requests; SDKs keep connections for later
    unread: int = 32 * MIB  # of a body nobody wants, read to keep the connection
    grace: float = 5.0  # for clients that are to leave: when we stop, or after a last reply


class Handler(Protocol):
    """What answers the requests."""

    def handle(self, request: Request) -> Response:
        """Answer a request; an error of the service's is a response too. Called by many threads."""


@dataclass
class _Exchange:
    """A request on its way to its reply."""

    parser: h11.Connection
    method: str = "-"
    target: str = "-"
    headers: dict[str, str] = field(default_factory=dict)
    body: Body | None = None  # None while there is none that could be read
    keep: bool = False  # the connection, for another request
    id: str = field(default_factory=lambda: new_id(REQUEST_ID))
    started: float = field(default_factory=time.monotonic)


class Connection:
    """Serves one client until one of the two has enough."""

    def __init__(
        self,
        sock: socket.socket,
        handler: Handler,
        authenticator: Authenticator,
        *,
        limits: Limits,
        access_log: Callable[[str], None] | None,
        own_user_only: bool,
    ) -> None:
        self._socket = sock
        self._handler = handler
        self._authenticator = authenticator
        self._limits = limits
        self._access_log = access_log
        self._own_user_only = own_user_only
        self._received = b""  # after the last request: the beginning of the next
        self._finishing = False
        #: Since when no request is at work, by the monotonic clock; None during one.
        self.idle_since: float | None = time.monotonic()

    def serve(self) -> None:
        """Answer requests one after the other, then close the socket."""
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while self._exchange():
                pass
        except ConnectionDropped:
            # No reply and no polite end: with a linger time of zero, close sends a reset.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError as error:
            log.debug("a client is gone: %s", error)  # there is nobody to tell
        except Exception:
            log.exception("a reply could not be sent")
        finally:
            self._socket.close()

    def finish(self) -> None:
        """Let the request in flight be the last one; for other threads."""
        self._finishing = True
        if self.idle_since is not None:
            self.abort()

    def abort(self) -> None:
        """End input and output now; for other threads."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError as error:
            log.debug("a connection is closed already: %s", error)

    def _exchange(self) -> bool:
        """Answer one request; tell whether another may follow."""
        self.idle_since = time.monotonic()
        if self._finishing:  # looked at after `idle_since` is set; `finish` does the reverse
            return False
        parser = h11.Connection(h11.SERVER, max_incomplete_event_size=self._limits.head_size)
        exchange = _Exchange(parser)
        try:
            head = self._head(parser)
            if head is None:
                return False
            self._begin(exchange, head)
            response = self._answer(exchange)
        except h11.RemoteProtocolError as error:
            # 431 for a head that is too large; its 501, for an encoding, is a bad request to us.
            status = error.error_status_hint if error.error_status_hint < 500 else 400
            response = _refused(
                exchange, ServiceError("BadRequest", f"Bad request: {error}", status=status)
            )
        except ServiceError as error:
            response = _refused(exchange, error)
        except StalledError:
            exchange.keep, exchange.body = False, None
            text = "The body of the request did not arrive in time."
            response = _refused(exchange, ServiceError("RequestTimeoutException", text))
        except (ConnectionDropped, ConnectionError):
            if exchange.body is not None:
                self._log(exchange, 0, 0)
            raise
        except StoreError as error:
            log.error("request %s failed: %s", exchange.id, error)
            response = _refused(exchange, ServiceError("ServiceUnavailableException", str(error)))
        except Exception:
            target = without_secrets(exchange.target)
            log.exception("request %s failed: %s %s", exchange.id, exchange.method, target)
            text = "Internal failure."
            response = _refused(exchange, ServiceError("ServiceUnavailableException", text))
        self._reply(exchange, response)
        return exchange.keep

    def _head(self, parser: h11.Connection) -> h11.Request | None:
        """Return the next request's head, or None when the client has nothing more to say."""
        received, self._received = self._received, b""
        head = b""
        deadline = time.monotonic() + self._limits.idle_timeout
        while True:
            if received:
                if not head:
                    deadline = time.monotonic() + self._limits.head_timeout
                head += received
                parser.receive_data(received)
                event = parser.next_event()
                if isinstance(event, h11.Request):
                    self.idle_since = None
                    head = head.removesuffix(parser.trailing_data[0])
                    admit_head(head, event.http_version, self._limits.head_size)
                    return event
            try:
                self._socket.settimeout(max(0.001, deadline - time.monotonic()))
                received = self._socket.recv(_RECEIVE)
            except TimeoutError:
                return None
            if not received:
                return None

    def _begin(self, exchange: _Exchange, head: h11.Request) -> None:
        """Take the head over, and find where the body ends; raise ServiceError to refuse it."""
        exchange.started = time.monotonic()  # not when the connection fell idle
        exchange.method, exchange.target = head.method.decode(), head.target.decode()
        headers = exchange.headers
        for raw_name, raw_value in head.headers:
            name, value = raw_name.decode(), raw_value.decode("latin-1")
            # Without a blank, as Signature Version 4 joins them.
            headers[name] = f"{headers[name]},{value}" if name in headers else value
        length = admit(exchange.method, exchange.target, headers)
        if self._is_refused:
            raise denied("another user than the server's must prove who it is: --auth strict")
        received = exchange.parser.trailing_data[0]
        self._received = received[length:]
        exchange.body = Body(
            self._socket,
            length,
            received[:length],
            awaited=exchange.parser.they_are_waiting_for_100_continue and not received,
            timeout=self._limits.body_timeout,
            rate=self._limits.body_rate,
        )
        closing = "close" in headers.get("connection", "").lower()
        exchange.keep = head.http_version >= b"1.1" and not closing

    @cached_property
    def _is_refused(self) -> bool:
        return self._own_user_only and is_stranger(self._socket)

    def _answer(self, exchange: _Exchange) -> Response:
        body = exchange.body
        assert body is not None  # after _begin
        length = body.remaining if "content-length" in exchange.headers else None
        caller, payload = self._authenticate(exchange, body)
        headers = exchange.headers
        if caller.is_presigned:
            # A URL bears no headers, and boto3 signs none into it; one that is sent is looked at.
            headers = {"x-amz-glacier-version": VERSION} | headers
        request = Request(
            method=exchange.method,
            target=exchange.target,
            headers=headers,
            body=payload,
            length=length,
            region=caller.region,
        )
        return self._handler.handle(request)

    def _authenticate(self, exchange: _Exchange, body: Body) -> tuple[Caller, Body | io.BytesIO]:
        """Return the caller, and the body or what of it was read to know the caller."""
        payload: Body | io.BytesIO = body

        def payload_hash() -> str:
            nonlocal payload
            if body.remaining > _MAX_UNHASHED:
                raise missing("x-amz-content-sha256")
            payload = io.BytesIO(body.read(_MAX_UNHASHED))
            return hashlib.sha256(payload.getbuffer()).hexdigest()

        caller = self._authenticator.authenticate(
            exchange.method, exchange.target, exchange.headers, payload_hash
        )
        return caller, payload

    def _reply(self, exchange: _Exchange, response: Response) -> None:
        body, content = exchange.body, response.body
        if body is not None and body.remaining:
            # A client that was not told to go on may send its body or not: only an end is clear.
            exchange.keep &= body.remaining <= self._limits.unread and not body.awaited
        exchange.keep &= not self._finishing
        self._socket.settimeout(self._limits.body_timeout)
        try:
            head = self._reply_head(exchange, response)
            if exchange.method == "HEAD" or response.status == 204:
                self._socket.sendall(head)
            elif isinstance(content, bytes):
                self._socket.sendall(head + content)
            else:
                self._socket.sendall(head)
                sent = self._socket.sendfile(content.file, content.start, len(content))
                if sent != len(content):
                    raise ConnectionAbortedError("the file is shorter than its window")
        finally:
            if isinstance(content, FileWindow):
                content.close()
            self._log(exchange, response.status, len(content))
        if body is None or (body.remaining and not exchange.keep):
            self._linger()
        else:
            body.discard()

    def _reply_head(self, exchange: _Exchange, response: Response) -> bytes:
        size = str(len(response.body))
        # A 204 has no body, and must not speak of one.
        headers = {"Content-Length": size} if response.status != 204 else {}
        headers |= response.headers
        exchange.id = headers.get("x-amzn-RequestId", exchange.id)  # for the access log
        # A fault may have the engine lie about the length; the end of the connection tells then.
        exchange.keep &= headers.get("Content-Length", size) == size
        if not exchange.keep:
            headers["Connection"] = "close"
        reply = h11.Response(
            status_code=response.status,
            reason=responses.get(response.status, "").encode(),
            headers=[(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
        )
        return exchange.parser.send(reply) or b""

    def _linger(self) -> None:
        """End our side, then read for a while, however much it is.

        To close with unread input would be a reset, which can overtake the reply; and some
        clients read no reply before they have sent all of a body.
        """
        self._socket.shutdown(socket.SHUT_WR)
        buffer = bytearray(256 * KIB)
        deadline = time.monotonic() + self._limits.grace
        while (remaining := deadline - time.monotonic()) > 0:
            self._socket.settimeout(remaining)
            if self._socket.recv_into(buffer) == 0:
                return

    def _log(self, exchange: _Exchange, status: int, size: int) -> None:
        """Write a line of the access log; status 0 is a connection that broke or was dropped."""
        if self._access_log is not None:
            duration = (time.monotonic() - exchange.started) * 1000
            # h11 lets only visible ASCII into method and target; no header is logged.
            request = f"{exchange.method} {without_secrets(exchange.target)}"
            self._access_log(f"{request} {status} {size} {duration:.1f}ms {exchange.id}")


def _refused(exchange: _Exchange, error: ServiceError) -> Response:
    """Return our own reply, to what the engine never saw or has no answer for."""
    response = refusal(error)
    response.headers |= {"x-amzn-RequestId": exchange.id, "Date": formatdate(usegmt=True)}
    return response
