"""A file into a vault in one request, which cannot be gone on with, nor asked again."""

from __future__ import annotations

from glaciercli.catalog.states import INVENTORY_LAG
from glaciercli.catalog.store import Catalog
from glaciercli.clients.glacier import Client
from glaciercli.clients.pace import hint_if_maybe_applied
from glaciercli.clients.wording import disputes_content
from glaciercli.errors import GlacierError, Interrupted
from glaciercli.evidence import endings
from glaciercli.models import Archive
from glaciercli.services.upload._completing import archive_of, record
from glaciercli.tasks.progress import Progress
from glaciercli.transfer.meter import Meter
from glaciercli.transfer.source import Source
from glaciercli.transfer.upload_journal import UploadJournal
from glaciercli.transfer.window import Window


def send(
    client: Client,
    journal: UploadJournal,
    source: Source,
    catalog: Catalog,
    progress: Progress,
) -> Archive:
    """Store the file in one request, whose reply, if it is lost, is lost for good.

    A run that is cut short in it leaves that in the journal; the next run tells of it.
    """
    intent = journal.intent
    progress.start(source.size)
    meter = Meter(client.pace, progress)
    body = Window.over(source.descriptor, 0, source.size, meter, linear=client.signs)
    source.require_unchanged()
    journal.single(body.tree_hash, client.now())
    try:
        with hint_if_maybe_applied(endings.may_be_stored_once(journal.state.asked + INVENTORY_LAG)):
            reply = client.call(
                "UploadArchive",
                vaultName=intent.vault,
                archiveDescription=intent.description,
                checksum=body.tree_hash,
                body=body,
            )
        archive = archive_of(client, journal, reply, size=source.size, tree_hash=body.tree_hash)
    except Interrupted:
        raise  # the next run tells of it
    except GlacierError as error:
        journal.end()  # it is not stored, or this tells that it may be
        if disputes_content(error):
            source.require_unchanged()
        raise
    record(client, journal, catalog, archive)
    return archive
