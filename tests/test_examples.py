"""Every example of every command, and every line of README, is run as it is written.

They run in a directory that has what they speak of, against the embedded Glacier. Only the ids in
them, which nobody can know beforehand, are replaced by those of that world.
"""

import csv
import io
import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import click
import pytest
from helpers import payload, run, write
from terminal import GLACIER, Terminal

from glaciercli.docgen import commands
from glaciercli.errors import Exit

README = (Path(__file__).parents[1] / "README.md").read_text()
SERVE = "glacier local serve"
LEAVES = [
    " ".join(path)
    for path, each in commands()
    if not isinstance(each, click.Group) and path != ("glacier", "local", "serve")
]
EXAMPLES = {" ".join(path): each.examples for path, each in commands()}
# The 33 operations of the service, each with the command whose examples must call it.
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
VAULT = "arn:aws:glacier:us-east-1:000000000000:vaults/photos"
JOB, UPLOAD, LOCK = "HkF9p6o7yjhF", "OW2fM5iVylEp", "AE863rKkWZU53SLW5be4DUcW"
# What must have been done before some of them.
TRIAL = "glacier lock start photos keep-a-year.json --yes"
NO_UPLOAD = f"glacier upload abort {UPLOAD} --vault photos --yes"
BEFORE = {
    "glacier --local vault create": ["glacier archive delete big.tar --vault photos --yes"],
    "glacier catalog mapping": [
        *(f"glacier vault create {each}" for each in ("nas", "nas_mapping")),
        "glacier upload mapping.db --vault nas_mapping",
    ],
    "glacier lock show": [TRIAL],
    "glacier lock complete": [TRIAL],
    "glacier lock abort": [TRIAL],
    "glacier vault delete": [NO_UPLOAD, "glacier vault empty photos --yes"],
    "glacier vault empty photos --delete-vault": [NO_UPLOAD],
}
# What a person is asked and answers, where one is at a terminal.
ANSWERS = {
    "glacier capacity purchase": "y\n",
    "glacier lock complete": "photos\n",
    "glacier lock start": "y\n",
    "glacier vault empty": "photos\n",
}


class World:
    """A directory with files, a vault with everything in it, and a log of what was requested."""

    def __init__(self, place):
        self.place = place
        self.log = place / "log"
        self.ids = {}

    def build(self):
        statement = {"Sid": "x", "Principal": "*", "Resource": VAULT}
        deny = {
            "Effect": "Deny",
            "Action": "glacier:DeleteArchive",
            "Condition": {"NumericLessThan": {"glacier:ArchiveAgeInDays": "365"}},
        }
        allow = {"Effect": "Allow", "Action": "glacier:ListJobs"}
        write(Path("keep-a-year.json"), json.dumps({"Statement": [statement | deny]}).encode())
        write(Path("policy.json"), json.dumps({"Statement": [statement | allow]}).encode())
        write(Path("big.tar"), payload(5 << 18))
        write(Path("log.csv"), b"a,x\nb,y\n")
        write(Path("note.txt"), b"see the attic")
        write(Path("home") / "letter.txt", b"dear")
        row = ("A", "1420070400", "CREATED", "j" * 138, "4", "1420070400", "ab" * 32, "old.tar")
        write(Path("photos.journal"), "\t".join(row).encode() + b"\n")
        with closing(sqlite3.connect("mapping.db")) as mapping:
            mapping.execute(
                "CREATE TABLE file_info_tb "
                "(key, shareName, basePath, archiveID, lastBkpTime, fileSize)"
            )
        for line in (
            "vault create photos",
            "upload big.tar log.csv -V photos",
            "vault notifications set photos --topic arn:aws:sns:us-east-1:123456789012:jobs",
            "policy set photos policy.json",
            "tags add photos project=x",
            "policy retrieval set none",
            "capacity purchase --yes",
            "vault inventory photos",
        ):
            run(*shlex.split(line))
        run("upload", "-", "-V", "photos", "--name", "2015/beach.tar", input=b"sand")
        run(*["local", "fault", "add", "UploadMultipartPart", "--status", "403", "--skip", "1"])
        run(*["upload", "big.tar", "-V", "photos", "--part-size", "1MiB", "--workers", "1"], exit=4)
        run("local", "fault", "clear")
        self.ids[UPLOAD] = run("upload", "list", "-V", "photos", "--output", "json").ids[0]
        self.ids[JOB] = run("job", "list", "-V", "photos", "--output", "json").ids[0]

    def run(self, line, *more):
        """Run a line as a shell does, after what must have been done; fail unless it succeeds."""
        for start, lines in BEFORE.items():
            if line.startswith(start):
                for each in lines:
                    self.only(each)
        return self.only(line, *more)

    def only(self, line, *more, **expected):
        """Run a line alone."""
        line, _, file = line.partition(" > ")
        before, _, last = line.rpartition(" | ")
        given = subprocess.run(before, shell=True, check=True, capture_output=True).stdout
        program, *words = [self.ids.get(each, each) for each in shlex.split(last, comments=True)]
        assert program == "glacier"
        words += [*more, "--log-file", str(self.log)]
        answer = next((ANSWERS[each] for each in ANSWERS if last.startswith(each)), None)
        asks = answer and not {"--yes", "--dry-run"} & set(words)
        if asks and more:
            words.append("--yes")  # a script's output is wanted
        elif asks:
            terminal = Terminal(*words)
            terminal.type(answer)
            assert terminal.end() == 0, terminal.shown
            return None
        result = run(*words, input=given or None, **expected)
        if file:
            Path(file).write_bytes(result.raw)
        if "lock complete" in result.stderr:
            self.ids[LOCK] = re.search(r"lock complete photos (\S+)", result.stderr)[1]
        return result

    @property
    def requested(self):
        return set(re.findall(r"INFO ([A-Z][A-Za-z]+) \S+: 2\d\d ", self.log.read_text()))


