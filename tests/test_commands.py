"""Every command is documented, has an example that parses, and a module of tests."""

import shlex
from pathlib import Path

import click
import pytest
from helpers import run

from glaciercli.cli.app import App
from glaciercli.cli.commands import Described
from glaciercli.cli.root import COMMANDS, cli
from glaciercli.docgen import commands

ROOT = Path(__file__).parents[1]
ALL = list(commands())
LEAVES = [(path, command) for path, command in ALL if not isinstance(command, click.Group)]
# The 33 operations of the service, each with the command that reaches it.
OPERATIONS = {
    "AbortMultipartUpload": "upload abort",
    "AbortVaultLock": "lock abort",
    "AddTagsToVault": "tags add",
    "CompleteMultipartUpload": "upload start",
    "CompleteVaultLock": "lock complete",
    "CreateVault": "vault create",
    "DeleteArchive": "archive delete",
    "DeleteVault": "vault delete",
    "DeleteVaultAccessPolicy": "policy delete",
    "DeleteVaultNotifications": "vault notifications delete",
    "DescribeJob": "job show",
    "DescribeVault": "vault show",
    "GetDataRetrievalPolicy": "policy retrieval show",
    "GetJobOutput": "job output",
    "GetVaultAccessPolicy": "policy show",
    "GetVaultLock": "lock show",
    "GetVaultNotifications": "vault notifications show",
    "InitiateJob": "job start archive",
    "InitiateMultipartUpload": "upload start",
    "InitiateVaultLock": "lock start",
    "ListJobs": "job list",
    "ListMultipartUploads": "upload list",
    "ListParts": "upload show",
    "ListProvisionedCapacity": "capacity list",
    "ListTagsForVault": "tags list",
    "ListVaults": "vault list",
    "PurchaseProvisionedCapacity": "capacity purchase",
    "RemoveTagsFromVault": "tags remove",
    "SetDataRetrievalPolicy": "policy retrieval set",
    "SetVaultAccessPolicy": "policy set",
    "SetVaultNotifications": "vault notifications set",
    "UploadArchive": "upload start",
    "UploadMultipartPart": "upload start",
}


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
    if not isinstance(command, click.Group):
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


def examples():
    for path, command in ALL:
        for line in "\n".join(command.examples).replace("\\\n", " ").splitlines():
            for run_ in line.split(" | "):
                if run_.startswith("glacier "):
                    yield pytest.param(path, run_.removeprefix("glacier "), id=run_)


@pytest.mark.parametrize(("path", "line"), list(examples()))
def test_an_example_is_a_command_line_of_its_command(path, line, tmp_path, monkeypatch):
    """Parsed by the command itself, with the files that it names; not run."""
    monkeypatch.chdir(tmp_path)
    words = shlex.split(line.partition(" > ")[0])
    for word in words:
        if "." in word and "/" not in word and ":" not in word and not word.startswith("-"):
            Path(word).write_text("{}")

    found = parsed(words)

    assert name(found).startswith(name(path))


def parsed(words):
    """Return the words of the command that takes a command line, having parsed all of it."""
    context = cli.make_context("glacier", list(words), obj=App())
    path = ["glacier"]
    with context:
        command = cli
        while isinstance(command, click.Group):
            rest = [*context._protected_args, *context.args]
            verb, command, rest = command.resolve_command(context, rest)
            context = command.make_context(verb, rest, parent=context)
            path.append(verb)
    return path


def test_the_list_of_the_root_says_what_the_commands_say():
    for word, (_, line) in COMMANDS.items():
        command = cli.get_command(click.Context(cli), word)
        assert (command.help.partition("\n")[0], word) == (line, word)


def test_every_command_knows_ids_and_global_options():
    assert all(isinstance(command, Described) for _, command in ALL)


@pytest.mark.parametrize("word", sorted(COMMANDS))
def test_every_group_has_a_module_of_tests(word):
    assert (ROOT / "tests" / "cli" / f"test_{word}.py").exists()


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_every_operation_of_the_service_has_a_command(operation):
    assert OPERATIONS[operation] in {name(path[1:]) for path, _ in LEAVES}


def test_the_operations_are_those_of_the_service():
    from botocore.session import Session

    model = Session().get_service_model("glacier")

    assert sorted(OPERATIONS) == sorted(model.operation_names)


def test_git_annex_is_told_that_we_are_not_its_glacier():
    assert "git-annex" in run("--compatibility-test-git-annex", exit=2).stderr


def test_the_version_is_told():
    assert run("--version").stdout.startswith("glacier, version ")
