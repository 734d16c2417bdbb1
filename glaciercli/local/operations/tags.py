"""AddTagsToVault, RemoveTagsFromVault, ListTagsForVault."""

from __future__ import annotations

import unicodedata
from typing import Any

from glaciercli.local.errors import invalid, limit_exceeded, missing
from glaciercli.local.store import Row, Transaction
from glaciercli.local.wire import Params
from glaciercli.local.world import World

_MAX_TAGS = 50  # per vault; the model's text still says 10
_MAX_IN_REQUEST = 10
_MAX_KEY, _MAX_VALUE = 128, 255  # characters
# As in the pattern of all of AWS's tags; the guide leaves the colon out, a live listing holds one.
_PUNCTUATION, _KINDS = set("_.:/=+-@"), "LNZ"  # letters, numbers and blanks of all scripts


def add(world: World, params: Params) -> dict[str, Any]:
    """Set tags; all of them, or none where they would be too many."""
    tags = params.get("Tags")
    if not tags:
        raise missing("Tags")
    _check_count(len(tags))
    for key, value in tags.items():
        if not 1 <= len(key) <= _MAX_KEY or not _is_legal(key) or key.lower().startswith("aws:"):
            raise invalid(f"Invalid tag key: {key}")
        if len(value) > _MAX_VALUE or not _is_legal(value):
            raise invalid(f"Invalid tag value: {value}")
    with world.store.write() as db:
        vault = world.vault(db, params)
        if len(of(db, vault).keys() | tags.keys()) > _MAX_TAGS:
            raise limit_exceeded(
                "The quota for the number of tags that can be assigned to this resource"
                " has been reached."
            )
        for key, value in tags.items():
            db.run(
                "INSERT OR REPLACE INTO tags (vault, key, value) VALUES (?, ?, ?)",
                *(vault["number"], key, value),
            )
    return {}


def remove(world: World, params: Params) -> dict[str, Any]:
    """Remove tags; those that are not there are no error."""
    keys = params.get("TagKeys")
    if not keys:
        raise missing("TagKeys")
    _check_count(len(keys))
    with world.store.write() as db:
        vault = world.vault(db, params)
        for key in keys:
            db.run("DELETE FROM tags WHERE vault = ? AND key = ?", vault["number"], key)
    return {}


def list_(world: World, params: Params) -> dict[str, Any]:
    """Answer ListTagsForVault."""
    with world.store.read() as db:
        return {"Tags": of(db, world.vault(db, params))}


def of(db: Transaction, vault: Row) -> dict[str, str]:
    """Return a vault's tags."""
    rows = db.all("SELECT key, value FROM tags WHERE vault = ? ORDER BY key", vault["number"])
    return {row["key"]: row["value"] for row in rows}


def _check_count(count: int) -> None:
    if count > _MAX_IN_REQUEST:
        raise invalid(f"At most {_MAX_IN_REQUEST} tags are allowed in a request: {count}")


def _is_legal(text: str) -> bool:
    return all(each in _PUNCTUATION or unicodedata.category(each)[0] in _KINDS for each in text)
