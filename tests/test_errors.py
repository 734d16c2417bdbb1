import inspect
import pickle

import pytest

from glaciercli import errors
from glaciercli.errors import EXIT_MEANINGS, Exit, GlacierError, from_response
from glaciercli.hints import Command

CLASSES = [
    each
    for _, each in inspect.getmembers(errors, inspect.isclass)
    if issubclass(each, GlacierError) and each is not GlacierError
]


def test_every_exit_code_has_a_meaning():
    assert set(EXIT_MEANINGS) == set(Exit)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda each: each.__name__)
def test_the_tree_in_the_docstring_shows_every_class_with_its_code(kind):
    line = next(line for line in errors.__doc__.splitlines() if f" {kind.__name__} " in line)

    code = "128+N" if kind is errors.Interrupted else str(int(kind.exit_code))
    assert code in line.split()


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("ResourceNotFoundException", 404, errors.NotFound),
        ("ThrottlingException", 400, errors.Throttled),
        ("RequestTimeoutException", 408, errors.Unavailable),
        ("InvalidParameterValueException", 400, errors.Refused),
        ("PolicyEnforcedException", 400, errors.PolicyEnforced),
        ("ExpiredTokenException", 403, errors.AccessDenied),
        ("BadRequest", 400, errors.BadRequest),
        ("SomethingNew", 503, errors.Unavailable),
        ("SomethingNew", 429, errors.Throttled),
        ("SomethingNew", 403, errors.AccessDenied),
        ("SomethingNew", 404, errors.NotFound),
        ("SomethingNew", 400, errors.Refused),
    ],
)
def test_replies_become_errors_by_code_first(code, status, kind):
    error = from_response(code, "text", status=status)

    assert type(error) is kind
    assert error.code == code


def test_every_code_of_the_service_model_is_known():
    import botocore.session

    model = botocore.session.get_session().get_service_model("glacier")
    codes = {
        shape.name
        for each in model.operation_names
        for shape in model.operation_model(each).error_shapes
    }

    assert codes <= set(errors._BY_CODE)


def test_an_interruption_ends_with_the_signals_code():
    assert errors.Interrupted(15).exit_code == 143


@pytest.mark.parametrize(
    "error",
    [
        errors.Conflict("exists", hint=("run: ", Command("vault", "list"))),
        errors.Unavailable("slow down", code="ThrottlingException", retry_after=2.5),
        errors.Partial("2 of 3", {"a": errors.NotFound("no a")}, report=[1]),
        errors.NotReady("later", report=[2]),
        errors.Interrupted(15),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_goes_to_another_process_whole(error):
    error.__notes__ = ["python's own"]
    got = pickle.loads(pickle.dumps(error))

    assert (type(got), str(got), got.exit_code) == (type(error), str(error), error.exit_code)
    assert {**vars(got), "failures": None} == {**vars(error), "failures": None}
    assert [str(each) for each in got.failures.values()] == [
        str(each) for each in error.failures.values()
    ]
