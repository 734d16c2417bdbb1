"""What only a terminal shows: questions, bars, widths. Typed into one, as a person does."""

import pytest
from helpers import payload, write
from terminal import Terminal

from glaciercli.errors import Exit
from glaciercli.treehash import tree_hash


@pytest.fixture
def photos(glacier, tmp_path):
    glacier("vault", "create", "photos")
    return write(tmp_path / "big.tar", payload(3 << 20))


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 7), ("\x03", 130), ("\x04", 130)])
def test_a_question_takes_yes_no_and_a_way_out(photos, answer, code):
    terminal = Terminal("vault", "delete", "photos")
    terminal.read(until="[y/N]")
    terminal.type(answer)
    # A signal that comes between Python's prompt and its read is noticed with the next one only.
    while answer == "\x03" and not terminal.ends_within(1.0):
        terminal.type(answer)

    assert terminal.end() == code, terminal.shown


@pytest.mark.parametrize(("answer", "code"), [("photos\n", 0), ("phots\n", 7), ("\n", 7)])
def test_what_cannot_be_undone_wants_the_name_typed(glacier, photos, answer, code):
    glacier("upload", photos, "--vault", "photos")
    terminal = Terminal("vault", "empty", "photos")
    terminal.read(until="type photos to go on")
    terminal.type(answer)

    assert terminal.end() == code, terminal.shown


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 7)])
def test_retrievals_are_agreed_to_before_they_are_paid(glacier, photos, tmp_path, answer, code):
    glacier("upload", photos, "--vault", "photos")
    out = tmp_path / "out"
    terminal = Terminal("archive", "download", "--to", out, "--vault", "photos")
    terminal.read(until="1 retrieval of 3.0 MiB (Standard), which is charged? [y/N]")
    terminal.type(answer)

    assert terminal.end() == code, terminal.shown
    assert out.joinpath(photos.name).exists() == (code == 0)
    there = glacier("job", "list", "--vault", "photos", "--output", "json").json
    assert len(there) == (code == 0)


def test_a_bar_is_drawn_and_taken_away(photos):
    terminal = Terminal("upload", photos, "--vault", "photos", "--part-size", "1MiB")

    assert terminal.end() == 0
    assert "big.tar:" in terminal.shown
    assert "3.00M" in terminal.shown


@pytest.mark.parametrize("flag", ["--quiet", "--no-progress"])
def test_no_bar_where_none_is_wanted(photos, flag):
    terminal = Terminal("upload", photos, "--vault", "photos", flag)

    assert terminal.end() == 0
    assert "big.tar:" not in terminal.shown


def test_no_bar_in_the_middle_of_the_bytes(glacier, tmp_path):
    glacier("vault", "create", "photos")
    glacier("upload", write(tmp_path / "note.txt", b"see the attic"), "--vault", "photos")
    terminal = Terminal("archive", "download", "note.txt", "-", "--vault", "photos")

    assert terminal.end() == 0
    *_, shown, proof, end = terminal.lines
    assert (shown, end) == ("see the attic", "")
    assert proof.startswith("stdout is note.txt: every byte is proven")
    (job,) = glacier("job", "list", "--vault", "photos", "--output", "json").ids
    terminal = Terminal("job", "output", job, "-", "--vault", "photos")
    assert terminal.end() == 0
    assert terminal.lines == [shown, proof, end]


def test_a_table_fits_the_terminal(glacier, photos):
    glacier("upload", photos, "--vault", "photos")
    terminal = Terminal("archive", "list", "--vault", "photos")

    assert terminal.end() == 0
    assert max(map(len, terminal.lines)) <= 80
    assert "…" in terminal.shown


@pytest.mark.parametrize("words", [("upload", "-", "-V", "photos"), ("treehash", "-")])
def test_what_is_typed_ends_with_one_end_of_input(glacier, words):
    glacier("vault", "create", "photos")
    terminal = Terminal(*words)
    terminal.type("some text\n")
    terminal.read(until="some text")
    terminal.type("\x04")

    assert terminal.end() == 0
    assert tree_hash(b"some text\n") in "".join(terminal.lines).replace(" ", "")


def test_an_archive_is_put_on_a_terminal_only_when_that_is_said(glacier, photos):
    """Its bytes would act on the terminal, and 40 TiB of them for long."""
    glacier("upload", photos, "-V", "photos")
    job = glacier("job", "start", "archive", "big.tar", "-V", "photos", "--output", "json").json
    output = ("job", "output", job["JobId"], "-V", "photos")
    terminal = Terminal(*output)

    assert terminal.end() == Exit.USAGE
    assert "hint: name a file; or -" in terminal.shown
    assert glacier(*output).raw == photos.read_bytes()  # not a terminal
