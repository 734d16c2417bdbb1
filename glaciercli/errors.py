"""What can go wrong, as classes that carry their exit code.

    GlacierError            1
    ├── UsageError          2   the command line is wrong
    ├── NotFound            3   vault, archive, job or upload is not there
    ├── AccessDenied        4   no credentials, expired, or refused
    ├── Conflict            5   the disk disagrees: file changed, target exists, ambiguous
    │   └── Busy            5   locked by another glacier process
    ├── IntegrityError      6   a hash, a range or a size is not what it must be
    ├── Refused             7   a rule or the service says no
    │   ├── PolicyEnforced  7   the account's data retrieval policy says no
    │   └── UsedUp          7   stopped by --max-requests
    ├── Unavailable         8   network, throttling, 5xx after retries
    │   ├── Throttled       8   the service asks all callers to slow down
    │   ├── Unreachable     8   no connection was made, so nothing was sent
    │   ├── BadRequest      8   the service cannot read a request that is well formed
    │   └── LostReply       8   the request may have been applied, the reply never came
    │       └── StrangeReply 8  it came whole, and says what cannot be
    ├── Partial             9   some of the items asked for failed; each is named
    ├── NotReady           75   run this again later
    └── Interrupted     128+N   stopped by signal N; state is kept

An error names the thing in `message` and the way out in `hint` (see `hints`).
"""

from __future__ import annotations

import copyreg
from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Any, Self

from glaciercli.hints import Command, Hint


class Exit(IntEnum):
    """The exit codes of every command; a contract with scripts."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    NOT_FOUND = 3
    ACCESS_DENIED = 4
    CONFLICT = 5
    INTEGRITY = 6
    REFUSED = 7
    UNAVAILABLE = 8
    PARTIAL = 9
    NOT_READY = 75
    SIGNAL = 128


EXIT_MEANINGS: dict[Exit, str] = {
    Exit.OK: "all done, and proven",
    Exit.UNEXPECTED: "unexpected failure: a bug; run with --debug for the traceback",
    Exit.USAGE: "usage: the command line is wrong",
    Exit.NOT_FOUND: "the vault, archive, job or upload is not there",
    Exit.ACCESS_DENIED: "no credentials, expired credentials, or access refused",
    Exit.CONFLICT: "the disk disagrees: file changed, target exists, locked, ambiguous name",
    Exit.INTEGRITY: "a hash, a range or a size is not what it must be",
    Exit.REFUSED: "a rule or the service says no: limit, policy, bad parameter",
    Exit.UNAVAILABLE: "network, throttling or server errors that outlasted the retries",
    Exit.PARTIAL: "some of the items asked for failed; each is named",
    Exit.NOT_READY: "not ready yet: run the same command again later",
    Exit.SIGNAL: "stopped by signal N; state is kept",
}


class GlacierError(Exception):
    """An expected failure: told in one line, never with a traceback.

    Its members are set once; `but` returns another error with other members.
    """

    exit_code: int = Exit.UNEXPECTED
    #: Of an error about many items: those that failed, by name.
    failures: Mapping[str, GlacierError] = MappingProxyType({})

    def __init__(
        self,
        message: str,
        *,
        hint: Hint | None = None,
        code: str | None = None,
        report: Any = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        #: The service's own error code, where the service said no.
        self.code = code
        #: What was done all the same: a record, or a list of them.
        self.report = report

    def but(self, **members: Any) -> Self:
        """Return an error like this one with other members, such as another hint."""
        other = type(self).__new__(type(self), *self.args)
        other.__dict__.update(self.__dict__ | members)
        return other

    def __reduce__(self) -> tuple[Any, ...]:
        """Go to another process with all members, set there once more."""
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]

    def __setstate__(self, state: dict[str, Any] | None) -> None:
        self.__dict__.update(state or {})

    def __setattr__(self, name: str, value: Any) -> None:
        # Python itself sets those with underscores: where an error was raised, and in whose midst.
        if name in self.__dict__ and not name.startswith("__"):
            raise AttributeError(f"{name} of {type(self).__name__} is set already; see `but`")
        super().__setattr__(name, value)


class UsageError(GlacierError):
    """The command line asks for something that cannot be meant."""

    exit_code = Exit.USAGE


class NotFound(GlacierError):
    """The vault, archive, job or upload is not there."""

    exit_code = Exit.NOT_FOUND
    #: Whether it is the vault itself that is not there, and with it all that was in it.
    is_vault: bool = False
    #: The account that has no such vault, where the reply tells it.
    account: str | None = None


class AccessDenied(GlacierError):
    """No credentials, expired ones, or a policy that refuses."""

    exit_code = Exit.ACCESS_DENIED


class Conflict(GlacierError):
    """The disk disagrees with what was asked."""

    exit_code = Exit.CONFLICT


class Busy(Conflict):
    """Locked by another glacier process."""


class IntegrityError(GlacierError):
    """Bytes, ranges or sizes are not what their hashes say."""

    exit_code = Exit.INTEGRITY


class Refused(GlacierError):
    """The service or one of our rules says no; asking again will not help."""

    exit_code = Exit.REFUSED


class PolicyEnforced(Refused):
    """The account's data retrieval policy refused the job."""


