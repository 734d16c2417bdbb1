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


def test_ten_tags_go_into_one_request(glacier):
    keys = [f"k{number}" for number in range(25)]
    words = ["tags", "add", "photos", *(f"{key}=v" for key in keys)]
    # Three requests add them, and one lists what the vault has then.
    glacier(*words, "--max-requests", "3", exit=Exit.REFUSED)
    glacier(*words, "--max-requests", "4")

    assert tags(glacier("tags", "list", "photos", "--output", "json")) == dict.fromkeys(keys, "v")
    left = glacier("tags", "remove", "--yes", "photos", *keys, "absent", "--output", "json")
    assert left.json == []


def test_a_vault_of_the_environment_leaves_the_words_to_the_keys(glacier, monkeypatch):
    monkeypatch.setenv("GLACIER_VAULT", "photos")
    glacier("tags", "add", "owner=anna")

    assert tags(glacier("tags", "list", "--output", "json")) == {"owner": "anna"}
    assert glacier("tags", "remove", "--yes", "owner", "--output", "json").json == []


def test_a_word_without_equals_is_a_usage_error(glacier):
    glacier("tags", "add", "photos", "owner", exit=Exit.USAGE)
