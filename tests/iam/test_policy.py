import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glaciercli.iam.conditions import glob
from glaciercli.iam.policy import MAX_SIZE, decide, validate

VAULT = "arn:aws:glacier:us-east-1:123456789012:vaults/photos"
ROOT = "arn:aws:iam::123456789012:root"
DENY = {"Principal": "*", "Effect": "Deny", "Action": "glacier:DeleteArchive", "Resource": VAULT}


def document(*statements, **elements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements), **elements})


def denial(statement, action="DeleteArchive", **context):
    return decide(
        [validate(document(statement))],
        action=action,
        resource=VAULT,
        principal=ROOT,
        account="123456789012",
        context={key.replace("__", ":"): value for key, value in context.items()},
    )


def test_deny_by_age_holds_until_the_archive_is_a_year_old():
    young = {"NumericLessThan": {"glacier:ArchiveAgeInDays": "365"}}
    statement = {**DENY, "Sid": "deny-based-on-archive-age", "Condition": young}

    assert str(denial(statement, glacier__ArchiveAgeinDays="364")) == (
        "with an explicit deny in statement 'deny-based-on-archive-age'"
    )
    assert denial(statement, glacier__ArchiveAgeInDays="365") is None
    assert denial(statement) is None


@pytest.mark.parametrize(("tag", "denied"), [("true", True), ("", True), ("false", False)])
def test_a_legal_hold_is_a_tag(tag, denied):
    hold = {"StringLike": {"glacier:ResourceTag/LegalHold": ["true", ""]}}
    statement = {**DENY, "Condition": hold}

    assert (denial(statement, **{"glacier:ResourceTag/LegalHold": tag}) is not None) is denied
    assert denial(statement) is None


@pytest.mark.parametrize("other", ["legalhold", "LEGALHOLD"])
def test_a_tag_in_another_case_lifts_no_legal_hold(other):
    hold = {"StringEquals": {"glacier:ResourceTag/LegalHold": "true"}}
    statement = {**DENY, "Condition": hold}
    tags = {"glacier:ResourceTag/LegalHold": "true", f"glacier:ResourceTag/{other}": "false"}

    assert denial(statement, **tags)
    assert denial(statement, **dict(reversed(tags.items())))


def test_all_conditions_must_hold():
    both = {
        "NumericLessThan": {"glacier:ArchiveAgeInDays": 10},
        "Bool": {"aws:MultiFactorAuthPresent": False},
    }
    statement = {**DENY, "Condition": both}
    young = {"glacier:ArchiveAgeInDays": "9"}

    assert denial(statement, **young, **{"aws:MultiFactorAuthPresent": "false"})
    assert denial(statement, **young, **{"aws:MultiFactorAuthPresent": "true"}) is None
    assert denial(statement, **young) is None


def test_allow_never_denies():
    assert denial({**DENY, "Effect": "Allow"}) is None
    assert denial({**DENY, "Effect": "Allow", "Action": "glacier:ListJobs"}) is None


def test_a_deny_in_any_policy_wins_and_is_named():
    allow = validate(document({**DENY, "Effect": "Allow"}))
    lock = validate(document({**DENY, "Effect": "Allow"}, DENY))

    found = decide(
        [allow, lock],
        action="DeleteArchive",
        resource=VAULT,
        principal=ROOT,
        account="123456789012",
        context={},
    )

    assert str(found) == "with an explicit deny in statement 2"


@pytest.mark.parametrize(
    ("change", "denied"),
    [
        ({"Action": "*"}, True),
        ({"Action": "glacier:*"}, True),
        ({"Action": "glacier:Delete*"}, True),
        ({"Action": "GLACIER:deletearchive"}, True),
        ({"Action": ["glacier:ListJobs", "glacier:DeleteArchiv?"]}, True),
        ({"Action": "glacier:DeleteVault"}, False),
        ({"NotAction": "glacier:List*"}, True),
        ({"NotAction": ["glacier:List*", "glacier:DeleteArchive"]}, False),
        ({"Resource": "*"}, True),
        ({"Resource": "arn:aws:glacier:*"}, True),
        ({"Resource": "arn:aws:glacier:*:*:vaults/ph?tos"}, True),
        ({"Resource": VAULT.replace("photos", "PHOTOS")}, False),
        ({"Resource": VAULT.replace("us-east-1", "eu-west-1")}, False),
        ({"NotResource": VAULT}, False),
        ({"NotResource": VAULT + "2"}, True),
        ({"Principal": {"AWS": "*"}}, True),
        ({"Principal": {"AWS": ["999999999999", "123456789012"]}}, True),
        ({"Principal": {"AWS": ROOT}}, True),
        ({"Principal": {"AWS": "999999999999"}}, False),
        ({"Principal": {"AWS": "arn:aws:iam::123456789012:user/ann"}}, False),
        ({"Principal": {"Service": "backup.amazonaws.com"}}, False),
        ({"NotPrincipal": {"AWS": ROOT}}, False),
        ({"NotPrincipal": {"AWS": "arn:aws:iam::999999999999:role/x"}}, True),
    ],
)
def test_a_deny_applies_to_whom_and_what_it_names(change, denied):
    (name,) = change
    base = {key: value for key, value in DENY.items() if key != name.removeprefix("Not")}

    assert (denial({**base, **change}) is not None) is denied


