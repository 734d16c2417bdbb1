"""What the service answers, made safe to rely on: replies that are whole, failures that are ours.

A reply may have been cut, damaged, or written by something that is not Glacier; what its members
must be is said in `members`.
"""

from __future__ import annotations

import functools
import io
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse, InvalidURL
from typing import TYPE_CHECKING, Any, Self

from glaciercli.clients._patience import TimedResponse
from glaciercli.endpoints import without_users
from glaciercli.errors import (
    AccessDenied,
    BadRequest,
    GlacierError,
    IntegrityError,
    LostReply,
    Refused,
    Unreachable,
    UsageError,
    from_response,
    no_vault,
)
from glaciercli.hints import Command, Hint

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_OF_PARSERS = (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError)
_LARGEST = 16 << 20  # bytes of a reply that is held whole; a page of jobs has less than one of them
_LONGEST = 1000  # characters that are shown of the service's words
_ARN = re.compile(
    r"arn:[\w-]+:glacier:(?P<region>[\w-]*):(?P<account>\d{12}):vaults/(?P<vault>[\w.-]*)", re.ASCII
)
_LENGTH = re.compile(r"[0-9]{1,15}")
_request = threading.local()  # `has_left`: whether this thread's request is on its way


class Bounded:
    """botocore's HTTP session with a cap of 16 MiB on replies that are held in memory.

    An endless reply would fill it. Streamed replies, a job's output, pass as they come.
    """

    def __init__(self, session: Any) -> None:
        self._session = session

    def send(self, request: Any) -> Any:
        """Send a request; return the reply, whole and of 16 MiB at most, or as a stream.

        Raises LostReply for a larger one: whether the request was applied is not known then.
        """
        from botocore.awsrequest import AWSResponse  # noqa: PLC0415
        from botocore.response import StreamingBody  # noqa: PLC0415

        is_streamed, request.stream_output = request.stream_output, True
        response = self._session.send(request)
        if is_streamed and response.status_code < 300:
            timed = getattr(response.raw, "_fp", None)
            if isinstance(timed, TimedResponse):  # nothing has to be waited for in this process
                timed.stream()
            return response
        body = StreamingBody(response.raw, None)  # makes botocore's errors of urllib3's
        data = body.read(_LARGEST + 1)
        body.close()
        if len(data) > _LARGEST:
            raise LostReply("the reply is larger than any of Glacier's")
        return AWSResponse(response.url, response.status_code, response.headers, _Whole(data))

    def close(self) -> None:
        """Close the connections that are kept for further requests."""
        self._session.close()


class _Whole(io.BytesIO):
    """A body that has come, as botocore reads one."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()


class Output:
    """A job's output, or a range of it, as it comes from the network."""

    def __init__(self, reply: Mapping[str, Any]) -> None:
        self.status: int = reply["status"]
        self.content_range: str = reply.get("contentRange", "")
        #: The tree hash that the service claims for these bytes; absent on unaligned ranges.
        self.checksum: str | None = reply.get("checksum")
        length = reply["ResponseMetadata"]["HTTPHeaders"].get("content-length")
        #: What the reply says of its length; None where it comes in chunks, -1 for nonsense.
        self.length = None if length is None else int(length) if _LENGTH.fullmatch(length) else -1
        self._body = reply["body"]
        self._source = _beneath(self._body)

    def read_into(self, view: memoryview) -> int:
        """Fill a buffer as far as bytes come; fewer than asked for only at the end."""
        filled = 0
        try:
            with translated("GetJobOutput"):
                while filled < len(view):
                    count = self._source.readinto(view[filled:])
                    if not count:
                        break
                    filled += count
        except (OSError, HTTPException) as error:
            raise _lost("GetJobOutput", error) from error
        return filled

    def finish(self) -> bool:
        """Tell whether the body has ended; then its connection serves the next request."""
        if self.read_into(memoryview(bytearray(1))):
            return False
        if self._source is not self._body:
            self._body._raw_stream.release_conn()  # noqa: SLF001 - it has not seen the bytes go by
        return True

    def close(self) -> None:
        """Let the connection go, with what has not been read."""
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
    """Turn botocore's exceptions into ours on the way out of a `with` block.

    With `parameters` it is one whole request, of a client whose events are watched (see `watch`).
    """
    _request.has_left = parameters is None
    try:
        yield
    except Exception as error:
        has_left = _request.has_left
        translated = translate(error, operation, parameters or {}, has_left=has_left)
        if translated is None:
            raise
        raise translated from error


def watch(events: Any) -> None:
    """Have a client's events tell when a request, whole and signed, leaves for the network."""
    events.register_first("before-send.glacier", _note_leaving)


def _note_leaving(**_: Any) -> None:
    _request.has_left = True


