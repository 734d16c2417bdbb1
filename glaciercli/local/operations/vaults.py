"""CreateVault, DescribeVault, ListVaults, DeleteVault."""

from __future__ import annotations

from typing import Any

from glaciercli.local import rules, timing
from glaciercli.local.clock import written
from glaciercli.local.errors import invalid, limit_exceeded
from glaciercli.local.operations import uploads
from glaciercli.local.store import Row, Transaction
from glaciercli.local.wire import Params
from glaciercli.local.world import World


def create(world: World, params: Params) -> dict[str, Any]:
    """Make a vault; one that is there already stays as it is."""
    name = params["vaultName"]
    if not rules.is_vault_name(name):
        raise invalid(f"Invalid vault name: {name}")
    place = (world.account, world.region)
    with world.store.write() as db:
        if world.find_vault(db, name) is None:
            others = db.get(
                "SELECT count(*) AS count FROM vaults WHERE account = ? AND region = ?", *place
            )
            if others["count"] >= rules.MAX_VAULTS:
                raise limit_exceeded(f"Vault limit exceeded: {rules.MAX_VAULTS} vaults")
            db.run(
                "INSERT INTO vaults (account, region, name, created_at) VALUES (?, ?, ?, ?)",
                *(*place, name, world.clock.instant(db)),
            )
    return {"location": world.location(name)}


def describe(world: World, params: Params) -> dict[str, Any]:
    """Answer DescribeVault: counts and bytes are those of the last inventory."""
    with world.store.read() as db:
        return _description(world, db, world.vault(db, params))


def list_(world: World, params: Params) -> dict[str, Any]:
    """List by name; the marker is the ARN of the last vault shown, which may be gone by now."""
    limit = rules.limit(params.get("limit"), rules.VAULT_PAGE)
    marker = params.get("marker")
    after = rules.vault_of_arn(marker) if marker else ""
    with world.store.read() as db:
        rows = db.all(
            "SELECT * FROM vaults WHERE account = ? AND region = ? AND name > ?"
            " ORDER BY name LIMIT ?",
            world.account,
            world.region,
            after,
            limit + 1,
        )
        vaults = [_description(world, db, row) for row in rows[:limit]]
    following = vaults[-1]["VaultARN"] if len(rows) > limit else None
    return {"VaultList": vaults, "Marker": following}


def delete(world: World, params: Params) -> dict[str, Any]:
    """Remove a vault whose last inventory is empty and that nobody wrote to since.

    A vault that is not there is removed as well. Uploads without a part and jobs go with it.
    """
    with world.store.write() as db:
        vault = world.find_vault(db, params["vaultName"])
        if vault is None:
            return {}
        vault = timing.settle_inventory(db, world.clock, vault)
        if (
            vault["inventory_archives"]
            or vault["writes"] != vault["inventory_writes"]
            or _has_parts(world, db, vault)
        ):
            arn = world.arn(vault["name"])
            raise invalid(f"Vault not empty or recently written to: {arn}")
        now = world.clock.instant(db)
        db.run(
            "INSERT OR REPLACE INTO strays (name, due)"
            " SELECT blob, ? FROM uploads WHERE vault = ? AND state = 'open' UNION"
            " SELECT output, ? FROM jobs WHERE vault = ? AND output IS NOT NULL UNION"
            " SELECT name, ? FROM strays JOIN archives ON blob = name WHERE vault = ?",
            *(now, vault["number"]) * 3,
        )
        db.run("DELETE FROM vaults WHERE number = ?", vault["number"])
    world.blobs.sweep()
    return {}


def _has_parts(world: World, db: Transaction, vault: Row) -> bool:
    """Tell whether an upload that is not over has parts; one that ran out has none any more."""
    found = db.find(
        "SELECT 1 FROM uploads JOIN parts ON upload = uploads.number"
        " WHERE vault = ? AND state = 'open' AND touched_at > ? LIMIT 1",
        *(vault["number"], world.clock.instant(db) - uploads.IDLE),
    )
    return found is not None


def _description(world: World, db: Transaction, vault: Row) -> dict[str, Any]:
    """Return a vault as of its last inventory; before the first, nothing is counted."""
    due = timing.inventory_due(db, world.clock, vault)
    archives, size, made_at = (
        (vault["inventory_archives"], vault["inventory_bytes"], vault["inventory_at"])
        if due is None
        else (vault["archives"], vault["bytes"], due)
    )
    return {
        "VaultARN": world.arn(vault["name"]),
        "VaultName": vault["name"],
        "CreationDate": written(vault["created_at"]),
        "LastInventoryDate": written(made_at),
        "NumberOfArchives": archives,
        "SizeInBytes": size + archives * rules.OVERHEAD,
    }
