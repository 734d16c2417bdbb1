"""What a request says of its signature: in its Authorization header, or in its own address.

An address with a signature is what SDKs call a presigned URL: good for one request, by anyone who
has it, until it expires. The guide does not speak of them for Glacier; the SDKs make them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from glaciercli.local.errors import ServiceError

ALGORITHM = "AWS4-HMAC-SHA256"
BASIC = "%Y%m%dT%H%M%SZ"  # how times are written that go into a signature
DEFAULT_REGION = "us-east-1"  # of a caller who signs nothing

_CREDENTIAL = re.compile(
    r"([\w.+=@-]{1,128})/(\d{8}/([a-z0-9-]{1,32})/([\w-]+)/aws4_request)", re.ASCII
)
_LONGEST_LIFE = 7 * 86400  # seconds of a presigned URL, the SDKs' and Signature Version 4's limit
_SECRET = re.compile(r"((?:^|[?&])x-amz-(?:signature|security-token)=)[^&]*", re.IGNORECASE)


@dataclass(frozen=True)
class Presigned:
    """What stands in a URL in place of headers."""

    signed_at: datetime
    life: timedelta
    token: str | None = field(repr=False)


@dataclass(frozen=True)
class Authorization:
    """A signature with what it says of itself; `url` is None for one in a header."""

    access_key: str
    scope: str  # DATE/REGION/SERVICE/aws4_request, as signed
    region: str
    signed_headers: tuple[str, ...]
    signature: str
    url: Presigned | None = None

    @property
    def date(self) -> str:
        """The day of the scope, YYYYMMDD."""
        return self.scope.partition("/")[0]


def parse(headers: Mapping[str, str], target: str) -> Authorization:
    """Take a request's authorization apart; raise ServiceError where it is absent or malformed.

    `headers` have lower-case names, `target` is path and query as sent.
    """
    header = headers.get("authorization", "")
    if header:
        algorithm, _, rest = header.partition(" ")
        fields = dict(_pair(part) for part in rest.split(","))
        return _authorization(algorithm, fields, headers)
    query = dict(parse_qsl(target.partition("?")[2], keep_blank_values=True))
    fields = {name[6:]: value for name, value in query.items() if name.startswith("X-Amz-")}
    if not {"Algorithm", "Credential", "Signature"} & fields.keys():
        raise ServiceError("MissingAuthenticationTokenException", "Missing Authentication Token")
    return _authorization(fields.get("Algorithm", ""), fields, headers, _presigned(fields))


def without_secrets(target: str) -> str:
    """Return a target as it may be logged: what a URL is signed with would let anyone use it."""
    return _SECRET.sub(r"\1...", target)


def invalid(message: str) -> ServiceError:
    """Return the error for a signature that does not fit what was signed."""
    return ServiceError("InvalidSignatureException", message)


def _authorization(
    algorithm: str,
    fields: Mapping[str, str],
    headers: Mapping[str, str],
    url: Presigned | None = None,
) -> Authorization:
    if algorithm != ALGORITHM or not {"Credential", "SignedHeaders", "Signature"} <= fields.keys():
        raise invalid(
            f"Authorization requires {ALGORITHM} with the parameters "
            "'Credential', 'SignedHeaders' and 'Signature'."
        )
    match = _CREDENTIAL.fullmatch(fields["Credential"])
    if match is None:
        raise invalid("'Credential' must be KEY/YYYYMMDD/REGION/glacier/aws4_request")
    access_key, scope, region, service = match.groups()
    # boto 2 takes both from the endpoint's name: at 127.0.0.1, service 127 in region 0.
    labels = headers.get("host", "").partition(":")[0].split(".")
    if service not in {"glacier", labels[0]}:
        raise invalid("Credential should be scoped to correct service: 'glacier'.")
    if service != "glacier" and region in labels:
        region = DEFAULT_REGION
    signed = tuple(fields["SignedHeaders"].lower().split(";"))
    return Authorization(access_key, scope, region, signed, fields["Signature"], url)


def _presigned(fields: Mapping[str, str]) -> Presigned:
    try:
        signed_at = datetime.strptime(fields.get("Date", ""), BASIC).replace(tzinfo=UTC)
    except ValueError:
        raise invalid("X-Amz-Date must be a time as YYYYMMDDTHHMMSSZ") from None
    life = fields.get("Expires", "")
    if not re.fullmatch(r"[0-9]{1,6}", life) or not 1 <= int(life) <= _LONGEST_LIFE:
        raise invalid(f"X-Amz-Expires must be from 1 to {_LONGEST_LIFE} seconds")
    return Presigned(signed_at, timedelta(seconds=int(life)), fields.get("Security-Token"))


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.strip().partition("=")
    return name, value
