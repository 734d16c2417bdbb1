"""Which file system a path is on, as far as it matters: whether other machines can write it too."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

_MOUNTS = Path("/proc/self/mountinfo")  # of Linux; other systems do not say it in a file
#: File systems of other machines, and of the host that a virtual machine runs on, by their types.
_NETWORK = frozenset(
    {
        *("9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "gfs2", "glusterfs", "gpfs"),
        *("lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "pvfs2", "smb2", "smb3"),
        *("smbfs", "vboxsf", "vmhgfs"),
    }
)
#: The same as programs serve them, which come as `fuse.NAME`.
_PROGRAMS = frozenset(
    {
        *("ceph-fuse", "davfs", "davfs2", "glusterfs", "gcsfuse", "juicefs", "rclone", "s3fs"),
        *("smbnetfs", "sshfs", "vmhgfs-fuse"),
    }
)
_ESCAPED = re.compile(r"\\([0-7]{3})")  # of blanks and the like in a name


def network_of(path: Path) -> str | None:
    """Return the type of the network file system that a path is on; None for a local one.

    None also where the system does not say it, as all but Linux.
    """
    try:
        mounts = _MOUNTS.read_text(errors="surrogateescape")
    except OSError:
        return None
    kind = kind_of(PurePosixPath(path.resolve()), mounts)
    return kind if kind is not None and is_network(kind) else None


def is_network(kind: str) -> bool:
    """Tell whether other machines can write a file system of this type."""
    return kind in _NETWORK or kind.removeprefix("fuse.") in _PROGRAMS


def kind_of(path: PurePosixPath, mounts: str) -> str | None:
    """Return the type of the file system that a path without links is on; None for no answer.

    `mounts` has a line for each mount, in their order, as proc(5) describes /proc/pid/mountinfo.
    """
    kind, depth = None, -1
    for line in mounts.splitlines():
        fields, _, end = line.partition(" - ")
        words, kinds = fields.split(" "), end.split(" ")
        if len(words) < 5 or not kinds[0]:
            continue
        point = PurePosixPath(_ESCAPED.sub(lambda code: chr(int(code[1], 8)), words[4]))
        # Of two at one place, the later one covers the other.
        if path.is_relative_to(point) and len(point.parts) >= depth:
            kind, depth = kinds[0], len(point.parts)
    return kind
