import pytest

from glaciercli.errors import Exit


def test_a_vault_is_created_listed_shown_and_deleted(glacier):
    assert "photos" in glacier("vault", "create", "photos").stdout
    assert glacier("vault", "list", "--output", "json").ids == ["photos"]
    assert glacier("vault", "show", "photos", "--output", "json").json["VaultName"] == "photos"
    assert glacier("vault", "delete", "photos", "--yes").lines == ["vault photos is deleted"]
    assert glacier("vault", "list", "--output", "json").json == []


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
        "error: vault 'nope' does not exist",
        "hint: glacier vault create nope",
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
