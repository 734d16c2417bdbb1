"""Who signed a request: Signature Version 4 as the service checks it.

Three modes: `off` asks for nothing and takes what is well-formed; `parse` wants a well-formed
signature, in the Authorization header or in the URL, and believes it; `strict` computes it again,
with secrets from a file. A URL ends with its life in all three. Refusals carry the service's own
codes and, where they were seen on the wire, its texts.

What is signed is the client's choice: SDKs differ in the headers that they sign, so the list is
taken from the request and only a host and a date are demanded.
"""

from __future__ import annotations

import configparser
import hashlib
import hmac
import os
import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote_to_bytes

from botocore.utils import normalize_url_path

from glaciercli import system
from glaciercli.local.errors import ServiceError
from glaciercli.local.http._authorization import (
    ALGORITHM,
    BASIC,
    DEFAULT_REGION,
    Authorization,
    invalid,
    parse,
)

SKEW = timedelta(minutes=5)  # how far the client's clock may be off, either way

Mode = Literal["off", "parse", "strict"]


@dataclass(frozen=True)
class Caller:
    """Whose request it is, and the region that it was signed for."""

    access_key: str
    region: str
    is_presigned: bool = False  # by the URL itself, which has no headers


@dataclass(frozen=True)
class Credential:
    """The secret side of an access key; never printed."""

    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


