"""What replies tell of an upload's beginning; how one begins is in test_start."""

import pytest

from glaciercli.services.upload._opening import account_of


@pytest.mark.parametrize(
    ("location", "account"),
    [
        ("/123456789012/vaults/x/archives/y", "123456789012"),
        ("https://there:8080/123456789012/vaults/x/archives/y", "123456789012"),
        ("/-/vaults/x/archives/y", None),
        ("", None),
        (None, None),
    ],
)
def test_a_location_tells_the_account_where_it_can(location, account):
    assert account_of(location) == account
