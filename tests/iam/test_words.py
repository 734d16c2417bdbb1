import pytest

from glaciercli.iam import words

ARN = "arn:aws:glacier:us-east-1:000000000000:vaults/photos"
EVE = "arn:aws:iam::123456789012:user/eve"


def statement(**changes):
    plain = {"Effect": "Deny", "Principal": "*", "Action": "glacier:DeleteArchive", "Resource": ARN}
    return {**plain, **changes}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (statement(), "everyone may not glacier:DeleteArchive"),
        (statement(Principal={"AWS": [EVE]}), f"{EVE} may not glacier:DeleteArchive"),
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
                " and ResourceTag/Hold is like true or ''"
            ),
        ),
        (
            statement(Condition={"Bool": {"aws:MultiFactorAuthPresent": False}}),
            "everyone may not glacier:DeleteArchive when aws:MultiFactorAuthPresent is false",
        ),
        (
            {**statement(), "Principal": None, "NotPrincipal": {"AWS": [EVE]}},
            f"everyone but {EVE} may not glacier:DeleteArchive",
        ),
        (
            statement(Principal={"Service": "backup.amazonaws.com", "AWS": EVE}),
            f"backup.amazonaws.com, {EVE} may not glacier:DeleteArchive",
        ),
    ],
)
def test_a_deny_is_said_in_words(given, said):
    assert list(words.denials({"Statement": [given, statement(Effect="Allow")]})) == [said]


def test_one_statement_may_stand_without_a_list():
    assert len(list(words.denials({"Statement": statement()}))) == 1