@pytest.fixture(scope="session")
def stage(tmp_path_factory):
    return World(tmp_path_factory.mktemp("stage"))


@pytest.fixture
def world(stage, monkeypatch):
    """Each test begins in the same world; it is made once, at a place that the catalog knows."""
    here, kept = stage.place / "here", stage.place / "kept"
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    monkeypatch.setenv("GLACIER_LOCAL", "1")
    monkeypatch.setenv("GLACIER_HOME", str(here / "glacier"))
    if kept.exists():
        shutil.rmtree(here)
        shutil.copytree(kept, here)
        monkeypatch.chdir(here)
    else:
        here.mkdir()
        monkeypatch.chdir(here)
        stage.build()
        shutil.copytree(here, kept)
    stage.log.write_text("")
    return stage


def lines(path):
    """Return a command's examples, each in one line."""
    return "\n".join(EXAMPLES[path]).replace("\\\n", " ").splitlines()


@pytest.mark.parametrize("path", [path for path in EXAMPLES if path != SERVE])
def test_the_examples_of_a_command_do_what_they_say(world, path):
    for line in lines(path):
        assert path in line
        world.run(line)

    wanted = {name for name, by in OPERATIONS.items() if f"glacier {by}" == path}
    assert wanted <= world.requested


# Commands whose examples ask nothing of the service.
OFFLINE = (
    "glacier archive list", "glacier archive show", "glacier archive verify",
    "glacier catalog export", "glacier catalog import", "glacier catalog list",
    "glacier catalog search", "glacier catalog verify", "glacier config", "glacier local",
    "glacier treehash",
)  # fmt: skip
READ = {
    "json": json.loads,
    "jsonl": lambda text: [json.loads(line) for line in text.splitlines()],
    "csv": lambda text: list(csv.DictReader(io.StringIO(text), strict=True)),
    "text": lambda text: [line.split("\t") for line in text.splitlines()],
}


@pytest.mark.parametrize(
    "form", [pytest.param(each, marks=[pytest.mark.slow] * (each != "json")) for each in READ]
)
@pytest.mark.parametrize("path", LEAVES)
def test_a_script_reads_what_a_command_prints(world, path, form):
    line = lines(path)[0]
    result = world.run(line, "--output", form)

    READ[form](result.stdout)


@pytest.mark.parametrize("path", LEAVES)
def test_a_script_reads_what_went_wrong(world, path):
    """Refused by the service, or where it is not asked, by the command line."""
    line = lines(path)[0]
    run(*["local", "fault", "add", "*", "--status", "403", "--times", "100"])
    if path.startswith(OFFLINE):
        error = world.only(f"{line} --no-such-option", "--output", "json", exit=Exit.USAGE).error
        assert "--no-such-option" in error["message"]
    else:
        result = world.only(line, "--output", "json", exit=Exit.ACCESS_DENIED)
        error = result.error
        assert error["code"] == "AccessDeniedException"
        assert result.stdout in {"", "[]\n"}
    assert set(error) >= {"error", "message", "hint", "code", "exitCode"}


def test_the_operations_are_those_of_the_service():
    from botocore.session import Session

    assert sorted(OPERATIONS) == sorted(Session().get_service_model("glacier").operation_names)
    assert {f"glacier {each}" for each in OPERATIONS.values()} <= set(EXAMPLES)


