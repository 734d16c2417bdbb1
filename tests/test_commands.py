"""Every command is documented and has a module of tests; its examples are in test_examples."""

import ast
import re
from pathlib import Path

import click
import pytest
from helpers import run

from glaciercli.cli.command import GLOBALS, Described
from glaciercli.cli.root import COMMANDS, cli
from glaciercli.docgen import commands

ROOT = Path(__file__).parents[1]
ALL = list(commands())
LEAVES = [(path, command) for path, command in ALL if not isinstance(command, click.Group)]


def name(path):
    return " ".join(path)


def each(commands):
    return pytest.mark.parametrize(
        ("path", "command"), commands, ids=[name(path) for path, _ in commands]
    )


@each(ALL)
def test_help_fits_80_columns_and_ends_with_an_example(path, command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")

    lines = run(*path[1:], "--help").lines

    assert max(map(len, lines)) <= 80
    assert lines[-1].endswith(command.examples[-1])


@each(LEAVES)
def test_a_command_says_what_it_does_in_one_line(path, command):
    first = command.help.partition("\n")[0]

    assert first.endswith(".")
    assert len(first) <= 96


@each(ALL)
def test_an_option_says_what_it_is_for(path, command):
    silent = [
        param.name
        for param in command.params
        if isinstance(param, click.Option) and not param.hidden and not param.help
    ]

    assert silent == []


def said_in_source():
    """Return the command lines in what the program says: hints, which are to be pasted."""
    lines = set()
    for path in (ROOT / "glaciercli").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Command":
                lines.add(" ".join(map(_word, node.args)))
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            text = "".join(map(_word, parts))
            if "\n" not in text and "`" not in text:  # that would be documentation
                found = re.findall(r"\bglacier ([a-z]+ [^\s;,].*?)(?=[;,]|$)", text)
                lines.update(found)
    return sorted(line for line in lines if line.split()[0] in COMMANDS)


def _word(node):
    return str(node.value) if isinstance(node, ast.Constant) else "x"


@pytest.mark.parametrize("line", said_in_source())
def test_a_hint_names_commands_and_options_that_there_are(line):
    command, words = cli, line.split()
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words[0])
        if found is None:
            break
        command, words = found, words[1:]

    context = click.Context(command)
    known = {name for each in (*command.own_options(context), *GLOBALS) for name in each.opts}
    assert not isinstance(command, click.Group) or command.name == "upload"
    assert {word for word in words if word.startswith("--")} <= known


def test_the_list_of_the_root_says_what_the_commands_say():
    for word, (_, line) in COMMANDS.items():
        command = cli.get_command(click.Context(cli), word)
        assert (command.help.partition("\n")[0], word) == (line, word)


def test_every_command_knows_ids_and_global_options():
    assert all(isinstance(command, Described) for _, command in ALL)


@pytest.mark.parametrize("word", sorted(COMMANDS))
def test_every_group_has_a_module_of_tests(word):
    assert (ROOT / "tests" / "cli" / "commands" / f"test_{word}.py").exists()


def test_git_annex_is_told_that_we_are_not_its_glacier():
    assert "git-annex" in run("--compatibility-test-git-annex", exit=2).stderr


def test_the_version_is_told():
    assert run("--version").stdout.startswith("glacier, version ")
