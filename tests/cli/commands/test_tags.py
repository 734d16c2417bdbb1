import pytest

from glaciercli.errors import Exit


@pytest.fixture(autouse=True)
def vault(glacier):
    glacier("vault", "create", "photos")


def tags(result):
    return {each["Key"]: each["Value"] for each in result.json}


def test_tags_are_added_listed_and_removed(glacier):
    glacier("tags", "add", "photos", "owner=anna", "project=a=b")
    glacier("tags", "add", "--vault", "photos", "owner=bert", "empty=", "at=12:30")

    listed = glacier("tags", "list", "photos", "--output", "json")
    assert tags(listed) == {"owner": "bert", "project": "a=b", "empty": "", "at": "12:30"}

    left = glacier(
        "tags", "remove", "--yes", "-V", "photos", "project", "empty", "at", "--output", "json"
    )
    assert tags(left) == {"owner": "bert"}


def test_more_tags_than_fit_one_request(glacier):
    glacier("tags", "add", "photos", *(f"k{number}=v" for number in range(25)))

    keys = [f"k{number}" for number in range(25)]
    assert len(glacier("tags", "list", "photos", "--output", "json").json) == 25
    assert glacier("tags", "remove", "--yes", "photos", *keys, "--output", "json").json == []


def test_a_vault_of_the_environment_leaves_the_words_to_the_keys(glacier, monkeypatch):
    monkeypatch.setenv("GLACIER_VAULT", "photos")
    glacier("tags", "add", "owner=anna")

    assert tags(glacier("tags", "list", "--output", "json")) == {"owner": "anna"}
    assert glacier("tags", "remove", "--yes", "owner", "--output", "json").json == []


def test_a_word_without_equals_is_a_usage_error(glacier):
    glacier("tags", "add", "photos", "owner", exit=Exit.USAGE)
