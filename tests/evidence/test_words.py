"""The sentences of certainty have one home, and say what their evidence says."""

import ast
import re
from datetime import UTC, datetime
from pathlib import Path

import glaciercli
from glaciercli.evidence import words
from glaciercli.models import Archive

PACKAGE = Path(glaciercli.__file__).parent
HOME = "evidence"
# What a sentence may claim of a vault, an archive or bytes only with its evidence as an argument.
CLAIM = re.compile(
    r"\b(prove[nds]?|proof|stored|deleted|lists|listed|identical|gone|not there any more)\b",
    re.IGNORECASE,
)
# SQL shouts; a name of a column or a key has no blank, so it is no sentence either.
SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|ALTER|CREATE|WHERE|NULL|THEN)\b|strftime")

# Texts that claim nothing of a vault or of bytes, each with the reason.
ALLOWED = {
    "all done, and proven": "what an exit code means, in help and man pages",
}


def is_engine(path):
    """Tell whether a module is the embedded Glacier's, which speaks as the service does."""
    return path.relative_to(PACKAGE).parts[0] == "local"


def sentences(tree):
    """Yield what a module says: no docstrings, no help of options, {} for what is put in."""
    silent = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            silent.add(node.value)
        if isinstance(node, ast.keyword) and node.arg == "help":
            silent |= set(ast.walk(node.value))
        if isinstance(node, ast.JoinedStr):
            silent |= set(node.values)
            silent |= {
                spec
                for each in node.values
                if isinstance(each, ast.FormattedValue) and each.format_spec
                for spec in (each.format_spec, *each.format_spec.values)
            }
    for node in ast.walk(tree):
        if node in silent:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(each.value) if isinstance(each, ast.Constant) else "{}" for each in node.values
            )


def claims():
    """Yield each claim outside its home."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).parts[0] == HOME or is_engine(path):
            continue
        for text in sentences(ast.parse(path.read_text())):
            if " " in text and CLAIM.search(text) and not SQL.search(text):
                yield path, text


def test_a_claim_is_found_in_any_sentence_and_in_no_help():
    source = """
'''A docstring: it is stored.'''
note(f"{name} is stored as {ident}")
raise NotFound("the archive" + " is gone", hint="it was deleted")
option("--gone", help="until it is gone")
row["deleted"]
"""
    found = [each for each in sentences(ast.parse(source)) if " " in each and CLAIM.search(each)]

    assert sorted(found) == [" is gone", "it was deleted", "{} is stored as {}"]


def test_claims_have_one_home():
    strays = {
        text: str(path.relative_to(PACKAGE))
        for path, text in claims()
        if not any(each in text for each in ALLOWED)
    }

    assert not strays, "what is proven, stored or gone is said by evidence/ alone"


def test_what_is_allowed_is_there():
    texts = [text for _, text in claims()]

    assert not [each for each in ALLOWED if not any(each in text for text in texts)]


def test_two_inventories_of_one_day_are_told_apart():
    morning, evening = (datetime(2026, 11, 28, hour, tzinfo=UTC) for hour in (8, 20))
    said = words.not_listed(Archive("i" * 138, "photos", seen=morning), evening)

    assert "of 2026-11-28T20:00:00Z, does not list it, and that of 2026-11-28T08:00:00Z did" in said
