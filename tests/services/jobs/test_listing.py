from datetime import timedelta

import pytest

from glaciercli.services.jobs import jobs, listing


@pytest.fixture
def two_vaults(client, vault):
    client.call("CreateVault", vaultName="films")
    for name in (vault, "films"):
        client.call("UploadArchive", vaultName=name, body=b"x")
    return [jobs.start_inventory(client, name) for name in (vault, "films")]


def test_the_jobs_of_all_vaults_are_one_list(client, catalog, two_vaults):
    found = listing.refresh(client, catalog)

    assert {each.id for each in found} == {each.id for each in two_vaults}
    assert [each.vault for each in listing.refresh(client, catalog, "films")] == ["films"]


def test_an_output_is_there_for_a_day_and_then_forgotten(client, catalog, two_vaults):
    client.engine.clock.freeze()
    [job, _] = listing.refresh(client, catalog)
    assert job.kept_until == job.finished + timedelta(hours=24)

    client.engine.clock.advance(timedelta(hours=25))
    assert listing.refresh(client, catalog) == []


def test_a_running_job_has_no_output_to_expire(client, catalog, two_vaults, vault):
    client.engine.timing = "real"
    client.engine.clock.freeze()
    running = jobs.start_inventory(client, vault)

    [found] = [each for each in listing.refresh(client, catalog) if each.id == running.id]
    assert found.kept_until is None
