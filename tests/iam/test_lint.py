import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glaciercli.iam import actions, lint
from glaciercli.iam.policy import decide, validate

VAULT = "arn:aws:glacier:us-east-1:123456789012:vaults/photos"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
DENY = {"Principal": "*", "Effect": "Deny", "Action": "glacier:DeleteArchive", "Resource": VAULT}
OTHER = "999999999999"


def policy(*statements):
    return validate(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def findings(*statements, beside=()):
    return list(lint.never(policy(*statements), vault=VAULT, now=NOW, beside=beside))


def when(**conditions):
    """Return the Deny of all deletions with conditions, given as operator={key: value}."""
    return {
        **DENY,
        "Condition": {name.replace("__", ":"): each for name, each in conditions.items()},
    }


def test_a_statement_is_named_with_its_reason():
    hopeless = {**when(NumericLessThan={"glacier:ArchiveAgeInYears": "7"}), "Sid": "seven-years"}

    assert findings(DENY, hopeless) == [
        (
            "statement 'seven-years' can never hold: glacier:ArchiveAgeInYears is no condition key"
            " of Glacier; did you mean glacier:ArchiveAgeInDays?"
        )
    ]


def test_a_key_of_aws_that_is_not_known_yet_is_not_judged():
    assert findings(when(StringEquals={"aws:ZebraCrossing": "y"})) == []
    [told] = findings(when(StringEquals={"aws:SourceVpcx": "y"}))
    assert "did you mean aws:SourceVpc?" in told


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        (when(StringEquals={"s3:ExistingObjectTag/x": "y"}), "s3:ExistingObjectTag/x is no cond"),
        # A key that never comes makes the negated test true: the statement means something else.
        (when(StringNotEquals={"s3:x-amz-acl": "y"}), "s3:x-amz-acl is no condition key"),
        (
            when(StringEquals={"aws:ResourceTag/Hold": "y"}),
            "did you mean glacier:ResourceTag/Hold?",
        ),
        (
            when(StringLike={"glacier:ArchiveAgeInDays": "36*"}),
            "glacier:ArchiveAgeInDays is a number, which StringLike does not compare; NumericLess",
        ),
        (when(StringEqualsIfExists={"aws:MultiFactorAuthAge": "9"}), "is a number"),
        (when(ForAnyValue__StringEquals={"glacier:ArchiveAgeInDays": "9"}), "is a number"),
        (when(DateLessThan={"glacier:ArchiveAgeInDays": "2030-01-01"}), "is a number"),
        (when(StringEquals={"aws:SecureTransport": "false"}), "is true or false, which"),
        (when(StringLike={"aws:SourceIp": "10.*"}), "is an address, which StringLike"),
        (when(NumericLessThan={"aws:CurrentTime": "1"}), "is a date, which"),
        (when(NumericLessThan={"aws:PrincipalArn": "1"}), "is an ARN, which"),
        (when(NumericLessThan={"glacier:ArchiveAgeInDays": "0"}), "meets its conditions"),
        (when(NumericEquals={"glacier:ArchiveAgeInDays": ["1.5", "-1"]}), "meets its conditions"),
        (
            when(
                NumericLessThan={"glacier:ArchiveAgeInDays": "10"},
                NumericGreaterThan={"glacier:ArchiveAgeinDays": "9"},
            ),
            "no glacier:ArchiveAge",
        ),
        (when(DateLessThan={"aws:CurrentTime": "2026-01-01T00:00:00Z"}), "meets its conditions"),
        (when(NumericLessThan={"aws:EpochTime": "1000"}), "no aws:EpochTime meets"),
        (
            when(Bool={"aws:SecureTransport": "true"}, BoolIfExists={"aws:SecureTransport": False}),
            "no aws:SecureTransport meets",
        ),
        (
            {
                **when(NumericLessThan={"glacier:ArchiveAgeInDays": "365"}),
                "Action": ["glacier:DeleteVault", "glacier:UploadArchive"],
            },
            "glacier:ArchiveAgeInDays comes with DeleteArchive and InitiateJob, not with its",
        ),
        (
            {
                **when(StringEquals={"glacier:ResourceTag/Hold": "true"}),
                "Action": "glacier:GetJobOutput",
            },
            "glacier:ResourceTag/Hold comes with",
        ),
        ({**DENY, "Action": ["glacier:CreateVault", "glacier:ListVaults"]}, "no action on a vault"),
        (
            {key: each for key, each in DENY.items() if key != "Action"} | {"NotAction": "*"},
            "no action on a vault",
        ),
        (
            {key: each for key, each in DENY.items() if key != "Resource"} | {"NotResource": VAULT},
            "leave out the vault",
        ),
        ({**DENY, "Resource": VAULT + "2"}, "leave out the vault"),
        ({**DENY, "Principal": {"AWS": OTHER}}, f"no policy of it lets in {OTHER}"),
        ({**DENY, "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"}}, "no policy of it lets in"),
        ({**DENY, "Principal": {"AWS": f"arn:aws:iam::{OTHER}:user/ann"}}, "of account 1234567890"),
        ({**DENY, "Principal": {"Service": "backup.amazonaws.com"}}, "no service"),
        (
            {key: each for key, each in DENY.items() if key != "Principal"}
            | {"NotPrincipal": {"AWS": "*"}},
            "leaves out everyone",
        ),
    ],
)
def test_what_can_never_hold_is_found(statement, reason):
    (found,) = findings(statement)

    assert reason in found


