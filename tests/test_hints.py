"""Hints are data: a command keeps its words, whatever is in them, until a face writes it."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glaciercli.errors import NotFound, Partial
from glaciercli.hints import Command, render

WORDS = st.lists(st.text(min_size=1).filter(lambda text: "\0" not in text), min_size=1)


@given(WORDS, WORDS)
def test_a_shell_reads_a_command_as_it_was_meant(words, options):
    assert shlex.split(render(Command(*words), options)) == ["glacier", *options, *words]


def test_text_stands_between_commands_as_it_is():
    hint = (Command("vault", "list"), "; or ", Command("vault", "create", "a b"))

    assert render(hint) == "glacier vault list; or glacier vault create 'a b'"
    assert render("run it again") == "run it again"


def test_an_error_keeps_its_members_and_gives_another_one_with_others():
    error = Partial("two failed", {"a": NotFound("gone")}, hint="look")

    other = error.but(hint=Command("vault", "list"), report=3)

    assert (other.message, other.failures, other.report) == ("two failed", error.failures, 3)
    assert (type(other), str(other), other.exit_code) == (Partial, "two failed", 9)
    assert error.hint == "look"
    with pytest.raises(AttributeError, match="hint of Partial is set already"):
        error.hint = "another"
