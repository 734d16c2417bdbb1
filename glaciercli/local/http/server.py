"""The engine's HTTP face: a loopback server for SDKs, the AWS CLI and anything else.

One thread a connection: clients are few, local and mostly busy, and a thread lets the engine read a
body and write a file as if they were local. What happens on a connection is in `connection.py`.

Whoever can connect can delete, so it listens on loopback only, believes no foreign Host header,
answers no web page, and other users of the machine only when they prove who they are.
"""

from __future__ import annotations

import ipaddress
import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from glaciercli.local.http import _peer
from glaciercli.local.http._connection import Connection, Handler, Limits
from glaciercli.local.http.sigv4 import Authenticator

log = logging.getLogger(__name__)

_BACKLOG = 128  # connections that the kernel holds until they are accepted
_PAUSE = 0.1  # seconds between two looks for room, when there is none


class Server:
    """Serves `engine` over HTTP on `host` and `port`; port 0 takes a free one.

    Listens from the moment it is made, and answers once it runs: in this thread (`serve_forever`)
    or in one of its own (`start`, or as a context manager). `access_log` is given a line for each
    request. Raises ValueError for a host that is not loopback.
    """

    def __init__(
        self,
        engine: Handler,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        auth: Authenticator | None = None,
        access_log: Callable[[str], None] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._engine = engine
        self._auth = auth or Authenticator()
        self._access_log = access_log
        self._limits = limits or Limits()
        family, address = _loopback(host)
        self._listener = socket.create_server((address, port), family=family, backlog=_BACKLOG)
        self._listener.setblocking(False)
        self._own_user_only = self._auth.mode != "strict" and _peer.tells(self._listener)
        self.host, self.port = address, int(self._listener.getsockname()[1])
        self._waker, self._wakened = socket.socketpair()
        self._connections: dict[Connection, threading.Thread] = {}
        self._left = threading.Condition()  # a connection has left `_connections`
        self._runner: threading.Thread | None = None
        self._stopping = False
        self._stopped = threading.Event()

    @property
    def url(self) -> str:
        """The endpoint that clients are given, with the port that was found free."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> Self:
        """Serve in a thread of its own until `stop`."""
        self._runner = threading.Thread(target=self._run, name="glacier-http", daemon=True)
        self._runner.start()
        return self

    def serve_forever(self) -> None:
        """Serve in this thread until `stop` is called, by another thread or a signal handler."""
        self._runner = threading.current_thread()
        self._run()

    def stop(self) -> None:
        """Take no more requests, let those in flight finish for a moment, close everything.

        Returns when that is done; called in the serving thread (by a signal handler) it returns
        at once and `serve_forever` does the rest. May be called twice.
        """
        self._stopping = True  # set before `_runner` is looked at; `_run` does the reverse
        if self._runner is None:
            self._close()
            return
        try:
            self._waker.send(b"\0")
        except OSError:
            pass  # it has stopped, its sockets are closed
        if self._runner is not threading.current_thread():
            self._stopped.wait()

    def _run(self) -> None:
        try:
            if not self._stopping:
                self._accept_all()
        finally:
            self._close()

    def _accept_all(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._wakened, selectors.EVENT_READ)
            while not self._stopping:
                selector.select()
                self._accept()

    def _accept(self) -> None:
        self._make_room()
        if self._stopping:
            return
        try:
            client, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # it was here and left
        except OSError as error:  # out of files or memory
            _wait_out(error)
            return
        connection = Connection(
            client,
            self._engine,
            self._auth,
            limits=self._limits,
            access_log=self._access_log,
            own_user_only=self._own_user_only,
        )
        thread = threading.Thread(
            target=self._serve, args=(connection,), name="glacier-http-client", daemon=True
        )
        with self._left:
            self._connections[connection] = thread
        try:
            thread.start()
        except RuntimeError as error:  # the system gives no more threads
            with self._left:
                del self._connections[connection]
            client.close()
            _wait_out(error)

    def _serve(self, connection: Connection) -> None:
        try:
            connection.serve()
        finally:
            with self._left:
                del self._connections[connection]
                self._left.notify()

    def _make_room(self) -> None:
        """Wait until one more connection is allowed; the longest idle one goes first."""
        with self._left:
            while len(self._connections) >= self._limits.connections and not self._stopping:
                idle = {
                    connection: since
                    for connection in self._connections
                    if (since := connection.idle_since) is not None
                }
                if idle:
                    min(idle, key=lambda connection: idle[connection]).abort()
                self._left.wait(_PAUSE)

    def _close(self) -> None:
        self._listener.close()
        with self._left:
            open_now = dict(self._connections)
        for connection in open_now:
            connection.finish()
        deadline = time.monotonic() + self._limits.grace
        for connection, thread in open_now.items():
            thread.join(max(0.0, deadline - time.monotonic()))
            connection.abort()
        for thread in open_now.values():
            thread.join(_PAUSE)  # the engine may hang; its thread is a daemon
        self._waker.close()
        self._wakened.close()
        self._stopped.set()


def _wait_out(error: Exception) -> None:
    """Tell why a connection cannot be served; to try the same again at once would spin."""
    log.warning("cannot accept a connection: %s", error)
    time.sleep(_PAUSE)


def _loopback(host: str) -> tuple[socket.AddressFamily, str]:
    """Return family and address for a loopback host; raise ValueError for any other."""
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        raise ValueError(
            f"{host!r} is not a loopback address: whoever reaches the server owns its vaults, "
            "so it listens on 127.0.0.1, ::1 or localhost only"
        )
    return (socket.AF_INET6 if address.version == 6 else socket.AF_INET), str(address)
