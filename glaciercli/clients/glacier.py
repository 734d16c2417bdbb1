"""A client of one Glacier: operations asked by name, repeated where that is safe.

Replies come back as plain dicts, whole or not at all; every failure comes back as a `GlacierError`.
What a client is made of is the business of `session`.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glaciercli import endpoints
from glaciercli.clients import wording
from glaciercli.clients._checks import require_whole
from glaciercli.clients.pace import Pace, may_have_been_applied
from glaciercli.clients.replies import Output, translated
from glaciercli.errors import (
    AccessDenied,
    GlacierError,
    LostReply,
    NotFound,
    Unavailable,
    UsedUp,
    no_vault,
)

if TYPE_CHECKING:
    from glaciercli.local.engine import Engine

_log = logging.getLogger(__name__)

# Each of these makes, or may make, something that is paid for or that cannot be made twice.
NOT_REPEATABLE = frozenset(
    {
        "InitiateJob",
        "InitiateMultipartUpload",
        "InitiateVaultLock",
        "PurchaseProvisionedCapacity",
        "UploadArchive",
    }
)

_PAGED = {
    "ListJobs": "JobList",
    "ListMultipartUploads": "UploadsList",
    "ListParts": "Parts",
    "ListVaults": "VaultList",
}


@dataclass(frozen=True)
class Target:
    """Which Glacier, and as whom. `local_root` names a directory; it wins over the rest."""

    region: str | None = None
    profile: str | None = None
    account_id: str = "-"
    endpoint_url: str | None = None
    local_root: Path | None = None

    @property
    def endpoint(self) -> str:
        """The name of the place as far as the target tells it: `aws`, a URL or a directory.

        A profile may name another one; `Client.endpoint` is the one that is asked.
        """
        if self.local_root is not None:
            return f"local:{self.local_root.resolve()}"
        return endpoints.name_of(self.endpoint_url or endpoints.AWS, self.region)

    @property
    def account(self) -> str | None:
        """The account that was named; None for `-`, whichever the credentials are of."""
        return None if self.account_id == "-" else self.account_id

    @property
    def identity(self) -> str:
        """Who asks, without asking the service: a profile's name, or a digest of the key's id."""
        key = os.environ.get("AWS_ACCESS_KEY_ID")
        if self.profile is None and key:
            return hashlib.sha256(key.encode()).hexdigest()[:16]
        return self.profile or "default"


class Client:
    """boto3's Glacier client with our errors, our retries, and nothing else of boto3's."""

    def __init__(
        self,
        target: Target,
        make: Callable[[], Any],
        pace: Pace,
        max_requests: int | None = None,
        engine: Engine | None = None,
    ) -> None:
        self.target = target
        self.max_requests = max_requests
        self._requests = itertools.count(1)
        self.pace = pace
        #: Of a listing, at most; a million retrievals within a day make a fifth of that.
        self.most_pages = 100_000
        #: The engine behind a local target; tests count its requests and ask it for faults.
        self.engine = engine
        self._make = make
        self._boto = make()
        self._renewing = threading.Lock()
        self.region: str = self._boto.meta.region_name
        #: The name of the place that is asked: the key of what catalog and journals know of it.
        self.endpoint: str = (
            target.endpoint
            if target.local_root is not None
            else endpoints.name_of(self._boto.meta.endpoint_url, self.region)
        )

    def now(self) -> datetime:
        """Return the time by which the service dates things: a rehearsal's may be far ahead."""
        return datetime.now(UTC) if self.engine is None else self.engine.clock.now()

    @property
    def former_endpoints(self) -> Iterator[str]:
        """What earlier versions called the place, who took a URL as it was given."""
        spelled = dict.fromkeys(endpoints.spellings(self.endpoint, self.region))
        if self.target.endpoint_url is not None:
            spelled[self.target.endpoint_url.rstrip("/")] = None
        return (each for each in spelled if each != self.endpoint)

    @property
    def signs(self) -> bool:
        """Whether a signature binds each body, by its plain SHA-256: over a wire alone."""
        return self.engine is None

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Return the reply to one operation, repeated where repeating is safe.

        Parameters have the names of boto3's client. Raises a GlacierError; for an operation that
        makes something, `may_have_been_applied` tells whether to look before asking again.
        """
        repeatable = operation not in NOT_REPEATABLE
        return self.pace.run(
            lambda: self.once(operation, **parameters),
            again=lambda error: repeatable or not may_have_been_applied(error),
        )

    def once(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Return the reply to one operation asked once.

        Signed anew, it is asked again when nothing was done because credentials have expired that
        can be renewed, or because the machine slept between signing and sending. Raises the errors
        of `errors`, and UsedUp before a request that `--max-requests` does not allow.
        """
        parameters.setdefault("accountId", self.target.account_id)
        if self.max_requests is not None and next(self._requests) > self.max_requests:
            raise UsedUp(
                f"stopped by --max-requests {self.max_requests}",
                hint="run the same command again to go on; what was done is kept",
            )
        boto = self._boto
        try:
            return _ask(boto, operation, parameters)
        except NotFound as error:
            self._require_vault(error, operation, parameters)
            raise
        except AccessDenied as error:
            is_late = wording.is_late(error)
            if not is_late and (error.code != "ExpiredTokenException" or not self._renew(boto)):
                raise
        return _ask(self._boto, operation, parameters)

    def _require_vault(
        self, error: NotFound, operation: str, parameters: Mapping[str, Any]
    ) -> None:
        """Raise NotFound of the vault where it is that what is not there, and not a thing in it.

        Amazon's words tell which; where they are another server's, one look at the vault does.
        """
        vault = parameters.get("vaultName")
        is_told = error.is_vault or wording.missing(error) is not None
        if vault is None or is_told or operation in {"DescribeVault", "DeleteVault"}:
            return
        try:
            self.once("DescribeVault", vaultName=vault)
        except NotFound as found:
            raise no_vault(vault, self.region, found.account) from error

    def replies(self, operation: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Yield the pages of a listing; raises Unavailable when they have no end."""
        marker: str | None = None
        seen: set[str] = set()
        for _ in range(self.most_pages):
            page = {"marker": marker} if marker else {}
            reply = self.call(operation, **parameters, **page)
            yield reply
            marker = reply.get("Marker")
            if not marker:
                return
            if marker in seen:
                raise Unavailable(f"{operation} returned the same page twice")
            seen.add(marker)
        raise Unavailable(f"{operation} returned {self.most_pages:,} pages, and still has more")

    def pages(self, operation: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Yield the items of a listing, page by page."""
        for reply in self.replies(operation, **parameters):
            yield from reply.get(_PAGED[operation], ())

    def create(
        self,
        operation: str,
        find: Callable[[], dict[str, Any] | None],
        **parameters: Any,
    ) -> dict[str, Any]:
        """Return the reply to an operation that makes something, making it at most once.

        After a reply that was lost, `find` looks for what the request may have made, and returns
        it as the reply would have, or None; only then the operation is asked again.
        """

        def recover(error: Unavailable) -> dict[str, Any] | None:
            return find() if may_have_been_applied(error) else None

        return self.pace.run(lambda: self.once(operation, **parameters), recover=recover)

    def output(self, **parameters: Any) -> Output:
        """Return a job's open output, asked for once.

        Reading it may fail as well, so repeating both is the caller's business.
        Close it, or read it to the end, so that its connection can be used again.
        """
        return Output(self.once("GetJobOutput", **parameters))

    def _renew(self, used: Any) -> bool:
        """Read credentials afresh after an expiry; False when there are no newer ones."""
        with self._renewing:
            if self._boto is not used:
                return True  # another worker has done it
            fresh = self._make()
            if _access_key(fresh) == _access_key(used):
                return False
            self._boto = fresh
            return True


def _ask(boto: Any, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    if hasattr(parameters.get("body"), "seek"):
        parameters["body"].seek(0)  # an earlier attempt may have read some of it
    started, outcome = time.monotonic(), "interrupted"
    try:
        with translated(operation, parameters):
            # boto3's method names are the operations' in snake case; the mapping is its own.
            method = boto.meta.method_to_api_mapping
            name = next(each for each, api in method.items() if api == operation)
            reply: dict[str, Any] = getattr(boto, name)(**parameters)
            try:
                require_whole(boto.meta.service_model.operation_model(operation), reply, parameters)
            except LostReply:
                if "body" in reply:
                    reply["body"].close()  # else its connection stays open
                raise
        outcome = str(reply["ResponseMetadata"]["HTTPStatusCode"])
        return reply
    except GlacierError as error:
        outcome = f"{type(error).__name__}: {error.message}"
        raise
    finally:
        milliseconds = (time.monotonic() - started) * 1000
        done = f"{operation} {parameters.get('vaultName', '-')}: {outcome}"
        # A name may be no text, which no log can write.
        done = done.encode(errors="backslashreplace").decode()
        _log.info("%s (%.0f ms)", done, milliseconds)


def _access_key(boto: Any) -> str | None:
    credentials = boto._request_signer._credentials  # noqa: SLF001 - no public way to the key in use
    return None if credentials is None else credentials.access_key
