"""Where our files live, what config.toml says, and which Glacier a command talks to.

A setting comes from the first place that has it: flag, environment, file, default.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from glaciercli import endpoints, system
from glaciercli.errors import Conflict, UsageError
from glaciercli.hints import quoted

T = TypeVar("T")

APP = "glaciercli"
OUTPUTS = ("table", "json", "jsonl", "csv", "text")
COLORS = ("auto", "always", "never")
DESCRIPTION_FORMATS = ("mt2", "fastglacier", "plain")
TIERS = ("standard", "bulk", "expedited")
_LARGEST = 1 << 20  # bytes of a config file
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


@dataclass(frozen=True)
class Places:
    """The four directories that are ours; `GLACIER_HOME` moves all of them together."""

    config: Path
    data: Path
    state: Path
    cache: Path

    @classmethod
    def find(cls, environ: Mapping[str, str] = os.environ) -> Places:
        """Return the system's usual places for this user, or those below `GLACIER_HOME`.

        Nothing is made or looked at.
        """
        home = environ.get("GLACIER_HOME")
        if home:
            root = Path(home).expanduser().absolute()
            return cls(root / "config", root / "data", root / "state", root / "cache")
        import platformdirs  # noqa: PLC0415 - help and completion do not need it

        dirs = platformdirs.PlatformDirs(APP, appauthor=False)
        return cls(
            dirs.user_config_path, dirs.user_data_path, dirs.user_state_path, dirs.user_cache_path
        )

    @property
    def config_file(self) -> Path:
        """Where settings are read from, unless `--config` names another file."""
        return self.config / "config.toml"

    @property
    def catalog(self) -> Path:
        """The SQLite file that has the names of archives."""
        return self.data / "catalog.db"

    @property
    def local_root(self) -> Path:
        """The embedded Glacier's directory, unless `--local-root` names another one."""
        return self.data / "local"


@dataclass(frozen=True)
class Setting:
    """One thing that can be set: its name in config.toml, its variables, its type, its default."""

    name: str
    variables: tuple[str, ...]
    default: Any
    kind: type = str
    choices: tuple[str, ...] = ()


