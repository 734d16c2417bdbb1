"""Ids by their beginnings, of jobs and uploads alike."""

import pytest

from glaciercli.errors import Conflict, NotFound
from glaciercli.hints import render
from glaciercli.models import Job
from glaciercli.services.jobs.ids import beginning_with

THERE = [Job(each, "photos", "Select", "Failed") for each in ("abc", "abcd", "xyz")]


@pytest.mark.parametrize(
    ("beginning", "found"), [("x", "xyz"), ("abcd", "abcd"), ("abc", "abc"), ("xyz", "xyz")]
)
def test_a_beginning_that_one_has_is_enough_and_a_whole_id_always(beginning, found):
    assert beginning_with(beginning, iter(THERE), noun="job", vault="photos").id == found


@pytest.mark.parametrize(
    ("beginning", "error", "message"),
    [
        ("ab", Conflict, "2 jobs begin with 'ab'"),
        ("", Conflict, "3 jobs begin with ''"),
        ("bc", NotFound, "no job of vault 'photos' begins with 'bc'"),
        ("abcde", NotFound, "begins with 'abcde'"),
    ],
)
def test_an_ambiguous_or_unknown_id_prefix_is_an_error_with_a_hint(beginning, error, message):
    with pytest.raises(error, match=message) as caught:
        beginning_with(beginning, THERE, noun="job", vault="photos")

    assert render(caught.value.hint) in {"glacier job list --vault photos", "give more of the id"}
