import errno
import hashlib
import os
import re
import socket
import subprocess

from helpers import payload, write
from terminal import GLACIER

from glaciercli.errors import Exit


def test_a_small_file_has_its_sha256_as_tree_hash(glacier, tmp_path):
    file = write(tmp_path / "a.bin", b"hello")

    result = glacier("treehash", file)

    assert result.stdout == f"{hashlib.sha256(b'hello').hexdigest()}  {file}\n"


def test_stdin_and_a_file_agree(glacier, tmp_path):
    data = payload(5 * 1024 * 1024 + 7)
    file = write(tmp_path / "big.bin", data)

    of_file = glacier("treehash", file, "--output", "json").json[0]
    of_stdin = glacier("treehash", "-", "--output", "json", input=data).json[0]

    assert of_file["checksum"] == of_stdin["checksum"]
    assert of_file["size"] == of_stdin["size"] == len(data)


def test_a_pipe_is_read_as_a_stream(glacier):
    """As shells make one of `<(command)`."""
    ours, theirs = os.pipe()
    os.write(theirs, b"hello")
    os.close(theirs)
    result = glacier("treehash", f"/dev/fd/{ours}")
    os.close(ours)

    assert result.stdout == f"{hashlib.sha256(b'hello').hexdigest()}  /dev/fd/{ours}\n"


def test_a_file_that_cannot_be_read_is_named(glacier, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "preadv", fail)
    result = glacier("treehash", write(tmp_path / "a.bin", b"hello"), exit=Exit.CONFLICT)

    assert re.search("cannot read .*a.bin.*Input/output error", result.stderr)


def test_what_was_printed_before_an_error_comes_out(tmp_path, monkeypatch):
    """In a pipe it waits in a buffer, which ends with the process."""
    monkeypatch.chdir(tmp_path)  # the name of a socket has to be short
    write(tmp_path / "a.bin", b"hello")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        ended = subprocess.run(
            [*GLACIER, "treehash", "a.bin", "socket"], capture_output=True, text=True, check=False
        )

    assert (ended.returncode, len(ended.stdout.splitlines())) == (Exit.CONFLICT, 1)
    assert "socket" in ended.stderr


def test_a_missing_file_is_a_usage_error(glacier, tmp_path):
    result = glacier("treehash", tmp_path / "nope", exit=Exit.USAGE)

    assert "does not exist" in result.stderr
