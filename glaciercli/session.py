"""The one door to Glacier: AWS, an HTTP endpoint, or a directory with the embedded engine.

The only module that knows boto3, and it imports it only when it is needed, since that takes longer
than the rest of a command's start. Replies come back as plain dicts; every failure comes back as a
`GlacierError`. botocore's own retries are off: it repeats calls that must not be repeated
(failure model, finding 1), so repeating is `retry.Pace`'s business.
"""

from __future__ import annotations

import functools
import hashlib
import ipaddress
import itertools
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from glaciercli import __version__
from glaciercli.errors import (
    AccessDenied,
    Conflict,
    GlacierError,
    LostReply,
    Refused,
    Unavailable,
    UsageError,
)
from glaciercli.members import require_whole
from glaciercli.replies import Bounded, Output, translated
from glaciercli.retry import GIVE_UP_AFTER, Pace, may_have_been_applied

if TYPE_CHECKING:
    from botocore.config import Config

    from glaciercli.local.engine import Engine
    from glaciercli.local.wire import Request, Response

_log = logging.getLogger(__name__)

LOCAL_REGION = "us-east-1"
LOCAL_ACCOUNT = "000000000000"

# Each of these makes, or may make, something that is paid for or that cannot be made twice.
NOT_REPEATABLE = frozenset(
    {
        "InitiateJob",
        "InitiateMultipartUpload",
        "InitiateVaultLock",
        "PurchaseProvisionedCapacity",
        "UploadArchive",
    }
)

_PAGED = {
    "ListJobs": "JobList",
    "ListMultipartUploads": "UploadsList",
    "ListParts": "Parts",
    "ListVaults": "VaultList",
}

_MOST_PAGES = 100_000  # of a listing; a million retrievals within a day make a fifth of that
_SOCKET_TIMEOUT = 60.0  # seconds without a byte before a connection counts as broken


@dataclass(frozen=True)
class Target:
    """Which Glacier, and as whom. `local_root` names a directory; it wins over the rest."""

    region: str | None = None
    profile: str | None = None
    account_id: str = "-"
    endpoint_url: str | None = None
    local_root: Path | None = None

    @property
    def endpoint(self) -> str:
        """A stable name of the place, for journals and the catalog: `aws`, a URL or a directory."""
        if self.local_root is not None:
            return f"local:{self.local_root.resolve()}"
        return self.endpoint_url.rstrip("/") if self.endpoint_url else "aws"

    @property
    def account(self) -> str | None:
        """The account that was named; None for `-`, whichever the credentials are of."""
        return None if self.account_id == "-" else self.account_id

    @property
    def identity(self) -> str:
        """Who asks, without asking the service: a profile's name, or a digest of the key's id."""
        key = os.environ.get("AWS_ACCESS_KEY_ID")
        if self.profile is None and key:
            return hashlib.sha256(key.encode()).hexdigest()[:16]
        return self.profile or "default"


