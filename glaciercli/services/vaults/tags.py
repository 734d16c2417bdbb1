"""Tags of a vault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from glaciercli.models import Tag

if TYPE_CHECKING:
    from glaciercli.clients.glacier import Client

_A_REQUEST = 10  # tags that the service takes at a time


def listing(client: Client, vault: str) -> list[Tag]:
    """Return the tags of a vault, in order of key."""
    reply = client.call("ListTagsForVault", vaultName=vault)
    return [Tag(key, value, vault) for key, value in sorted(reply.get("Tags", {}).items())]


def add(client: Client, vault: str, tags: Mapping[str, str]) -> list[Tag]:
    """Set tags, replacing those of the same key; return all that the vault has now.

    The service takes ten at a time (developer guide, "Add tags to vault"), so of more than ten
    some are set where a later request fails. Raises Refused for more than the vault may have.
    """
    rest = iter(tags.items())
    while some := dict(islice(rest, _A_REQUEST)):
        client.call("AddTagsToVault", vaultName=vault, Tags=some)
    return listing(client, vault)


def remove(client: Client, vault: str, keys: Sequence[str]) -> list[Tag]:
    """Remove tags by key; one that is not there is no error. Return those that are left."""
    for start in range(0, len(keys), _A_REQUEST):
        some = list(keys[start : start + _A_REQUEST])
        client.call("RemoveTagsFromVault", vaultName=vault, TagKeys=some)
    return listing(client, vault)
