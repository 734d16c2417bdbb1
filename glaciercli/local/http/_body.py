"""The body of a request as the engine reads it: straight from the socket, in whole megabytes."""

from __future__ import annotations

import socket
import time

from glaciercli.units import MIB


class StalledError(TimeoutError):
    """The client sends no more of the body that it promised, or too slowly."""


class Body:
    """The body of a request, read from its socket into one buffer.

    Gives exactly the bytes that Content-Length promised, or raises. A client that waits for
    `100 Continue` gets it with the first read, so one that is refused never sends its body.
    A client may pause for `timeout` seconds, and send no slower than `rate` bytes a second: one
    that drips would hold its connection for ever.
    """

    def __init__(
        self,
        sock: socket.socket,
        length: int,
        received: bytes,
        *,
        awaited: bool,
        timeout: float,
        rate: int,
    ) -> None:
        self._socket = sock
        self._received = received  # with the head
        self._timeout, self._rate = timeout, rate
        self._buffer = memoryview(bytearray())
        self.remaining = length
        self.awaited = awaited  # the client sends nothing before it is told to

    def read(self, size: int, /) -> memoryview:
        """Return the next `size` bytes, fewer at the end or past a megabyte; empty at the end.

        What it returns is good until the next call: whole megabytes go through one buffer, so
        that whoever hashes and writes them finds them in the processor's cache.
        """
        size = min(size, self.remaining, MIB)
        if len(self._buffer) < size:
            self._buffer = memoryview(bytearray(size))
        block = self._buffer[:size]
        filled = min(size, len(self._received))
        block[:filled] = self._received[:filled]
        self._received = self._received[filled:]
        if filled < size:
            self._fill(block[filled:])
        self.remaining -= size
        return block

    def discard(self) -> None:
        """Read what is left."""
        while self.remaining:
            self.read(MIB)

    def _fill(self, view: memoryview) -> None:
        # Anew for each read, so that the time between them, which is ours, does not count.
        deadline = time.monotonic() + self._timeout + len(view) / self._rate
        self._socket.settimeout(self._timeout)
        if self.awaited:
            self.awaited = False
            self._socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while view:
            self._socket.settimeout(max(0.001, min(self._timeout, deadline - time.monotonic())))
            try:
                count = self._socket.recv_into(view)
            except TimeoutError:
                raise StalledError from None
            if count == 0:
                raise ConnectionResetError("the client left in the middle of a body")
            view = view[count:]
