"""What the HTTP face lets through to the engine: requests that a Glacier client would send.

The server is open to every program of this machine, browsers with foreign pages in them included;
a page must not be able to reach it, by a form, a script or a name of its own that resolves to us.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

from glaciercli.local.errors import ServiceError, denied, invalid, missing
from glaciercli.local.rules import MAX_PART

_VERSIONS = {b"1.0", b"1.1"}
_METHODS = {"GET", "PUT", "POST", "DELETE", "HEAD"}

#: The service's own names. Clients without a choice of endpoint are led here by the hosts file,
#: and say the name that they were built with; no foreign page can have it.
_SERVICE = re.compile(r"glacier(-fips)?\.[a-z0-9-]+\.amazonaws\.com(\.cn)?", re.IGNORECASE)


#: h11 forgives both, as the standard allows. Our clients write neither, and a head that two readers
#: take apart in two ways is how requests are smuggled.
_AMBIGUOUS = re.compile(rb"(?<!\r)\n|\n[ \t]")

#: What browsers say of the page that a request comes from.
_OF_PAGES = {"origin", "referer"}


def admit_head(head: bytes, version: bytes, limit: int) -> None:
    """Raise ServiceError for a head, as it came, that could be read in another way than ours."""
    if len(head) > limit:
        raise ServiceError("BadRequest", "The head of the request is too large", status=431)
    if version not in _VERSIONS:
        raise ServiceError("BadRequest", "The version of HTTP must be 1.0 or 1.1")
    if _AMBIGUOUS.search(head):
        raise ServiceError("BadRequest", "A line of the head is folded or does not end in CR LF")


def admit(method: str, target: str, headers: Mapping[str, str]) -> int:
    """Return the length of the request's body; raise ServiceError for what the engine must not see.

    `headers` have lower-case names.
    """
    if not _is_ours(headers.get("host", "")):
        raise denied("Host must be a loopback address, localhost or a name of Glacier itself")
    if _OF_PAGES & headers.keys() or headers.get("sec-fetch-site", "none") != "none":
        raise denied("requests of web pages are not answered")
    if method not in _METHODS:
        raise ServiceError("BadRequest", f"Method not allowed: {method}")
    if not target.startswith("/"):
        raise ServiceError("BadRequest", "The target of a request must be a path")
    if "transfer-encoding" in headers:
        # The service wants a length as well, and both at once is how requests are smuggled.
        raise missing("Content-Length")
    length = int(headers.get("content-length", "0"))
    if length > MAX_PART:
        raise invalid(f"Invalid Content-Length: {length}")
    return length


def _is_ours(host: str) -> bool:
    """Tell whether a Host header names this machine, or the service that we stand in for.

    The port is not looked at: some clients leave it out, a tunnel changes it, and a page that
    reaches us under one of these names has given its origin away.
    """
    match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]]+)(:[0-9]{1,5})?", host)
    if match is None:
        return False
    name = match[1].strip("[]")
    if name.lower() == "localhost" or _SERVICE.fullmatch(name):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
