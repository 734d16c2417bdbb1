"""The name of the place that answers as Glacier: one name each, however its address is spelled.

Catalog and journals keep what they know of a place under its name. Two names for one place would
hide half of that; one name for two places would take a rehearsal for the service.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit, urlunsplit

from glaciercli.errors import UsageError

AWS = "aws"  # the service itself, in whichever region

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOOPBACK = "127.0.0.1"  # stands for all spellings of this machine's own address
_LOOPBACK_HOSTS = (_LOOPBACK, "localhost", "[::1]")
# The hosts of botocore's endpoint rules for Glacier: plain, FIPS and dual stack in each partition;
# and those of a VPC's own endpoints.
_AWS_HOST = re.compile(
    r"(?:vpce-[a-z0-9-]+\.)?glacier(?:-fips)?\.(?P<region>[a-z0-9-]+)\.(?:vpce\.)?"
    r"(?:amazonaws\.(?:com|com\.cn|eu)|api\.aws|api\.amazonwebservices\.(?:com\.cn|eu)"
    r"|c2s\.ic\.gov|api\.aws\.ic\.gov|sc2s\.sgov\.gov|api\.aws\.scloud"
    r"|cloud\.adc-e\.uk|api\.cloud-aws\.adc-e\.uk|csp\.hci\.ic\.gov|api\.aws\.hci\.ic\.gov)"
)
_USER = re.compile(r"([a-z][a-z0-9+.-]*://)\S*@", re.IGNORECASE)


def name_of(address: str, region: str | None = None) -> str:
    """Return the name of an endpoint: `aws` for the service's own URLs, else the URL.

    Of a URL the host is in lower case, this machine is 127.0.0.1, and the default port, a trailing
    slash, user and password are left out. What is no URL (`aws`, `local:DIR`) is its own name. With
    `region`, the service's URL in another region is not `aws`, for it answers for that region.
    """
    parts = _split(address)
    if parts is None:
        return address.rstrip("/")
    host = _host(parts)
    service = _AWS_HOST.fullmatch(host)
    is_plain = parts.scheme == "https" and parts.port in {None, 443} and not parts.path.strip("/")
    if is_plain and service and region in {None, service["region"]}:
        return AWS
    port = "" if parts.port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{parts.port}"
    return urlunsplit((parts.scheme, host + port, parts.path.rstrip("/"), parts.query, ""))


def spellings(name: str, region: str) -> Iterator[str]:
    """Yield what earlier versions, which took a URL as it was given, may have called a place.

    Its name comes first; keys of journals were made of any of them.
    """
    yield name
    if name == AWS:
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        yield f"https://glacier.{region}.{suffix}"
        return
    parts = _split(name)
    if parts is None:
        return
    host = _host(parts)
    for other in _LOOPBACK_HOSTS if host == _LOOPBACK else (host,):
        for port in {parts.port, parts.port or _DEFAULT_PORTS[parts.scheme]}:
            netloc = other if port is None else f"{other}:{port}"
            spelled = urlunsplit((parts.scheme, netloc, parts.path, parts.query, ""))
            if spelled != name:
                yield spelled


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, so that nobody is in between."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def require_plain(address: str, where: str) -> None:
    """Raise UsageError for an endpoint with a user or password, or with a query or fragment.

    The former would be kept and shown; the latter would go with every request. `where` names the
    place to mend. The message repeats only what is none of them.
    """
    _, at, rest = address.rpartition("@")
    plain = re.split("[?#]", rest)[0]
    if at:
        raise UsageError(
            f"the endpoint of {where} has a user or password before {plain!r}",
            hint="leave them out: requests are signed with the AWS credentials",
        )
    if plain != rest:
        raise UsageError(
            f"the endpoint of {where} has a query or fragment after {plain!r}",
            hint="leave it out: an endpoint is a host, with a port and a path at most",
        )


def without_users(text: str) -> str:
    """Return a text whose URLs, a proxy's mostly, are without user and password.

    Up to the last `@` before a blank: a password that is not percent-encoded may hold any sign.
    """
    return _USER.sub(r"\1", text)


def _split(address: str) -> SplitResult | None:
    """Return the parts of an http or https URL; None for anything else."""
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - looked at only when asked for
    except ValueError:
        return None
    return parts if parts.scheme in _DEFAULT_PORTS and parts.hostname else None


def _host(parts: SplitResult) -> str:
    """Return the host of a URL as it stands in a name."""
    host = (parts.hostname or "").removesuffix(".")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return _LOOPBACK if host == "localhost" else host
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    if str(address) in {_LOOPBACK, "::1"}:
        return _LOOPBACK
    return f"[{address}]" if address.version == 6 else str(address)
