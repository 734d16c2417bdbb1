"""What is generated is up to date and sound."""

import re
import shutil
import subprocess

import pytest

from glaciercli import docgen

FILES = docgen.generated()


@pytest.mark.parametrize("path", FILES, ids=lambda each: each.name)
def test_a_generated_file_is_fresh(path):
    assert path.exists(), "run python -m glaciercli.docgen"
    assert path.read_text() == FILES[path], "run python -m glaciercli.docgen"


def test_no_page_is_left_of_a_command_that_is_gone():
    assert set((docgen.ROOT / "man" / "man1").glob("*")) == {
        path for path in FILES if path.parent.name == "man1"
    }


@pytest.mark.parametrize(
    "section",
    [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "OPTIONS",
        "ENVIRONMENT",
        "FILES",
        "EXIT STATUS",
        "SEE ALSO",
    ],
)
def test_every_page_has_the_sections(section):
    for path, text in FILES.items():
        if path.parent.name == "man1":
            assert f"\n.SH {section}\n" in text, path


def test_pages_lead_to_those_around_them_and_to_no_other():
    pages = {path.stem: text for path, text in FILES.items() if path.parent.name == "man1"}
    seen = {}
    for name, text in pages.items():
        also = text.partition("\n.SH SEE ALSO\n")[2].replace("\\-", "-")
        seen[name] = re.findall(r"^\.BR (\S+) \(1\)", also, re.MULTILINE)
        assert set(seen[name]) <= pages.keys() - {name}

    assert "glacier-vault" in seen["glacier"]
    assert seen["glacier-capacity-list"] == [
        "glacier",
        "glacier-capacity",
        "glacier-capacity-purchase",
    ]
    assert seen["glacier-treehash"] == ["glacier"]


def test_every_page_that_another_names_is_there():
    for path in (docgen.ROOT / "man").glob("man?/*"):
        text = path.read_text().replace("\\-", "-")
        for name, number in re.findall(r"^\.BR (glacier\S*) \((\d)\)", text, re.MULTILINE):
            assert (docgen.ROOT / "man" / f"man{number}" / f"{name}.{number}").exists(), path


def test_text_of_a_page_is_no_request():
    assert docgen._roff(".SH x") == "\\&.SH x"
    assert docgen._roff("a\\b 'c' --d") == "a\\eb \\(aqc\\(aq \\-\\-d"


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
def test_pages_are_good_roff():
    pages = [str(path) for path in (docgen.ROOT / "man").glob("man?/*")]

    lint = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", *pages],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (lint.stdout, lint.returncode) == ("", 0)


def test_generating_twice_gives_the_same():
    assert docgen.generated() == FILES