SETTINGS: tuple[Setting, ...] = (
    Setting("profile", ("GLACIER_PROFILE", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"), None),
    Setting("region", ("GLACIER_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"), None),
    Setting("account-id", ("GLACIER_ACCOUNT_ID",), "-"),
    Setting(
        "endpoint-url",
        ("GLACIER_ENDPOINT_URL", "AWS_ENDPOINT_URL_GLACIER", "AWS_ENDPOINT_URL"),
        None,
    ),
    Setting("local", ("GLACIER_LOCAL",), False, bool),
    Setting("local-root", ("GLACIER_LOCAL_ROOT",), None),
    Setting("vault", ("GLACIER_VAULT",), None),
    Setting("output", ("GLACIER_OUTPUT",), "table", str, OUTPUTS),
    Setting("color", ("GLACIER_COLOR",), "auto", str, COLORS),
    Setting("timeout", ("GLACIER_TIMEOUT",), "2m"),
    Setting("bandwidth-limit", ("GLACIER_BANDWIDTH_LIMIT",), None),
    Setting("max-requests", ("GLACIER_MAX_REQUESTS",), None),
    Setting("tier", ("GLACIER_TIER",), "standard", str, TIERS),
    Setting("part-size", ("GLACIER_PART_SIZE",), None),
    Setting("workers", ("GLACIER_WORKERS",), "8"),
    Setting("poll-interval", ("GLACIER_POLL_INTERVAL",), "15m"),
)


@dataclass(frozen=True)
class Settings:
    """The settings in force, each with where it came from: flag, a variable, a file or default."""

    values: Mapping[str, Any]
    sources: Mapping[str, str]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def parsed(self, name: str, parse: Callable[[str], T]) -> T | None:
        """Return a setting's value read by `parse`, None where it has none.

        Raises UsageError, naming the place to mend, where `parse` raises ValueError.
        """
        text = self[name]
        try:
            return None if text is None else parse(str(text))
        except ValueError as error:
            raise self.wrong(name, str(error)) from error

    def wrong(self, name: str, why: str) -> UsageError:
        """Return the error for a value that cannot be read, naming the place to mend it."""
        source = self.sources[name]
        where = f"--{name}" if source == "flag" else f"{name} in {source}"
        return UsageError(f"{where} is {self[name]!r}: {why}")


def load(
    flags: Mapping[str, Any],
    *,
    environ: Mapping[str, str] = os.environ,
    file: Path | None = None,
    places: Places | None = None,
) -> Settings:
    """Return every setting's value and source; flags that are None were not given.

    The file's top level holds defaults; a table `[profiles.NAME]` overrides them for that profile.
    Raises UsageError for a file that is missing when named, is not TOML, or holds unknown names,
    and for an endpoint with a password, which would be shown; Conflict for a file that another
    user may have written.
    """
    places = places or Places.find(environ)
    path = file or places.config_file
    table = _read(path, required=file is not None)
    profiles = table.pop("profiles", {})
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for setting in SETTINGS:
        layers = [table, profiles.get(values.get("profile"), {})]
        values[setting.name], sources[setting.name] = _resolve(
            setting, flags, environ, layers, path
        )
    _reject_unknown([table, *profiles.values()], path)
    source = sources["endpoint-url"]
    endpoints.require_plain(
        values["endpoint-url"] or "", "--endpoint-url" if source == "flag" else source
    )
    return Settings(values, sources)


def _resolve(
    setting: Setting,
    flags: Mapping[str, Any],
    environ: Mapping[str, str],
    layers: list[Mapping[str, Any]],
    path: Path,
) -> tuple[Any, str]:
    flag = flags.get(setting.name.replace("-", "_"))
    if flag is not None:
        return flag, "flag"
    for variable in setting.variables:
        is_ignored = variable.startswith("AWS_ENDPOINT_URL") and _ignores_endpoints(environ)
        if environ.get(variable) and not is_ignored:
            return _typed(setting, environ[variable], variable), variable
    for layer in reversed(layers):
        if setting.name in layer:
            return _typed(setting, layer[setting.name], str(path)), str(path)
    return setting.default, "default"


def _ignores_endpoints(environ: Mapping[str, str]) -> bool:
    """Tell whether endpoints in AWS's own variables do not count, as the AWS CLI reads it."""
    return environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true"


def _typed(setting: Setting, value: Any, source: str) -> Any:
    if setting.kind is bool:
        word = str(value).lower()
        if word not in _TRUE | _FALSE:
            raise UsageError(f"{setting.name} is {value!r} in {source}; write true or false")
        return word in _TRUE
    if not isinstance(value, str):
        raise UsageError(f"{setting.name} in {source} must be text")
    if setting.choices and value not in setting.choices:
        known = ", ".join(setting.choices)
        raise UsageError(f"{setting.name} is {value!r} in {source}; it is one of {known}")
    return value


def _read(path: Path, *, required: bool) -> dict[str, Any]:
    try:
        table = tomllib.loads(_content(path).decode())
    except FileNotFoundError:
        if required:
            raise UsageError(f"config file {str(path)!r} does not exist") from None
        return {}
    except RecursionError:
        raise UsageError(f"config file {str(path)!r} is nested too deeply") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"config file {str(path)!r} is not valid TOML: {error}") from error
    except OSError as error:
        raise UsageError(f"config file {str(path)!r}: {error.strerror}") from error
    profiles = table.get("profiles", {})
    if not isinstance(profiles, dict) or not all(isinstance(p, dict) for p in profiles.values()):
        raise UsageError(f"profiles in {str(path)!r} are tables: write [profiles.NAME]")
    return table


def _content(path: Path) -> bytes:
    """Return what is in a config file; raises Conflict for one that others may have written.

    It says where data and signatures go. Links are followed, as tools that keep such files make
    them; the file may be the system's, too.
    """
    descriptor = os.open(path, os.O_RDONLY | system.NO_WAIT)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
            raise Conflict(f"config file {str(path)!r} is no plain file of a sensible size")
        is_others = not system.is_own(status) and status.st_uid != 0
        if is_others or system.mode_beyond_owner_and_own_group(status) & 0o022:
            raise Conflict(
                f"config file {str(path)!r} belongs to, or can be written by, another user",
                hint="see what is in it, then: "
                f"chown $USER {quoted(path)} && chmod go-w {quoted(path)}",
            )
        with os.fdopen(os.dup(descriptor), "rb") as file:
            return file.read(_LARGEST)
    finally:
        os.close(descriptor)


def _reject_unknown(tables: list[Mapping[str, Any]], path: Path) -> None:
    known = {setting.name for setting in SETTINGS}
    for table in tables:
        for name in table:
            if name not in known:
                words = ", ".join(sorted(known))
                raise UsageError(
                    f"unknown setting {name!r} in {str(path)!r}", hint=f"settings are: {words}"
                )
