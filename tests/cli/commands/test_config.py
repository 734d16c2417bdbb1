from helpers import write

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
