import pytest
from helpers import RecordingProgress, payload

from glaciercli.clients.pace import Pace
from glaciercli.errors import Conflict
from glaciercli.transfer.meter import Meter
from glaciercli.transfer.source import Source
from glaciercli.transfer.window import Window
from glaciercli.treehash import tree_hash
from glaciercli.units import MIB


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(payload(3 * MIB + 5))
    return Source.open(path)


def test_a_window_gives_its_bytes_and_both_hashes(source, tmp_path):
    expected = (tmp_path / "file").read_bytes()[MIB : 2 * MIB + 7]
    window = Window.over(source.descriptor, MIB, 2 * MIB + 7, Meter(Pace()))

    assert b"".join(bytes(block) for block in iter(window.read, b"")) == expected
    assert window.tree_hash == tree_hash(expected)
    assert len(window) == window.tell() == MIB + 7


def test_a_window_that_is_rewound_gives_bytes_back(source):
    progress = RecordingProgress()
    window = Window.over(source.descriptor, 0, MIB, Meter(Pace(), progress))
    window.read()
    window.seek(0)

    assert sum(progress.counts) == 0
    assert (
        len(b"".join(bytes(block) for block in iter(window.read, b"")))
        == sum(progress.counts)
        == MIB
    )


def test_a_file_that_became_shorter_is_a_conflict(source, tmp_path):
    window = Window.over(source.descriptor, MIB, 3 * MIB, Meter(Pace()))
    (tmp_path / "file").write_bytes(b"short")

    with pytest.raises(Conflict, match=rf"{source.path.name}.* shorter"):
        window.read()
    with pytest.raises(Conflict, match=rf"{source.path.name}.* shorter"):
        Window.over(source.descriptor, MIB, 3 * MIB, Meter(Pace()))


def test_memory_is_one_block_whatever_the_size(source):
    window = Window.over(source.descriptor, 0, 3 * MIB, Meter(Pace()))

    assert len(window._buffer) <= MIB
