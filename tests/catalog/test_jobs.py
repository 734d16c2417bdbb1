"""The ledger of jobs: what the service last told, of all vaults."""

from datetime import UTC, datetime, timedelta

from glaciercli.catalog import jobs as catalog_jobs
from glaciercli.catalog.store import Catalog
from glaciercli.models import Job, Scope

DAY = datetime(2013, 5, 1, tzinfo=UTC)


def ids(jobs):
    return [each.id for each in jobs]


def job(ident="j", **fields):
    return Job(ident, "photos", "ArchiveRetrieval", "InProgress", created=DAY, **fields)


def test_a_job_is_known_as_it_was_last_told_until_it_expires(catalog, scope):
    catalog_jobs.record(catalog, scope, job())
    done = job(completed=True, finished=DAY + timedelta(hours=4), archive_size=7)
    catalog_jobs.record_listing(catalog, scope, "photos", [done], DAY)

    assert catalog_jobs.jobs(catalog, scope) == [done]

    catalog_jobs.record_listing(catalog, scope, "photos", [], DAY + timedelta(days=2))

    assert catalog_jobs.jobs(catalog, scope) == []

    catalog_jobs.record(catalog, scope, done)  # it is told of all the same

    assert catalog_jobs.jobs(catalog, scope) == [done]


def test_the_ledger_spans_vaults_newest_first(catalog, scope):
    catalog_jobs.record(catalog, scope, job("old"))
    catalog_jobs.record(
        catalog,
        scope,
        Job("new", "films", "InventoryRetrieval", "Succeeded", created=DAY + timedelta(1)),
    )

    assert ids(catalog_jobs.jobs(catalog, scope)) == ["new", "old"]
    assert ids(catalog_jobs.jobs(catalog, scope, "photos")) == ["old"]
    assert catalog.vaults(scope) == ["films", "photos"]


def test_jobs_of_another_scope_are_not_listed(catalog, scope):
    catalog_jobs.record(catalog, scope, job())
    catalog_jobs.record(catalog, Scope("aws", scope.account, "us-east-1"), job("elsewhere"))

    assert ids(catalog_jobs.jobs(catalog, scope)) == ["j"]


def test_a_slow_listing_blocks_no_writer(catalog, scope, tmp_path):
    """It comes from the service, page by page; a job that was started meanwhile is not in it."""

    def pages():
        other = Catalog.open(tmp_path / "catalog.db")
        catalog_jobs.record(other, scope, job("meanwhile"))
        other.close()
        yield job("listed")

    catalog_jobs.record_listing(catalog, scope, "photos", pages(), DAY)
    assert sorted(ids(catalog_jobs.jobs(catalog, scope))) == ["listed", "meanwhile"]
