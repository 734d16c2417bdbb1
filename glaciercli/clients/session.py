"""The one door to Glacier: AWS, an HTTP endpoint, or a directory with the embedded engine.

The only module that knows boto3, and it imports it only when it is needed, since that takes longer
than the rest of a command's start. botocore's own retries are off: it repeats calls that must not
be repeated (failure model, finding 1), so repeating is `retry.Pace`'s business.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from glaciercli import __version__, endpoints
from glaciercli.clients import _credentials as credentials
from glaciercli.clients._credentials import Ask, Codes
from glaciercli.clients._patience import Patience, timed_pools
from glaciercli.clients.glacier import Client, Target
from glaciercli.clients.pace import GIVE_UP_AFTER, Pace
from glaciercli.clients.replies import Bounded, translated, watch
from glaciercli.errors import Conflict, Refused, UsageError
from glaciercli.hints import Command

if TYPE_CHECKING:
    from botocore.config import Config

    from glaciercli.local.wire import Request, Response

LOCAL_REGION = "us-east-1"

_ANOTHER = "another directory: --local-root DIR"
_OF_AWS = "the AWS configuration"
_SOCKET_TIMEOUT = 60.0  # seconds without a byte before a connection counts as broken
_LEAST_SOCKET_TIMEOUT = 0.1


def connect(
    target: Target,
    *,
    timeout: float = GIVE_UP_AFTER,
    connections: int = 16,
    stop: threading.Event | None = None,
    bandwidth: int | None = None,
    max_requests: int | None = None,
    ask: Ask = lambda _: None,
) -> Client:
    """Return a client for a target; makes no request yet.

    `timeout` is in seconds and `bandwidth` in bytes a second (see `Pace`); `max_requests` ends the
    work when it is used up, repetitions included; `ask` is asked for the code of a profile that
    wants one. Raises UsageError when the region or profile is missing or wrong, AccessDenied when
    the profile gives no credentials, Refused for an endpoint that would send data in the clear.
    """
    from botocore.config import Config  # noqa: PLC0415 - see the module's docstring

    # None at all, which says that nothing is to be repeated, is no time for a socket.
    silence = min(_SOCKET_TIMEOUT, max(_LEAST_SOCKET_TIMEOUT, timeout))
    config = Config(
        connect_timeout=silence,
        read_timeout=silence,
        max_pool_connections=connections,
        retries={"total_max_attempts": 1, "mode": "standard"},
        user_agent_extra=f"glaciercli/{__version__}",
    )
    patience = Patience(max(_LEAST_SOCKET_TIMEOUT, timeout), silence)
    pace = Pace(timeout, stop=stop, bandwidth=bandwidth)
    if target.local_root is not None:
        return _connect_local(target, target.local_root, config, pace, max_requests)
    if target.endpoint_url is not None:
        _require_private(target.endpoint_url, "--endpoint-url")

    codes = Codes(ask)

    def make() -> Any:
        import boto3  # noqa: PLC0415

        with translated("connect"), _settled():
            session = boto3.Session(profile_name=target.profile, region_name=target.region)
            _require_bundle(session)
            credentials.load(session, codes)
            new = functools.partial(session.client, "glacier", endpoint_url=target.endpoint_url)
            client = new(config=config)
            # Only now it is known: a profile may have an endpoint too.
            _require_private(client.meta.endpoint_url, _OF_AWS)
            if urlsplit(client.meta.endpoint_url).scheme == "http":
                # In the clear because nobody is in between; a proxy would be.
                client = new(config=config.merge(Config(proxies={})))
        http = client._endpoint.http_session  # noqa: SLF001 - botocore has no public place for it
        http._pool_classes_by_scheme.update(timed_pools(patience))  # noqa: SLF001 - nor for this
        return _prepared(client)

    return Client(target, make, pace, max_requests)


def configured_endpoint(target: Target) -> str | None:
    """Return the URL that the AWS configuration names for a target; None where it is the service.

    Asks no one and needs no credentials. Raises UsageError where that configuration makes no sense.
    """
    import boto3  # noqa: PLC0415

    with translated("connect"), _settled():
        session = boto3.Session(profile_name=target.profile, region_name=target.region)
        client = session.client("glacier")
    url: str = client.meta.endpoint_url
    endpoints.require_plain(url, _OF_AWS)
    return None if endpoints.name_of(url, client.meta.region_name) == endpoints.AWS else url


def _connect_local(
    target: Target, root: Path, config: Config, pace: Pace, max_requests: int | None
) -> Client:
    # Imported here: a command that talks to AWS does not pay for an engine.
    import boto3  # noqa: PLC0415

    from glaciercli.local.engine import open_engine  # noqa: PLC0415
    from glaciercli.local.errors import StoreError  # noqa: PLC0415
    from glaciercli.local.inprocess import plug_in  # noqa: PLC0415

    try:
        engine = open_engine(root, account=target.account)
    except StoreError as error:
        raise Conflict(f"the local engine: {error}", hint=_ANOTHER) from error
    except OSError as error:
        why = f"{error.filename or root}: {error.strerror or error}"
        raise Conflict(f"the local engine: {why}", hint=_ANOTHER) from error

    def make() -> Any:
        session = boto3.Session(
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106 - signs requests that never leave
            region_name=target.region or LOCAL_REGION,
        )
        # A profile or endpoint of the environment must not send rehearsals to the real service.
        url = f"https://glacier.{target.region or LOCAL_REGION}.amazonaws.com"
        client = session.client("glacier", endpoint_url=url, config=config)
        plug_in(client, handle, trusting=True)
        return _prepared(client)

    def handle(request: Request) -> Response:
        try:
            return engine.handle(request)
        except StoreError as error:
            # Over HTTP it would be a server's failure; here it is this disk's, now and again.
            raise Conflict(f"the local engine: {error}") from error

    return Client(target, make, pace, max_requests, engine)


def _prepared(client: Any) -> Any:
    """Let a body that knows its SHA-256 say it, bound replies, and note when requests leave."""
    endpoint = client._endpoint  # noqa: SLF001 - botocore has no public place for a limit
    endpoint.http_session = Bounded(endpoint.http_session)
    watch(client.meta.events)
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
    except ValueError as error:  # an endpoint that is none
        if str(error).startswith("Invalid endpoint"):
            try:
                endpoints.require_plain(str(error), _OF_AWS)
            except UsageError as refusal:
                raise refusal from None  # a traceback would repeat the endpoint
        raise UsageError(
            f"the AWS configuration cannot be used: {error}", hint=Command("config", "show")
        ) from error


def _require_bundle(session: Any) -> None:
    """Raise for a CA bundle set to nothing: releases of botocore verify nothing then."""
    found = session._session.get_config_variable("ca_bundle")  # noqa: SLF001 - boto3 hides it
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") if found is None else str(found)
    if bundle is not None and not bundle.strip():
        raise UsageError(
            "the CA bundle is set to nothing", hint="unset AWS_CA_BUNDLE, or name a file"
        )


def _require_private(url: str, where: str) -> None:
    endpoints.require_plain(url, where)
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - looked at only when asked for
    except ValueError as error:
        raise UsageError(
            f"endpoint {url!r} is no URL: {error}", hint="such as http://127.0.0.1:8080"
        ) from error
    if parts.scheme == "https":
        return
    if parts.scheme != "http" or not endpoints.is_loopback(parts.hostname or ""):
        raise Refused(
            f"endpoint {url!r} would send data and signatures in the clear",
            hint="use https, or http on 127.0.0.1",
        )
