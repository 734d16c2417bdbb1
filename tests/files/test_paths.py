"""Names to paths: nothing leaves the directory, nothing becomes another's, nothing is bent."""

import os
import unicodedata
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glaciercli.files.paths import MAX_COMPONENT, Layout, Unsafe, relative
from glaciercli.models import Archive

ID = "-AbCdEfGh" + "x" * 129


def path(name, tool="CloudBerry", **options):
    return str(relative(Archive(ID, "photos", name=name, tool=tool), **options))


@pytest.mark.parametrize(
    ("name", "want"),
    [
        ("a.txt", "a.txt"),
        ("dir/a.txt", "dir/a.txt"),
        ("/sample/1234.pdf", "sample/1234.pdf"),
        ("//server/share/a", "server/share/a"),
        ("c:\\my_docs\\café.txt", "my_docs/café.txt"),
        ("C:/a", "a"),
        ("RENDERFARM5/B:/one/two", "RENDERFARM5/B:/one/two"),
        ("./a//b/./c", "a/b/c"),
        ("photos/2012/", "photos/2012"),
        ("-rf", "-rf"),
        (".ssh/authorized_keys", ".ssh/authorized_keys"),
        ("a;example001.txt", "a;example001.txt"),
        ("...", "..."),
        ("a..b", "a..b"),
        ("aux.c", "aux.c"),
        ("a. ", "a. "),
        (os.fsdecode(b"caf\xe9"), os.fsdecode(b"caf\xe9")),
        ("x" * MAX_COMPONENT, "x" * MAX_COMPONENT),
        (None, "archive-" + ID),
        ("", "archive-" + ID),
    ],
)
def test_names_that_are_paths(name, want):
    assert path(name) == want


@pytest.mark.parametrize("tool", ["glacier", "mt2", "mt1", "git-annex"])
def test_a_backslash_of_a_posix_tool_is_a_character(tool):
    assert path("a\\b", tool) == "a\\b"
    assert path("c:/a", tool) == "c:/a"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("..", "leads out"),
        ("../etc/passwd", "leads out"),
        ("a/../../b", "leads out"),
        ("a/..", "leads out"),
        ("..\\..\\windows", "leads out"),
        ("c:..\\a", "leads out"),
        ("c:\\..\\a", "leads out"),
        ("/", "names nothing"),
        ("c:\\", "names nothing"),
        (".", "names nothing"),
        ("a\0b", "control character"),
        ("a\nb", "control character"),
        ("a\x1b[31m", "control character"),
        ("a\x7f", "control character"),
        ("a\x9b", "control character"),
        ("x" * 256, "more than 255 bytes"),
        ("é" * 128, "more than 255 bytes"),
        ("/".join(["x" * 200] * 21), "longer than 4095 bytes"),
        ("\ud800", "neither a character nor a byte"),
    ],
)
def test_names_that_are_refused(name, reason):
    with pytest.raises(Unsafe, match=reason):
        path(name)


@pytest.mark.parametrize("name", ["CON", "a/nul.txt", "Com1", "LPT9.x", "a.", "a /b", "a:b", "a?"])
def test_what_windows_cannot_hold_is_refused_where_that_matters(name):
    assert path(name) == name
    with pytest.raises(Unsafe, match="Windows"):
        path(name, portable=True)


@given(st.text(max_size=60), st.sampled_from(["mt2", "CloudBerry", "plain"]))
def test_every_path_stays_inside(name, tool):
    try:
        found = PurePosixPath(path(name, tool))
    except Unsafe:
        return

    assert not found.is_absolute()
    assert found.parts
    assert ".." not in found.parts
    assert all(len(os.fsencode(part)) <= MAX_COMPONENT for part in found.parts)
    assert "\0" not in str(found)


HOSTILE = st.lists(
    st.sampled_from(
        ["..", ".", "", "/", "\\", "c:", "\0", "a", "A", "e\u0301", "é", "CON", "x" * 99]
    ),
    max_size=6,
).map("/".join)


@given(HOSTILE | HOSTILE.map(lambda text: text.replace("/", "\\")))
def test_every_hostile_path_stays_inside(name):
    test_every_path_stays_inside.hypothesis.inner_test(name, "CloudBerry")


def same(path):
    """What file systems without case, or with composed names, make of a path."""
    return unicodedata.normalize("NFC", str(path)).casefold()


@given(
    st.lists(
        st.tuples(HOSTILE.filter(bool), st.text("abcdefgh", min_size=8, max_size=12)), max_size=12
    )
)
def test_no_two_archives_get_one_path(names):
    layout = Layout()
    given = []
    for name, ident in names:
        try:
            found = relative(Archive(ident, "v", name=name, tool="plain"))
        except Unsafe:
            continue
        given.append(layout.file(found, ident))

    files = {same(each) for each in given}
    assert len(files) == len(given)
    above = {same(parent) for each in given for parent in each.parents}
    assert not files & above
    assert all(len(os.fsencode(part)) <= MAX_COMPONENT for each in given for part in each.parts)


def test_the_first_gets_the_name_and_the_next_a_mark():
    layout = Layout()
    one = PurePosixPath("dir/a.txt")

    assert layout.file(one, "AAAAAAAA11") == one
    assert str(layout.file(one, "BBBBBBBB22")) == "dir/a.txt.archive-BBBBBBBB"
    assert str(layout.file(PurePosixPath("dir/A.TXT"), "CCCCCCCC33")) == (
        "dir/A.TXT.archive-CCCCCCCC"
    )
    assert str(layout.file(one, "BBBBBBBB33")) == "dir/a.txt.archive-BBBBBBBB33"


def test_a_file_in_the_way_of_a_directory_and_the_other_way_round():
    layout = Layout()
    layout.file(PurePosixPath("a"), "AAAAAAAA")

    assert str(layout.file(PurePosixPath("a/b"), "BBBBBBBB")) == "a.archive-BBBBBBBB/b"
    assert str(layout.directory(PurePosixPath("a"), "CCCCCCCC")) == "a.archive-CCCCCCCC"
    layout.directory(PurePosixPath("d/e"), "DDDDDDDD")
    assert str(layout.directory(PurePosixPath("d/e"), "EEEEEEEE")) == "d/e"
    assert str(layout.file(PurePosixPath("d"), "FFFFFFFF")) == "d.archive-FFFFFFFF"


def test_a_mark_on_a_long_name_cuts_no_character():
    layout = Layout()
    long = PurePosixPath("é" * 127)
    layout.file(long, "AAAAAAAA")
    marked = layout.file(long, "BBBBBBBB").name

    assert marked.endswith("é.archive-BBBBBBBB")
    assert len(marked.encode()) <= MAX_COMPONENT
