import json

import pytest

from glaciercli.errors import NotFound, Refused
from glaciercli.services.vaults import access_policy, vaults


@pytest.fixture
def text(client):
    vault = vaults.create(client, "photos")
    allow = {"Effect": "Allow", "Principal": "*", "Action": "glacier:*", "Resource": vault.arn}
    return json.dumps({"Statement": [allow]})


def test_a_policy_is_set_shown_and_deleted(client, text):
    given = access_policy.set_(client, "photos", text)

    assert access_policy.show(client, "photos") == given
    assert access_policy.delete(client, "photos") == given
    with pytest.raises(NotFound, match="no access policy"):
        access_policy.delete(client, "photos")


def test_nothing_is_sent_for_a_policy_that_is_no_json(client, engine, text):
    with pytest.raises(Refused):
        access_policy.set_(client, "photos", text[:-1])

    with pytest.raises(NotFound):
        access_policy.show(client, "photos")
