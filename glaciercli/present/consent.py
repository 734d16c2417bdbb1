"""Consent: who is asked before what is charged or cannot be undone, and what counts as a yes.

--yes                         goes on, and nobody is asked
a person who can answer       says yes, or types the name that the question wants
nobody                        goes on where a script is taken at its word, else UsageError
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from glaciercli.errors import Refused, UsageError
from glaciercli.hints import Hint
from glaciercli.models import Consent, Plan
from glaciercli.present import plans
from glaciercli.present.plans import Question


class Person(Protocol):
    """Somebody who can be asked, at a terminal or in a window."""

    def agrees(self, question: str) -> bool:
        """Return whether the answer is yes."""

    def types(self, prompt: str) -> str:
        """Return what is typed."""


@dataclass(frozen=True)
class Asking:
    """The consent of a person, or of a run that was told not to ask: a `models.Consent`."""

    person: Person | None
    yes: bool = False

    def __call__(self, plan: Plan) -> None:
        self.ask(plans.question(plan))

    def ask(self, question: Question) -> None:
        """Return for a yes; raises Refused for a no, UsageError where no answer can come."""
        if self.yes:
            return
        if self.person is None:
            if question.takes_silence:
                return
            raise UsageError(
                f"nobody is at a terminal to answer: {question.text}", hint="add --yes"
            )
        if question.typed is None:
            agreed = self.person.agrees(question.text)
        else:
            prompt = f"{question.text}; type {question.typed} to go on"
            agreed = self.person.types(prompt) == question.typed
        if not agreed:
            raise Refused("not confirmed; nothing was done")


def telling(note: Callable[[Hint], None]) -> Consent:
    """Return the consent of a user who has named the one thing to be done: it is only told."""

    def tell(plan: Plan) -> None:
        for sentence in plans.sentences(plan):
            note(sentence)

    return tell
