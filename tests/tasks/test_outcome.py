"""Many items, one end: the same for uploads, restores, inventories, deletions and samples."""

import pytest

from glaciercli.errors import (
    AccessDenied,
    Conflict,
    Interrupted,
    NotFound,
    NotReady,
    Partial,
    Refused,
    Unavailable,
    UsedUp,
    from_response,
)
from glaciercli.tasks.outcome import Outcome, concerns_all


def after(**errors):
    """Return the outcome of items that ended so; None for one that is done."""
    outcome = Outcome()
    for name, error in errors.items():
        with outcome.item(name):
            if error is not None:
                raise error
    return outcome


def test_all_items_done_is_no_error():
    after(a=None, b=None).finish("2 are done")


def test_the_only_item_ends_the_run_with_its_own_error_and_the_report():
    outcome = after(a=NotFound("a is not there"))

    with pytest.raises(NotFound, match="a is not there") as caught:
        outcome.finish("nothing is done", report=[])

    assert caught.value.report == []


def test_some_that_failed_are_named():
    failed = Conflict("a is in the way")

    with pytest.raises(Partial) as caught:
        after(a=failed, b=None, c=None).finish("2 files are restored", hint="move it", report=2)

    assert caught.value.message == "2 files are restored; 1 of 3 failed"
    assert caught.value.failures == {"a": failed}
    assert (caught.value.hint, caught.value.report) == ("move it", 2)


def test_what_is_not_ready_makes_the_run_go_on_later_and_hides_no_failure():
    failed = Refused("b may not be")

    with pytest.raises(NotReady) as caught:
        after(a=NotReady("a runs"), b=failed, c=None).finish("1 is done", report="c")

    assert caught.value.message == "1 is done; 1 is not ready yet (a), 1 failed"
    assert caught.value.failures == {"b": failed}
    assert caught.value.report == "c"


def test_an_item_that_is_tried_again_has_its_last_outcome():
    outcome = after(a=NotReady("a runs"), b=None)
    with outcome.item("a"):
        pass

    outcome.finish("all are done")

    assert not outcome.has_failed("a")


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("no network"),
        Interrupted(2),
        UsedUp("stopped by --max-requests"),
        AccessDenied("expired", code="ExpiredTokenException"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_would_go_wrong_with_all_ends_the_run_at_once(error):
    with pytest.raises(type(error)):
        after(a=error, b=None)


def test_what_a_policy_forbids_of_one_may_be_allowed_of_the_next():
    denied = AccessDenied("not this one", code="AccessDeniedException")

    outcome = after(a=denied, b=None)

    assert outcome.failures == {"a": denied}


@pytest.mark.parametrize(
    ("error", "is_of_all"),
    [
        (from_response("AccessDeniedException", "x", status=403), False),
        (from_response("ExpiredTokenException", "x", status=403), True),
        (from_response("InvalidParameterValueException", "x"), False),
        (from_response("ServiceUnavailableException", "x", status=503), True),
        (AccessDenied("no credentials"), True),
        (NotFound("x"), False),
    ],
    ids=lambda each: getattr(each, "code", None) or str(each),
)
def test_the_services_own_code_tells_what_concerns_all(error, is_of_all):
    assert concerns_all(error) is is_of_all
