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
    {"catalog", "transfer"},
    {"clients"},
    {"files", "tasks"},
    {"evidence", "iam", "models", "treehash"},
    {"config", "endpoints", "limits", "ranges"},
    {"errors"},
    {"hints"},
    {"units", "system", "__init__"},
]

# Inside services: each may import those after it, and no other that stands on its line.
ACTS = [
    (
        {"empty", "restore", "upload", "verify"},
        "what a user sets out to do needs no other such act",
    ),
    (
        {"inventory"},
        "acts go by what vaults hold; an inventory is itself a job's output, brought here",
    ),
    ({"download"}, "brings what jobs have made ready, whatever it is for"),
    ({"jobs"}, "started, waited for and found again, whatever their output is for"),
    ({"scopes"}, "to which account and region a row of the catalog belongs, as the vaults tell"),
    ({"vaults"}, "a vault's own settings need nothing but a client"),
]

# Packages whose modules are private, by a leading `_`, unless others import them.
CLOSED = [
    "catalog",
    "clients",
    "files",
    *(f"services.{name}" for names, _ in ACTS for name in sorted(names)),
    "local",
    "local.http",
    "local.select",
]

# A library, who may import it, and why nobody else.
ONLY = [
    ("click", {"cli", "docgen"}, "a service must work without a command line"),
    ("rich", {"cli.output", "cli.table"}, "nothing below cli prints"),
    ("tqdm", {"cli.progress"}, "nothing below cli draws progress"),
    ("jmespath", {"cli.output"}, "a query is about output"),
    (
        "boto3",
        {"clients.session"},
        "one door to Glacier: one place for errors, retries and the engine",
    ),
    (
        "botocore",
        {
            "clients.session",
            "clients.replies",
            "clients._credentials",
            "clients._patience",
            "local",
        },
        "as boto3; the engine reads the model",
    ),
    ("sqlite3", {"files", "catalog", "local"}, "two stores, and the files of other tools"),
    ("h11", {"local.http"}, "only the engine serves"),
    ("platformdirs", {"config"}, "one place knows where files live"),
]


