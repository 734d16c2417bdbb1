"""Who is at the other end of a loopback connection, where the system tells it: Linux.

Every user of a machine can connect to its loopback. Signatures would tell them apart, but only
`strict` asks for those that hold; so the kernel is asked for the owner of the other socket, by
sock_diag(7). (Its table in /proc takes twenty milliseconds to read.)
"""

from __future__ import annotations

import os
import socket
import struct
import sys

_SOCK_DIAG = 4  # the netlink protocol
_BY_FAMILY = 20  # the type of its requests and replies
_REQUEST = 1  # the flag of a request
_LISTENING = 10  # the state of a listener
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_QUESTION = struct.Struct("=BBBxI")  # family, protocol, extensions, states
_ENDS = struct.Struct("!HH16s16s")  # ports, then addresses: of the socket, and of its peer
_ANYWHERE = struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)  # any interface, no cookie
_ANSWER = struct.Struct("=xBxx48xIIIII")  # state, ends, expiry, two queues, user, inode

if sys.platform == "linux":

    def tells(listener: socket.socket) -> bool:
        """Tell whether the system tells owners: it does when it tells that of our own listener."""
        nobody = ("::" if listener.family == socket.AF_INET6 else "0.0.0.0", 0)  # noqa: S104
        return _owner(listener.getsockname(), nobody, listening=True) == os.geteuid()

    def is_stranger(connection: socket.socket) -> bool:
        """Tell whether another user than ours or root has the other end of a connection.

        An end that nobody has any more is a stranger's: who asks stays for the reply.
        """
        owner = _owner(connection.getpeername(), connection.getsockname(), listening=False)
        return owner not in {os.geteuid(), 0}

    def _owner(local: tuple[str, int], remote: tuple[str, int], *, listening: bool) -> int | None:
        """Return whose socket has these ends; None where nobody's does, or none is told."""
        family = socket.AF_INET6 if ":" in local[0] else socket.AF_INET
        addresses = (socket.inet_pton(family, end[0]) for end in (local, remote))
        question = (
            _QUESTION.pack(family, socket.IPPROTO_TCP, 0, 0xFFFFFFFF)
            + _ENDS.pack(local[1], remote[1], *addresses)
            + _ANYWHERE
        )
        head = _HEADER.pack(_HEADER.size + len(question), _BY_FAMILY, _REQUEST, 0, 0)
        try:
            with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as kernel:
                kernel.settimeout(1.0)
                kernel.sendall(head + question)
                reply = kernel.recv(4096)
        except OSError:
            return None  # a kernel that does not tell
        if _HEADER.unpack_from(reply)[1] != _BY_FAMILY:
            return None
        state, _, _, _, user, inode = _ANSWER.unpack_from(reply, _HEADER.size)
        # A socket that was closed has no inode any more, and is said to be root's.
        return user if inode and (state == _LISTENING) is listening else None

else:

    def tells(_listener: socket.socket) -> bool:
        """Tell whether the system tells owners; this one does not."""
        return False

    def is_stranger(_connection: socket.socket) -> bool:
        """Tell whether another user has the other end; nobody asks where nothing is told."""
        return False
