"""Help and completion are fast because they import little; this holds them to it."""

import json
import os
import subprocess
import sys

import pytest

from glaciercli.cli.root import COMMANDS

HEAVY = ("boto3", "botocore", "rich", "tqdm", "cheroot", "jmespath")
PROBE = """
import json, os, sys
from glaciercli.cli.root import cli
try:
    cli.main(json.loads(sys.argv[1]))
except SystemExit:
    pass
print(json.dumps([each for each in json.loads(sys.argv[2]) if each in sys.modules]))
"""


def imported(arguments, **environ):
    run = subprocess.run(
        [sys.executable, "-c", PROBE, json.dumps(arguments), json.dumps(HEAVY)],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["vault", "--help"], ["upload", "--help"], ["no-such-command"]],
    ids=" ".join,
)
def test_help_imports_nothing_heavy(arguments):
    assert imported(arguments) == []


@pytest.mark.parametrize("group", COMMANDS)
def test_help_of_a_command_runs_nothing_that_works(group):
    """Services are prepared and not run: they still are what the lazy loader made them."""
    probe = """
import sys
from importlib.util import _LazyModule
from glaciercli.cli.root import cli
try:
    cli.main([sys.argv[1], "--help"])
except SystemExit:
    pass
below = ("glaciercli.services.", "glaciercli.catalog.", "glaciercli.transfer.",
         "glaciercli.tasks.", "glaciercli.files.")
print([name for name, each in sys.modules.items()
       if name.startswith(below) and type(each) is not _LazyModule
       and not hasattr(each, "__path__")])
"""
    run = subprocess.run(
        [sys.executable, "-c", probe, group], capture_output=True, text=True, check=True
    )

    assert run.stdout.splitlines()[-1] == "[]"


def test_help_of_the_root_imports_no_command():
    probe = "import sys; from glaciercli.cli.root import cli\n"
    probe += "try: cli.main(['--help'])\nexcept SystemExit: pass\n"
    probe += "print([each for each in sys.modules if each.startswith('glaciercli.services')])"
    run = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

    assert run.stdout.splitlines()[-1] == "[]"


def test_completion_of_commands_imports_nothing_heavy():
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "glaciercli"],
        env={
            **os.environ,
            "_GLACIER_COMPLETE": "bash_complete",
            "COMP_WORDS": "glacier va",
            "COMP_CWORD": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.stdout == "plain,vault\n"
    seen = {line.rpartition("|")[2].strip().partition(".")[0] for line in run.stderr.splitlines()}
    assert seen & set(HEAVY) == set()