@pytest.mark.parametrize(
    "statement",
    [
        DENY,
        when(NumericLessThan={"glacier:ArchiveAgeInDays": "365"}),
        when(NumericLessThan={"glacier:ArchiveAgeInDays": "1"}),
        when(NumericNotEquals={"glacier:ArchiveAgeInDays": "0"}),
        when(StringLike={"glacier:ResourceTag/LegalHold": ["true", ""]}),
        when(NumericLessThan={"glacier:ResourceTag/Years": "7"}),
        when(DateLessThan={"aws:CurrentTime": "2030-01-01T00:00:00Z"}),
        when(DateGreaterThan={"aws:CurrentTime": "2020-01-01T00:00:00Z"}),
        when(NumericGreaterThan={"aws:EpochTime": "1000"}),
        when(DateGreaterThan={"aws:EpochTime": "2030-01-01"}),
        when(DateLessThan={"aws:TokenIssueTime": "2020-01-01T00:00:00Z"}),
        when(Bool={"aws:MultiFactorAuthPresent": "false"}),
        when(BoolIfExists={"aws:MultiFactorAuthPresent": "false"}),
        when(Null={"aws:MultiFactorAuthAge": "true"}),
        when(NotIpAddress={"aws:SourceIp": ["10.0.0.0/8"]}),
        when(ArnNotLike={"aws:PrincipalArn": "arn:aws:iam::*:role/keeper"}),
        when(StringNotLike={"aws:PrincipalArn": "arn:aws:iam::*:role/keeper"}),
        when(ForAnyValue__StringEquals={"aws:CalledVia": "athena.amazonaws.com"}),
        # Where the key is absent a negated test holds, so the action need not bear it.
        {
            **when(NumericNotEquals={"glacier:ArchiveAgeInDays": "3"}),
            "Action": "glacier:DeleteVault",
        },
        {**when(NumericLessThan={"glacier:ArchiveAgeInDays": "365"}), "Action": "glacier:*"},
        {**DENY, "Resource": "*"},
        {**DENY, "Principal": {"AWS": [OTHER, "123456789012"]}},
        {**DENY, "Principal": {"AWS": "arn:aws:iam::123456789012:user/ann"}},
        {**DENY, "Principal": {"AWS": "123456789012", "Service": "backup.amazonaws.com"}},
        {**DENY, "Principal": {"AWS": OTHER}, "Effect": "Allow"},
        {key: each for key, each in DENY.items() if key != "Principal"}
        | {"NotPrincipal": {"AWS": "arn:aws:iam::123456789012:root"}},
    ],
)
def test_what_can_hold_is_left_alone(statement):
    assert findings(statement) == []


def test_another_account_that_a_policy_lets_in_can_be_denied():
    deny = {**DENY, "Principal": {"AWS": f"arn:aws:iam::{OTHER}:user/ann"}}
    allow = {**DENY, "Effect": "Allow", "Action": "glacier:*", "Principal": {"AWS": OTHER}}

    assert findings(deny, allow) == []
    assert findings(deny, beside=[policy(allow)]) == []
    assert findings(deny, {**allow, "Principal": {"AWS": "888888888888"}}) != []


def test_each_statement_that_cannot_hold_is_named():
    hopeless = when(StringEquals={"s3:x": "y"})

    assert len(findings(hopeless, DENY, hopeless)) == 2


_AGES = st.integers(-2, 6)
_TIMES = st.integers(-5, 5).map(lambda step: int(NOW.timestamp()) + step)
_CONDITIONS = st.one_of(
    *(
        st.builds(
            lambda name, values, key=key: (name, key, [str(each) for each in values]),
            st.sampled_from([f"{family}{each}" for each in comparisons for family in families]),
            st.lists(values, min_size=1, max_size=3),
        )
        for key, families, values in (
            ("glacier:ArchiveAgeInDays", ["Numeric"], _AGES),
            ("aws:CurrentTime", ["Date"], _TIMES),
            ("aws:EpochTime", ["Numeric", "Date"], _TIMES),
        )
        for comparisons in (
            ["LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"],
            ["Equals", "NotEquals", "EqualsIfExists"],
        )
    )
)


@settings(max_examples=300)
@given(
    conditions=st.lists(_CONDITIONS, min_size=1, max_size=2),
    spoken=st.sampled_from(["glacier:*", "glacier:Delete*"]),
    action=st.sampled_from(["DeleteArchive", "DeleteVault", "ListJobs"]),
    age=st.integers(0, 8),
    later=st.integers(0, 8),
)
def test_a_statement_that_denies_a_request_is_never_found(conditions, spoken, action, age, later):
    condition = {}
    for name, key, values in conditions:
        condition.setdefault(name, {})[key] = values
    found = policy({**DENY, "Action": spoken, "Condition": condition})
    now = str(int(NOW.timestamp()) + later)
    context = {"aws:CurrentTime": now, "aws:EpochTime": now}
    if action in actions.WITH_AGE:
        context["glacier:ArchiveAgeInDays"] = str(age)
    denied = decide(
        [found],
        action=action,
        resource=VAULT,
        principal="arn:aws:iam::123456789012:root",
        account="123456789012",
        context=context,
    )

    assert not (denied and list(lint.never(found, vault=VAULT, now=NOW)))