def translate(
    error: BaseException, operation: str, parameters: Mapping[str, Any], *, has_left: bool = True
) -> GlacierError | None:
    """Return our error for one of botocore's; None for what is not botocore's to raise.

    Before a request `has_left`, whatever is wrong with it is wrong with what was asked.
    """
    if isinstance(error, GlacierError):
        return None
    from botocore import exceptions as aws  # noqa: PLC0415

    if isinstance(error, aws.ClientError):
        return _translate_reply(error, operation, parameters)
    inner = error.kwargs.get("error") if isinstance(error, aws.HTTPClientError) else None
    if isinstance(inner, GlacierError):
        return inner  # raised by a body of ours while botocore was reading it
    if isinstance(inner, ValueError | InvalidURL):
        error, has_left = inner, False
    if isinstance(error, (InvalidURL, *_OF_PARSERS)) and not has_left:
        return _unsendable(operation, parameters, error)
    for kinds, make in _translations():
        if isinstance(error, kinds):
            made = make(operation, error)
            return type(made)(without_users(made.message), hint=made.hint)
    return None


def _unsendable(
    operation: str, parameters: Mapping[str, Any], error: BaseException
) -> GlacierError:
    """Return the error for a request that cannot be put into bytes: none has left this machine.

    botocore encodes for the signature; http.client refuses header values and paths while it writes
    them, before it sends any.
    """
    from urllib3.exceptions import LocationValueError  # noqa: PLC0415

    for name, value in parameters.items():
        if isinstance(value, str) and not value.isprintable():
            return Refused(
                f"{operation} cannot be sent with {name} {value[:_LONGEST]!r}",
                hint="leave out what is no printable character",
            )
    if isinstance(error, LocationValueError):  # its words may be a part of a password
        return Refused(
            f"{operation} cannot be sent: the address of the proxy or the endpoint is no URL",
            hint=("check HTTPS_PROXY, and: ", Command("config", "show")),
        )
    return Refused(f"{operation} cannot be sent: {without_users(str(error))}")


def _translate_reply(
    error: ClientError, operation: str, parameters: Mapping[str, Any]
) -> GlacierError:
    reply: Mapping[str, Any] = error.response
    meta = reply.get("ResponseMetadata", {})
    code = str(reply.get("Error", {}).get("Code", ""))[:_LONGEST]
    message = str(reply.get("Error", {}).get("Message", "")) or code or "no message"
    # What should have been signed follows, word for word: the session's token is in it.
    message = message.partition("\n\nThe Canonical String")[0][:_LONGEST]
    status = int(meta.get("HTTPStatusCode", 0))
    if 300 <= status < 400:
        return Refused(
            f"the endpoint redirects (HTTP {status}), which Glacier never does", code=code
        )
    if status == 404 and code in {"", "404"}:
        # Glacier names what it does not find. What a proxy or a portal says is not that a vault,
        # and all that is known to be in it, is gone.
        return LostReply("the reply is none of Glacier's (HTTP 404 without an error code)")
    if code == "BadRequest" or (status == 400 and code in {"", "400"}):
        # Likewise, or Glacier's own word for what reached it in pieces.
        return BadRequest(
            f"{operation}: the service cannot read the request: {message}",
            hint="run the same command again; what was sent is kept",
            code=code,
        )
    wait = meta.get("HTTPHeaders", {}).get("retry-after", "")
    seconds = float(wait) if wait.isdecimal() else None
    vault = parameters.get("vaultName")
    if vault and message.startswith("Vault not found"):
        arn = _ARN.search(message)
        if arn and vault not in {arn["vault"], arn["vault"].removesuffix(".")}:
            # That another vault is not there says nothing of this one.
            return IntegrityError(f"{operation} was asked of vault {vault!r}: {message}")
        return no_vault(vault, *(arn.group("region", "account") if arn else ("",)))
    found = from_response(code, message, status=status, retry_after=seconds)
    hint = _HINTS.get(code)
    if code == "InvalidSignatureException" and "signature" not in message.lower():
        hint = None
    return found if hint is None else found.but(hint=hint)


_HINTS: dict[str, Hint] = {
    "ExpiredTokenException": "renew your credentials, then run the same command again",
    "InvalidSignatureException": "check this machine's clock and the secret key",
    "PolicyEnforcedException": (
        Command("policy", "retrieval", "show"),
        "; or --tier bulk, which it does not bound",
    ),
    "UnrecognizedClientException": "check the access key: aws configure list",
}


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
            lambda operation, error: Unreachable(
                f"{operation}: no connection: {error}",
                hint="check the network, --region and the proxy, then run the same command again",
            ),
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
            (aws.ProfileNotFound,),
            lambda _, error: UsageError(
                str(error), hint="aws configure list-profiles tells those that are there"
            ),
        ),
        (
            (
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
