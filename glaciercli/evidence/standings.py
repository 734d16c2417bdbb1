"""Whether an archive is still in its vault, as far as what is known of it tells.

No request is made: deletions, imports and the newest inventory say it (see `catalog.states`). What
is asked of the service itself is a retrieval, and no presence is proven by anything less.
"""

from __future__ import annotations

from datetime import datetime

from glaciercli.errors import GlacierError, IntegrityError, NotFound
from glaciercli.evidence import words
from glaciercli.hints import Command
from glaciercli.models import Archive


def require_present(archive: Archive, newest: datetime | None) -> None:
    """Raise what `objection` returns, where it returns an error."""
    if (error := objection(archive, newest)) is not None:
        raise error


def objection(archive: Archive, newest: datetime | None) -> GlacierError | None:
    """Return what speaks against an archive being there as the catalog knows it; None for nothing.

    `newest` is the date of the vault's newest inventory, None where there is none. NotFound for an
    archive that is deleted, gone or missing, or that the newest inventory lacks though an older one
    listed it; IntegrityError for one that an inventory lists with another size or hash.
    """
    if archive.status in {"deleted", "gone"}:
        return NotFound(
            words.not_there(archive, newest), hint=Command("archive", "show", archive.id)
        )
    if archive.status == "missing" or not _is_listed_or_young(archive, newest):
        return NotFound(
            words.not_listed(archive, newest),
            hint=("for a newer one: ", Command("vault", "inventory", archive.vault)),
        )
    if archive.differs is not None:
        return IntegrityError(
            words.listed_as_another(archive, archive.differs),
            hint=Command("catalog", "verify", archive.vault),
        )
    return None


def _is_listed_or_young(archive: Archive, newest: datetime | None) -> bool:
    """Tell whether the newest inventory has it, or none has; what one had, the next must have."""
    return archive.seen is None or newest is None or archive.seen >= newest
