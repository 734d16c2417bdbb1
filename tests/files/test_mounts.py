"""Which file system a path is on: by the text that Linux gives, and by what is really mounted."""

from pathlib import Path, PurePosixPath

import pytest

from glaciercli.files.mounts import is_network, kind_of, network_of

MOUNTS = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 27 0:40 / /home rw,relatime shared:7 master:2 - nfs4 nas:/volume1/homes rw,vers=4.2
31 30 254:1 / /home/alice/disk rw,relatime - xfs /dev/vdb rw
32 27 0:41 / /mnt/my\\040photos rw - cifs //nas/photos rw
33 27 0:42 / /mnt/far rw - fuse.sshfs bob@far:/ rw
34 27 8:1 / /mnt/stick rw - fuseblk /dev/sda1 rw
35 27 254:2 / /mnt/twice rw - ext4 /dev/vdc rw
36 35 0:43 / /mnt/twice rw - nfs nas:/twice rw
37 27 0:44 / /mnt/covered rw - nfs nas:/covered rw
38 37 254:3 / /mnt/covered rw - btrfs /dev/vdd rw
a line that is none
39 27 0:45 / /mnt/torn rw
"""


@pytest.mark.parametrize(
    ("path", "kind", "network"),
    [
        ("/srv/glacier", "ext4", False),
        ("/home", "nfs4", True),
        ("/home/bob/.local/state", "nfs4", True),
        ("/homes", "ext4", False),
        ("/home/alice/disk/glacier", "xfs", False),
        ("/mnt/my photos/glacier", "cifs", True),
        ("/mnt/far/glacier", "fuse.sshfs", True),
        ("/mnt/stick/glacier", "fuseblk", False),
        ("/mnt/twice/glacier", "nfs", True),
        ("/mnt/covered/glacier", "btrfs", False),
        ("/mnt/torn/glacier", "ext4", False),
    ],
)
def test_a_path_is_on_the_mount_that_is_nearest_and_latest(path, kind, network):
    assert kind_of(PurePosixPath(path), MOUNTS) == kind
    assert is_network(kind) is network


def test_nothing_is_known_without_mounts():
    assert kind_of(PurePosixPath("/home"), "") is None


def test_a_directory_of_this_machine_is_local(tmp_path):
    assert network_of(tmp_path) is None
    assert network_of(Path("/nowhere/at/all")) is None
