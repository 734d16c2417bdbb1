"""What the HTTP face lets through to the engine: requests that a Glacier client would send.

The server is open to every program of this machine, browsers with foreign pages in them included;
a page must not be able to reach it, by a form, a script or a name of its own that resolves to us.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from glaciercli.local.errors import ServiceError, denied, invalid, missing
from glaciercli.local.rules import MAX_PART

_METHODS = {"GET", "PUT", "POST", "DELETE", "HEAD"}


def admit(method: str, target: str, headers: Mapping[str, str], *, port: int) -> int:
    """Return the length of the request's body; raise ServiceError for what the engine must not see.

    `headers` have lower-case names; `port` is the one that we listen on.
    """
    if not is_loopback(headers.get("host", ""), port):
        raise denied("Host must be a loopback address with the port of this server")
    if "origin" in headers or headers.get("sec-fetch-site", "none") != "none":
        raise denied("requests of web pages are not answered")
    if method not in _METHODS:
        raise ServiceError("BadRequest", f"Method not allowed: {method}", status=405)
    if not target.startswith("/"):
        raise ServiceError("BadRequest", "The target of a request must be a path")
    if "transfer-encoding" in headers:
        # The service wants a length as well, and both at once is how requests are smuggled.
        raise missing("Content-Length")
    length = int(headers.get("content-length", "0"))
    if length > MAX_PART:
        raise invalid(f"Invalid Content-Length: {length}")
    return length


def is_loopback(host: str, port: int) -> bool:
    """Tell whether a Host header names this machine and `port`."""
    name, colon, given = host.rpartition(":")
    if not colon or host.endswith("]"):
        name, given = host, "80"
    if given != str(port):
        return False
    if name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False
