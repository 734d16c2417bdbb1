"""Text files of other systems and other people."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glaciercli.catalog import _texts
from glaciercli.errors import IntegrityError

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_lines_are_numbered_and_bare_in_every_encoding(file, encoding):
    path = file("one\r\n\n  \nŻółw 🐢\n\x85last".encode(encoding))

    assert list(_texts.lines(path)) == [(1, "one"), (4, "Żółw 🐢"), (5, "\x85last")]
    assert _texts.beginning(path).startswith("one")


def test_bytes_that_are_no_letters_are_kept(file):
    assert list(_texts.lines(file(b"caf\xe9\n"))) == [(1, os.fsdecode(b"caf\xe9"))]


@pytest.mark.parametrize("content", ["a\nb".encode("utf-16")[:-1], b"\xff\xfe\x00\xd8a\0"])
def test_damaged_utf_16_is_an_error_of_ours(file, content):
    with pytest.raises(IntegrityError, match="is no text"):
        list(_texts.lines(file(content)))


def test_a_line_has_a_bound(file):
    at_most = "x" * _texts.LONGEST_LINE

    assert list(_texts.lines(file(f"{at_most}\r\n"))) == [(1, at_most)]
    with pytest.raises(IntegrityError, match="line 2 of .* has more than 65,536 characters"):
        list(_texts.lines(file(f"a\n{at_most}x\n")))


# A NUL behind an ASCII letter is UTF-16 by all that can be told, and no text has one.
_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200)


@given(_TEXTS, st.sampled_from(ENCODINGS), st.integers(1, 9))
def test_every_text_has_its_bytes_in_utf_8(tmp_path_factory, text, encoding, block):
    path = tmp_path_factory.getbasetemp() / "text"
    text = "{" + text  # what tells UTF-16 without a mark is an ASCII letter
    path.write_bytes(text.encode(encoding, "surrogatepass"))

    with _texts.as_utf8(path) as file:
        try:
            got = b"".join(iter(lambda: file.read(block), b""))
        except UnicodeDecodeError:
            assert "utf-16" in encoding  # half a pair of its surrogates
            assert not text.isascii()
            return
    assert got.decode("utf-8", "surrogatepass") == text


@pytest.mark.parametrize("start", ["B\t1\tCREATED\t", '-  ArchiveID: "', '{"archiveId": "', "id,"])
def test_one_line_of_any_length_takes_no_memory(tmp_path, start):
    path = tmp_path / "one-line"
    path.write_text(start)
    os.truncate(path, 300 << 20)  # NULs, which take no room on the disk

    run = subprocess.run(
        [sys.executable, "-c", _MEASURED, path], capture_output=True, text=True, check=False,
    )  # fmt: skip
    said, megabytes = run.stdout.split("|")
    assert "IntegrityError" in said, run.stderr
    assert int(megabytes) < 100


_MEASURED = """
import resource, sys
from pathlib import Path
from glaciercli.catalog.readers import READERS
from glaciercli.catalog._events import Source
from glaciercli.errors import GlacierError
from glaciercli.models import Scope
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
before, said = peak(), []
for tool in ("mt-aws-glacier", "sagu", "export"):
    try:
        list(READERS[tool](Source(Path(sys.argv[1]), Scope("aws", "1" * 12, "eu-west-1"), "v")))
    except GlacierError as error:
        said.append(type(error).__name__)
print(*said, "|", peak() - before)
"""