class Authenticator:
    """Names the caller of a request, or raises ServiceError, according to its mode.

    `credentials` maps access keys to secrets and is needed in `strict` mode. `now` is the wall
    clock, as clients sign with theirs, and not the engine's, which may be ahead.
    """

    def __init__(
        self,
        mode: Mode = "parse",
        credentials: Mapping[str, Credential] | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if mode == "strict" and not credentials:
            raise ValueError("strict authentication needs a file of credentials")
        self.mode = mode
        self._credentials = dict(credentials or {})
        self._now = now

    def authenticate(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        payload_hash: Callable[[], str],
    ) -> Caller:
        """Return the caller. `headers` have lower-case names, `target` is path and query as sent.

        `payload_hash` is called at most once, in strict mode, when the request does not say the
        SHA-256 of its body. A hash that the request says is believed here: it is signed, and the
        engine compares it with the body that it reads.
        """
        try:
            authorization = parse(headers, target)
        except ServiceError:
            if self.mode != "off":
                raise
            return Caller("anonymous", DEFAULT_REGION)
        url = authorization.url
        if url is not None:
            self._check_time(url.signed_at, url.life, f"{url.life.total_seconds():.0f} sec.")
        if self.mode == "strict":
            self._verify(authorization, method, target, headers, payload_hash)
        return Caller(authorization.access_key, authorization.region, url is not None)

    def _verify(
        self,
        authorization: Authorization,
        method: str,
        target: str,
        headers: Mapping[str, str],
        payload_hash: Callable[[], str],
    ) -> None:
        credential = self._credentials.get(authorization.access_key)
        url = authorization.url
        token = headers.get("x-amz-security-token") if url is None else url.token
        if credential is None or not _same(credential.session_token or "", token or ""):
            raise ServiceError(
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            )
        timestamp = self._timestamp(authorization, headers)
        payload = headers.get("x-amz-content-sha256") or payload_hash()
        canonical = canonical_request(
            method, target, headers, authorization.signed_headers, payload
        )
        text = string_to_sign(timestamp, authorization.scope, canonical)
        expected = sign(credential.secret_key, authorization.scope, text)
        if not _same(expected, authorization.signature):
            raise invalid(
                "The request signature we calculated does not match the signature you provided. "
                "Check your AWS Secret Access Key and signing method. Consult the service "
                "documentation for details.\n\nThe Canonical String for this request should have "
                f"been\n'{canonical}'\n\nThe String-to-Sign should have been\n'{text}'\n"
            )

    def _timestamp(self, authorization: Authorization, headers: Mapping[str, str]) -> str:
        """Return the time of signing as it stands in the string to sign, if it is about now."""
        names = set(authorization.signed_headers)
        url = authorization.url
        if "host" not in names or (url is None and not names & {"x-amz-date", "date"}):
            raise invalid("'Host' and a date must be among the signed headers.")
        time = _signing_time(headers) if url is None else url.signed_at
        timestamp = time.strftime(BASIC)
        if timestamp[:8] != authorization.date:
            raise invalid(
                "Date in Credential scope does not match the date of the request: "
                f"'{authorization.date}' != '{timestamp[:8]}'."
            )
        if url is None:
            self._check_time(time, SKEW, "5 min.")
        return timestamp

    def _check_time(self, signed_at: datetime, life: timedelta, written: str) -> None:
        """Raise where a signature is older than its life, or of a time that is still to come."""
        now, timestamp = self._now(), signed_at.strftime(BASIC)
        if signed_at < now - life:
            raise invalid(
                f"Signature expired: {timestamp} is now earlier than "
                f"{(now - life).strftime(BASIC)} ({now.strftime(BASIC)} - {written})"
            )
        if signed_at > now + SKEW:
            raise invalid(
                f"Signature not yet current: {timestamp} is still later than "
                f"{(now + SKEW).strftime(BASIC)} ({now.strftime(BASIC)} + 5 min.)"
            )


def canonical_request(
    method: str,
    target: str,
    headers: Mapping[str, str],
    signed_headers: tuple[str, ...],
    payload_hash: str,
) -> str:
    """Return what both sides hash: the request in one spelling, without the signature of a URL.

    The path as sent is percent-encoded once more, as all services but S3 do.
    """
    path, _, query = target.partition("?")
    pairs = sorted(
        (_encode(name), _encode(value))
        for name, _, value in (pair.partition("=") for pair in query.split("&") if pair)
        if name != "X-Amz-Signature"
    )
    lines = [
        method,
        quote(normalize_url_path(path), safe="/~"),
        "&".join(f"{name}={value}" for name, value in pairs),
        *(f"{name}:{_as_signed(headers.get(name, ''))}" for name in signed_headers),
        "",
        ";".join(signed_headers),
        payload_hash,
    ]
    return "\n".join(lines)


def _as_signed(value: str) -> str:
    """Return a header's value, read as Latin-1, as its sender hashed it: UTF-8, no blank twice.

    Most clients send UTF-8 as well, those on Node.js Latin-1. The engine refuses either, but with
    a better reason than a signature that does not hold.
    """
    with suppress(UnicodeError):
        value = value.encode("latin-1").decode()
    return " ".join(value.split())


def string_to_sign(timestamp: str, scope: str, canonical: str) -> str:
    """Return the text whose HMAC is the signature (Signature Version 4, step 2)."""
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return f"{ALGORITHM}\n{timestamp}\n{scope}\n{digest}"


def sign(secret_key: str, scope: str, text: str) -> str:
    """Return the signature of `text`, as hex, with the key derived for `scope`."""
    key = b"AWS4" + secret_key.encode()
    for part in [*scope.split("/"), text]:
        key = hmac.digest(key, part.encode(), "sha256")
    return key.hex()


def read_credentials(path: Path) -> dict[str, Credential]:
    """Return the access keys of an AWS credentials file with their secrets, from all its profiles.

    Raises PermissionError when others than its owner can read it, ValueError when it is malformed
    or holds no key.
    """
    with path.open(encoding="utf-8") as file:
        status = os.fstat(file.fileno())
        if not (system.is_own(status) or status.st_uid == 0) or system.mode_beyond_owner(status):
            close = f"chmod 600 {shlex.quote(str(path))}"
            raise PermissionError(f"{path} is open to others; run: {close}")
        parser = configparser.RawConfigParser()
        try:
            parser.read_file(file)
        except configparser.Error as error:
            # The parser's own text quotes the line, which may be a secret.
            place = f" in line {error.lineno}" if hasattr(error, "lineno") else ""
            raise ValueError(f"{path} is no credentials file{place}") from None
    found = {}
    for profile in parser.values():
        access_key = profile.get("aws_access_key_id")
        secret_key = profile.get("aws_secret_access_key")
        if access_key and secret_key:
            found[access_key] = Credential(secret_key, profile.get("aws_session_token"))
    if not found:
        raise ValueError(f"{path} holds no access key with its secret")
    return found


def _signing_time(headers: Mapping[str, str]) -> datetime:
    """Return the time in `x-amz-date`, which goes first, or in `Date`, there in either form."""
    text = headers.get("x-amz-date") or headers.get("date", "")
    try:
        return datetime.strptime(text, BASIC).replace(tzinfo=UTC)
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise invalid("The date of the request is missing or malformed.") from None


def _encode(text: str) -> str:
    return quote(unquote_to_bytes(text), safe="-_.~")


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())
