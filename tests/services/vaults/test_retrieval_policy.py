import pytest

from glaciercli.errors import UsageError
from glaciercli.services.vaults import retrieval_policy


def test_an_untouched_account_has_no_limit(client):
    assert retrieval_policy.show(client).strategy == "None"


@pytest.mark.parametrize("limit", ["", "lots", "-1", "10 apples"])
def test_a_limit_is_a_word_or_a_size(client, limit):
    with pytest.raises(UsageError):
        retrieval_policy.set_(client, limit)
