import pytest

from glaciercli.errors import NotFound
from glaciercli.services.vaults import notifications, vaults


def test_an_error_tells_whether_the_vault_or_its_configuration_is_missing(client):
    vaults.create(client, "photos")

    for act in (notifications.show, notifications.delete):
        with pytest.raises(NotFound, match="vault 'photos' has no notifications"):
            act(client, "photos")
        with pytest.raises(NotFound, match="vault 'nope' does not exist"):
            act(client, "nope")
