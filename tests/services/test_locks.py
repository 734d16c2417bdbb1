import json

import pytest

from glaciercli.errors import AccessDenied, NotFound, Refused
from glaciercli.services import locks, vaults


@pytest.fixture
def policy(client):
    vault = vaults.create(client, "photos")
    deny = {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "glacier:DeleteArchive",
        "Resource": vault.arn,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [deny]})


def test_a_policy_on_trial_is_in_force_at_once(client, policy):
    archive = client.call("UploadArchive", vaultName="photos", body=b"x")["archiveId"]
    locks.start(client, "photos", policy)

    with pytest.raises(AccessDenied):
        client.call("DeleteArchive", vaultName="photos", archiveId=archive)


def test_a_wrong_id_does_not_complete(client, policy):
    locks.start(client, "photos", policy)

    with pytest.raises(Refused):
        locks.complete(client, "photos", "x" * 24)

    assert locks.show(client, "photos").state == "InProgress"


def test_a_refusal_for_another_reason_is_told_as_it_is(client, engine, policy):
    fault = engine.faults.add(
        "InitiateVaultLock", kind="status", code="AccessDeniedException", status=403
    )

    with pytest.raises(AccessDenied):
        locks.start(client, "photos", policy)

    assert engine.faults.delivered(fault) == 1


def test_aborting_nothing_is_not_found(client, policy):
    with pytest.raises(NotFound, match="has no lock"):
        locks.abort(client, "photos")
