"""Names as boto 2 wrote them, told from all that only looks so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glaciercli.catalog import _percent
from glaciercli.catalog.descriptions import decode


def boto(text):
    """Return a header as boto 2 sends it: its own code, under Python 3."""
    from urllib.parse import quote

    safe = "!\"#$%&'()*+,/:;<=>?@[\\]^`{|}~ "
    return quote(text.encode(), safe)


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("Żółw.txt", "%C5%BB%C3%B3%C5%82w.txt"),
        ("C:\\Bilder\\Größe 100%.jpg", "C:\\Bilder\\Gr%C3%B6%C3%9Fe 100%.jpg"),
        ("東京/🐢", "%E6%9D%B1%E4%BA%AC/%F0%9F%90%A2"),
    ],
)
def test_what_boto_2_has_written_is_read(name, description):
    assert boto(name) == description
    assert _percent.decoded(description) == name
    assert decode(description).name == name
    assert _percent.spellings(name) == [name, description]
    assert _percent.spellings(description) == [description, name]


@pytest.mark.parametrize(
    "text",
    [
        "100%",
        "%20",
        "a%20%C5%BB",  # of another who quotes
        "%c5%bb",
        "%C5",  # half a letter
        "%C5%BB%C5",
        "%FF%FE",
        "%C0%AF",  # a slash in too many bytes
        "%ED%A0%80",  # half a pair
        "%C2%9B31m",  # a control character
        "%E2%80%AE",  # turns what follows round
        "Ż %C3%B3",  # boto 2 would have escaped the first too
    ],
)
def test_what_is_not_certain_stays_as_it_is(text):
    assert _percent.decoded(text) == text
    assert decode(text).name == text


@given(st.text(max_size=30))
def test_every_name_is_read_back_or_stays(name):
    try:
        sent = boto(name)
    except UnicodeEncodeError:
        return
    read = _percent.decoded(sent)

    assert read in {name, sent}
    if name.isprintable() and "%" not in name:
        assert read == name


@given(st.text(st.sampled_from("%CcFf5B3 aŻ"), max_size=30))
def test_what_is_read_is_written_again_as_it_was(text):
    read = _percent.decoded(text)

    assert read == text or _percent.encoded(read) == text
    assert _percent.decoded(read) == read
