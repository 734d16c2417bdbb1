"""What a run can touch: a home with an engine's store, a source, a place for downloads.

A world is prepared once and put back before each run. Paths stay the same, since journals and
locks are named by them; the source stays the same file, since an upload is bound to it.
"""

import functools
import importlib
import pickle
import shutil
import sqlite3
import uuid
from contextlib import closing

import botocore.session
import helpers

from glaciercli.catalog.store import Catalog
from glaciercli.clients.glacier import Target
from glaciercli.clients.session import connect
from glaciercli.models import Scope
from glaciercli.units import MIB

VAULT = "photos"
DATA = helpers.payload(2 * MIB + 777, seed=5)  # three parts of the least size
ACCOUNT = "000000000000"


class World:
    """One test's world in a directory, best on a file system in memory."""

    def __init__(self, root):
        self.root = root
        self.live = root / "live"
        self.home = self.live / "home"
        self.out = self.live / "out"
        self.target = self.out / "restored.tar"
        self.journals = self.home / "state" / "journals"
        self.source = root / "source" / "big.tar"
        self._template = root / "template"
        self._told = root / "told"
        #: Names the start of the machine that the runs are of.
        self.boot = root / "boot_id"
        self.source.parent.mkdir(parents=True)
        self.source.write_bytes(DATA)
        self.out.mkdir(parents=True)

    # --- from run to run

    def keep(self):
        """Make what is there now what each run begins with."""
        shutil.copytree(self.live, self._template)

    def reset(self):
        """Put back what each run begins with, as after the machine was started again."""
        self.boot.write_text(str(uuid.uuid4()))
        shutil.rmtree(self.live, ignore_errors=True)
        shutil.copytree(self._template, self.live)
        self._told.unlink(missing_ok=True)

    def remember(self, name, value):
        """Hand something on to the runs: an archive, a job."""
        (self.live / name).write_bytes(pickle.dumps(value))

    def recall(self, name):
        return pickle.loads((self.live / name).read_bytes())

    # --- what the program does around a service

    def client(self, timeout=5.0):
        return connect(Target(local_root=self.home / "data" / "local"), timeout=timeout)

    def catalog(self):
        return Catalog.open(self.home / "data" / "catalog.db")

    def tell(self, text):
        """Stand for the output that the user sees; what was told must be true for ever."""
        with self._told.open("a") as file:
            file.write(f"{text}\n")

    def warn(self, text):
        """Stand for what is said on the way to the result, and true for ever as well."""
        self.tell(f"+{text}")

    @property
    def told(self):
        return [each.removeprefix("+") for each in self._said]

    @property
    def _said(self):
        return self._told.read_text().split() if self._told.exists() else []

    @property
    def journal_files(self):
        return sorted(self.journals.rglob("*.journal"))

    @property
    def damaged_journals(self):
        """The copies that were set aside; killed processes damage none, power failures may."""
        return sorted(self.journals.rglob("*.damaged-*"))

    @property
    def is_over(self):
        """Tell whether the user knows the result and no run would find anything left to do."""
        has_result = any(not each.startswith("+") for each in self._said)
        return has_result and not any(each.stat().st_size for each in self.journal_files)

    # --- the oracle's eyes

    def held(self, client):
        return helpers.held(client, VAULT)

    def open_uploads(self, client):
        return [
            each["MultipartUploadId"]
            for each in client.pages("ListMultipartUploads", vaultName=VAULT)
        ]

    def retrievals(self, client, archive_id):
        """Return the paid jobs that there are for an archive."""
        listed = client.pages("ListJobs", vaultName=VAULT)
        return [each["JobId"] for each in listed if each.get("ArchiveId") == archive_id]

    def catalogued(self, client):
        """Return the archives of the catalog, each once; fail when its file is damaged."""
        with closing(sqlite3.connect(self.home / "data" / "catalog.db")) as connection, connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        scope = Scope(client.endpoint, ACCOUNT, client.region)
        catalog = self.catalog()
        found = list(catalog.archives(scope, VAULT))
        catalog.close()
        return found


@functools.cache
def share_session():
    """Return botocore's session for all boto3 sessions to share: loading it outlasts a run."""
    shared = botocore.session.get_session()
    shared.create_client("glacier", region_name="us-east-1")
    importlib.import_module("glaciercli.local.inprocess")  # else each child imports it
    return shared
