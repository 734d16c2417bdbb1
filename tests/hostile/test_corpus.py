"""Files as each released format wrote them: every later version reads them for ever.

`python tests/hostile/test_corpus.py NAME` makes a corpus of the present formats; one is made for
each change of a format, and none is changed or removed.
"""

import json
import shutil
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

CORPUS = Path(__file__).parents[1] / "corpus"
NOW = datetime(2026, 1, 31, 12, 30, 15, tzinfo=UTC)
SCOPE = ("aws", "000000000000", "us-east-1")
ID = "a" * 138


def make(where):
    """Write one file of each kind, as the program itself does."""
    from glaciercli.catalog import jobs as catalog_jobs
    from glaciercli.catalog.store import Catalog
    from glaciercli.local.engine import open_engine
    from glaciercli.models import Archive, Job, Scope
    from glaciercli.transfer.download_journal import DownloadJournal
    from glaciercli.transfer.journal import Journal
    from glaciercli.transfer.source import Identity
    from glaciercli.transfer.upload_journal import UploadJournal
    from glaciercli.transfer.upload_state import Intent, Run

    where.mkdir(parents=True)
    archive = Archive(ID, "photos", size=3, tree_hash="0" * 64, name="big.tar", created=NOW)
    identity = Identity.from_json({"device": 1, "inode": 2, "size": 3, "modified_ns": 4})
    run = Run("nas", "0" * 36, "1:2")
    intent = Intent(
        "photos", "big.tar", "/big.tar", identity, 1 << 20, "t" * 16, "d", NOW, NOW, run
    )
    with UploadJournal(Journal.open(where, "upload")) as upload:
        upload.begin(intent)
        upload.opened("u" * 92, "000000000000")
        upload.completing("0" * 64, 3, NOW)
        upload.uncertain()
        upload.done(archive)
    with DownloadJournal(Journal.open(where, "download")) as download:
        download.begin(ID, Path("/restored.tar"))
        download.retrieval("t" * 16)
        download.job("j" * 92)
        download.range(0, 3, "0" * 64)
        download.placing(3, "0" * 64)
        download.done()
    catalog = Catalog.open(where / "catalog.db")
    catalog.created(Scope(*SCOPE), archive, token="t" * 16)
    job = Job("j" * 92, "photos", "ArchiveRetrieval", "Succeeded", created=NOW, archive_id=ID)
    catalog_jobs.record(catalog, Scope(*SCOPE), job)
    catalog.close()
    open_engine(where / "store").close()
    for each in where.rglob("*.db"):
        with sqlite3.connect(each) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it
        connection.close()
    for each in [*where.rglob("*.lock"), *where.rglob("*.suspect")]:
        each.unlink()
    (where / "config.toml").write_text('vault = "photos"\n[profiles.nas]\nregion = "eu-west-1"\n')


@pytest.fixture(params=sorted(each.name for each in CORPUS.iterdir()))
def corpus(request, tmp_path):
    copy = tmp_path / "corpus"
    shutil.copytree(CORPUS / request.param, copy)
    for each in copy.rglob("*"):
        each.chmod(0o700 if each.is_dir() else 0o600)  # which git does not keep
    return copy


def test_journals_are_read(corpus):
    from glaciercli.transfer.download_journal import DownloadJournal
    from glaciercli.transfer.journal import Journal
    from glaciercli.transfer.upload_journal import UploadJournal

    with UploadJournal(Journal.open(corpus, "upload")) as upload:
        state = upload.state
    assert (state.intent.name, state.upload_id, state.completing) == ("big.tar", "u" * 92, NOW)
    assert (state.intent.size, state.done.id, state.uncertain) == (3, ID, True)
    with DownloadJournal(Journal.open(corpus, "download")) as download:
        state = download.state
    assert (state.job_id, state.ranges) == ("j" * 92, {(0, 3): "0" * 64})
    assert (state.placed, state.done) == ((3, "0" * 64), True)


def test_the_catalog_is_read(corpus):
    from glaciercli.catalog import jobs as catalog_jobs
    from glaciercli.catalog.store import Catalog
    from glaciercli.models import Scope

    catalog = Catalog.open(corpus / "catalog.db")
    assert catalog.set_aside is None
    found = catalog.find(Scope(*SCOPE), "photos", "big.tar")
    jobs = catalog_jobs.jobs(catalog, Scope(*SCOPE), "photos")
    catalog.close()
    assert (found.id, found.size, found.created) == (ID, 3, NOW)
    assert [job.id for job in jobs] == ["j" * 92]


def test_the_store_is_opened(corpus):
    from glaciercli.local.engine import open_engine

    engine = open_engine(corpus / "store")
    assert engine.store.check() == []
    engine.close()


def test_the_config_is_read(corpus):
    from glaciercli import config

    found = config.load({"profile": "nas"}, environ={"GLACIER_HOME": "/nowhere"},
                        file=corpus / "config.toml")  # fmt: skip
    assert (found["vault"], found["region"]) == ("photos", "eu-west-1")


def test_the_present_formats_are_in_the_corpus(tmp_path):
    """A change of a format adds a corpus; until then, the newest one is what is written today."""
    make(tmp_path / "new")
    newest = CORPUS / max(each.name for each in CORPUS.iterdir())

    for name in ("upload.journal", "download.journal"):
        assert _shape(newest / name) == _shape(tmp_path / "new" / name)
    for name in ("catalog.db", "store/glacier.db"):
        assert _schema(newest / name) == _schema(tmp_path / "new" / name)


def _shape(path):
    lines = [json.loads(line.partition(" ")[2]) for line in path.read_text().splitlines()]
    return [(line["v"], line["kind"], sorted(line)) for line in lines]


def _schema(path):
    connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    found = connection.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()
    version = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    return version, found


if __name__ == "__main__":
    make(CORPUS / sys.argv[1])
