"""How long a peer is waited for: a whole reply has a deadline, and a long body must keep moving.

A socket's own timeout ends silence only: a server that sends a byte now and then renews it for
ever. The time that is taken for sending a request, and for what is done with the bytes that came,
is not the peer's.
"""

from __future__ import annotations

import functools
import io
import time
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any

from glaciercli.units import KIB

if TYPE_CHECKING:
    from socket import socket


@dataclass(frozen=True)
class Patience:
    """What a peer may take: seconds for a whole reply, and seconds in which a body must move.

    A body that is streamed may take as long as it likes, so long as `rate` bytes a second come:
    a quarter of what eight connections get of the slowest line that we care for.
    """

    whole: float
    silence: float
    rate: int = KIB


class TimedResponse(HTTPResponse):
    """A reply that has a deadline from the end of its request on; see `stream`."""

    def __init__(self, sock: socket, *args: Any, patience: Patience, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self._timed = _Timed(sock, self.fp.detach(), patience)
        self.fp = io.BufferedReader(self._timed)

    def stream(self) -> None:
        """Lift the deadline: from now on the body may take its time, if only it moves."""
        self._timed.stream()


class _Timed(io.RawIOBase):
    """A socket's bytes, or TimeoutError when patience has an end."""

    def __init__(self, sock: socket, raw: io.RawIOBase, patience: Patience) -> None:
        self._sock = sock
        self._raw = raw
        self._patience = patience
        self._deadline = time.monotonic() + patience.whole
        self._is_streamed = False
        self._waited, self._came = 0.0, 0  # since the pace was looked at last

    def stream(self) -> None:
        self._is_streamed = True
        self._sock.settimeout(self._patience.silence)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        before = time.monotonic()
        if not self._is_streamed:
            left = self._deadline - before
            if left <= 0:
                raise TimeoutError(f"the reply did not come within {self._patience.whole:.0f} s")
            self._sock.settimeout(min(left, self._patience.silence))
        count = self._raw.readinto(buffer)
        if self._is_streamed:
            self._require_pace(count or 0, time.monotonic() - before)
        return count

    def _require_pace(self, count: int, waited: float) -> None:
        self._came += count
        self._waited += waited
        if self._waited < self._patience.silence:
            return
        if self._came < self._patience.rate * self._waited:
            raise TimeoutError(f"{self._came} bytes came in {self._waited:.0f} s")
        self._waited, self._came = 0.0, 0

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._raw.close()


def timed_pools(patience: Patience) -> dict[str, type]:
    """Return botocore's pools of connections by scheme, whose replies are waited for so long."""
    from botocore import awsrequest  # noqa: PLC0415 - costs more than the rest of a start

    made = {}
    for scheme, pool in (
        ("http", awsrequest.AWSHTTPConnectionPool),
        ("https", awsrequest.AWSHTTPSConnectionPool),
    ):
        response = staticmethod(functools.partial(TimedResponse, patience=patience))
        connection = type("Connection", (pool.ConnectionCls,), {"response_class": response})
        made[scheme] = type("Pool", (pool,), {"ConnectionCls": connection})
    return made
