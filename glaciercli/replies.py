"""What the service answers, made safe to rely on: replies that are whole, failures that are ours.

A reply may have been cut, damaged, or written by something that is not Glacier. botocore takes a
cut document for an empty one, so every member that we rely on is looked for here.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any, Self

from glaciercli.errors import (
    AccessDenied,
    GlacierError,
    LostReply,
    NotFound,
    Refused,
    Unreachable,
    UsageError,
    from_response,
)

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_ID = re.compile(r"[A-Za-z0-9_-]{1,256}")  # of archives, uploads and jobs; opaque, never longer


_OF_PARSERS = (ValueError, TypeError, KeyError, AttributeError, RecursionError)


def _is_id(value: object) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _is_size(value: object) -> bool:
    return isinstance(value, int) and value > 0


_REQUIRED: dict[str, dict[str, Callable[[object], bool]]] = {
    "CompleteMultipartUpload": {"archiveId": _is_id},
    "DescribeJob": {"JobId": _is_id, "Action": _is_text, "StatusCode": _is_text},
    "DescribeVault": {"VaultName": _is_text, "VaultARN": _is_text, "CreationDate": _is_text},
    "InitiateJob": {"jobId": _is_id},
    "InitiateMultipartUpload": {"uploadId": _is_id},
    "InitiateVaultLock": {"lockId": _is_id},
    "ListJobs": {"JobList": _is_list},
    "ListMultipartUploads": {"UploadsList": _is_list},
    "ListParts": {"MultipartUploadId": _is_id, "PartSizeInBytes": _is_size, "Parts": _is_list},
    "ListProvisionedCapacity": {"ProvisionedCapacityList": _is_list},
    "ListVaults": {"VaultList": _is_list},
    "PurchaseProvisionedCapacity": {"capacityId": _is_id},
    "UploadArchive": {"archiveId": _is_id},
}


def require_whole(operation: str, reply: Mapping[str, Any], code: int) -> None:
    """Raise LostReply when a reply is not what the operation has: what was asked may be done.

    `code` is the HTTP status that the operation's success has. Where that is all there is to it,
    another one with a page of text is the answer of some portal in between.
    """
    required = _REQUIRED.get(operation, {})
    for member, is_right in required.items():
        if not is_right(reply.get(member)):
            raise LostReply(f"{operation}: the reply has no usable {member}")
    if not required and code in {201, 204}:
        meta = reply["ResponseMetadata"]
        is_empty = meta["HTTPHeaders"].get("content-length") == "0"
        if meta["HTTPStatusCode"] != code and not is_empty:
            raise LostReply(f"{operation}: the reply is none of Glacier's")


class Output:
    """A job's output, or a range of it, as it comes from the network."""

    def __init__(self, reply: Mapping[str, Any], operation: str) -> None:
        self.status: int = reply["status"]
        self.content_range: str = reply.get("contentRange", "")
        #: The tree hash that the service claims for these bytes; absent on unaligned ranges.
        self.checksum: str | None = reply.get("checksum")
        length = reply["ResponseMetadata"]["HTTPHeaders"].get("content-length")
        #: What the reply says of its length; None where it comes in chunks, -1 for nonsense.
        self.length = None if length is None else int(length) if length.isdecimal() else -1
        self._body = reply["body"]
        self._source = _beneath(self._body)
        self._operation = operation

    def read_into(self, view: memoryview) -> int:
        """Fill a buffer as far as bytes come; fewer than asked for only at the end."""
        filled = 0
        try:
            with translated(self._operation):
                while filled < len(view):
                    count = self._source.readinto(view[filled:])
                    if not count:
                        break
                    filled += count
        except (OSError, HTTPException) as error:
            raise _lost(self._operation, error) from error
        return filled

    def finish(self) -> bool:
        """Tell whether the body has ended; then its connection serves the next request."""
        if self.read_into(memoryview(bytearray(1))):
            return False
        if self._source is not self._body:
            self._body._raw_stream.release_conn()  # noqa: SLF001 - it has not seen the bytes go by
        return True

    def close(self) -> None:
        self._body.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _beneath(body: Any) -> Any:
    """Return what fills a buffer without a copy: the response that botocore and urllib3 wrap.

    Through them each megabyte is copied twice more, a tenth of a download's processor time. Where
    the layers are not the expected ones, or have something to decode, the body itself serves.
    """
    raw = getattr(body, "_raw_stream", None)
    response = getattr(raw, "_fp", None)
    plain = not getattr(raw, "chunked", True) and "content-encoding" not in getattr(
        raw, "headers", ()
    )
    return response if isinstance(response, HTTPResponse) and plain else body


