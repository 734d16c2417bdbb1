"""A world with something of everything in it, and all the commands that ask the service.

Each command is run once with the engine behind the endpoint, so that its right replies are known.
"""

import json
import shutil
import threading
from contextlib import closing
from dataclasses import dataclass

from click.testing import CliRunner
from helpers import payload
from hostile.endpoint import Endpoint, Player, Recorder

from glaciercli.cli.app import App
from glaciercli.cli.root import cli
from glaciercli.local.engine import open_engine
from glaciercli.units import MIB

DATA = payload(2 * MIB + 777, seed=7)
OTHER = payload(MIB + 5, seed=8)
KEY, SECRET = "AKIDCANARY", "wJalrCANARYkeyOfTheTests"
ARN = "arn:aws:glacier:us-east-1:000000000000:vaults/{}"


def policy(vault, action="DeleteArchive"):
    statement = {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": f"glacier:{action}",
        "Resource": ARN.format(vault),
        "Condition": {"NumericLessThan": {"glacier:ArchiveAgeInDays": "365"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


# {name} is a file of the scene's, or an id that the setup has made.
SETUP = """
vault create photos
vault create docs
vault create spare
vault create locked
upload {big} -V photos --part-size 1MiB
upload {small} -V photos
upload {small} -V docs
vault inventory photos
job start archive big.tar -V photos
job start inventory -V photos
tags add photos team=backup
policy set photos {policy}
policy retrieval set 10GiB
vault notifications set photos --topic arn:aws:sns:us-east-1:000000000000:done
lock start locked {lockpolicy} --yes
capacity purchase --yes
"""

SCENES = """
vault create another
vault delete spare --yes
vault empty docs --yes --no-wait
vault empty docs --yes --delete-vault --no-wait
vault empty photos --dry-run --no-wait
vault inventory photos --no-wait
vault list
vault show photos
vault wait photos --max-wait 0
vault notifications show photos
vault notifications set photos --topic arn:aws:sns:us-east-1:000000000000:other
vault notifications delete photos --yes
archive list -V photos
archive show big.tar -V photos
archive delete small.bin -V photos --yes
archive download big.tar {out}/restored -V photos --no-wait
archive download small.bin - -V photos --no-wait
archive download small.bin {out}/range -V photos --range 0-1MiB --no-wait
archive download --to {out}/tree -V photos --no-wait
archive verify big.tar {big} -V photos
archive verify -V photos --sample 1 --yes --no-wait
job list -V photos
job show {job} -V photos
job wait {job} -V photos --no-wait
job output {job} {out}/output -V photos
job output {inventory} - -V photos
job start archive small.bin -V photos
job start inventory -V photos
job start select big.tar -V photos --expression {select} --bucket results --prefix x
upload {fresh} -V photos --part-size 1MiB
upload {fresh} -V photos --single
upload list -V photos
upload show {upload} -V photos
upload resume {upload} {big} -V photos
upload abort {upload} -V photos --yes
upload - -V photos --name stdin
catalog list
catalog search big
catalog sync photos --no-wait
catalog sync --no-wait
catalog verify photos
catalog export - -V photos
lock show locked
lock start docs {docspolicy} --yes
lock complete locked {lock} --yes
lock abort locked --yes
policy show photos
policy set photos {policy}
policy delete photos --yes
policy retrieval show
policy retrieval set none
tags list photos
tags add photos a=b
tags remove photos team --yes
capacity list
capacity purchase --yes
"""


@dataclass(frozen=True)
class Run:
    """What one run of the program did."""

    exit: int
    stdout: bytes
    stderr: str
    exception: BaseException | None


class Theatre:
    """The world in a directory, put back before each run; `replies` are the right ones by scene."""

    def __init__(self, room, endpoint):
        self._room = room
        self.endpoint = endpoint
        self.elsewhere = Endpoint()  # where nobody should ever come
        self.home = room / "home"
        self.out = room / "out"
        self._words = {"out": self.out, "select": "select * from archive s"}
        self.replies = {}

    @property
    def environment(self):
        return {
            "GLACIER_HOME": str(self.home),
            "GLACIER_ENDPOINT_URL": self.endpoint.url,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "GLACIER_WORKERS": "1",
        }

    def words(self, scene):
        return [each.format(**self._words) for each in scene.replace("{select}", "\0").split()]

    def play(self, scene, operation=None, wrong=None):
        """Run a scene against its right replies, those of one operation exchanged."""
        self._reset()
        self.endpoint.answer = player = Player(self.replies[scene], operation, wrong)
        return self._run(scene), player.asked[operation]

    def run(self, scene):
        words = [each.replace("\0", self._words["select"]) for each in self.words(scene)]
        stop = threading.Event()
        stop.set()  # as after a first signal: nothing is asked again, nobody waits
        got = CliRunner().invoke(
            cli, words, obj=App(stop), input=OTHER if "upload -" in scene else None
        )
        exception = None if isinstance(got.exception, SystemExit) else got.exception
        return Run(got.exit_code, got.stdout_bytes, got.stderr, exception)

    _run = run

    def _reset(self):
        for live, kept in ((self.home, "home.kept"), (self.out, "out.kept")):
            shutil.rmtree(live, ignore_errors=True)
            shutil.copytree(self._room / kept, live)

    def rehearse(self):
        for name, data in (
            ("big.tar", DATA), ("small.bin", OTHER), ("fresh.bin", DATA[::-1]),
            ("policy.json", policy("photos", "DeleteVault").encode()),
            ("lockpolicy.json", policy("locked").encode()),
            ("docspolicy.json", policy("docs").encode()),
        ):  # fmt: skip
            (self._room / name).write_bytes(data)
            self._words[name.partition(".")[0]] = self._room / name
        self.out.mkdir()
        first = self._room / "store"
        with closing(open_engine(first)) as engine:
            self.endpoint.answer = Recorder(engine)
            for line in SETUP.strip().splitlines():
                self._must(line)
            self._learn()
        shutil.copytree(self.home, self._room / "home.kept")
        shutil.copytree(self.out, self._room / "out.kept")
        for number, scene in enumerate(SCENES.strip().splitlines()):
            self._reset()
            store = self._room / f"store{number}"
            shutil.copytree(first, store)
            with closing(open_engine(store)) as engine:
                self.endpoint.answer = recorder = Recorder(engine)
                self._must(scene)
            shutil.rmtree(store)
            self.replies[scene] = dict(recorder.replies)

    def _must(self, line):
        got = self.run(line)
        assert got.exit == 0, (line, got)
        return got

    def _learn(self):
        jobs = json.loads(self._must("job list -V photos --output json").stdout)
        by_kind = {each["Action"]: each["JobId"] for each in jobs}
        self._words["job"] = by_kind["ArchiveRetrieval"]
        self._words["inventory"] = by_kind["InventoryRetrieval"]
        lock = json.loads(self._must("lock abort locked --yes --output json").stdout)
        assert lock["State"] == "InProgress"
        lock = json.loads(self._must("lock start locked {lockpolicy} --yes --output json").stdout)
        self._words["lock"] = lock["lockId"]
        self._words["upload"] = self._half_an_upload()

    def _half_an_upload(self):
        """Begin an upload and store one part of it, as another machine would."""
        from glaciercli.clients.glacier import Target
        from glaciercli.clients.session import connect
        from glaciercli.treehash import tree_hash

        client = connect(Target(region="us-east-1", endpoint_url=self.endpoint.url), timeout=5.0)
        upload = client.call(
            "InitiateMultipartUpload",
            vaultName="photos",
            archiveDescription="half",
            partSize=str(MIB),
        )["uploadId"]
        part = DATA[:MIB]
        client.call(
            "UploadMultipartPart",
            vaultName="photos",
            uploadId=upload,
            range=f"bytes 0-{MIB - 1}/*",
            checksum=tree_hash(part),
            body=part,
        )
        return upload
