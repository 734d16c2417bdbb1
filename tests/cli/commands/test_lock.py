import json
import re
from datetime import timedelta

import pytest
from helpers import write

from glaciercli.errors import Exit

ARN = "arn:aws:glacier:us-east-1:000000000000:vaults/photos"


def policy(resource=ARN, effect="Deny"):
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "keep-a-year",
                "Effect": effect,
                "Principal": {"AWS": "*"},
                "Action": "glacier:DeleteArchive",
                "Resource": resource,
                "Condition": {"NumericLessThan": {"glacier:ArchiveAgeInDays": "365"}},
            }
        ],
    }


@pytest.fixture
def file(tmp_path, glacier):
    glacier("vault", "create", "photos")
    return write(tmp_path / "policy.json", json.dumps(policy()).encode())


def test_starting_says_what_will_be_forbidden_until_when_and_how_to_go_on(glacier, file):
    result = glacier("lock", "start", "photos", file, "--yes", "--local")

    lock_id = re.search(r"glacier --local lock complete photos (\S+)", result.stderr)[1]
    assert len(lock_id) == 24
    assert lock_id in result.stdout
    assert "glacier --local lock abort photos\n" in result.stderr
    assert "everyone may not glacier:DeleteArchive when ArchiveAgeInDays < 365" in result.stderr
    assert re.search(r"goes away in 23h 59m|goes away in 1d 00h", result.stderr)


def test_a_lock_is_completed_for_ever(glacier, file):
    lock = glacier("lock", "start", "photos", file, "--yes", "--output", "json").json

    done = glacier("lock", "complete", "photos", lock["lockId"], "--yes", "--output", "json").json

    assert (done["State"], done["ExpirationDate"]) == ("Locked", None)
    assert done["Policy"] == policy()
    assert "for ever" in glacier("lock", "abort", "photos", "--yes", exit=Exit.REFUSED).stderr
    assert "for ever" in glacier("lock", "start", "photos", file, "--yes", exit=Exit.REFUSED).stderr


def test_a_lock_on_trial_can_be_aborted_and_ends_by_itself(glacier, file, engine):
    glacier("lock", "start", "photos", file, "--yes")
    assert (
        "on trial already"
        in glacier("lock", "start", "photos", file, "--yes", exit=Exit.REFUSED).stderr
    )
    glacier("lock", "abort", "photos", "--yes")
    assert "has no lock" in glacier("lock", "show", "photos", exit=Exit.NOT_FOUND).stderr

    glacier("lock", "start", "photos", file, "--yes")
    engine.clock.advance(timedelta(hours=25))

    glacier("lock", "show", "photos", exit=Exit.NOT_FOUND)


def changed(**changes):
    """Return a policy whose one statement is changed, as text."""
    document = policy()
    document["Statement"][0] |= changes
    return json.dumps(document)


OTHER = "arn:aws:glacier:us-east-1:000000000000:vaults/other"


@pytest.mark.parametrize("way", ["--yes", "--dry-run"])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not JSON"),
        ('{"Statement": [], "Statement": []}', "same key twice"),
        ("{}", "Statement is missing"),
        (changed(Resource=OTHER), "the vault is"),
        (changed(Effect="Allow"), "denies nothing"),
        (changed(Effect="deny"), "statement 1: Effect must be Allow or Deny"),
        (changed(Action="glacier:DeleteArchiv"), "'glacier:DeleteArchiv' is no action of glacier"),
        (json.dumps(policy()) + " " * 20480, "larger than 20480 bytes"),
        (
            changed(Condition={"NumericLessThan": {"glacier:ArchiveAgeInYears": "1"}}),
            "statement 'keep-a-year' can never hold: glacier:ArchiveAgeInYears is no condition key",
        ),
        (
            changed(Condition={"StringEquals": {"s3:ExistingObjectTag/x": "y"}}),
            "statement 'keep-a-year' can never hold: s3:ExistingObjectTag/x is no condition key",
        ),
        (
            changed(Condition={"StringLessThan": {"glacier:ArchiveAgeInDays": "365"}}),
            "unknown condition operator 'StringLessThan'",
        ),
        (
            changed(Condition={"StringEquals": {"glacier:ArchiveAgeInDays": "365"}}),
            "statement 'keep-a-year' can never hold: glacier:ArchiveAgeInDays is a number",
        ),
        (
            changed(Principal={"AWS": "999999999999"}),
            "statement 'keep-a-year' can never hold: the vault is of account 000000000000",
        ),
    ],
)
def test_a_policy_with_a_mistake_is_refused_before_it_is_sent(
    glacier, engine, file, text, reason, way
):
    file.write_text(text)

    result = glacier("lock", "start", "photos", file, way, exit=Exit.REFUSED)

    assert reason in result.stderr
    assert "will hold" not in result.stderr
    assert engine.log.count("InitiateVaultLock") == 0
    glacier("lock", "show", "photos", exit=Exit.NOT_FOUND)


