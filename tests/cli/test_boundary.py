import errno
import json

import pytest

from glaciercli.cli import boundary
from glaciercli.cli.app import App
from glaciercli.errors import (
    AccessDenied,
    Conflict,
    Exit,
    GlacierError,
    IntegrityError,
    Interrupted,
    NotFound,
    NotReady,
    Partial,
    Refused,
    Unavailable,
    UsageError,
)
from glaciercli.hints import Command

ERRORS = [
    (GlacierError("x"), Exit.UNEXPECTED),
    (UsageError("x"), Exit.USAGE),
    (NotFound("x"), Exit.NOT_FOUND),
    (AccessDenied("x"), Exit.ACCESS_DENIED),
    (Conflict("x"), Exit.CONFLICT),
    (IntegrityError("x"), Exit.INTEGRITY),
    (Refused("x"), Exit.REFUSED),
    (Unavailable("x"), Exit.UNAVAILABLE),
    (Partial("x", {"a": NotFound("y")}), Exit.PARTIAL),
    (NotReady("x"), Exit.NOT_READY),
    (Interrupted(15), Exit.SIGNAL + 15),
    (BrokenPipeError(), Exit.SIGNAL + 13),
    (KeyboardInterrupt(), Exit.SIGNAL + 2),
    (OSError(errno.ENOSPC, "No space left on device"), Exit.CONFLICT),
    (KeyError("x"), Exit.UNEXPECTED),
]


@pytest.fixture
def told(capsys):
    """Return the exit code of an error and what it left on stderr."""

    def tell(error, *arguments, **flags):
        app = App()
        app.flags.update(flags)

        def work():
            raise error

        code = boundary.run(work, app, arguments)
        captured = capsys.readouterr()
        assert captured.out == ""
        return code, captured.err

    return tell


@pytest.mark.parametrize(("error", "code"), ERRORS, ids=lambda each: type(each).__name__)
def test_every_error_has_its_exit_code(told, error, code):
    assert told(error)[0] == code


def test_an_error_is_one_line_and_a_hint_is_another(told):
    error = NotFound("vault 'photos' does not exist", hint="glacier vault create photos")

    assert told(error)[1] == (
        "error: vault 'photos' does not exist\nhint: glacier vault create photos\n"
    )


LIST = Command("vault", "list")
HERE = "glacier --local --local-root '/mnt/my vaults' vault list"


@pytest.mark.parametrize(
    ("hint", "shown"),
    [
        (LIST, HERE),
        ((LIST, "; or ", LIST), f"{HERE}; or {HERE}"),
        ("glacier vault list --help", "glacier vault list --help"),
        ("update glacier, or move the file", "update glacier, or move the file"),
        ("rm '/mnt/glacier old logs/x'", "rm '/mnt/glacier old logs/x'"),
    ],
)
def test_a_hint_pasted_asks_the_same_glacier(told, hint, shown):
    """In another account or region there may be a vault of the same name, to be emptied."""
    error = Partial("x", {"a": NotFound("y", hint=hint)}, hint=hint)
    where = {"local": True, "local_root": "/mnt/my vaults", "quiet": True}

    assert told(error, **where)[1].splitlines()[-1] == f"hint: {shown}"
    said = json.loads(told(error, **where, output="json")[1])
    assert (said["hint"], said["failures"]["a"]["hint"]) == (shown, shown)


def test_the_items_of_a_partial_failure_are_named(told):
    error = Partial("1 of 2 files failed", {"b.tar": Conflict("it changed")})

    assert told(error)[1] == "error: 1 of 2 files failed\n  b.tar: it changed\n"


def test_each_way_out_of_a_partial_failure_is_named_once(told):
    failures = {name: NotFound("gone", hint=hint) for name, hint in ("ax", "by", "cx", "dz")}

    said = told(Partial("4 failed", failures, hint="z"))[1]
    assert said.splitlines()[5:] == ["hint: x", "hint: y", "hint: z"]


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_an_error_is_a_json_object_where_output_is_json(told, form):
    error = Partial("1 of 2", {"b": Conflict("it \x1b changed")}, hint="again")

    code, text = told(error, output=form)

    assert text.count("\n") == 1
    assert json.loads(text) == {
        "error": "Partial",
        "message": "1 of 2",
        "hint": "again",
        "code": None,
        "exitCode": code,
        "failures": {
            "b": {
                "error": "Conflict",
                "message": "it \x1b changed",
                "hint": None,
                "code": None,
                "exitCode": 5,
            }
        },
    }


@pytest.mark.parametrize("words", [["--output", "json"], ["--output=json"]])
def test_json_is_wanted_even_when_the_command_line_cannot_be_read(told, words):
    assert json.loads(told(UsageError("no"), "vault", *words)[1])["message"] == "no"


def test_a_bug_says_how_to_report_it_and_shows_a_traceback_only_on_demand(told):
    text = told(KeyError("x"))[1]

    assert "this is a bug" in text
    assert "Traceback" not in text
    assert "Traceback" in told(KeyError("x"), debug=True)[1]


def test_an_interruption_names_the_command_that_goes_on(told):
    text = told(Interrupted(2), "upload", "my file.tar", "--vault", "photos")[1]

    goes_on = "what was done is kept, and the same command goes on"
    assert text.endswith(f"hint: {goes_on}: glacier upload 'my file.tar' --vault photos\n")


def test_an_interrupted_stream_is_not_said_to_go_on(told):
    text = told(Interrupted(2), "upload", "-", "--vault", "photos")[1]

    assert "stdin cannot be read again; this sends all of it anew" in text
    assert text.endswith(": glacier upload - --vault photos\n")


def test_a_stop_hides_an_error_that_it_causes(told):
    """As when a thread that is being started is stopped, and fails at tidying up."""
    try:
        try:
            raise Interrupted(15)
        finally:
            del {}["thread"]
    except KeyError as error:
        code, shown = told(error)

    assert code == Exit.SIGNAL + 15
    assert "bug" not in shown


def test_a_message_from_outside_cannot_act_on_the_terminal(told):
    text = told(Refused("a\x1b[2J\nerror: forged"))[1]

    assert text == "error: a\\x1b[2J\\x0aerror: forged\n"


def test_what_is_left_for_the_end_is_done_only_after_success(capsys):
    app, done = App(), []
    app.at_end.append(lambda: done.append("acknowledged"))

    assert boundary.run(lambda: 2, app, []) == 2
    assert done == []
    assert boundary.run(lambda: None, app, []) == 0
    assert done == ["acknowledged"]