class Client:
    """boto3's Glacier client with our errors, our retries, and nothing else of boto3's."""

    def __init__(
        self,
        target: Target,
        make: Callable[[], Any],
        pace: Pace,
        max_requests: int | None = None,
        engine: Engine | None = None,
    ) -> None:
        self.target = target
        self.max_requests = max_requests
        self._requests = itertools.count(1)
        self.pace = pace
        #: The engine behind a local target; tests count its requests and ask it for faults.
        self.engine = engine
        self._make = make
        self._boto = make()
        self._renewing = threading.Lock()
        self.region: str = self._boto.meta.region_name

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Return the reply to one operation, repeated where repeating is safe.

        Parameters have the names of boto3's client. Raises a GlacierError; for an operation that
        makes something, `may_have_been_applied` tells whether to look before asking again.
        """
        parameters.setdefault("accountId", self.target.account_id)
        repeatable = operation not in NOT_REPEATABLE
        return self.pace.run(
            lambda: self.once(operation, **parameters),
            again=lambda error: repeatable or not may_have_been_applied(error),
        )

    def once(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Return the reply to one operation asked once.

        Signed anew, it is asked again when nothing was done because credentials have expired that
        can be renewed, or because the machine slept between signing and sending.
        """
        parameters.setdefault("accountId", self.target.account_id)
        if self.max_requests is not None and next(self._requests) > self.max_requests:
            raise Refused(
                f"the {self.max_requests} requests of --max-requests are used up",
                hint="run the same command again to go on; what was done is kept",
            )
        boto = self._boto
        try:
            return _ask(boto, operation, parameters)
        except AccessDenied as error:
            is_late = error.message.startswith(("Signature expired", "Signature not yet current"))
            if not is_late and (error.code != "ExpiredTokenException" or not self._renew(boto)):
                raise
        return _ask(self._boto, operation, parameters)

    def replies(self, operation: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Yield the pages of a listing; raises Unavailable when they have no end."""
        marker: str | None = None
        seen: set[str] = set()
        for _ in range(_MOST_PAGES):
            page = {"marker": marker} if marker else {}
            reply = self.call(operation, **parameters, **page)
            yield reply
            marker = reply.get("Marker")
            if not marker:
                return
            if marker in seen:
                raise Unavailable(f"{operation} returned the same page twice")
            seen.add(marker)
        raise Unavailable(f"{operation} returned {_MOST_PAGES:,} pages, and still has more")

    def pages(self, operation: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Yield the items of a listing, page by page."""
        for reply in self.replies(operation, **parameters):
            yield from reply.get(_PAGED[operation], ())

    def create(
        self,
        operation: str,
        find: Callable[[], dict[str, Any] | None],
        **parameters: Any,
    ) -> dict[str, Any]:
        """Return the reply to an operation that makes something, making it at most once.

        After a reply that was lost, `find` looks for what the request may have made, and returns
        it as the reply would have, or None; only then the operation is asked again.
        """

        def recover(error: Unavailable) -> dict[str, Any] | None:
            return find() if may_have_been_applied(error) else None

        return self.pace.run(lambda: self.once(operation, **parameters), recover=recover)

    def output(self, operation: str = "GetJobOutput", **parameters: Any) -> Output:
        """Return an open output, asked for once: reading it may fail, so repeating is the caller's.

        Close it, or read it to the end, so that its connection can be used again.
        """
        return Output(self.once(operation, **parameters), operation)

    def _renew(self, used: Any) -> bool:
        """Read credentials afresh after an expiry; False when there are no newer ones."""
        with self._renewing:
            if self._boto is not used:
                return True  # another worker has done it
            fresh = self._make()
            if _access_key(fresh) == _access_key(used):
                return False
            self._boto = fresh
            return True


def connect(
    target: Target,
    *,
    timeout: float = GIVE_UP_AFTER,
    connections: int = 16,
    stop: threading.Event | None = None,
    bandwidth: int | None = None,
    max_requests: int | None = None,
) -> Client:
    """Return a client for a target; makes no request yet.

    `timeout` is in seconds and `bandwidth` in bytes a second (see `Pace`); `max_requests` ends the
    work when it is used up, repetitions included. Raises UsageError when the region or profile is
    missing or wrong, Refused for an endpoint that would send data in the clear.
    """
    from botocore.config import Config  # noqa: PLC0415 - see the module's docstring

    config = Config(
        connect_timeout=min(_SOCKET_TIMEOUT, timeout),
        read_timeout=min(_SOCKET_TIMEOUT, timeout),
        max_pool_connections=connections,
        retries={"total_max_attempts": 1, "mode": "standard"},
        user_agent_extra=f"glaciercli/{__version__}",
    )
    pace = Pace(timeout, stop=stop, bandwidth=bandwidth)
    if target.local_root is not None:
        return _connect_local(target, target.local_root, config, pace, max_requests)
    if target.endpoint_url is not None:
        _require_private(target.endpoint_url)

    def make() -> Any:
        import boto3  # noqa: PLC0415

        with translated("connect"), _settled():
            session = boto3.Session(profile_name=target.profile, region_name=target.region)
            _require_bundle(session)
            ask = functools.partial(session.client, "glacier", endpoint_url=target.endpoint_url)
            client = ask(config=config)
            # Only now it is known: a profile may have an endpoint too.
            _require_private(client.meta.endpoint_url)
            if urlsplit(client.meta.endpoint_url).scheme == "http":
                # In the clear because nobody is in between; a proxy would be.
                client = ask(config=config.merge(Config(proxies={})))
        return _prepared(client)

    return Client(target, make, pace, max_requests)


def _connect_local(
    target: Target, root: Path, config: Config, pace: Pace, max_requests: int | None
) -> Client:
    # Imported here: a command that talks to AWS does not pay for an engine.
    import boto3  # noqa: PLC0415

    from glaciercli.local.engine import open_engine  # noqa: PLC0415
    from glaciercli.local.errors import StoreError  # noqa: PLC0415
    from glaciercli.local.inprocess import plug_in  # noqa: PLC0415

    try:
        engine = open_engine(root)
    except (StoreError, OSError) as error:
        raise Conflict(f"the local engine in {str(root)!r}: {error}") from error

    def make() -> Any:
        session = boto3.Session(
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106 - signs requests that never leave
            region_name=target.region or LOCAL_REGION,
        )
        # A profile or endpoint of the environment must not send rehearsals to the real service.
        url = f"https://glacier.{target.region or LOCAL_REGION}.amazonaws.com"
        client = session.client("glacier", endpoint_url=url, config=config)
        plug_in(client, handle)
        return _prepared(client)

    def handle(request: Request) -> Response:
        try:
            return engine.handle(request)
        except StoreError as error:
            # Over HTTP it would be a server's failure; here it is this disk's, now and again.
            raise Conflict(f"the local engine: {error}") from error

    return Client(target, make, pace, max_requests, engine)


def _prepared(client: Any) -> Any:
    """Let a body that knows its SHA-256 say it, and bound what is read of a reply."""
    endpoint = client._endpoint  # noqa: SLF001 - botocore has no public place for a limit
    endpoint.http_session = Bounded(endpoint.http_session)
    for operation in ("UploadArchive", "UploadMultipartPart"):
        client.meta.events.register_first(f"before-call.glacier.{operation}", _say_sha256)
    return client


def _say_sha256(params: dict[str, Any], **_: Any) -> None:
    sha256 = getattr(params["body"], "sha256", None)
    if sha256 is not None:
        params["headers"]["x-amz-content-sha256"] = sha256


@contextmanager
def _settled() -> Iterator[None]:
    """Turn what botocore makes of settings that make no sense into a UsageError."""
    try:
        yield
    except ValueError as error:  # an endpoint that is none, a credential process that talks
        raise UsageError(f"the AWS configuration cannot be used: {error}") from error


def _require_bundle(session: Any) -> None:
    """Raise for a CA bundle set to nothing: releases of botocore verify nothing then."""
    found = session._session.get_config_variable("ca_bundle")  # noqa: SLF001 - boto3 hides it
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") if found is None else str(found)
    if bundle is not None and not bundle.strip():
        raise UsageError(
            "the CA bundle is set to nothing", hint="unset AWS_CA_BUNDLE, or name a file"
        )


def _require_private(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https":
        return
    try:
        loopback = ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        loopback = parts.hostname == "localhost"
    if parts.scheme != "http" or not loopback:
        raise Refused(
            f"endpoint {url!r} would send data and signatures in the clear",
            hint="use https, or http on 127.0.0.1",
        )


def _ask(boto: Any, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    if hasattr(parameters.get("body"), "seek"):
        parameters["body"].seek(0)  # an earlier attempt may have read some of it
    started, outcome = time.monotonic(), "interrupted"
    try:
        with translated(operation, parameters):
            # boto3's method names are the operations' in snake case; the mapping is its own.
            method = boto.meta.method_to_api_mapping
            name = next(each for each, api in method.items() if api == operation)
            reply: dict[str, Any] = getattr(boto, name)(**parameters)
            try:
                require_whole(boto.meta.service_model.operation_model(operation), reply, parameters)
            except LostReply:
                if "body" in reply:
                    reply["body"].close()  # else its connection stays open
                raise
        outcome = str(reply["ResponseMetadata"]["HTTPStatusCode"])
        return reply
    except GlacierError as error:
        outcome = f"{type(error).__name__}: {error.message}"
        raise
    finally:
        milliseconds = (time.monotonic() - started) * 1000
        vault = parameters.get("vaultName", "-")
        _log.info("%s %s: %s (%.0f ms)", operation, vault, outcome, milliseconds)


def _access_key(boto: Any) -> str | None:
    credentials = boto._request_signer._credentials  # noqa: SLF001 - no public way to the key in use
    return None if credentials is None else credentials.access_key
