"""The catalog in a file: whole or not there, and never of a vault that nobody knows."""

import resource

import pytest

from glaciercli.errors import Conflict, NotFound
from glaciercli.models import Archive
from glaciercli.services import scopes
from glaciercli.services.inventory import exporting, importing


@pytest.fixture
def where(client, catalog, vault):
    scope = scopes.of(client, catalog)
    catalog.created(scope, Archive("one", vault, 5, name="one"))
    return [scope]


def test_what_was_exported_comes_back(client, catalog, vault, where, tmp_path):
    file = tmp_path / "out.jsonl"

    assert exporting.exported_scopes(client, catalog, vault) == where
    assert exporting.export_to(catalog, where, file) == 1
    read = importing.import_file(client, catalog, file)
    assert (read.tool, read.archives, read.new) == ("export", 1, 0)


def test_a_vault_that_is_not_known_is_no_empty_export(client, catalog, where):
    with pytest.raises(NotFound, match="nothing is known here of vault 'typo'"):
        exporting.exported_scopes(client, catalog, "typo")


def test_an_export_that_fails_leaves_what_was_there(catalog, where, tmp_path):
    file = tmp_path / "out.jsonl"
    file.write_text("precious")
    with pytest.raises(Conflict, match="exists already"):
        exporting.export_to(catalog, where, file)

    def broken():
        yield from where
        raise Conflict("no more")

    with pytest.raises(Conflict, match="no more"):
        exporting.export_to(catalog, broken(), file, overwrite=True)
    assert file.read_text() == "precious"
    assert [each.name for each in tmp_path.iterdir() if "out" in each.name] == ["out.jsonl"]


def test_a_full_disk_is_said_of_the_file(catalog, where, tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        with pytest.raises(Conflict, match=r"cannot write .*out.jsonl': File too large"):
            exporting.export_to(catalog, where, tmp_path / "out.jsonl")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert not list(tmp_path.glob("out*"))