@pytest.mark.slow
def test_the_examples_of_serve_are_a_server_and_its_client(world):
    """The port is a free one; the client is a program of others."""
    serve, client = (each.replace("8480", "0") for each in EXAMPLES[SERVE])
    server = Terminal(*shlex.split(serve)[1:], columns=200)
    port = re.search(
        r"Serving Glacier on http://127.0.0.1:(\d+)", server.read("Serving Glacier on")
    )
    if shutil.which("aws"):
        words = shlex.split(client.replace(":0", f":{port[1]}"))
        environ = {**os.environ, "AWS_DEFAULT_REGION": "us-east-1"}
        listed = subprocess.run(words, env=environ, check=True, capture_output=True).stdout
        assert [each["VaultName"] for each in json.loads(listed)["VaultList"]] == ["photos"]
    server.type("\x03")

    assert server.end() == 0


# --- README


def lines_of_readme():
    blocks = re.findall(r"^```sh\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    lines = "".join(blocks).splitlines()
    return [each for each in lines if each.startswith("glacier ") or "| glacier " in each]


def story_of_readme():
    """Return each command of the five minutes, with what README shows of its output.

    A command goes to the end of its line, or of the document that begins there.
    """
    part = README.partition("## Five minutes")[2].partition("## Your own vaults")[0]
    blocks = "".join(re.findall(r"^```console\n(.*?)^```", part, re.DOTALL | re.MULTILINE))
    story = re.split(r"^\$ ", blocks, flags=re.MULTILINE)[1:]
    return [each.partition("\nEOF\n" if "<<'EOF'" in each else "\n") for each in story]


@pytest.mark.parametrize("line", lines_of_readme())
def test_a_line_of_readme_does_what_it_says(world, line):
    world.run(line)


@pytest.mark.slow
def test_the_five_minutes_of_readme_show_what_they_show(world, monkeypatch):
    """In a terminal of 80 columns, after the main job; ids and times are those of the day."""
    program = write(Path("bin") / "glacier", b"")
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m glaciercli "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent.absolute()}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GLACIER_HOME", str(Path("new").absolute()))
    run("vault", "create", "photos")
    run("upload", "big.tar", "-V", "photos")
    for made in ("log.csv", "keep-a-year.json"):
        Path(made).unlink()
    monkeypatch.chdir(write(Path("after") / "restored.tar", b"").parent)
    Path("../big.tar").rename("big.tar")
    for command, end, shown in story_of_readme():
        if command.startswith(". "):
            continue  # the environment is this one
        if command.startswith("export "):
            for word in command.split()[1:]:
                monkeypatch.setenv(*word.split("=", 1))
            continue
        terminal = Terminal("-c", command + end, program=["/bin/sh"])
        terminal.end()
        pattern = re.escape(without_chance(shown)).replace(r"\[\.\.\.\]", ".*")

        assert re.fullmatch(pattern if shown else ".*", without_chance(terminal.text)), command


def without_chance(text):
    """Return text with all that differs from day to day put alike, and no difference in space."""
    text = re.sub(r"[\w-]{24,}|[\w-]{12}(?:…|\.\.\.)", "ID", text)
    return " ".join(re.sub(r"\d+(?:\.\d+)?", "0", text).split())


def test_the_crontab_of_readme_prints_nothing_while_all_is_well(world, tmp_path):
    """As cron runs it: /bin/sh, little environment. The inventory is not ready, which is well."""
    run("local", "clock", "--timing", "real")
    run("local", "clock", "advance", "2d")
    table = re.search(r"^```crontab\n(.*?)^```", README, re.DOTALL | re.MULTILINE)[1].splitlines()
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    kept = ("GLACIER_HOME", "GLACIER_LOCAL", "PYTHONPATH")
    environ |= {each: os.environ[each] for each in kept}
    environ |= dict(line.split("=", 1) for line in table if re.match(r"\w+=", line))
    environ["AWS_REGION"] = "us-east-1"  # where this world's vault is
    for line in (each for each in table if each[0].isdigit()):
        command = line.split(maxsplit=5)[5].replace("/usr/local/bin/glacier", " ".join(GLACIER))
        command = command.replace("/srv/backup/nightly.tar", "big.tar")
        command = command.replace("/var/log/glacier.log", str(world.log))
        ended = subprocess.run(
            ["/bin/sh", "-c", command], env=environ, capture_output=True, text=True, check=False
        )

        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")

    assert {"CompleteMultipartUpload", "InitiateJob"} <= world.requested
    assert "in progress" in world.log.read_text()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_the_units_of_readme_are_units(tmp_path):
    blocks = re.findall(r"^```ini\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    units = [tmp_path / "glacier.service", tmp_path / "glacier.timer"]
    for unit, text in zip(units, blocks, strict=True):
        unit.write_text(text.replace("/usr/local/bin/glacier", sys.executable))

    verified = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False
    )

    assert (verified.returncode, verified.stderr) == (0, "")
