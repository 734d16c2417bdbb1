"""Our files on a network file system, as far as Linux tells of one: said, and safe in SQLite."""

from contextlib import closing
from pathlib import Path

import helpers
import pytest
from helpers import write
from survival import forks
from survival.mounts import BIND, mount, mounts, own_mounts

from glaciercli.catalog.store import Catalog
from glaciercli.files.mounts import network_of

__all__ = ["mounts"]  # a fixture

pytestmark = pytest.mark.usefixtures("mounts", "glacier")


def as_if_on_nfs(directory, tmp_path, work):
    """Do `work` in a process that Linux tells of NFS mounted on a directory."""

    def run():
        own_mounts()
        told = Path("/proc/self/mountinfo").read_text()
        line = f"999 1 0:99 / {directory} rw,relatime - nfs4 nas:/home rw\n"
        mount(
            write(tmp_path / "mountinfo", (told + line).encode()),
            "/proc/self/mountinfo",
            None,
            BIND,
        )
        assert network_of(directory) == "nfs4"
        return work()

    return forks.run(run).require("what was done there")


def journal_mode(path):
    data = path.read_bytes()
    return {1: "rollback", 2: "wal"}[data[18]]


def test_all_goes_on_there_without_a_log_and_is_said_once(home, tmp_path):
    file = write(tmp_path / "a.bin", b"x" * 1000)

    def work():
        helpers.run("vault", "create", "photos")
        said = [helpers.run("upload", file, "-V", "photos").stderr]
        said.append(helpers.run("upload", file, "-V", "photos", "-q").stderr)
        listed = helpers.run("archive", "list", "-V", "photos", "--output", "json").json
        helpers.run("vault", "inventory", "photos")
        helpers.run("catalog", "export", tmp_path / "export")
        helpers.run("vault", "empty", "photos", "--yes")
        return said, [each["name"] for each in listed]

    (loud, quiet), names = as_if_on_nfs(home, tmp_path, work)

    assert loud.count("is on a network file system (nfs4): use it from one machine") == 1
    assert "network" not in quiet
    assert names == ["a.bin", "a.bin"]
    assert journal_mode(home / "data" / "catalog.db") == "rollback"


def test_a_catalog_goes_there_and_back(home, tmp_path):
    """A home that was copied to another disk has the other kind of journal."""
    path = home / "data" / "catalog.db"

    def work():
        return helpers.run("catalog", "list", "--output", "json").json

    helpers.run("vault", "create", "photos")
    helpers.run("catalog", "list")
    assert journal_mode(path) == "wal"
    before = helpers.run("catalog", "list", "--output", "json").json
    assert as_if_on_nfs(home, tmp_path, work) == before
    assert journal_mode(path) == "rollback"
    helpers.run("catalog", "list")
    assert journal_mode(path) == "wal"


def test_a_catalog_that_another_run_has_open_with_a_log_is_a_conflict(home, tmp_path):
    with closing(Catalog.open(home / "data" / "catalog.db")):

        def work():
            return helpers.run("catalog", "list", exit=5).stderr

        assert "another run" in as_if_on_nfs(home, tmp_path, work)
