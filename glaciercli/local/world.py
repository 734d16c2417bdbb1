"""What an operation works on: the request, and one account in one region of the store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from glaciercli.local.blobs import Blobs
from glaciercli.local.clock import Clock
from glaciercli.local.errors import ServiceError, not_found
from glaciercli.local.rules import is_vault_name, partition
from glaciercli.local.store import Row, Store, Transaction
from glaciercli.local.wire import Params, Request


@dataclass(frozen=True)
class World:
    """One account in one region; the others are out of its sight."""

    store: Store
    blobs: Blobs
    clock: Clock
    account: str
    region: str
    request: Request

    def arn(self, vault: str) -> str:
        """Return the name that the service gives a vault of this account and region."""
        place = f"glacier:{self.region}:{self.account}"
        return f"arn:{partition(self.region)}:{place}:vaults/{vault}"

    def location(self, vault: str, *more: str) -> str:
        """Return the path that a Location header shows; with the account's number, never `-`."""
        return "/".join(["", self.account, "vaults", vault, *more])

    def find_vault(self, db: Transaction, name: str) -> Row | None:
        """Return the row of a vault of this account and region; None for no such vault."""
        return db.find(
            "SELECT * FROM vaults WHERE account = ? AND region = ? AND name = ?",
            *(self.account, self.region, name),
        )

    def vault(self, db: Transaction, params: Params) -> Row:
        """Return the row of the vault that a request names; raises when there is none."""
        row = self.find_vault(db, params["vaultName"])
        if row is None:
            raise self.no_vault(params["vaultName"])
        return row

    def no_vault(self, name: str) -> ServiceError:
        """Return the error for a vault that is not there, in the service's words (404)."""
        # For a name that no vault can have the service shows the name where the ARN goes.
        shown = self.arn(name) if is_vault_name(name) else name
        return not_found(f"Vault not found for ARN: {shown}")


Operation = Callable[[World, Params], dict[str, Any]]
