"""Imports point down only. Each rule has its reason, printed when it is broken."""

import ast
import functools
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "glaciercli"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Each layer may import itself and those after it.
LAYERS = [
    {"__main__", "docgen"},
    {"cli"},
    {"present", "workspace"},
    {"services"},
    {"clients", "catalog", "transfer"},
    {"files", "tasks", "models", "evidence", "treehash", "iam"},
    {"errors", "config", "limits"},
    {"hints"},
    {"units", "system", "__init__"},
]

# A library, who may import it, and why nobody else.
ONLY = [
    ("click", {"cli", "docgen"}, "a service must work without a command line"),
    ("rich", {"cli"}, "nothing below cli prints"),
    ("tqdm", {"cli"}, "nothing below cli draws progress"),
    ("jmespath", {"cli"}, "a query is about output"),
    ("boto3", {"clients"}, "one door to Glacier: one place for errors, retries and the engine"),
    ("botocore", {"clients", "local"}, "as boto3; the engine reads the model"),
    ("sqlite3", {"files", "catalog", "local"}, "two stores, and the files of other tools"),
    ("h11", {"local"}, "only the engine serves"),
    ("platformdirs", {"config"}, "one place knows where files live"),
]


def layer_of(name):
    return next(index for index, layer in enumerate(LAYERS) if name in layer)


def part_of(path):
    """Return which part of the house a file is: `cli`, `session`, ..."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


@functools.cache
def imports(path):
    """Return the modules that a file imports when it runs, wherever in the file that is."""
    return tuple(_imports(path))


def _imports(path):
    tree = ast.parse(path.read_text())
    typing_only = {
        id(node)
        for each in ast.walk(tree)
        if isinstance(each, ast.If) and ast.unparse(each.test) == "TYPE_CHECKING"
        for node in ast.walk(each)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide which layer is meant"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_parts(path):
    """Yield the parts of our own package that a file imports."""
    for module in imports(path):
        words = module.split(".")
        if words[0] == "glaciercli" and len(words) > 1 and words[1] != "__version__":
            yield words[1]


@pytest.mark.parametrize("path", MODULES, ids=lambda each: str(each.relative_to(PACKAGE)))
def test_imports_point_down_only(path):
    mine = part_of(path)
    for other in set(own_parts(path)) - {mine}:
        if mine == "local":
            assert other in {"treehash", "units", "system", "iam"}, (
                f"local imports {other}: the engine could be published alone, so it knows nothing "
                "of the rest but treehash, units, system, and iam: what the engine takes for a "
                "policy is what the command line checks"
            )
        elif other == "local":
            assert mine in {"clients", "cli"}, (
                f"{mine} imports local: services speak to a client, wherever it leads; only "
                "clients plug the engine in, and `glacier local` tends it"
            )
        else:
            assert layer_of(other) >= layer_of(mine), (
                f"{mine} imports {other}, which is above it: what is below can be understood, "
                "tested and used without what is above"
            )


def test_evidence_is_pure():
    """What proves what is decided from records alone, so that any face or worker may ask it."""
    found = {
        other
        for path in MODULES
        if part_of(path) == "evidence"
        for other in own_parts(path)
        if other != "evidence"
    }

    assert found <= {"models", "units", "errors", "treehash"}


@pytest.mark.parametrize(("library", "users", "reason"), ONLY, ids=[each[0] for each in ONLY])
def test_a_library_has_one_home(library, users, reason):
    found = {
        part_of(path) for path in MODULES for each in imports(path) if each.split(".")[0] == library
    }

    assert found <= users, f"{library} is imported by {found - users}: {reason}"


def test_sql_is_written_in_the_two_stores_only():
    found = {
        str(path.relative_to(PACKAGE))
        for path in MODULES
        if "sqlite3" in {each.split(".")[0] for each in imports(path)}
    }

    assert found == {"files/database.py", "catalog/foreign.py", "local/store.py"}


_PRINTERS = {"cli/output.py", "docgen.py"}
_STREAMS = {
    "cli/app.py",  # asks whether anybody is there to answer
    "cli/commands/archive.py",  # an archive's own bytes
    "cli/boundary.py",  # errors, by the same sanitiser
    "cli/commands/job.py",
    "cli/log.py",  # the log, by the same sanitiser
    "cli/output.py",
    "cli/progress.py",  # bars, with labels by the same sanitiser
    "__main__.py",  # how the streams take what they cannot show
}
_PRINTING = {
    "print",
    "click.echo",
    "click.secho",
    "click.echo_via_pager",
    "tqdm.write",
    "os.system",
}
_TERMINAL = {"sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__"}


def test_only_a_few_modules_know_the_terminal():
    """Who prints, and who so much as touches a stream; all else goes through the output."""
    printing, touching = set(), set()
    for path in MODULES:
        name = str(path.relative_to(PACKAGE))
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in _PRINTING:
                printing.add(name)
            if isinstance(node, ast.Attribute) and ast.unparse(node) in _TERMINAL:
                touching.add(name)

    assert printing <= _PRINTERS
    assert touching <= _STREAMS


def test_no_module_is_a_drawer_for_odds_and_ends():
    names = {path.stem for path in MODULES}

    assert not names & {"utils", "util", "helpers", "misc", "common"}