@contextmanager
def translated(operation: str, parameters: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Turn botocore's exceptions into ours on the way out of a `with` block."""
    try:
        yield
    except Exception as error:
        translated = translate(error, operation, parameters or {})
        if translated is None:
            raise
        raise translated from error


def translate(
    error: BaseException, operation: str, parameters: Mapping[str, Any]
) -> GlacierError | None:
    """Return our error for one of botocore's; None for what is not botocore's to raise."""
    if isinstance(error, GlacierError):
        return None
    from botocore import exceptions as aws  # noqa: PLC0415

    if isinstance(error, aws.ClientError):
        return _translate_reply(error, parameters)
    if isinstance(error, aws.HTTPClientError):
        inner = error.kwargs.get("error")
        if isinstance(inner, GlacierError):
            return inner  # raised by a body of ours while botocore was reading it
    for kinds, make in _translations():
        if isinstance(error, kinds):
            return make(operation, error)
    return None


def _translate_reply(error: ClientError, parameters: Mapping[str, Any]) -> GlacierError:
    reply: Mapping[str, Any] = error.response
    meta = reply.get("ResponseMetadata", {})
    code = str(reply.get("Error", {}).get("Code", ""))
    message = str(reply.get("Error", {}).get("Message", "")) or code or "no message"
    # What should have been signed follows, word for word: the session's token is in it.
    message = message.partition("\n\nThe Canonical String")[0]
    status = int(meta.get("HTTPStatusCode", 0))
    if 300 <= status < 400:
        return Refused(
            f"the endpoint redirects (HTTP {status}), which Glacier never does", code=code
        )
    wait = meta.get("HTTPHeaders", {}).get("retry-after", "")
    seconds = float(wait) if wait.isdigit() else None
    vault = parameters.get("vaultName")
    if vault and message.startswith("Vault not found"):
        return NotFound(
            f"vault {vault!r} does not exist", hint=f"glacier vault create {vault}", code=code
        )
    found = from_response(code, message, status=status, retry_after=seconds)
    if code == "ExpiredTokenException":
        found.hint = "renew your credentials, then run the same command again"
    if code == "InvalidSignatureException" and "Signature" in message:
        found.hint = "check this machine's clock and the secret key"
    return found


def _lost(operation: str, error: BaseException) -> GlacierError:
    return LostReply(f"{operation}: the connection broke ({type(error).__name__})")


_Translation = tuple[tuple[type[BaseException], ...], Callable[[str, BaseException], GlacierError]]


@functools.cache
def _translations() -> tuple[_Translation, ...]:
    """Return botocore's exceptions with our error for each, the special ones first."""
    from botocore import exceptions as aws  # noqa: PLC0415

    return (
        (
            (aws.SSLError,),
            lambda _, error: Refused(
                f"TLS: {error}", hint="check the clock, the proxy, and AWS_CA_BUNDLE"
            ),
        ),
        (
            (aws.EndpointConnectionError, aws.ConnectTimeoutError, aws.ProxyConnectionError),
            lambda operation, error: Unreachable(f"{operation}: no connection: {error}"),
        ),
        (
            (
                aws.NoCredentialsError,
                aws.PartialCredentialsError,
                aws.CredentialRetrievalError,
                aws.TokenRetrievalError,
                aws.SSOError,
                aws.UnauthorizedSSOTokenError,
            ),
            lambda _, error: AccessDenied(
                f"no usable credentials: {error}",
                hint="aws configure, or set AWS_PROFILE; without an account: glacier --local",
            ),
        ),
        (
            (aws.NoRegionError,),
            lambda _, __: UsageError(
                "no region is set", hint="--region us-east-1, or set AWS_REGION"
            ),
        ),
        (
            (
                aws.ProfileNotFound,
                aws.InvalidConfigError,
                aws.InvalidRegionError,
                aws.ConfigParseError,
                aws.ConfigNotFound,
            ),
            lambda _, error: UsageError(str(error)),
        ),
        ((aws.ParamValidationError,), lambda _, error: Refused(str(error))),
        ((aws.HTTPClientError, aws.IncompleteReadError), _lost),
        # botocore's parsers raise any of these on a reply that is not Glacier's at all.
        ((aws.BotoCoreError, *_OF_PARSERS), _lost),
    )
