import json

import pytest

from glaciercli.errors import Refused
from glaciercli.services import documents

ARN = "arn:aws:glacier:us-east-1:000000000000:vaults/photos"


def statement(**changes):
    plain = {"Effect": "Deny", "Principal": "*", "Action": "glacier:DeleteArchive", "Resource": ARN}
    return {**plain, **changes}


def read(*statements):
    return documents.read(json.dumps({"Statement": list(statements)}), arn=ARN)


def test_one_statement_may_stand_without_a_list():
    document = {"Statement": statement()}

    assert documents.read(json.dumps(document), arn=ARN) == document


@pytest.mark.parametrize("resource", [ARN, [ARN], "*"])
def test_resources_that_mean_the_vault(resource):
    read(statement(Resource=resource))


@pytest.mark.parametrize("resource", [ARN + "x", [ARN, ARN.replace("photos", "docs")], 7])
def test_a_resource_that_means_another_vault_is_refused(resource):
    with pytest.raises(Refused, match="the vault is"):
        read(statement(Resource=resource))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (statement(), "everyone may not glacier:DeleteArchive"),
        (
            statement(Principal={"AWS": ["arn:aws:iam::123456789012:user/eve"]}),
            "arn:aws:iam::123456789012:user/eve may not glacier:DeleteArchive",
        ),
        (
            statement(Action=["glacier:Delete*", "glacier:Abort*"], Principal={"AWS": "*"}),
            "everyone may not glacier:Delete*, glacier:Abort*",
        ),
        (
            {**statement(), "Action": None, "NotAction": "glacier:List*"},
            "everyone may not everything but glacier:List*",
        ),
        (
            statement(
                Condition={
                    "NumericLessThan": {"glacier:ArchiveAgeInDays": "365"},
                    "StringLike": {"glacier:ResourceTag/Hold": ["true", ""]},
                }
            ),
            (
                "everyone may not glacier:DeleteArchive when ArchiveAgeInDays < 365"
                " and ResourceTag/Hold is like true or "
            ),
        ),
    ],
)
def test_a_deny_is_said_in_words(given, words):
    assert list(documents.denials({"Statement": [given, statement(Effect="Allow")]})) == [words]


def test_deep_json_is_refused_and_not_a_crash():
    with pytest.raises(Refused, match="not valid JSON"):
        documents.read('{"Statement":' * 100_000, arn=ARN)
