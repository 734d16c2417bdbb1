"""Text of other people in everything that a terminal shows: none of it acts there."""

import json
import re
import sys

import pytest
from helpers import payload, write
from terminal import Terminal

POISON = "\x1b]0;owned\x07\x1b[2J\x9b31m\x00\x08\u202e\u2028\u2066[red]x[/red][/x][link=http://x]"
NAME = POISON.replace("\x00", "")  # no file and no argument holds a NUL
_ACTING = re.compile("[\x00\x07\x08\x9b\u202e\u2028\u2066]|\x1b\\]|\x1b\\[2J|\x1b\\[31m")

COMMANDS = """
archive list -V photos
archive show {id} -V photos
archive show nope{name} -V photos
archive download {id} {out} -V photos
archive download --to {tree} -V photos
archive download --to {tree}2 -V photos --dry-run
archive verify {id} {file} -V photos
archive delete {id} -V photos
catalog list
catalog list --output csv
catalog list --output text
catalog list --output json
catalog search owned
catalog search owned --query [].name
catalog search owned --query [].name --output text
catalog export - -V photos
catalog sync photos -v
catalog verify photos
job list -V photos
job show {job} -V photos
job show {job} -V photos --debug
tags list photos
policy show photos
vault notifications show photos
vault empty photos --dry-run
vault show {name}
vault empty photos
upload list -V photos
upload {file} -V photos
upload {file} -V photos --description {name}
upload {file}.nope -V photos
local fault list
local notifications
config show --profile {name}
config show --config {out}{name}
treehash {file}
vault list --query {name}
vault list --output {name}
{name}
vault {name}
vault list --{name}
"""

_PROGRAM = """
import json, sys
from glaciercli.cli.app import App
from glaciercli.cli import boundary
from glaciercli.cli.root import cli
for words in json.load(open(sys.argv[1])):
    app = App()
    boundary.run(lambda: cli.run(words, app), app, words)
    app.close()
print("walked to the end")
"""


@pytest.fixture
def walked(glacier, tmp_path):
    """Return all that a terminal gets to see of a walk through the commands."""
    hostile = write(tmp_path / f"in{NAME.replace('/', '')}", payload(2 << 20))
    glacier("vault", "create", "photos")
    for name in (NAME, f"dir/{NAME}"):
        glacier("upload", "-", "--name", name, "-V", "photos", input=payload(10))
    glacier("upload", hostile, "-V", "photos", "--part-size", "1MiB")
    glacier("vault", "inventory", "photos")
    ident = glacier("archive", "list", "-V", "photos", "--output", "json").ids[0]
    topic = f"arn:aws:sns:us-east-1:000000000000:{NAME}"
    statement = {
        "Sid": POISON, "Effect": "Deny", "Principal": {"AWS": "*"},
        "Action": "glacier:AbortVaultLock",
        "Resource": "arn:aws:glacier:us-east-1:000000000000:vaults/photos",
    }  # fmt: skip
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    for words in (
        ["tags", "add", "photos", f"k{NAME}=v{NAME}"],
        ["policy", "set", "photos", write(tmp_path / "policy.json", policy.encode())],
        ["vault", "notifications", "set", "photos", "--topic", topic],
        ["job", "start", "archive", ident, "-V", "photos", "--description", f"d{NAME}"],
        ["job", "start", "archive", ident, "-V", "photos", "--topic", topic],
    ):
        run_or_be_refused(*words)
    job = glacier("job", "list", "-V", "photos", "--output", "json").ids[0]
    values = {
        "id": ident, "job": job, "name": NAME, "file": hostile, "out": tmp_path / f"out{NAME[:8]}",
        "tree": tmp_path / "tree",
    }  # fmt: skip
    lines = [
        [each.format(**values) for each in line.split()] for line in COMMANDS.split("\n")[1:-1]
    ]
    script = write(tmp_path / "walk.py", _PROGRAM.encode())
    words = write(tmp_path / "words.json", json.dumps(lines).encode())
    terminal = Terminal(words, columns=100, program=(sys.executable, script))
    terminal.type("n\n" * 9)  # to every question, before it is asked
    terminal.read()
    terminal.end()
    return lines, terminal.shown


def run_or_be_refused(*words):
    """Run a setup whose poison the service may refuse to take."""
    from click.testing import CliRunner

    from glaciercli.cli.root import cli

    assert CliRunner().invoke(cli, list(map(str, words))).exit_code in {0, 2, 7}


def test_nothing_of_others_acts_on_a_terminal(walked, count):
    lines, shown = walked
    count({"lines walked with poison": len(lines)})

    assert "walked to the end" in shown
    assert "unexpected" not in shown
    assert "Traceback" not in shown
    assert shown.count("owned") > len(lines)  # it was shown, as what it is
    found = _ACTING.search(shown)
    assert found is None, shown[max(0, found.start() - 300) : found.end() + 50]
