import json

import pytest

from glaciercli.errors import AccessDenied, LostReply, NotFound, Refused
from glaciercli.hints import render
from glaciercli.services.vaults import lock, vaults


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
    lock.start(client, "photos", policy)

    with pytest.raises(AccessDenied):
        client.call("DeleteArchive", vaultName="photos", archiveId=archive)


def test_a_wrong_id_does_not_complete(client, policy):
    lock.start(client, "photos", policy)

    with pytest.raises(Refused):
        lock.complete(client, "photos", "x" * 24)

    assert lock.show(client, "photos").state == "InProgress"


def test_a_refusal_for_another_reason_is_told_as_it_is(client, engine, policy):
    fault = engine.faults.add(
        "InitiateVaultLock", kind="status", code="AccessDeniedException", status=403
    )

    with pytest.raises(AccessDenied):
        lock.start(client, "photos", policy)

    assert engine.faults.delivered(fault) == 1


def test_a_lost_reply_says_how_to_get_a_lock_whose_id_is_known(client, engine, policy):
    fault = engine.faults.drop("InitiateVaultLock", applied=True)
    with pytest.raises(LostReply) as caught:
        lock.start(client, "photos", policy)
    assert engine.faults.delivered(fault) == 1
    assert "glacier lock abort photos" in render(caught.value.hint)
    lock.abort(client, "photos")

    assert lock.start(client, "photos", policy).id


def test_the_id_is_told_though_the_lock_cannot_be_looked_at(client, engine, policy):
    fault = engine.faults.add(
        "GetVaultLock", kind="status", code="AccessDeniedException", status=403
    )
    started = lock.start(client, "photos", policy)

    assert engine.faults.delivered(fault) == 1
    assert started.forbids
    assert lock.complete(client, "photos", started.id).state == "Locked"


def test_aborting_nothing_is_not_found(client, policy):
    with pytest.raises(NotFound, match="has no lock"):
        lock.abort(client, "photos")
