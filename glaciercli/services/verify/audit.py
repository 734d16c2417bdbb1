"""Catalog against newest inventory: what is missing, changed, foreign or there twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from glaciercli.catalog import findings
from glaciercli.errors import IntegrityError, NotFound, NotReady
from glaciercli.hints import Command
from glaciercli.models import Audit, Scope
from glaciercli.services import scopes
from glaciercli.services.vaults import vaults
from glaciercli.tasks.outcome import Outcome
from glaciercli.tasks.progress import NullProgress, Progress
from glaciercli.units import counted

if TYPE_CHECKING:
    from glaciercli.catalog.store import Catalog
    from glaciercli.clients.glacier import Client

_NAMED = 3  # findings of a kind that are told by name; the rest are counted


def audit(
    client: Client,
    catalog: Catalog,
    names: Sequence[str] = (),
    *,
    progress: Progress = NullProgress(),
) -> Iterator[Audit]:
    """Yield what the catalog says of vaults, or of all of the account, and raise in the end.

    No inventory is asked for; each vault is asked whose it is, and whether it was made anew. It is
    unsound where archives are missing or have changed (IntegrityError), where it is gone itself
    (NotFound), and unknown where no inventory of it was merged (NotReady). Raises that error for a
    single vault, else what `Outcome.finish` says.
    """
    outcome = Outcome()
    wanted: dict[str, Scope] = {}
    if names:
        for name in names:
            with outcome.item(name):
                wanted[name] = _whose(client, catalog, name, progress)
    else:
        listed = list(vaults.listing(client))
        wanted = {
            each.name: scopes.remembered(client, catalog, each, progress=progress)
            for each in listed
        }
        for name, error in scopes.lost(client, catalog, listed).items():
            outcome.failed(name, error)
    for name, scope in wanted.items():
        with outcome.item(name):
            audited = _audit(catalog, scope, name)
            yield audited
            if not audited.is_sound:
                raise IntegrityError(_unsound(catalog, scope, audited))
    sound = len(outcome.done)
    outcome.finish(f"{counted(sound, 'vault')} {'is' if sound == 1 else 'are'} sound")


def _whose(client: Client, catalog: Catalog, name: str, progress: Progress) -> Scope:
    """Return the scope of a vault that is asked for by name; raises NotFound where it is gone."""
    try:
        return scopes.of_vault_if_allowed(client, catalog, name, progress=progress)
    except NotFound as error:
        raise scopes.ended(client, catalog, name, error) from error


def _audit(catalog: Catalog, scope: Scope, vault: str) -> Audit:
    last = catalog.inventory(scope, vault)
    if last is None:
        raise NotReady(
            f"no inventory of vault {vault!r} is in the catalog",
            hint=Command("vault", "inventory", vault),
        )
    catalog.check()
    counts = {each: findings.look(catalog, scope, vault, each)[0] for each in findings.KINDS}
    return Audit(vault, last.made, last.archives, **counts)


def _unsound(catalog: Catalog, scope: Scope, audited: Audit) -> str:
    """Return what is wrong with a vault, the first archives by name."""
    told = []
    for kind in ("missing", "changed"):
        count, found = findings.look(catalog, scope, audited.vault, kind, limit=_NAMED)
        if count:
            names = [each.name or each.id for each in found]
            more = [f"{count - len(names):,} more"] if count > len(names) else []
            told.append(f"{count:,} {kind} ({', '.join(names + more)})")
    return f"vault {audited.vault} is not sound: {', '.join(told)}"
