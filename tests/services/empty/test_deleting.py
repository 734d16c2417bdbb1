"""Archives deleted by name: what was planned, once it is agreed to, and nothing else."""

from datetime import timedelta

import pytest
from helpers import payload

from glaciercli.errors import NotFound, Partial, Refused
from glaciercli.models import Billable
from glaciercli.models.plans import agreed
from glaciercli.services.empty import deleting
from glaciercli.services.inventory import syncing
from glaciercli.tasks.waiting import Poll


@pytest.fixture
def known(client, catalog, vault):
    """Two archives of one vault, in the catalog; return their ids by name."""
    ids = {
        name: client.call(
            "UploadArchive", vaultName=vault, archiveDescription=name, body=payload(size)
        )["archiveId"]
        for name, size in (("one", 5), ("two", 7))
    }
    syncing.sync(client, catalog, vault, poll=Poll(timeout=0.0))
    client.engine.log.clear()
    return ids


def deletions(client):
    return [each.params["archiveId"] for each in client.engine.log.calls("DeleteArchive")]


def test_what_was_planned_is_deleted(client, catalog, vault, known):
    plan = deleting.plan(client, catalog, vault, ["one", "one"])
    assert deletions(client) == []
    done = list(deleting.delete_all(client, catalog, plan, agreed))

    assert deletions(client) == [each.id for each in done] == [known["one"]]


def test_a_young_archive_is_charged_and_an_old_one_is_not(client, catalog, vault, known):
    assert deleting.plan(client, catalog, vault, known).billable == Billable(early_deleted=12)
    client.engine.clock.advance(timedelta(days=91))
    assert deleting.plan(client, catalog, vault, known).billable == Billable()


def test_consent_is_asked_before_the_first_deletion(client, catalog, vault, known):
    asked = []

    def refuse(plan):
        asked.append(plan)
        raise Refused("no")

    plan = deleting.plan(client, catalog, vault, known)
    with pytest.raises(Refused):
        deleting.delete_all(client, catalog, plan, refuse)

    assert asked == [plan]
    assert deletions(client) == []


def test_a_plan_of_other_archives_is_not_carried_out(client, catalog, vault, known):
    plan = deleting.plan(client, catalog, vault, known)
    other = deleting.DeletePlan(vault, plan.archives[:1], 0, 0, plan.digest)
    with pytest.raises(Refused, match="not what is there now; nothing was done"):
        deleting.delete_all(client, catalog, other, agreed)

    assert deletions(client) == []


def test_a_name_that_nothing_has_plans_nothing(client, catalog, vault, known):
    with pytest.raises(NotFound):
        deleting.plan(client, catalog, vault, ["one", "three"])


def test_what_cannot_be_deleted_is_named_and_the_rest_is_gone(client, catalog, vault, known):
    fault = client.engine.faults.add(
        "DeleteArchive", kind="status", code="AccessDeniedException", status=403
    )
    plan = deleting.plan(client, catalog, vault, known)
    with pytest.raises(Partial, match="deletion of 1 archive done; 1 of 2 failed") as caught:
        list(deleting.delete_all(client, catalog, plan, agreed))

    assert client.engine.faults.delivered(fault) == 1
    assert set(caught.value.failures) == {known["one"]}
