"""The engine: takes a request, gives a reply, whatever transport stands before it.

Checks come in this order: version header, account, vault, policies, parameters, hashes, state. (The
service's own order is unknown.) Who the caller is was settled by the transport.
"""

from __future__ import annotations

import hashlib
import logging
import re
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import formatdate
from pathlib import Path
from typing import Any

from glaciercli.local import _faults, rules, settling, timing, wire
from glaciercli.local._faults import Faults
from glaciercli.local.blobs import Blobs
from glaciercli.local.clock import Clock
from glaciercli.local.errors import ServiceError, StoreError, denied, invalid, missing
from glaciercli.local.operations import (
    access,
    account,
    archives,
    jobs,
    locks,
    notifications,
    parts,
    tags,
    uploads,
    vaults,
)
from glaciercli.local.store import Store
from glaciercli.local.timing import Timing
from glaciercli.local.wire import Params, Request, Response, Route
from glaciercli.local.world import Operation, World

_logger = logging.getLogger(__name__)

DEFAULT_ACCOUNT = "000000000000"

OPERATIONS: dict[str, Operation] = {
    "AbortMultipartUpload": uploads.abort,
    "AbortVaultLock": locks.abort,
    "AddTagsToVault": tags.add,
    "CompleteMultipartUpload": uploads.complete,
    "CompleteVaultLock": locks.complete,
    "CreateVault": vaults.create,
    "DeleteArchive": archives.delete,
    "DeleteVault": vaults.delete,
    "DeleteVaultAccessPolicy": access.delete,
    "DeleteVaultNotifications": notifications.delete,
    "DescribeJob": jobs.describe,
    "DescribeVault": vaults.describe,
    "GetDataRetrievalPolicy": account.get_retrieval_policy,
    "GetJobOutput": jobs.output,
    "GetVaultAccessPolicy": access.get,
    "GetVaultLock": locks.get,
    "GetVaultNotifications": notifications.get,
    "InitiateJob": jobs.initiate,
    "InitiateMultipartUpload": uploads.initiate,
    "InitiateVaultLock": locks.initiate,
    "ListJobs": jobs.list_,
    "ListMultipartUploads": uploads.list_,
    "ListParts": uploads.list_parts,
    "ListProvisionedCapacity": account.list_capacity,
    "ListTagsForVault": tags.list_,
    "ListVaults": vaults.list_,
    "PurchaseProvisionedCapacity": account.purchase_capacity,
    "RemoveTagsFromVault": tags.remove,
    "SetDataRetrievalPolicy": account.set_retrieval_policy,
    "SetVaultAccessPolicy": access.set_,
    "SetVaultNotifications": notifications.set_,
    "UploadArchive": archives.upload,
    "UploadMultipartPart": parts.upload,
}

_WITHOUT_VAULT = {"CreateVault", "DeleteVault"}  # they succeed where there is no vault
_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z0-9-]{1,32}")
_LOG_SIZE = 10_000  # requests remembered one by one; the counts go on


@dataclass(frozen=True)
class Call:
    """A request that the engine has answered; `status` is None where no reply went out."""

    operation: str
    status: int | None
    params: Params


