"""A file into a vault in one request, which cannot be gone on with, nor asked again."""

from __future__ import annotations

from glaciercli.catalog.states import INVENTORY_LAG
from glaciercli.clients.pace import hint_if_maybe_applied, may_have_been_applied
from glaciercli.clients.wording import disputes_content
from glaciercli.errors import GlacierError, Interrupted, Unavailable
from glaciercli.evidence import endings
from glaciercli.models import Archive
from glaciercli.services.upload._open_upload import OpenUpload
from glaciercli.transfer.window import Window


def send(upload: OpenUpload) -> Archive:
    """Store the file in one request, whose reply, if it is lost, is lost for good.

    A run that is cut short in it, or hears nothing, leaves that in the journal; the next run tells
    of it.
    """
    client, source, intent = upload.client, upload.file, upload.intent
    upload.progress.start(source.size)
    body = Window.over(source.descriptor, 0, source.size, upload.meter, linear=client.signs)
    source.require_unchanged()
    asked = upload.single(body.tree_hash)
    try:
        with hint_if_maybe_applied(endings.may_be_stored_once(asked + INVENTORY_LAG)):
            reply = client.call(
                "UploadArchive",
                vaultName=intent.vault,
                archiveDescription=intent.description,
                checksum=body.tree_hash,
                body=body,
            )
        archive = upload.archive_of(reply, source.size, body.tree_hash)
    except Interrupted:
        raise
    except GlacierError as error:
        if isinstance(error, Unavailable) and may_have_been_applied(error):
            raise
        upload.end()
        if disputes_content(error):
            source.require_unchanged()
        raise
    upload.record(archive)
    return archive
