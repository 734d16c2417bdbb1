import pytest
from helpers import run, write

from glaciercli.errors import Exit


def shown(result):
    return {each["setting"]: (each["value"], each["source"]) for each in result.json}


def test_each_value_says_where_it_comes_from(glacier, home, monkeypatch):
    file = write(home / "config" / "config.toml", b'region = "eu-central-1"\noutput = "json"\n')
    monkeypatch.setenv("GLACIER_VAULT", "photos")

    found = shown(glacier("config", "show", "--profile", "work"))

    assert found["profile"] == ("work", "flag")
    assert found["vault"] == ("photos", "GLACIER_VAULT")
    assert found["region"] == ("eu-central-1", str(file))
    assert found["account-id"] == ("-", "default")


def test_a_profile_of_the_file_overrides_its_defaults(glacier, tmp_path):
    file = write(
        tmp_path / "c.toml", b'vault = "a"\n[profiles.work]\nvault = "b"\n[profiles.home]\n'
    )

    for profile, vault in (("work", "b"), ("home", "a"), ("other", "a")):
        words = ["--config", file, "--profile", profile, "--output", "json"]
        assert shown(glacier("config", "show", *words))["vault"] == (vault, str(file))


def test_a_setting_with_a_typing_error_is_named(glacier, tmp_path):
    file = write(tmp_path / "c.toml", b'valut = "a"\n')

    result = glacier("config", "show", "--config", file, exit=Exit.USAGE)

    assert "unknown setting 'valut'" in result.stderr


@pytest.mark.parametrize(
    "settings",
    [
        "endpoint_url = http://localhost:8480",
        "services = here\n[services here]\nglacier =\n  endpoint_url = http://localhost:8480",
    ],
)
def test_an_endpoint_of_the_aws_configuration_is_in_force(tmp_path, monkeypatch, settings):
    file = write(tmp_path / "aws", f"[profile work]\nregion = eu-west-1\n{settings}\n".encode())
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    words = ("config", "show", "--profile", "work", "--output", "json")

    assert shown(run(*words))["endpoint-url"] == ("http://localhost:8480", "AWS configuration")
    assert shown(run(*words, "--local"))["endpoint-url"] == (None, "default")
    named = shown(run(*words, "--endpoint-url", "https://glacier.example"))
    assert named["endpoint-url"] == ("https://glacier.example", "flag")


def test_aws_itself_is_no_endpoint_to_be_shown(monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")

    assert shown(run("config", "show", "--output", "json"))["endpoint-url"] == (None, "default")


def test_an_aws_configuration_that_cannot_be_used_is_shown_with_its_reason():
    found = shown(run("config", "show", "--profile", "nowhere", "--output", "json"))

    value, reason = found["endpoint-url"]
    assert value is None
    assert "nowhere" in reason
