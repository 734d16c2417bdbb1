"""The ledger of jobs: what the service last told, of all vaults."""

from datetime import UTC, datetime, timedelta

from glaciercli.catalog import ledger
from glaciercli.catalog.store import Catalog
from glaciercli.models import Job, Scope

DAY = datetime(2013, 5, 1, tzinfo=UTC)


def ids(jobs):
    return [each.id for each in jobs]


def job(ident="j", **fields):
    return Job(ident, "photos", "ArchiveRetrieval", "InProgress", created=DAY, **fields)


def test_a_job_is_known_as_it_was_last_told_until_it_expires(catalog, scope):
    ledger.record(catalog, scope, job())
    done = job(completed=True, finished=DAY + timedelta(hours=4), archive_size=7)
    ledger.record_listing(catalog, scope, "photos", [done], DAY)

    assert ledger.jobs(catalog, scope) == [done]

    ledger.record_listing(catalog, scope, "photos", [], DAY + timedelta(days=2))

    assert ledger.jobs(catalog, scope) == []

    ledger.record(catalog, scope, done)  # it is told of all the same

    assert ledger.jobs(catalog, scope) == [done]


def test_the_ledger_spans_vaults_newest_first(catalog, scope):
    ledger.record(catalog, scope, job("old"))
    ledger.record(
        catalog,
        scope,
        Job("new", "films", "InventoryRetrieval", "Succeeded", created=DAY + timedelta(1)),
    )

    assert ids(ledger.jobs(catalog, scope)) == ["new", "old"]
    assert ids(ledger.jobs(catalog, scope, "photos")) == ["old"]
    assert catalog.vaults(scope) == ["films", "photos"]


def test_no_other_worlds_jobs_are_in_it(catalog, scope):
    ledger.record(catalog, scope, job())
    ledger.record(catalog, Scope("aws", scope.account, "us-east-1"), job("elsewhere"))

    assert ids(ledger.jobs(catalog, scope)) == ["j"]


def test_a_listing_that_takes_its_time_holds_up_nobody(catalog, scope, tmp_path):
    """It comes from the service, page by page; a job that was started meanwhile is not in it."""

    def pages():
        other = Catalog.open(tmp_path / "catalog.db")
        ledger.record(other, scope, job("meanwhile"))
        other.close()
        yield job("listed")

    ledger.record_listing(catalog, scope, "photos", pages(), DAY)
    assert sorted(ids(ledger.jobs(catalog, scope))) == ["listed", "meanwhile"]
