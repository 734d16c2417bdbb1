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


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not JSON"),
        ('{"Statement": [], "Statement": []}', "same key twice"),
        ("{}", "Statement is missing"),
        (json.dumps(policy("arn:aws:glacier:us-east-1:000000000000:vaults/other")), "the vault is"),
        (json.dumps(policy(effect="Allow")), "denies nothing"),
        (json.dumps(policy(effect="deny")), "Effect must be Allow or Deny"),
        (json.dumps(policy()) + " " * 20480, "larger than 20480 bytes"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused_before_it_is_sent(glacier, file, text, reason):
    file.write_text(text)

    result = glacier("lock", "start", "photos", file, "--yes", exit=Exit.REFUSED)

    assert reason in result.stderr
    glacier("lock", "show", "photos", exit=Exit.NOT_FOUND)


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
