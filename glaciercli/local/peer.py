"""Who is at the other end of a loopback connection, where the system tells it: Linux.

Every user of a machine can connect to its loopback. Signatures would tell them apart, but only
`strict` asks for those that hold; so the owner of the other socket is looked up in the kernel's
table of connections.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_MAPPED = bytes(10) + b"\xff\xff"  # an IPv4 address, as a socket of IPv6 has it


class _Row(NamedTuple):
    local: str
    remote: str
    owner: int | None  # None when nobody has this end any more; the table says root then


def tells(listener: socket.socket) -> bool:
    """Tell whether the system tells owners: it does when it tells that of our own listener."""
    ours = set(_spellings(listener.getsockname()))
    return any(row.local in ours and row.owner == os.geteuid() for row in _rows())


def is_stranger(connection: socket.socket) -> bool:
    """Tell whether another user than ours or root has the other end of a connection.

    An end that nobody has any more is a stranger's: who asks stays for the reply.
    """
    theirs, ours = _spellings(connection.getpeername()), _spellings(connection.getsockname())
    ends = set(zip(theirs, ours, strict=True))
    owners = (row.owner for row in _rows() if (row.local, row.remote) in ends)
    return next(owners, None) not in {os.geteuid(), 0}


def _rows() -> Iterator[_Row]:
    for table in _TABLES:
        try:
            lines = table.read_text().splitlines()[1:]
        except OSError:
            continue  # not on this system, or not for us
        for line in lines:
            fields = line.split()
            yield _Row(fields[1], fields[2], int(fields[7]) if fields[9] != "0" else None)


def _spellings(end: tuple[str, int]) -> Iterator[str]:
    """Yield an address and port as the tables have them: 32 bits at a time, in the host's order."""
    host, port = end[:2]
    plain = socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
    for packed in (plain, _MAPPED + plain):
        words = (packed[at : at + 4] for at in range(0, len(packed), 4))
        text = "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)
        yield f"{text}:{port:04X}"
