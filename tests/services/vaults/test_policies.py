import json

import pytest

from glaciercli.errors import NotFound, Refused, UsageError
from glaciercli.services.vaults import policies, vaults


@pytest.fixture
def text(client):
    vault = vaults.create(client, "photos")
    allow = {"Effect": "Allow", "Principal": "*", "Action": "glacier:*", "Resource": vault.arn}
    return json.dumps({"Statement": [allow]})


def test_a_policy_is_set_shown_and_deleted(client, text):
    given = policies.set_(client, "photos", text)

    assert policies.show(client, "photos") == given
    assert policies.delete(client, "photos") == given
    with pytest.raises(NotFound, match="no access policy"):
        policies.delete(client, "photos")


def test_nothing_is_sent_for_a_policy_that_is_no_json(client, engine, text):
    with pytest.raises(Refused):
        policies.set_(client, "photos", text[:-1])

    with pytest.raises(NotFound):
        policies.show(client, "photos")


def test_an_untouched_account_has_no_limit(client):
    assert policies.show_retrieval(client).strategy == "None"


@pytest.mark.parametrize("limit", ["", "lots", "-1", "10 apples"])
def test_a_limit_is_a_word_or_a_size(client, limit):
    with pytest.raises(UsageError):
        policies.set_retrieval(client, limit)
