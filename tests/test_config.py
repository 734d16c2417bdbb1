import os

import others
import pytest
from helpers import write

from glaciercli import config
from glaciercli.errors import Conflict, UsageError


def load(file=None, flags=None, **environ):
    return config.load(flags or {}, environ=environ, file=file)


@pytest.fixture
def file(tmp_path):
    text = b'vault = "file"\nlocal = true\n[profiles.work]\nvault = "work"\n'
    return write(tmp_path / "config.toml", text)


def test_a_flag_beats_the_environment_beats_the_file_beats_the_default(file):
    layers = [
        ({"vault": "flag"}, {"GLACIER_VAULT": "environment"}, "flag", "flag"),
        ({}, {"GLACIER_VAULT": "environment"}, "environment", "GLACIER_VAULT"),
        ({}, {}, "file", str(file)),
    ]
    for flags, environ, value, source in layers:
        settings = load(file, flags, **environ)
        assert (settings["vault"], settings.sources["vault"]) == (value, source)
    assert load(GLACIER_HOME="/nowhere").sources["vault"] == "default"


def test_a_profile_has_its_own_table(file):
    assert load(file, {"profile": "work"})["vault"] == "work"
    assert load(file, AWS_PROFILE="work")["vault"] == "work"


def test_our_variable_goes_before_that_of_aws():
    environ = {"GLACIER_HOME": "/nowhere", "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "x"}

    assert load(**environ)["region"] == "eu-west-1"
    assert load(**environ, GLACIER_REGION="us-east-1")["region"] == "us-east-1"


def test_endpoints_of_aws_can_be_ignored_as_in_the_aws_cli():
    environ = {"GLACIER_HOME": "/nowhere", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
    aws, ours = "http://127.0.0.1:1", "http://127.0.0.1:2"

    assert load(**environ, AWS_ENDPOINT_URL=aws)["endpoint-url"] is None
    assert load(**environ, AWS_ENDPOINT_URL_GLACIER=aws)["endpoint-url"] is None
    assert load(**environ, GLACIER_ENDPOINT_URL=ours)["endpoint-url"] == ours
    environ["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "false"
    assert load(**environ, AWS_ENDPOINT_URL=aws)["endpoint-url"] == aws


@pytest.mark.parametrize(("word", "value"), [("1", True), ("Yes", True), ("off", False)])
def test_yes_and_no_are_written_in_many_ways(word, value):
    assert load(GLACIER_HOME="/nowhere", GLACIER_LOCAL=word)["local"] is value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('valut = "x"', "unknown setting 'valut'"),
        ('[profiles.a]\nvalut = "x"', "unknown setting 'valut'"),
        ("vault = 7", "must be text"),
        ('local = "perhaps"', "true or false"),
        ('output = "xml"', "one of table, json"),
        ("vault = ", "not valid TOML"),
        ("profiles = 5", "profiles.NAME"),
        ("[profiles]\na = 5", "profiles.NAME"),
        ("a = " + "[" * 10_000, "nested too deeply"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path, text, reason):
    with pytest.raises(UsageError, match=reason):
        load(write(tmp_path / "config.toml", text.encode()))


def test_a_file_that_others_can_write_is_not_believed(file):
    """It says where data and signatures go."""
    file.chmod(0o666)

    with pytest.raises(Conflict, match="can be written by, another user"):
        load(file)


@pytest.fixture
def group_file():
    """A file that its group can write, where every user can read it."""
    for directory in others.common_ground():
        path = write(directory / "config.toml", b'endpoint-url = "https://example.com"\n')
        path.chmod(0o664)
        yield path


def test_a_file_that_users_of_the_same_group_can_write_is_not_believed(group_file):
    """As `users` on a NAS and `staff` on a Mac are everybody's primary group."""
    found = others.account("nobody")
    os.chown(group_file, 0, found.pw_gid)

    with (
        others.acting_as("nobody"),
        pytest.raises(Conflict, match="can be written by, another user"),
    ):
        load(group_file)


def test_a_file_that_the_users_own_group_can_write_is_believed(group_file):
    """As a umask of 002 makes it, where every user has a group alone."""
    found = others.account("games")
    os.chown(group_file, found.pw_uid, found.pw_gid)

    with others.acting_as("games"):
        assert load(group_file)["endpoint-url"] == "https://example.com"


def test_a_link_to_a_file_is_followed(file, tmp_path):
    (tmp_path / "link").symlink_to(file)

    assert load(tmp_path / "link")["vault"] == load(file)["vault"]


def test_a_file_that_is_named_must_be_there(tmp_path):
    with pytest.raises(UsageError, match="does not exist"):
        load(tmp_path / "nope.toml")


def test_one_variable_moves_all_our_files(tmp_path):
    places = config.Places.find({"GLACIER_HOME": str(tmp_path)})

    for each in (places.config_file, places.catalog, places.local_root, places.state):
        assert each.is_relative_to(tmp_path)
