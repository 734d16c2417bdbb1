import re
from datetime import timedelta

import pytest
from helpers import payload, write

from glaciercli.errors import Exit


def test_a_vault_is_created_listed_shown_and_deleted(glacier):
    assert "photos" in glacier("vault", "create", "photos").stdout
    assert glacier("vault", "list", "--output", "json").ids == ["photos"]
    assert glacier("vault", "show", "photos", "--output", "json").json["VaultName"] == "photos"
    assert glacier("vault", "delete", "photos", "--yes").lines == ["vault photos is deleted"]
    assert glacier("vault", "list", "--output", "json").json == []


def test_a_vault_tells_of_when_its_counts_are_and_what_came_since(glacier, engine, tmp_path):
    engine.timing = "real"
    glacier("vault", "create", "photos")
    shown = glacier("vault", "show", "photos").stdout
    first, second = (write(tmp_path / name, payload(5)) for name in ("a", "b"))
    glacier("upload", first, "--vault", "photos")
    young = glacier("vault", "show", "photos")
    script = glacier("vault", "show", "photos", "--output", "json").json

    assert "As of      no inventory yet\n" in shown
    assert "Archives   0\n" in young.stdout
    assert "As of      no inventory yet; +1 uploaded from here since (5 B)\n" in young.stdout
    assert (script["NumberOfArchives"], script["LastInventoryDate"]) == (0, None)
    assert [script[f"{each}Since"] for each in ("uploaded", "uploadedSize", "deleted")] == [1, 5, 0]

    engine.clock.advance(timedelta(days=1))
    old = glacier("vault", "show", "photos")
    script = glacier("vault", "show", "photos", "--output", "json").json

    assert "Archives   1\n" in old.stdout
    assert re.search(
        r"As of +the inventory of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}\n", old.stdout
    )
    assert [script[f"{each}Since"] for each in ("uploaded", "uploadedSize", "deleted")] == [0, 0, 0]

    engine.clock.advance(timedelta(hours=1))
    glacier("archive", "delete", "a", "--vault", "photos", "--yes")
    glacier("upload", second, "--vault", "photos")
    changed = glacier("vault", "show", "photos").stdout

    assert "; +1 uploaded from here since (5 B); -1 deleted from here since\n" in changed


def test_a_vault_is_shown_without_a_catalog(glacier, home):
    glacier("vault", "create", "photos")
    (home / "data" / "catalog.db").mkdir()

    result = glacier("vault", "show", "photos")

    assert "As of      no inventory yet\n" in result.stdout
    assert "what was uploaded from here is not known" in result.stderr


@pytest.mark.parametrize(
    "words", [["photos"], ["--vault", "photos"], ["-V", "photos"], ["-Vphotos"]]
)
def test_a_vault_is_an_argument_or_an_option(glacier, words):
    glacier("vault", "create", "photos")

    assert glacier("vault", "show", *words, "--output", "json").json["VaultName"] == "photos"


def test_a_vault_may_come_from_the_environment(glacier, monkeypatch):
    glacier("vault", "create", "photos")
    monkeypatch.setenv("GLACIER_VAULT", "photos")

    assert glacier("vault", "show", "--output", "json").json["VaultName"] == "photos"


def test_two_vaults_are_one_too_many(glacier):
    result = glacier("vault", "show", "photos", "--vault", "docs", exit=Exit.USAGE)

    assert "two vaults are named: 'photos' and 'docs'" in result.stderr


def test_no_vault_is_one_too_few(glacier):
    assert "no vault is named" in glacier("vault", "show", exit=Exit.USAGE).stderr


def test_an_unknown_vault_is_told_with_the_way_out(glacier):
    result = glacier("vault", "show", "nope", exit=Exit.NOT_FOUND)

    assert result.stderr.splitlines() == [
        "error: vault 'nope' does not exist in us-east-1",
        "hint: glacier vault list; another --region; or glacier vault create nope",
    ]


@pytest.mark.parametrize("name", ["a/b", "", "x" * 256, "ü"])
def test_a_name_that_cannot_be_a_vaults_is_a_usage_error(glacier, name):
    glacier("vault", "create", name, exit=Exit.USAGE)


def test_deleting_asks_and_without_a_terminal_names_the_flag(glacier):
    glacier("vault", "create", "photos")

    result = glacier("vault", "delete", "photos", exit=Exit.USAGE)

    assert "--yes" in result.stderr
    assert glacier("vault", "list", "--output", "json").ids == ["photos"]


@pytest.mark.parametrize("place", ["before", "after"])
def test_global_options_stand_before_or_after_the_command(glacier, place):
    glacier("vault", "create", "photos")
    options = ["--output", "text", "--query", "[].VaultName"]
    words = [*options, "vault", "list"] if place == "before" else ["vault", "list", *options]

    assert glacier(*words).stdout == "photos\n"


