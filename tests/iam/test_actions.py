import pytest
from botocore.loaders import Loader

from glaciercli.iam import actions


def test_the_actions_are_named_as_the_operations_are():
    operations = Loader().load_service_model("glacier", "service-2")["operations"]

    assert set(operations) == actions.ACTIONS


def test_actions_on_a_vault_are_those_with_a_vault_in_their_address():
    operations = Loader().load_service_model("glacier", "service-2")["operations"]
    with_vault = {
        name for name, each in operations.items() if "{vaultName}" in each["http"]["requestUri"]
    }

    # A vault that is to be made has no policy yet.
    assert with_vault - {"CreateVault"} == actions.ON_VAULT


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("glacier:ArchiveAgeInDays", "number"),
        ("glacier:ArchiveAgeinDays", "number"),
        ("GLACIER:resourcetag/Legal Hold/2", "text"),
        ("aws:MultiFactorAuthPresent", "boolean"),
        ("aws:PrincipalTag/team", "text"),
        ("aws:sourceip", "address"),
    ],
)
def test_a_key_is_known_in_any_case(name, kind):
    assert actions.key(name).kind == kind


@pytest.mark.parametrize(
    "name",
    [
        "glacier:ArchiveAgeInYears",
        "glacier:ResourceTag",
        "glacier:ResourceTag/",
        "glacier:ArchiveAgeInDays/x",
        "aws:ResourceTag/x",
        "s3:ExistingObjectTag/x",
        "",
    ],
)
def test_no_other_key_is_one_of_glacier(name):
    assert actions.key(name) is None
