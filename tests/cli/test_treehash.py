import hashlib

from helpers import payload, write

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


def test_a_missing_file_is_a_usage_error(glacier, tmp_path):
    result = glacier("treehash", tmp_path / "nope", exit=Exit.USAGE)

    assert "does not exist" in result.stderr
