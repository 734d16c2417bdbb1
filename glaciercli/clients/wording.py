"""What the service says in words alone, where no code tells it: each text that we depend on.

Texts are Amazon's, from its developer guide ("Error responses") and as users have posted them;
servers of another make have their own, so each function says what happens where a text is unknown.
"""

from __future__ import annotations

import re

from glaciercli.errors import AccessDenied, GlacierError, NotFound, Refused

_MISSING = (
    ("vault", "Vault not found"),
    ("archive", "The archive ID was not found"),
    ("job", "The job ID was not found"),
    ("upload", "The upload ID was not found"),
    ("notifications", "No notification configuration is set"),
    ("policy", "No vault access policy is set"),
    ("lock", "No vault lock policy is set"),
)
_LATE = ("Signature expired", "Signature not yet current")
_CONTENT = re.compile(
    r"tree.?hash|checksum|digest|sha-?256|archive.?size|signature we", re.IGNORECASE
)


def missing(error: NotFound) -> str | None:
    """Return which thing is not there: `vault`, `archive`, `job`, ...; None for unknown words."""
    return next((thing for thing, text in _MISSING if error.message.startswith(text)), None)


def is_late(error: AccessDenied) -> bool:
    """Tell whether a signature was refused for its time alone: signed anew, it may be taken."""
    return error.message.startswith(_LATE)


def is_not_empty(error: Refused) -> bool:
    """Tell whether DeleteVault was refused because the vault is not known to be empty."""
    return error.message.startswith("Vault not empty or recently written to")


def has_no_inventory(error: GlacierError) -> bool:
    """Tell whether an inventory job was not started because the vault has no inventory yet."""
    return "cannot be initiated yet" in error.message


def disputes_parts(error: Refused) -> bool:
    """Tell whether completion was refused because of what the upload holds: it stays open then.

    All that is sent with it, a size and a hash, is made of the parts; so whatever is wrong with
    that, a part that is missing or another one, the service's list of them tells which.
    """
    return error.code == "InvalidParameterValueException"


def disputes_content(error: GlacierError) -> bool:
    """Tell whether a refusal says that what arrived is not what was sent.

    By the nouns alone, since each make of the service has its own words: a tree hash, a checksum,
    the archive's size, or the signature, into which the hash of the content goes.
    """
    return isinstance(error, Refused | AccessDenied) and bool(_CONTENT.search(error.message))
