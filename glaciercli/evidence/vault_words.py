"""The sentences that say of a vault, or of its inventory, what is there, deleted or gone."""

from __future__ import annotations

from glaciercli.models import Imported, Inventory, Vault, VaultDetails
from glaciercli.units import counted, format_size, format_time_seconds


def deleted(vault: str) -> str:
    """Say it after the service's own yes, and not before."""
    return f"vault {vault} is deleted"


def gone(vault: str) -> str:
    """Say it after the service has said that it has no such vault."""
    return f"vault {vault} is gone"


def not_deletable(vault: str, when: str) -> str:
    """Say that the service will not delete a vault yet, and `when` it may."""
    return f"vault {vault!r} cannot be deleted yet: {when}"


def partly_emptied(vault: str, deleted: int, failed: int) -> str:
    """Say of how many archives the deletion was acknowledged, and of how many it failed."""
    return f"{counted(deleted, 'archive')} of vault {vault!r} deleted, {failed:,} not"


def since_inventory(vault: Vault) -> str:
    """Return what was done from here after the inventory that a vault's counts are of."""
    if not isinstance(vault, VaultDetails):
        return ""
    said = ""
    if vault.uploaded:
        said += f"; +{vault.uploaded:,} uploaded from here since"
        said += f" ({format_size(vault.uploaded_size)})"
    if vault.deleted:
        said += f"; -{vault.deleted:,} deleted from here since"
    return said


def ended(name: str, account: str, count: int) -> str:
    """Say that a vault is not there, by the word of its own account."""
    return (
        f"vault {name!r} of account {account} is not there any more; known in it, and gone with it:"
        f" {counted(count, 'archive')}"
    )


def not_listed(name: str, count: int) -> str:
    """Say that the list of an account's vaults lacks one that held archives."""
    return f"vault {name!r} is not there any more; known in it: {counted(count, 'archive')}"


def there_again(vault: Vault, back: int) -> str:
    """Say that a vault which was taken to be gone is there."""
    return (
        f"vault {vault.name!r} is there again; not taken to be gone any more:"
        f" {counted(back, 'archive')}"
    )


def made_anew(vault: Vault, lost: int) -> str:
    """Say that a vault is another one than that which archives are known of."""
    return (
        f"vault {vault.name!r} was made on {format_time_seconds(vault.created)}; known of an"
        f" earlier vault of that name, and gone with it: {counted(lost, 'archive')}"
    )


def returned(inventory: Inventory) -> str:
    """Say that an inventory which is too new to be stale has what was deleted here."""
    return (
        f"the inventory of {format_time_seconds(inventory.inventory_date)} lists archives that were"
        f" deleted here days before it; they are in the vault: {inventory.returned:,}"
    )


def corrected(inventory: Inventory) -> str:
    """Say that an inventory's word has taken the place of what an import had told."""
    return (
        f"the inventory of {format_time_seconds(inventory.inventory_date)} lists archives with"
        " another size or tree hash than an import told; the catalog has the inventory's now:"
        f" {inventory.corrected:,}"
    )


def taken(imported: Imported) -> str:
    """Say what an imported file was taken for: a job may have been asked for a part of a vault."""
    said = (
        f"{imported.path} ({imported.tool}): {counted(imported.archives, 'archive')},"
        f" {imported.new:,} of them new here, and {counted(imported.deletions, 'deletion')}"
    )
    whole = "; taken for what it lists, not for all there is"
    return said + whole if imported.tool == "inventory" else said


def counts_differ(vault: Vault, inventory: Inventory) -> str:
    """Say that the service's two accounts of the same inventory differ."""
    return (
        f"the inventory of {format_time_seconds(inventory.inventory_date)} lists"
        f" {counted(inventory.archives, 'archive')}, the service counts {vault.archives:,}"
    )


def listed_twice() -> str:
    """Say that an inventory contradicts itself, since ids are unique in a vault."""
    return "the inventory lists an archive twice; nothing was merged"


def store_sound() -> str:
    """Say it when each byte of an embedded Glacier was read, and hashed as it was."""
    return "everything is what it was when it was stored"
