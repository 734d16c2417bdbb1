"""What the engine answers when it says no, and how it breaks.

ServiceError        an error reply: code, message, HTTP status, type
ConnectionDropped   an injected fault: the caller gets no reply at all
StoreError          the directory cannot be used as a store, or not now: its disk is full
"""

from __future__ import annotations

import json

#: HTTP status and type of every code; facts from the developer guide's list of error responses.
CODES: dict[str, tuple[int, str]] = {
    "AccessDeniedException": (403, "Client"),
    "BadRequest": (400, "Client"),
    "ExpiredTokenException": (403, "Client"),
    "InsufficientCapacityException": (503, "Server"),  # the model says 400, the guide 503
    "InvalidParameterValueException": (400, "Client"),
    "InvalidSignatureException": (403, "Client"),
    "LimitExceededException": (400, "Client"),
    "MissingAuthenticationTokenException": (400, "Client"),
    "MissingParameterValueException": (400, "Client"),
    "NoLongerSupportedException": (400, "Client"),
    "PolicyEnforcedException": (400, "Client"),
    "RequestTimeoutException": (408, "Client"),
    "ResourceNotFoundException": (404, "Client"),
    "SerializationException": (400, "Client"),
    "ServiceUnavailableException": (500, "Server"),
    "ThrottlingException": (400, "Client"),
    "UnrecognizedClientException": (400, "Client"),
}

#: The layer in front of the service puts the message first.
_FRONT_LAYER = {
    "ExpiredTokenException",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "ThrottlingException",
    "UnrecognizedClientException",
}


class ServiceError(Exception):
    """An error reply of the service."""

    def __init__(
        self, code: str, message: str, *, status: int | None = None, kind: str | None = None
    ) -> None:
        super().__init__(f"{code}: {message}")
        default_status, default_kind = CODES.get(code, (400, "Client"))
        self.code = code
        self.message = message
        self.status = default_status if status is None else status
        self.kind = default_kind if kind is None else kind
        #: Further headers of the reply, `Retry-After` for one.
        self.headers: dict[str, str] = {}

    @property
    def body(self) -> bytes:
        """The reply's JSON, compact, its keys in the order in which they were seen on the wire."""
        fields = {"code": self.code, "message": self.message, "type": self.kind}
        if self.code in _FRONT_LAYER:
            fields = {"message": self.message, "code": self.code, "type": self.kind}
        return json.dumps(fields, separators=(",", ":")).encode()


class ConnectionDropped(Exception):
    """An injected fault: the transport closes the connection without a reply."""


class StoreError(Exception):
    """The directory cannot be used as a store, or not now; the message says why."""


def invalid(message: str) -> ServiceError:
    """Return the error for a parameter that cannot be what it is (400)."""
    return ServiceError("InvalidParameterValueException", message)


def missing(name: str) -> ServiceError:
    """Return the error for a parameter that is required and was not sent (400)."""
    return ServiceError("MissingParameterValueException", f"Required parameter missing: {name}")


def not_found(message: str) -> ServiceError:
    """Return the error for a vault, archive, job or upload that is not there (404)."""
    return ServiceError("ResourceNotFoundException", message)


def denied(message: str) -> ServiceError:
    """Return the error for what a policy or a lock forbids (403)."""
    return ServiceError("AccessDeniedException", message)


def limit_exceeded(message: str) -> ServiceError:
    """Return the error for what would be over one of the account's limits (400)."""
    return ServiceError("LimitExceededException", message)