def name_of(path):
    """Return a module's name inside of our package; that of a package is its folder's."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


NAMES = {name_of(path): path for path in MODULES}


def layer_of(name):
    return next(index for index, layer in enumerate(LAYERS) if name in layer)


def room_of(name):
    """Return the room that a module is in: its package, or itself; those of services apart."""
    words = name.split(".")
    return ".".join(words[:2] if words[0] == "services" else words[:1])


@functools.cache
def imports(path, *, typing=False):
    """Return the modules that a file imports, wherever in the file; `typing`: for its types too."""
    return tuple(_imports(path, typing))


def _imports(path, typing):
    tree = ast.parse(path.read_text())
    typing_only = {
        id(node)
        for each in ast.walk(tree)
        if isinstance(each, ast.If) and ast.unparse(each.test) == "TYPE_CHECKING"
        for node in ast.walk(each)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only and not typing:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide which layer is meant"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@functools.cache
def own_imports(path, *, typing=False):
    """Return the modules of our own package that a file imports, without the packages around."""
    found = set()
    for module in imports(path, typing=typing):
        first, _, name = module.partition(".")
        if first == "glaciercli" and name in NAMES:
            found.add(name)
    return {
        each
        for each in found
        if NAMES[each].name != "__init__.py" or not any(o.startswith(f"{each}.") for o in found)
    }


def each_module(test):
    return pytest.mark.parametrize("path", MODULES, ids=name_of)(test)


@each_module
def test_imports_point_down_only(path):
    mine = name_of(path).partition(".")[0]
    for other in {each.partition(".")[0] for each in own_imports(path)} - {mine}:
        if mine == "local":
            assert other in {"treehash", "units", "system", "iam"}, (
                f"local imports {other}: the engine could be published alone, so it knows nothing "
                "of the rest but treehash, units, system, and iam: what the engine takes for a "
                "policy is what the command line checks"
            )
        elif mine == "iam":
            assert other == "units", (
                f"iam imports {other}: it goes wherever the engine goes, so it knows no more than "
                "the engine may"
            )
        elif other == "local":
            assert mine in {"clients", "cli"}, (
                f"{mine} imports local: services speak to a client, wherever it leads; only "
                "clients.session plugs the engine in, and `glacier local` tends it"
            )
        else:
            assert layer_of(other) >= layer_of(mine), (
                f"{mine} imports {other}, which is above it: what is below can be understood, "
                "tested and used without what is above"
            )


@pytest.mark.parametrize("path", sorted((PACKAGE / "services").glob("*/*.py")), ids=name_of)
def test_services_stand_on_each_other_in_one_order(path):
    order = {name: (index, why) for index, (names, why) in enumerate(ACTS) for name in names}
    mine = name_of(path).split(".")[1]
    assert mine in order, f"services.{mine} has no place in the order yet"

    for other in own_imports(path):
        first, _, rest = other.partition(".")
        act = rest.partition(".")[0]
        if first == "services" and act not in {"", mine}:
            assert order[act][0] > order[mine][0], (
                f"{name_of(path)} imports {other}: {mine}: {order[mine][1]}; {act}: {order[act][1]}"
            )


def test_no_rooms_need_each_other():
    """Two rooms that do are one room with a wall in it."""
    arrows = {}
    for path in MODULES:
        mine = room_of(name_of(path))
        arrows.setdefault(mine, set()).update(set(map(room_of, own_imports(path))) - {mine})
    while ends := {room for room, others in arrows.items() if not others & set(arrows)}:
        arrows = {room: others for room, others in arrows.items() if room not in ends}

    assert not arrows, f"a circle is among {sorted(arrows)}"


@each_module
def test_a_private_module_stays_in_its_package(path):
    mine = name_of(path)
    for other in own_imports(path, typing=True):
        package, _, leaf = other.rpartition(".")
        assert not leaf.startswith("_") or f"{mine}.".startswith(f"{package}."), (
            f"{mine} imports {other}, which is {package}'s own affair and may change without notice"
        )


@pytest.mark.parametrize("package", CLOSED)
def test_a_module_that_only_its_package_imports_says_so(package):
    folder = PACKAGE.joinpath(*package.split("."))
    users = {}
    for path in MODULES:
        for other in own_imports(path, typing=True):
            users.setdefault(other, set()).add(path.parent)
    own = {
        name_of(path) for path in folder.glob("[!_]*.py") if users.get(name_of(path)) == {folder}
    }

    assert not own, f"{sorted(own)}: a leading _ tells readers that nothing else depends on it"


def test_evidence_is_pure():
    """What proves what is decided from records alone, so that any face or worker may ask it."""
    rooms = {
        room_of(other)
        for path in (PACKAGE / "evidence").glob("*.py")
        for other in own_imports(path)
    }

    assert rooms <= {"evidence", "errors", "hints", "models", "ranges", "treehash", "units"}


def test_what_is_shown_is_told_by_records_alone():
    """A plan's sentences and the rule of consent are the same in a terminal, a window, a worker."""
    rooms = {
        room_of(other)
        for path in (PACKAGE / "present").glob("*.py")
        for other in own_imports(path, typing=True)
    }

    assert rooms <= {"present", "errors", "evidence", "hints", "models", "units"}


@pytest.mark.parametrize(("library", "users", "reason"), ONLY, ids=[each[0] for each in ONLY])
def test_a_library_has_one_home(library, users, reason):
    found = {
        name_of(path) for path in MODULES for each in imports(path) if each.split(".")[0] == library
    }
    strangers = {each for each in found if not any(f"{each}.".startswith(f"{u}.") for u in users)}

    assert not strangers, f"{library} is imported by {strangers}: {reason}"


def test_sql_is_written_in_few_modules_only():
    found = {
        str(path.relative_to(PACKAGE))
        for path in MODULES
        if "sqlite3" in {each.split(".")[0] for each in imports(path)}
    }

    assert found == {"files/database.py", "catalog/_foreign.py", "local/store.py"}


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
