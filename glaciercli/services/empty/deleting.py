"""Archives deleted one by one, as planned; each is recorded as soon as it is done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from glaciercli.errors import NotFound
from glaciercli.limits import EARLY_DELETION
from glaciercli.models import Archive, Consent, DeletePlan, Scope
from glaciercli.models.plans import digest_of, require_planned
from glaciercli.services import scopes
from glaciercli.services.inventory import archives
from glaciercli.tasks.outcome import Outcome
from glaciercli.tasks.progress import NullProgress, Progress
from glaciercli.units import counted

if TYPE_CHECKING:
    from glaciercli.catalog.store import Catalog
    from glaciercli.clients.glacier import Client


def plan(
    client: Client,
    catalog: Catalog,
    vault: str,
    references: Sequence[str],
    *,
    progress: Progress = NullProgress(),
) -> DeletePlan:
    """Return the plan to delete the archives that references name (see `archives.show`)."""
    scope = scopes.of_vault(client, catalog, vault, progress=progress)
    named = (archives.find(catalog, scope, vault, each) for each in references)
    found = tuple({each.id: each for each in named}.values())
    early = client.now() - EARLY_DELETION
    young = [each for each in found if each.created is not None and each.created > early]
    return DeletePlan(
        vault,
        found,
        early=len(young),
        early_size=sum(each.size or 0 for each in young),
        digest=_digest(scope, vault, found),
    )


def delete_all(
    client: Client, catalog: Catalog, plan: DeletePlan, consent: Consent
) -> Iterator[Archive]:
    """Delete the archives of a plan that `consent` agrees to; yield each, with the time of it.

    Raises Refused, having deleted nothing, where the vault is another account's than the plan's.
    See `Outcome` for what is raised in the end for those that could not be deleted.
    """
    scope = scopes.of_vault(client, catalog, plan.vault)
    require_planned(plan, _digest(scope, plan.vault, plan.archives))
    consent(plan)
    return _delete_all(client, catalog, scope, plan)


def _delete_all(
    client: Client, catalog: Catalog, scope: Scope, plan: DeletePlan
) -> Iterator[Archive]:
    outcome = Outcome()
    for each in plan.archives:
        with outcome.item(each.id):
            yield delete(client, catalog, scope, plan.vault, each.id)
    outcome.finish(f"deletion of {counted(len(outcome.done), 'archive')} done")


def _digest(scope: Scope, vault: str, found: Iterable[Archive]) -> str:
    """Return what binds a run to its plan: which archives, of which account's vault."""
    return digest_of(scope, vault, *(each.id for each in found))


def delete(client: Client, catalog: Catalog, scope: Scope, vault: str, archive_id: str) -> Archive:
    """Delete an archive for good; return it with the time of its deletion, recorded here.

    `scope` is the vault's own (see `scopes.of_vault`). Deleting an archive that is gone already is
    no error to the service (developer guide, "Delete archive"), so its yes proves no presence.
    Raises NotFound, recording nothing, where the service knows no such archive or vault.
    """
    try:
        client.call("DeleteArchive", vaultName=vault, archiveId=archive_id)
    except NotFound as error:
        if error.is_vault:
            raise
        raise NotFound(f"archive {archive_id} is not in vault {vault!r}") from error
    catalog.deleted(scope, vault, archive_id, client.now())
    return catalog.find(scope, vault, archive_id)
