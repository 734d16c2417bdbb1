"""Fixtures: a home of its own for each test, an engine in it, and the ways to reach it.

The counts of what tests proved are summed over the run and printed at its end.
"""

import functools
import inspect
import os
import shutil
from collections import Counter

import helpers
import pytest
from disks import memory_directory
from hypothesis import settings

# An example has no time limit: on a loaded machine 200 ms are over before it has begun.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

_MARK = "proven: "
_ROOM = 2 << 30  # bytes; the tests of a run that fail keep theirs until three runs later


def pytest_configure():
    """Let what tests write be in memory, where there is room: syncing takes no time there."""
    memory = memory_directory()
    if memory is not None and shutil.disk_usage(memory).free >= _ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))


@pytest.fixture(autouse=True, scope="session")
def quick_sessions():
    """Let botocore find out once, not for each client, what no test changes.

    That is a third of the time of a test that runs a command: data files, the newer names of
    events, and which handlers take further arguments.
    """
    from botocore import hooks, loaders

    aliases = {}
    aliaser = hooks.EventAliaser.__init__

    def with_aliases(self, *args, **options):
        aliaser(self, *args, **options)
        self._alias_name_cache = aliases

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", functools.cache(loaders.create_loader))
        patch.setattr(hooks.EventAliaser, "__init__", with_aliases)
        patch.setattr(hooks, "accepts_kwargs", _takes_any(hooks.accepts_kwargs))
        yield


def _takes_any(slow):
    """Return a quicker `accepts_kwargs`: Python's functions say it themselves."""

    def accepts_kwargs(handler):
        code = getattr(getattr(handler, "__func__", handler), "__code__", None)
        return slow(handler) if code is None else bool(code.co_flags & inspect.CO_VARKEYWORDS)

    return accepts_kwargs


@pytest.fixture(autouse=True, scope="session")
def kept_bytecode(tmp_path_factory):
    """Let the programs that tests start compile a module once, also where no bytecode is kept."""
    with pytest.MonkeyPatch.context() as patch:
        if "PYTHONDONTWRITEBYTECODE" in os.environ:
            patch.delenv("PYTHONDONTWRITEBYTECODE")
            patch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path_factory.mktemp("bytecode")))
        yield


@pytest.fixture(autouse=True, scope="session")
def usual_umask():
    """Files that tests make as another's would be are what they say, whoever runs them."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(autouse=True)
def clean_env(tmp_path, monkeypatch):
    """Nothing of this machine's accounts and settings reaches a test, nor a test this machine."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "GLACIER_", "BOTO")) or name in {"NO_COLOR", "COLUMNS"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GLACIER_HOME", str(tmp_path / "glacier"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDTESTS")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", helpers.CANARIES[0])
    monkeypatch.setenv("AWS_SESSION_TOKEN", helpers.CANARIES[1])
    monkeypatch.setenv("TZ", "UTC")
    yield
    # What the program said is searched where it is run; here is what it wrote.
    for path in (tmp_path / "glacier").rglob("*"):
        if path.is_file() and path.stat().st_size < helpers.MIB:
            helpers.assert_no_secret(path.read_bytes(), path)


@pytest.fixture
def home(tmp_path):
    """The directory that GLACIER_HOME names."""
    return tmp_path / "glacier"


@pytest.fixture
def local_root(home):
    """Where `--local` keeps its vaults."""
    return home / "data" / "local"


@pytest.fixture
def target(local_root):
    from glaciercli.clients.glacier import Target

    return Target(local_root=local_root)


@pytest.fixture
def client(target):
    """A client of the embedded engine that gives up soon; each fault ordered must come."""
    from glaciercli.clients.session import connect

    client = connect(target, timeout=5.0)
    yield client
    helpers.require_delivered(client.engine)
    client.engine.close()


@pytest.fixture
def engine(client):
    """The embedded engine that `client` talks to, in the store that `glacier` uses too."""
    return client.engine


@pytest.fixture
def stored(target, vault):
    """A look at what the vault holds, id by content, through the API and not our own code's."""
    from glaciercli.clients.session import connect

    client = connect(target)
    yield lambda: helpers.held(client, vault)
    client.engine.close()


@pytest.fixture
def catalog(home):
    from glaciercli.catalog.store import Catalog

    catalog = Catalog.open(home / "data" / "catalog.db")
    yield catalog
    catalog.close()


@pytest.fixture
def journals(home):
    return home / "state" / "journals"


@pytest.fixture
def vault(client):
    """An empty vault of the engine."""
    client.call("CreateVault", vaultName="photos")
    return "photos"


@pytest.fixture
def glacier(monkeypatch):
    """The program on the embedded engine; asserts success unless told what exit to expect."""
    monkeypatch.setenv("GLACIER_LOCAL", "true")
    return helpers.run


@pytest.fixture
def count(request):
    """Count things that were tried and held; the sums are printed when all tests have run."""

    def add(numbers):
        request.node.user_properties.extend((_MARK + name, n) for name, n in numbers.items())

    return add


def pytest_terminal_summary(terminalreporter):
    # From the reports, which also come from workers in other processes.
    sums = Counter()
    for report in terminalreporter.getreports("passed"):
        for name, number in report.user_properties:
            if name.startswith(_MARK) and report.when == "call":
                sums[name.removeprefix(_MARK)] += number
    for name, number in sorted(sums.items()):
        terminalreporter.write_line(f"{_MARK}{number:>6} {name}")
