import json

import pytest

from glaciercli.errors import Exit

ARN = "arn:aws:glacier:us-east-1:000000000000:vaults/photos"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["glacier:DeleteArchive"],
            "Resource": [ARN],
        }
    ],
}


def test_what_is_printed_can_be_set_again(glacier, tmp_path):
    glacier("vault", "create", "photos")
    glacier("policy", "set", "photos", json.dumps(POLICY))

    printed = glacier("policy", "show", "photos").stdout
    (tmp_path / "again.json").write_text(printed)
    glacier("policy", "set", "photos", tmp_path / "again.json")

    assert json.loads(printed) == POLICY
    assert glacier("policy", "show", "photos", "--output", "jsonl").json == POLICY


def test_a_deleted_policy_is_gone(glacier):
    glacier("vault", "create", "photos")
    glacier("policy", "set", "photos", json.dumps(POLICY))
    glacier("policy", "delete", "photos", exit=Exit.USAGE)

    glacier("policy", "delete", "photos", "--yes")

    result = glacier("policy", "show", "photos", exit=Exit.NOT_FOUND)
    assert "hint: glacier policy set photos POLICY.json" in result.stderr


def test_a_policy_that_is_no_json_is_not_sent(glacier):
    glacier("vault", "create", "photos")
    glacier("policy", "set", "photos", json.dumps(POLICY)[:-1], exit=Exit.REFUSED)

    glacier("policy", "show", "photos", exit=Exit.NOT_FOUND)


def test_a_missing_file_is_a_usage_error(glacier):
    glacier("vault", "create", "photos")

    assert "No such file" in glacier("policy", "set", "photos", "nope", exit=Exit.USAGE).stderr


@pytest.mark.parametrize(
    ("limit", "strategy", "rate"),
    [
        ("none", "None", None),
        ("free-tier", "FreeTier", None),
        ("10GiB", "BytesPerHour", 10 << 30),
    ],
)
def test_retrievals_are_limited(glacier, limit, strategy, rate):
    glacier("policy", "retrieval", "set", limit)

    shown = glacier("policy", "retrieval", "show", "--output", "json").json
    assert shown == {"Strategy": strategy, "BytesPerHour": rate}


def test_an_untouched_account_has_no_limit(glacier):
    shown = glacier("policy", "retrieval", "show", "--output", "json").json
    assert shown == {"Strategy": "None", "BytesPerHour": None}


@pytest.mark.parametrize("limit", ["", "lots", "-1", "10 apples"])
def test_a_limit_is_a_word_or_a_size(glacier, limit):
    glacier("policy", "retrieval", "set", "--", limit, exit=Exit.USAGE)