def test_the_way_out_of_a_policy_for_another_vault_can_be_pasted(glacier, file):
    file.write_text(changed(Resource=OTHER))

    result = glacier("lock", "start", "photos", file, "--yes", exit=Exit.REFUSED)

    assert f'"Resource": "{ARN}"' in result.stderr


@pytest.mark.parametrize(
    "wrapped",
    [
        json.dumps({"Policy": json.dumps(policy())}),
        json.dumps({"policy": {"Policy": json.dumps(policy())}}),
        "\ufeff" + json.dumps(policy()),
    ],
)
def test_a_file_made_for_aws_or_by_an_editor_is_taken(glacier, file, wrapped):
    file.write_text(wrapped, encoding="utf-8")

    shown = glacier("lock", "start", "photos", file, "--dry-run", "--output", "json").json
    started = glacier("lock", "start", "photos", file, "--yes", "--output", "json").json

    assert shown["Policy"] == started["Policy"] == policy()


def test_an_empty_value_is_shown(glacier, file):
    file.write_text(changed(Condition={"StringLike": {"glacier:ResourceTag/Hold": ["true", ""]}}))

    result = glacier("lock", "start", "photos", file, "--dry-run")

    assert "when ResourceTag/Hold is like true or ''\n" in result.stderr


def test_a_lock_that_only_allows_needs_its_flag(glacier, file):
    file.write_text(changed(Effect="Allow"))
    refused = glacier("lock", "start", "photos", file, "--yes", exit=Exit.REFUSED)
    lock = glacier(
        *("lock", "start", "photos", file, "--yes", "--allow-only", "--output", "json")
    ).json
    words = ("lock", "complete", "photos", lock["lockId"], "--yes")
    again = glacier(*words, exit=Exit.REFUSED)
    done = glacier(*words, "--allow-only", "--output", "json").json

    assert "--allow-only" in refused.stderr
    assert "denies nothing" in again.stderr
    assert done["State"] == "Locked"


def test_a_lock_that_another_program_started_is_checked_before_it_is_completed(
    glacier, client, file
):
    text = changed(Condition={"NumericLessThan": {"glacier:ArchiveAgeInYears": "1"}})
    reply = client.call("InitiateVaultLock", vaultName="photos", policy={"Policy": text})

    result = glacier("lock", "complete", "photos", reply["lockId"], "--yes", exit=Exit.REFUSED)

    assert "statement 'keep-a-year' can never hold" in result.stderr
    assert "glacier lock abort photos" in result.stderr
    assert glacier("lock", "show", "photos", "--output", "json").json["State"] == "InProgress"


def test_another_account_may_be_denied_what_the_access_policy_lets_it_in_for(glacier, file):
    stranger = {"AWS": "arn:aws:iam::999999999999:role/auditor"}
    file.write_text(changed(Principal=stranger))
    refused = glacier("lock", "start", "photos", file, "--dry-run", exit=Exit.REFUSED)
    allow = {"Effect": "Allow", "Principal": {"AWS": "999999999999"}, "Action": "glacier:*"}
    glacier("policy", "set", "photos", json.dumps({"Statement": {**allow, "Resource": ARN}}))

    glacier("lock", "start", "photos", file, "--dry-run")

    assert "lets in arn:aws:iam::999999999999:role/auditor" in refused.stderr


def test_a_dry_run_makes_every_check_that_the_start_makes(glacier, file):
    glacier("lock", "start", "photos", file, "--yes")

    result = glacier("lock", "start", "photos", file, "--dry-run", exit=Exit.REFUSED)

    assert "on trial already" in result.stderr


def test_a_dry_run_starts_nothing(glacier, file):
    shown = glacier("lock", "start", "photos", file, "--dry-run", "--output", "json").json

    assert shown["State"] == "NotStarted"
    glacier("lock", "show", "photos", exit=Exit.NOT_FOUND)


@pytest.mark.parametrize("words", [["complete", "photos", "x" * 24], ["abort", "photos"]])
def test_without_a_terminal_the_flag_is_named(glacier, file, words):
    glacier("lock", "start", "photos", file, "--yes")

    assert "--yes" in glacier("lock", *words, exit=Exit.USAGE).stderr


def test_an_id_may_begin_with_a_dash(glacier, file):
    words = ["lock", "complete", "photos", "-83JLYf9ZYngBZJBOI1JZhHU", "--yes"]

    assert "has no lock" in glacier(*words, exit=Exit.NOT_FOUND).stderr


def test_a_policy_is_text_a_file_or_stdin(glacier, file):
    text = json.dumps(policy())

    for words, stdin in (([text], None), (["-"], text), ([file], None)):
        glacier("lock", "start", "--vault", "photos", *words, "--yes", input=stdin)
        glacier("lock", "abort", "--vault", "photos", "--yes")


def test_a_lock_of_a_vault_that_is_not_there(glacier):
    assert "'nope' does not exist" in glacier("lock", "show", "nope", exit=Exit.NOT_FOUND).stderr
