"""Plans as sentences: what a person reads before an act, and what is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import assert_never

from glaciercli.evidence import words
from glaciercli.hints import Command, Hint
from glaciercli.models import (
    CapacityPlan,
    DeletePlan,
    EmptyPlan,
    Plan,
    RestorePlan,
    RetrievalPlan,
    SamplePlan,
)
from glaciercli.units import counted, format_size

_UNIT_PRICE = "about 100 US dollars in us-east-1, 120 in Frankfurt (list prices of 2021)"


@dataclass(frozen=True)
class Question:
    """What a person is asked before an act, to be answered by yes or no."""

    text: str
    #: What is to be typed instead of a yes, where all of something is lost for ever.
    typed: str | None = None
    #: Where nobody can be asked, a script is taken at its word: the act is charged, and destroys
    #: nothing.
    takes_silence: bool = False


def sentences(plan: Plan) -> Iterator[Hint]:
    """Yield what a person should know of a plan, a line each."""
    match plan:
        case RestorePlan():
            yield from _restore(plan)
        case RetrievalPlan():
            yield _retrieval(plan)
        case DeletePlan():
            yield from _early(plan)
        case EmptyPlan():
            yield from _empty(plan)
        case SamplePlan() | CapacityPlan():
            return  # the question says it all
        case _:
            assert_never(plan)


def question(plan: Plan) -> Question:
    """Return what is asked before a plan is carried out."""
    match plan:
        case RestorePlan():
            return _retrievals(plan.charged, plan.charged_size, plan.tier)
        case RetrievalPlan():
            return _retrievals(1, plan.size or 0, plan.tier)
        case SamplePlan():
            return Question(
                f"start {counted(plan.charged, 'retrieval')} of up to 1 MiB from vault"
                f" {plan.vault} ({plan.tier}), each of which is charged?"
            )
        case DeletePlan():
            names = ", ".join(each.name or each.id for each in plan.archives)
            return Question(f"delete {names} from vault {plan.vault}, for ever?")
        case EmptyPlan():
            what = counted(plan.archives, "archive") + (" and the vault" if plan.with_vault else "")
            return Question(f"this deletes {what} for ever", typed=plan.vault)
        case CapacityPlan():
            units = "one unit" if plan.units == 1 else f"{plan.units} units"
            return Question(f"buy {units} of capacity for a month, {_UNIT_PRICE}?")
        case _:
            assert_never(plan)


def left_out(vault: str, counts: Mapping[str, int]) -> Hint:
    """Say how many archives are meant and not there any more, by state, and how to see them."""
    states = ("--state", "gone", "--state", "deleted")
    see = Command("archive", "list", *states, "--vault", vault)
    return f"{words.left_out(counts)}; to see them: ", see


def _retrievals(count: int, size: int, tier: str) -> Question:
    are = "is" if count == 1 else "are"
    return Question(
        f"start {counted(count, 'retrieval')} of {format_size(size)} ({tier}),"
        f" which {are} charged?",
        takes_silence=True,
    )


def _restore(plan: RestorePlan) -> Iterator[Hint]:
    if plan.archives:
        yield (
            f"to retrieve into {plan.directory}: {counted(plan.archives, 'archive')}, "
            f"{format_size(plan.size)}; {plan.tier}, usually {plan.time}"
        )
    else:
        yield "nothing is to be retrieved"
    if running := plan.archives - plan.charged:
        yield (
            f"of them asked for before, and not charged again: {counted(running, 'archive')}, "
            f"{format_size(plan.size - plan.charged_size)}"
        )
    if plan.copies:
        yield f"copied from an equal file, and not retrieved: {counted(plan.copies, 'file')}"
    if plan.already:
        yield f"there already: {counted(plan.already, 'file')}"
    if plan.folders:
        yield f"made and not retrieved: {counted(plan.folders, 'folder')}"
    if plan.packed:
        yield (
            f"compressed or encrypted by their tool, and left so: {counted(plan.packed, 'archive')}"
        )
    for ident, reason in plan.refused.items():
        yield f"not {ident[:12]}…: {reason}"
    if plan.left_out:
        yield left_out(plan.vault, plan.left_out)


def _retrieval(plan: RetrievalPlan) -> str:
    what = format_size(plan.size) if plan.size is not None else "an archive"
    if plan.widened is not None:
        what += (
            f" (bytes {plan.widened}: the least around your range that the service gives a"
            " checksum for)"
        )
    a = "an" if plan.tier == "Expedited" else "a"
    return f"starting {a} {plan.tier.lower()} retrieval of {what}; it costs, and takes its time"


def _empty(plan: EmptyPlan) -> Iterator[Hint]:
    yield f"vault {plan.arn}: {counted(plan.archives, 'archive')}, {format_size(plan.size)}"
    first = {each.id for each in plan.first}
    last = [each for each in plan.last if each.id not in first]
    for each in plan.first:
        yield f"  {each.name or each.id}"
    if hidden := plan.archives - len(first) - len(last):
        yield (f"  … and {hidden:,} more: ", Command("archive", "list", "--vault", plan.vault))
    for each in last:
        yield f"  {each.name or each.id}"
    yield from _early(plan)
    if plan.uploads:
        see = Command("upload", "list", "--vault", plan.vault)
        yield (f"not touched: {counted(plan.uploads, 'open upload')}; see ", see)


def _early(plan: DeletePlan | EmptyPlan) -> Iterator[Hint]:
    if plan.early:
        yield (
            f"younger than 90 days: {counted(plan.early, 'archive')}, "
            f"{format_size(plan.early_size)}; Glacier charges the rest of the 90 days"
        )
