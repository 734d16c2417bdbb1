"""Who is asked, and what counts as a yes."""

from dataclasses import dataclass, field

import pytest

from glaciercli.errors import Refused, UsageError
from glaciercli.hints import render
from glaciercli.models import Archive, DeletePlan, RetrievalPlan
from glaciercli.present.consent import Asking, telling
from glaciercli.present.plans import Question

YES_OR_NO = Question("delete it?")
NAME = Question("this deletes all", typed="photos")
CHARGED = Question("start it, which is charged?", takes_silence=True)
RETRIEVAL = RetrievalPlan("photos", "a" * 138, "a.tar", 5, None, "Bulk")


@dataclass
class Somebody:
    """A person who always gives the same answer."""

    answer: str
    asked: list = field(default_factory=list)

    def agrees(self, question):
        self.asked.append(question)
        return self.answer == "y"

    def types(self, prompt):
        self.asked.append(prompt)
        return self.answer


@pytest.mark.parametrize("question", [YES_OR_NO, NAME, CHARGED])
@pytest.mark.parametrize("person", [None, Somebody("n")])
def test_yes_asks_nobody(question, person):
    Asking(person, yes=True).ask(question)

    assert person is None or person.asked == []


@pytest.mark.parametrize(
    ("question", "answer", "asked"),
    [
        (YES_OR_NO, "y", "delete it?"),
        (NAME, "photos", "this deletes all; type photos to go on"),
        (CHARGED, "y", "start it, which is charged?"),
    ],
)
def test_a_person_is_asked_once_and_taken_at_the_word(question, answer, asked):
    person = Somebody(answer)
    Asking(person).ask(question)

    assert person.asked == [asked]


@pytest.mark.parametrize(
    ("question", "answer"),
    [(YES_OR_NO, "n"), (CHARGED, ""), (NAME, "y"), (NAME, "phots"), (NAME, "PHOTOS"), (NAME, "")],
)
def test_anything_else_is_a_no(question, answer):
    with pytest.raises(Refused, match="not confirmed; nothing was done"):
        Asking(Somebody(answer)).ask(question)


def test_where_nobody_is_what_destroys_nothing_goes_on():
    Asking(None).ask(CHARGED)


@pytest.mark.parametrize("question", [YES_OR_NO, NAME])
def test_where_nobody_is_all_else_names_the_flag(question):
    with pytest.raises(UsageError, match="nobody is at a terminal to answer") as caught:
        Asking(None).ask(question)

    assert caught.value.hint == "add --yes"


def test_consent_to_a_plan_is_asked_in_its_words():
    archive = Archive("a" * 138, "photos", name="a.tar")
    person = Somebody("y")
    Asking(person)(DeletePlan("photos", (archive,), 0, 0, ""))
    Asking(person)(RETRIEVAL)

    assert person.asked == [
        "delete a.tar from vault photos, for ever?",
        "start 1 retrieval of 5 B (Bulk), which is charged?",
    ]


def test_telling_asks_nobody_and_says_what_it_is():
    told = []
    telling(told.append)(RETRIEVAL)

    assert list(map(render, told)) == [
        "starting a bulk retrieval of 5 B; it costs, and takes its time"
    ]