def test_a_policy_about_one_user_does_not_match_another():
    ann = "arn:aws:iam::123456789012:user/ann"
    policy = validate(document({**DENY, "Principal": {"AWS": ann}}))

    for principal, denied in ((ann, True), (ann + "a", False)):
        found = decide(
            [policy],
            action="DeleteArchive",
            resource=VAULT,
            principal=principal,
            account="123456789012",
            context={},
        )
        assert (found is not None) is denied


def test_one_statement_may_stand_without_a_list_and_version_may_be_missing():
    assert validate(json.dumps({"Id": "x", "Statement": DENY}))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "must be an object"),
        ("[" * 10_000, "nested too deeply|not JSON"),  # newer parsers go deeper
        ('{"Statement": [], "Statement": []}', "same key twice"),
        (document(), "Statement is missing or empty"),
        (json.dumps({"Version": "2012-10-17"}), "Statement is missing"),
        (document(DENY, Version="2026-01-01"), "Version must be"),
        (document(DENY, Version=["2012-10-17"]), "Version must be a string"),
        (document(DENY, Id=5), "Id must be"),
        (document(DENY, Statements=[]), "unknown element 'Statements'"),
        (document("Deny"), "statement 1: the statement must be an object"),
        (document(DENY, {**DENY, "Effect": "deny"}), "statement 2: Effect"),
        (document({**DENY, "Effect": ["Deny"]}), "Effect"),
        (document({**DENY, "Sid": 7}), "Sid must be"),
        (document({**DENY, "Conditions": {}}), "unknown element 'Conditions'"),
        (document({**DENY, "NotAction": "glacier:*"}), "either Action or NotAction"),
        (document({**DENY, "NotPrincipal": "*"}), "either Principal or NotPrincipal"),
        (document({**DENY, "Action": []}), "Action is missing or empty"),
        (document({**DENY, "Action": [""]}), "list of strings"),
        (document({**DENY, "Action": "glacier:DeleteArchives"}), "no action"),
        (document({**DENY, "Action": "s3:*"}), "no action"),
        (document({**DENY, "Action": 5}), "list of strings"),
        (document({**DENY, "Resource": VAULT + "/archives/*"}), "cannot be the ARN"),
        (document({**DENY, "Resource": "photos"}), "cannot be the ARN"),
        (document({**DENY, "Resource": "arn:aws:s3:::*"}), "cannot be the ARN"),
        (document({**DENY, "Resource": "arn:aws:glacier:*:*:policies/*"}), "cannot be the ARN"),
        (document({**DENY, "Principal": "123456789012"}), "must be an object"),
        (document({**DENY, "Principal": {}}), "Principal is empty"),
        (document({**DENY, "Principal": {"AWS": "12345"}}), "no account"),
        (document({**DENY, "Principal": {"AWS": ROOT[:-4] + "user/*"}}), "no account"),
        (document({**DENY, "Principal": {"aws": "*"}}), "unknown element 'aws'"),
        (document({**DENY, "Condition": []}), "Condition must be"),
        (document({**DENY, "Condition": {"StringEquals": {}}}), "names no key"),
        (document({**DENY, "Condition": {"StringEqual": {"aws:x": "1"}}}), "unknown condition"),
        (document({**DENY, "Condition": {"StringEquals": {"aws:x": []}}}), "missing or empty"),
        (document({**DENY, "Condition": {"StringEquals": {"aws:x": [{}]}}}), "a string, a number"),
        (document({**DENY, "Condition": {"NumericEquals": {"aws:x": float("nan")}}}), "a string"),
        (document({**DENY, "Resource": VAULT[:-6] + "${aws:username}"}), "policy variables"),
        (document({**DENY, "Sid": "x" * MAX_SIZE}), "larger than 20480 bytes"),
    ],
)
def test_what_we_would_read_otherwise_than_the_service_is_refused(text, reason):
    with pytest.raises(ValueError, match=reason):
        validate(text)


def test_the_largest_document_is_accepted():
    text = document(DENY)

    assert validate(text + " " * (MAX_SIZE - len(text)))


_NAMES = st.sampled_from([*DENY, "Condition", "NotAction", "Sid", "AWS", "Null", "aws:x"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("*:{}", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=8,
)


@given(st.dictionaries(_NAMES, _JSON, max_size=3))
def test_hostile_documents_raise_only_value_errors(change):
    try:
        policy = validate(document({**DENY, **change}))
    except ValueError:
        return
    assert len(policy.statements) == 1


@given(st.text(":/*?vp", max_size=4), st.integers(0, len(VAULT)), st.integers(0, len(VAULT)))
def test_a_resource_that_matches_a_vault_is_never_refused(piece, start, stop):
    pattern = VAULT[:start] + piece + VAULT[stop:]
    matches = glob(pattern).fullmatch(VAULT) is not None
    try:
        policy = validate(document({**DENY, "Resource": pattern}))
    except ValueError:
        assert not matches
        return
    assert policy.statements[0].resources.include(VAULT) is matches
