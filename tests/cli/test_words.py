import click
import pytest

from glaciercli.cli.words import mark_ids, scan

PARAMS = [
    click.Option(["--vault", "-V"]),
    click.Option(["--quiet", "-q"], is_flag=True),
    click.Option(["--yes", "-y"], is_flag=True),
]
ARCHIVE_ID = "-" + "aB3_" * 34 + "w"
UPLOAD_ID = "-q" + "aB3_" * 22 + "wx"


def kinds(*args):
    return [word.kind for word in scan(args, PARAMS)]


def test_lengths_are_those_of_the_service():
    assert (len(ARCHIVE_ID), len(UPLOAD_ID)) == (138, 92)


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["--vault", "photos", "x"], ["option", "value", "word"]),
        (["--vault=photos", "x"], ["option", "word"]),
        (["-Vphotos", "x"], ["option", "word"]),
        (["-qV", "photos", "x"], ["option", "value", "word"]),
        (["-q", "x", "-y"], ["option", "word", "option"]),
        (["-", "x"], ["word", "word"]),
        (["--", "-q", "--vault"], ["end", "word", "word"]),
        (["--unknown", "x"], ["option", "word"]),
        (["--vault"], ["option"]),
    ],
)
def test_words_are_told_apart(args, expected):
    assert kinds(*args) == expected


@pytest.mark.parametrize("word", [ARCHIVE_ID, UPLOAD_ID, "-abcd", "-_x9zz", "-Vx9zz…", "--x9zz…"])
def test_an_id_with_a_leading_dash_is_marked(word):
    assert mark_ids([word, "--vault", "v"], PARAMS) == ["id:" + word, "--vault", "v"]


@pytest.mark.parametrize("word", ["-q", "-qy", "-Vabcdef", "--overwirte", "-x", "-", "photos"])
def test_options_and_plain_words_are_left_alone(word):
    assert mark_ids([word], PARAMS) == [word]


def test_the_value_of_an_option_is_never_marked():
    args = ["--vault", ARCHIVE_ID]

    assert mark_ids(args, PARAMS) == args


def test_after_two_dashes_nothing_is_marked():
    args = ["--", ARCHIVE_ID]

    assert mark_ids(args, PARAMS) == args
