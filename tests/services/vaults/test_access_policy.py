import pytest

from glaciercli.errors import NotFound
from glaciercli.services.vaults import access_policy, vaults


def test_an_error_tells_whether_the_vault_or_its_policy_is_missing(client):
    vaults.create(client, "photos")

    for act in (access_policy.show, access_policy.delete):
        with pytest.raises(NotFound, match="vault 'photos' has no access policy"):
            act(client, "photos")
        with pytest.raises(NotFound, match="vault 'nope' does not exist"):
            act(client, "nope")
