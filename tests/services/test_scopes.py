"""The endpoint, account and region that rows of the catalog belong to: asked once, then known."""

from dataclasses import replace

import pytest
from helpers import RecordingProgress

from glaciercli.errors import NotFound
from glaciercli.hints import render
from glaciercli.models import Scope
from glaciercli.services import scopes
from glaciercli.services.vaults import vaults

ACCOUNT = "000000000000"


@pytest.fixture
def scope(client):
    return Scope(client.endpoint, ACCOUNT, client.region)


def test_the_account_is_asked_for_once(client, engine, vault, catalog, scope):
    engine.log.clear()
    assert scopes.cached(client, catalog) is None
    assert [scopes.of(client, catalog), scopes.of(client, catalog)] == [scope, scope]

    assert scopes.cached(client, catalog) == scope
    assert engine.log.count() == 1


def test_an_account_without_vaults_cannot_be_known(client, catalog):
    with pytest.raises(NotFound, match="there are no vaults in") as caught:
        scopes.of(client, catalog)

    assert "glacier vault create" in render(caught.value.hint)
    assert scopes.cached(client, catalog) is None


def test_the_scope_of_a_vault_is_that_of_its_arn_and_one_request(
    client, engine, vault, catalog, scope
):
    engine.log.clear()

    assert scopes.of_vault(client, catalog, vault) == scope
    assert engine.log.count() == engine.log.count("DescribeVault") == 1
    with pytest.raises(NotFound, match="vault 'nope' does not exist"):
        scopes.of_vault(client, catalog, "nope")


def test_credentials_that_are_of_another_account_now_are_noted(client, catalog, scope):
    progress = RecordingProgress()
    scopes.in_account(client, catalog, "1" * 12, progress=progress)
    assert progress.notes == []

    assert scopes.in_account(client, catalog, ACCOUNT, progress=progress) == scope
    [note] = progress.notes
    assert note == f"these credentials are of account {ACCOUNT}, and were of {'1' * 12}"
    assert scopes.cached(client, catalog) == scope


def test_an_account_that_the_user_named_is_not_remembered(client, catalog, scope):
    client.target = replace(client.target, account_id=ACCOUNT)
    assert scopes.cached(client, catalog) == scope
    scopes.in_account(client, catalog, ACCOUNT)

    client.target = replace(client.target, account_id="-")
    assert scopes.cached(client, catalog) is None


def test_the_account_that_refuses_is_read_from_the_refusal(client, vault):
    with pytest.raises(NotFound) as caught:
        vaults.show(client, "nope")

    assert scopes.answering(client, caught.value) == ACCOUNT