class Log:
    """The latest requests, and how many of each operation there were; for tests to count."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=_LOG_SIZE)
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, call: Call) -> None:
        """Count a request, and remember it among the latest 10,000."""
        with self._lock:
            self._calls.append(call)
            self._counts[call.operation] += 1

    def calls(self, operation: str | None = None) -> list[Call]:
        """Return the latest requests, or those of one operation, the oldest first."""
        with self._lock:
            return [each for each in self._calls if operation in {None, each.operation}]

    def count(self, operation: str | None = None) -> int:
        """Return how many requests there were of an operation, or of all, since `clear`."""
        with self._lock:
            return self._counts[operation] if operation else self._counts.total()

    def clear(self) -> None:
        """Forget all requests and begin to count anew."""
        with self._lock:
            self._calls.clear()
            self._counts.clear()


class Engine:
    """A Glacier in a directory; any number of threads may call it, and processes share it."""

    def __init__(
        self, root: Path, account: str, clock: Callable[[], datetime] | None = None
    ) -> None:
        self.account = account
        self.store = Store(root)
        self.clock = Clock(self.store, clock)
        self.blobs = Blobs(self.store, self.clock)
        self.faults = Faults(self.store)
        self.log = Log()
        # What earlier processes left behind, by their rows; without a look at the directory.
        self.blobs.sweep()

    @property
    def timing(self) -> Timing:
        """How long jobs take: no time, or as long as in the service; kept in the store."""
        with self.store.read() as db:
            return timing.current(db)

    @timing.setter
    def timing(self, pace: Timing | str) -> None:
        timing.choose(self.store, Timing(pace))

    def outbox(self) -> list[dict[str, Any]]:
        """Return the notifications sent so far, as SNS would deliver them."""
        settling.settle(self.store, self.blobs, self.clock)
        return notifications.outbox(self.store)

    def close(self) -> None:
        """Close the store; what is on disk is whole, and another engine may have it open."""
        self.store.close()

    def handle(self, request: Request) -> Response:
        """Answer a request.

        Raises ConnectionDropped where a fault asks for no answer, StoreError where the disk is full
        or fails; then nothing was acknowledged. What a body raises when its sender is gone passes.
        """
        try:
            route = wire.route(request.method, request.target)
        except ServiceError as error:
            return self._sealed(wire.refusal(error))
        params: dict[str, Any] = dict(route.uri)
        status = None
        try:
            response = self._answer(request, route, params)
            status = response.status
        except (ConnectionError, TimeoutError):
            raise  # the client's, and not the disk's
        except OSError as error:
            place = error.filename or self.store.root
            raise StoreError(f"{place}: {error.strerror or error}") from error
        finally:
            self.log.add(Call(route.operation.name, status, params))
        return response

    def _answer(self, request: Request, route: Route, params: dict[str, Any]) -> Response:
        """Answer a request whose operation is known; its parameters are filled in for the log."""
        fault = self.faults.take(route.operation.name)
        try:
            if fault is not None:
                request = _faults.before(fault, self.store, request, params)
            response = self._perform(request, route, params)
        except ServiceError as error:
            if error.__cause__ is not None:  # a reason that the service keeps to itself
                _logger.info("%s was refused: %s", route.operation.name, error.__cause__)
            response = wire.refusal(error)
        response = self._sealed(response)
        return response if fault is None else _faults.after(fault, response)

    def _perform(self, request: Request, route: Route, params: dict[str, Any]) -> Response:
        name = route.operation.name
        world = self._world(request, params["accountId"])
        vault_exists = self._vault_exists(world, name, params)
        document = b"" if route.operation.has_streaming_input else wire.read_document(request)
        refusal = None
        try:
            params |= wire.parameters(request, route, document)
        except ServiceError as error:
            refusal = error  # policies come first
        if vault_exists and name != "CreateVault":
            access.authorise(world, name, params)
        if refusal is not None:
            raise refusal
        _check_payload_hash(request, route, document)
        return wire.reply(route.operation, OPERATIONS[name](world, params))

    def _world(self, request: Request, account: str) -> World:
        """Return the world of a request: its sender's account, in the region it signed for."""
        version = request.headers.get("x-amz-glacier-version")
        if version is None:
            raise missing("API version")
        if version != wire.VERSION:
            raise invalid(f"Invalid API version: {version}")
        if account == "-":
            account = self.account
        if not _ACCOUNT.fullmatch(account):
            raise invalid(f"Invalid account ID: {account}")
        if not _REGION.fullmatch(request.region):
            raise invalid(f"Invalid region: {request.region}")
        # One account for all access keys; where a store is to hold several, they are told here.
        if account != self.account:
            raise denied(f"Access denied for account ID: {account}")
        return World(self.store, self.blobs, self.clock, self.account, request.region, request)

    def _vault_exists(self, world: World, name: str, params: Params) -> bool:
        if "vaultName" not in params:
            return False
        with self.store.read() as db:
            vault = world.find_vault(db, params["vaultName"])
        if vault is None and name not in _WITHOUT_VAULT:
            raise world.no_vault(params["vaultName"])
        return vault is not None

    def _sealed(self, response: Response) -> Response:
        """Add what every reply bears."""
        response.headers["x-amzn-RequestId"] = rules.new_id(rules.REQUEST_ID)
        # The world's time and not the engine's: SDKs set the clock that they sign with by it.
        response.headers["Date"] = formatdate(usegmt=True)
        if response.status != 204:
            response.headers["Content-Length"] = str(len(response.body))
        return response


def _check_payload_hash(request: Request, route: Route, document: bytes) -> None:
    """Raise unless a body read whole is what its sender hashed; uploads check their own.

    `UNSIGNED-PAYLOAD` is a hash like any other, and a wrong one: only S3 knows it as a word.
    """
    sent = request.headers.get("x-amz-content-sha256")
    if sent is None or route.operation.has_streaming_input:
        return
    computed = hashlib.sha256(document).hexdigest()
    if computed != sent.lower():
        raise archives.wrong_payload_hash(computed, sent)


def open_engine(
    root: Path,
    *,
    account: str | None = None,
    clock: Callable[[], datetime] | None = None,
) -> Engine:
    """Open the store in a directory, making it if it is not there.

    `account` is whose requests are answered; a store may hold the vaults of several. `clock` stands
    for the real time, which the engine's own clock is set against. Raises StoreError for a
    directory that cannot be one, or was written by a newer version.
    """
    return Engine(root, account or DEFAULT_ACCOUNT, clock)
