"""What every face of the program opens: the settings, the client, the catalog, the journals.

Each is made when it is first used, so a run pays for no more than it needs. Nothing here knows a
command line or a terminal.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glaciercli import config
from glaciercli.errors import UsageError
from glaciercli.hints import Command, Hint
from glaciercli.units import KIB, parse_duration, parse_rate

if TYPE_CHECKING:
    from glaciercli.catalog.store import Catalog
    from glaciercli.clients.glacier import Client, Target

_SYNC = Command("catalog", "sync")
_CONNECTIONS = 16  # enough for the default workers; --workers raises it
_LEAST_BANDWIDTH = 64 * KIB  # shared by eight connections, each block still beats the timeouts


class Workspace:
    """One run's settings and what is opened by them.

    `note` is told what a person should know of the files that are opened; `ask` is asked what only
    a person knows, such as the code of a profile, and returns None where nobody is there. Setting
    `stop` ends every wait of the client.
    """

    def __init__(
        self,
        note: Callable[[Hint], None],
        stop: threading.Event | None = None,
        *,
        ask: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        #: Settings that this run was given, by name with `_` for `-`; they win over all others.
        self.flags: dict[str, Any] = {}
        self.stop = stop or threading.Event()
        self.connections = _CONNECTIONS
        self._note = note
        self._ask = ask
        self._is_told = False

    @cached_property
    def places(self) -> config.Places:
        """Where this run's files are, as the environment says."""
        return config.Places.find()

    @cached_property
    def journals(self) -> Path:
        """The directory of journals; the first look at it tells of a network file system."""
        self._network_of(self.places.state)
        return self.places.state / "journals"

    @cached_property
    def settings(self) -> config.Settings:
        """All settings, each from a flag, the environment, the file or its default.

        Raises UsageError for a setting that is wrong, Conflict for a file that others can write.
        """
        file = self.flags.get("config")
        return config.load(self.flags, file=file, places=self.places)

    @cached_property
    def target(self) -> Target:
        """The place that the client talks to; no connection is made yet."""
        # Imported here, as below: boto3 costs more than all the rest of a command's start.
        from glaciercli.clients.glacier import Target  # noqa: PLC0415

        return Target(
            region=self.settings["region"],
            profile=self.settings["profile"],
            account_id=self.settings["account-id"],
            endpoint_url=None if self.is_local else self.settings["endpoint-url"],
            local_root=self.local_root if self.is_local else None,
        )

    @property
    def endpoint_setting(self) -> tuple[str | None, str]:
        """The endpoint in force and where it is from: ours, else the AWS configuration's.

        Where that cannot be read there is none, and the reason instead of its place.
        """
        from glaciercli.clients.session import configured_endpoint  # noqa: PLC0415

        url, source = self.settings["endpoint-url"], self.settings.sources["endpoint-url"]
        if url is not None or self.is_local:
            return url, source
        try:
            url = configured_endpoint(self.target)
        except UsageError as error:
            return None, error.message
        return url, source if url is None else "AWS configuration"

    @property
    def is_local(self) -> bool:
        """Tell whether the embedded engine is meant; the flags at hand beat remembered defaults."""
        named_local = self.flags.get("local") or self.flags.get("local_root") is not None
        if self.flags.get("endpoint_url") is not None:
            if named_local:
                raise UsageError("--local and --endpoint-url name two different places")
            return False
        return bool(named_local or self.settings["local"])

    @property
    def local_root(self) -> Path:
        """The directory of the embedded engine, absolute; it need not be there."""
        root = self.settings["local-root"]
        return Path(root).expanduser().absolute() if root else self.places.local_root

    @cached_property
    def client(self) -> Client:
        """The client of the target; raises UsageError for a setting that cannot be read."""
        from glaciercli.clients.session import connect  # noqa: PLC0415

        limit = self.settings.parsed("bandwidth-limit", parse_rate)
        if limit is not None and limit < _LEAST_BANDWIDTH:
            raise UsageError("a --bandwidth-limit below 64KiB/s would let connections time out")
        timeout = self.settings.parsed("timeout", parse_duration)
        assert timeout is not None  # it has a default
        return connect(
            self.target,
            timeout=timeout.total_seconds(),
            connections=self.connections,
            stop=self.stop,
            bandwidth=limit,
            max_requests=self.settings.parsed("max-requests", _count),
            ask=self._ask,
        )

    @cached_property
    def catalog(self) -> Catalog:
        """The catalog; `note` is told what was moved aside when it was opened."""
        from glaciercli.catalog.store import Catalog  # noqa: PLC0415

        network = self._network_of(self.places.data)
        catalog = Catalog.open(self.places.catalog, network=network)
        if catalog.set_aside is not None:
            aside = str(catalog.set_aside)
            what = f"the catalog was damaged: it is kept as {aside!r}, and a new one has begun"
            self._note((f"{what}; to fill it: ", _SYNC))
        if catalog.stale_log is not None:
            path, log = str(self.places.catalog), str(catalog.stale_log)
            what = f"{path!r} is another copy than the log beside it belongs to, kept as {log!r}"
            self._note((f"{what}; what only the log knew comes back by: ", _SYNC))
        return catalog

    def _network_of(self, directory: Path) -> str | None:
        """Return the type of the network file system that a directory of ours is on, if it is.

        `note` is told once a run: locks may not hold there between machines.
        """
        from glaciercli.files import mounts  # noqa: PLC0415

        kind = mounts.network_of(directory)
        if kind is not None and not self._is_told:
            self._is_told = True
            self._note(
                f"{str(directory)!r} is on a network file system ({kind}): use it from one machine "
                "at a time, or set GLACIER_HOME to a directory on a local disk"
            )
        return kind

    def close_catalog(self) -> None:
        """Make the catalog one file again, for people who copy it; every run ends by this."""
        if "catalog" in self.__dict__:
            self.catalog.close()

    def close(self) -> None:
        """Close all that was opened; a process that ends anyway leaves the engine open."""
        self.close_catalog()
        if "client" in self.__dict__ and self.client.engine is not None:
            self.client.engine.close()


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError("write a whole number, at least 1")
    return int(text)