def test_an_empty_listing_says_so_to_a_person_only(glacier):
    assert "no vaults" in glacier("vault", "list").stderr
    assert glacier("vault", "list", "--quiet").stderr == ""
    assert glacier("vault", "list", "--output", "json").stderr == ""


@pytest.fixture
def filled(glacier, tmp_path):
    glacier("vault", "create", "photos")
    for number in range(3):
        glacier("upload", write(tmp_path / f"{number}.tar", payload(10, number)), "-V", "photos")


def test_an_inventory_is_merged_into_the_catalog(glacier, filled):
    merged = glacier("vault", "inventory", "photos", "--output", "json").json

    assert (merged["archives"], merged["new"]) == (3, 0)
    assert {
        each["status"]
        for each in glacier("archive", "list", "-V", "photos", "--output", "json").json
    } == {"seen"}


def test_emptying_shows_its_plan_and_asks(glacier, filled):
    result = glacier("vault", "empty", "photos", exit=Exit.USAGE)

    assert "3 archives, 30 B" in result.stderr
    assert "younger than 90 days" in result.stderr
    assert "--yes" in result.stderr
    assert len(glacier("archive", "list", "-V", "photos", "--output", "json").json) == 3


def test_a_vault_is_emptied_and_gone(glacier, filled):
    plan = glacier("vault", "empty", "photos", "--dry-run", "--output", "json").json
    assert (plan["archives"], plan["earlyDeletions"]) == (3, 3)

    done = glacier("vault", "empty", "photos", "--delete-vault", "-y", "--output", "json").json

    assert (done["deletedArchives"], done["vaultDeleted"]) == (3, True)
    assert glacier("vault", "list", "--output", "json").json == []


def test_a_vault_that_was_emptied_here_can_be_deleted_later(glacier, client, filled):
    """Its last inventory lists what is gone since; to empty it again would be no way out."""
    client.engine.timing = "real"
    client.engine.clock.advance(timedelta(days=2))
    before = glacier("vault", "delete", "photos", "--yes", exit=Exit.REFUSED)
    assert "holds 3 archives" in before.stderr
    glacier("archive", "delete", "0.tar", "1.tar", "2.tar", "--vault", "photos", "--yes")

    later = glacier("vault", "delete", "photos", "--yes", exit=Exit.NOT_READY)
    assert "cannot be deleted yet" in later.stderr
    client.engine.clock.advance(timedelta(days=2))
    glacier("vault", "delete", "photos", "--yes")


def test_only_what_matches_is_deleted(glacier, filled):
    glacier("vault", "empty", "photos", "--name", "[01].tar", "--yes")

    left = glacier("archive", "list", "-V", "photos", "--output", "json").json
    assert [each["name"] for each in left] == ["2.tar"]


def test_notifications_are_set_shown_and_deleted(glacier):
    glacier("vault", "create", "photos")
    topic = "arn:aws:sns:us-east-1:000000000000:jobs"
    words = ["vault", "notifications"]

    given = glacier(*words, "set", "photos", "--topic", topic, "--output", "json").json
    assert glacier(*words, "show", "photos", "--output", "json").json == given
    assert len(given["Events"]) == 2
    glacier(*words, "delete", "photos", "--yes")
    glacier(*words, "show", "photos", exit=Exit.NOT_FOUND)


def test_waiting_for_a_vault(glacier):
    glacier("vault", "create", "photos")

    glacier("vault", "wait", "photos")
    glacier("vault", "wait", "photos", "--gone", "--max-wait", "0", exit=Exit.NOT_READY)


def test_a_new_vault_of_an_old_name_is_another_one(glacier, client, filled):
    for archive_id in glacier("archive", "list", "-V", "photos", "--output", "json").json:
        client.call("DeleteArchive", vaultName="photos", archiveId=archive_id["archiveId"])
    glacier("vault", "delete", "photos", "--yes")
    glacier("vault", "create", "photos")

    assert glacier("archive", "list", "-V", "photos", "--output", "json").json == []


def test_a_vault_that_was_emptied_for_good_is_so_when_it_is_asked_for_again(
    glacier, client, filled
):
    words = ["vault", "empty", "photos", "--delete-vault", "--yes", "--output", "json"]
    assert glacier(*words).json["vaultDeleted"]
    assert glacier(*words).json == {
        "vaultName": "photos",
        "deletedArchives": 0,
        "deletedSize": 0,
        "vaultDeleted": True,
    }
    glacier("vault", "empty", "nope", "--delete-vault", "--yes", exit=Exit.NOT_FOUND)