class UsedUp(Refused):
    """The run was stopped by --max-requests."""


class Unavailable(GlacierError):
    """The service could not be reached or could not answer."""

    exit_code = Exit.UNAVAILABLE
    #: How often a request is sent at most that fails like this; None for as long as time allows.
    most_attempts: int | None = None

    def __init__(
        self,
        message: str,
        *,
        hint: Hint | None = None,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint, code=code)
        #: Seconds that the server asked us to wait, where it said so.
        self.retry_after = retry_after


class Throttled(Unavailable):
    """The service asks us to slow down; nothing was applied."""


class Unreachable(Unavailable):
    """No connection was made: nothing was sent, so anything may be asked again."""


class BadRequest(Unavailable):
    """The service cannot read a request that is well formed; nothing was applied.

    A network or a proxy has garbled it, so it is asked again, but a few times only.
    """

    most_attempts = 4


class LostReply(Unavailable):
    """The connection broke after sending: the request may or may not have been applied."""


class StrangeReply(LostReply):
    """A whole reply says what cannot be: damage on the way, or a server that is none of Glacier's.

    A few repetitions tell which; two minutes of them would tell no more.
    """

    most_attempts = 3  # damage on the way does not come three times in a row


class Partial(GlacierError):
    """Some of the items asked for failed; `failures` names each with its error."""

    exit_code = Exit.PARTIAL

    def __init__(
        self,
        message: str,
        failures: Mapping[str, GlacierError],
        *,
        hint: Hint | None = None,
        report: Any = None,
    ) -> None:
        super().__init__(message, hint=hint, report=report)
        self.failures = failures


class NotReady(GlacierError):
    """Not an error: the same command run later goes on; `failures` names what has failed so far."""

    exit_code = Exit.NOT_READY
    #: Whether it has lasted so long that `--quiet` does not hide it.
    is_late = False

    def __init__(
        self,
        message: str,
        *,
        hint: Hint | None = None,
        code: str | None = None,
        report: Any = None,
        failures: Mapping[str, GlacierError] | None = None,
    ) -> None:
        super().__init__(message, hint=hint, code=code, report=report)
        self.failures = failures or {}


class Interrupted(GlacierError):
    """A signal stopped the work; `hint` is the command that resumes it."""

    def __init__(self, signal_number: int, *, hint: Hint | None = None) -> None:
        super().__init__(f"stopped by signal {signal_number}", hint=hint)
        self.signal_number = signal_number
        self.exit_code = Exit.SIGNAL + signal_number


_BY_CODE: dict[str, type[GlacierError]] = {
    "ResourceNotFoundException": NotFound,
    "AccessDeniedException": AccessDenied,
    "ExpiredTokenException": AccessDenied,
    "InvalidSignatureException": AccessDenied,
    "MissingAuthenticationTokenException": AccessDenied,
    "UnrecognizedClientException": AccessDenied,
    "NoLongerSupportedException": Refused,
    "BadRequest": BadRequest,
    "InvalidParameterValueException": Refused,
    "MissingParameterValueException": Refused,
    "SerializationException": Refused,
    "LimitExceededException": Refused,
    "PolicyEnforcedException": PolicyEnforced,
    "InsufficientCapacityException": Unavailable,
    "RequestTimeoutException": Unavailable,
    "ServiceUnavailableException": Unavailable,
    "ThrottlingException": Throttled,
    "TooManyRequestsException": Throttled,
    "SlowDown": Throttled,
}


def from_response(
    code: str, message: str, *, status: int = 400, retry_after: float | None = None
) -> GlacierError:
    """Return the error for a service reply, by code first and by HTTP status where it is unknown.

    The status alone never decides: throttling is HTTP 400, like most refusals
    (failure model, finding on error classes).
    """
    kind = _BY_CODE.get(code) or _by_status(status)
    if issubclass(kind, Unavailable):
        return kind(message, code=code, retry_after=retry_after)
    return kind(message, code=code)


def no_vault(name: str, region: str, account: str | None = None) -> NotFound:
    """Return the error for a vault that is not there; most often it is in another region."""
    where = f" in {region}" if region else ""
    error = NotFound(
        f"vault {name!r} does not exist{where}",
        hint=(
            Command("vault", "list"),
            "; another --region; or ",
            Command("vault", "create", name),
        ),
        code="ResourceNotFoundException",
    )
    return error.but(is_vault=True, account=account)


def _by_status(status: int) -> type[GlacierError]:
    if status == 429:
        return Throttled
    if status == 408 or status >= 500:
        return Unavailable
    if status == 404:
        return NotFound
    if status in {401, 403}:
        return AccessDenied
    return Refused
