"""Dates in the future, which earlier versions took into the catalog, and their removal.

An inventory of the future would count as the newest for ever: no later one could miss what it
lists, and no later job's would be merged.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from glaciercli.catalog._rows import milliseconds
from glaciercli.catalog.store import Catalog
from glaciercli.models import Scope

#: How far apart honest clocks may be, and dates of the service that belong together.
MARGIN = timedelta(hours=72)

# Seen it was, before that inventory was merged.
_SEEN = """
UPDATE archives SET differs = min(differs, :now), seen = coalesce(
    (SELECT min(merged, :now) FROM inventories
    WHERE inventories.vault = archives.vault AND inventories.made = archives.seen), :now)
WHERE vault = :vault AND seen > :latest
"""
_OF_FUTURE = "FROM inventories WHERE vault = :vault AND (made > :latest OR asked > :latest)"
_LATE = f"SELECT 1 {_OF_FUTURE}"
_FORGET = f"DELETE {_OF_FUTURE}"
# When it was uploaded is known here, and of others that they were there by now.
_CREATED = """
UPDATE archives SET created = min(coalesce(recorded, :now), :now)
WHERE vault = :vault AND created > :latest
"""


def is_future(moment: datetime, now: datetime) -> bool:
    """Tell whether a date is later than it can be at `now`, by the service's clock."""
    return moment > now + MARGIN


def forget(catalog: Catalog, scope: Scope, vault: str, now: datetime) -> None:
    """Forget a vault's inventories of the future, and date what is dated so no later than `now`.

    `now` is the service's time. An archive that such an inventory listed was seen when that was
    merged, so that the next inventory decides.
    """
    values = {
        "vault": catalog.vault_key(scope, vault),
        "now": milliseconds(now),
        "latest": milliseconds(now + MARGIN),
    }
    with catalog.database.write() as connection:
        connection.execute(_CREATED, values)
        # Only an inventory brings such a date of when it was seen; to look at each row takes long.
        if connection.execute(_LATE, values).fetchone() is not None:
            connection.execute(_SEEN, values)
            connection.execute(_FORGET, values)
