"""Standard input into a vault: read once, part by part, each kept until the service has it.

A stream cannot be read again, so a run that dies leaves an upload that nobody can go on with. Its
journal lets the next run clean up (see `orphans`).
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from glaciercli.catalog.store import Catalog
from glaciercli.clients.glacier import Client
from glaciercli.errors import (
    GlacierError,
    IntegrityError,
    Interrupted,
    Unavailable,
    UsedUp,
)
from glaciercli.evidence import endings
from glaciercli.files.private import private_directory
from glaciercli.models import Archive
from glaciercli.services.upload._ends import Expired, Uncertain
from glaciercli.services.upload._open_upload import OpenUpload
from glaciercli.services.upload._opening import Label, new_intent
from glaciercli.services.upload.options import Options
from glaciercli.services.upload.orphans import clean_up
from glaciercli.services.upload.receipts import Receipt
from glaciercli.tasks.outcome import concerns_all
from glaciercli.tasks.pool import Pool
from glaciercli.tasks.progress import NullProgress, Progress
from glaciercli.transfer.meter import Meter
from glaciercli.transfer.parts import check_part_size
from glaciercli.transfer.pipeline import Copied, copy
from glaciercli.transfer.sending import Parts
from glaciercli.transfer.source import Stream
from glaciercli.transfer.spool import Spool
from glaciercli.transfer.upload_journal import UploadJournal
from glaciercli.units import MIB

# Nobody knows how long a stream is. 10,000 of these make 625 GiB; a longer one needs the flag.
DEFAULT_PART_SIZE = 64 * MIB


def start(
    client: Client,
    stream: BinaryIO,
    vault: str,
    *,
    name: str,
    journals: Path,
    catalog: Catalog,
    description: str | None = None,
    description_format: str = "mt2",
    part_size: int | None = None,
    workers: int = 4,
    progress: Progress = NullProgress(),
) -> Receipt:
    """Store what a stream gives as one archive named `name`.

    Each part waits in an unnamed file of the state directory until the service has it, so memory is
    flat and a part can be repeated; the whole cannot. Call the receipt's `told` when the user
    knows of the archive. Raises Refused for an empty stream, one too long for its part size, or a
    description that Glacier does not take.
    """
    label = Label(description, description_format)
    part_size = part_size or DEFAULT_PART_SIZE
    check_part_size(part_size)
    clean_up(client, vault, Options(journals, catalog, workers, progress))
    directory, meter = private_directory(journals), Meter(client.pace, progress)
    spool = Spool(Stream(stream, meter.check), directory, part_size, linear=client.signs)
    intent = new_intent(vault, name, label, part_size)
    with UploadJournal.open(client, journals, vault, intent.token) as journal:
        upload = OpenUpload(client, journal, catalog, meter)
        upload.begin(intent)
        try:
            parts = Parts(client, upload.initiate())
            progress.start(None)
            sent = copy(spool, parts, spool.ranges(), Pool(workers), meter)
        except Interrupted:
            raise  # quickly; the next run cleans up
        except GlacierError as error:
            # Nobody can go on with it: a stream does not come twice.
            if concerns_all(error):  # the abortion as well, which would be waited for as long
                if isinstance(error, Unavailable | UsedUp):  # else its hint is a stream's as well
                    hint = "run the same command again: it sends all anew, and cleans up"
                    raise error.but(hint=hint) from error
                raise
            upload.drop()
            upload.forget()
            raise
        return upload.receipt(_complete(upload, sent))


def _complete(upload: OpenUpload, sent: Copied) -> Archive:
    """Complete the upload of a stream; an error says how to go on without sending it again."""
    try:
        return upload.complete(sent.size, sent.tree_hash)
    except Expired as error:
        upload.forget()
        raise error.but(hint="send it again") from error
    except Uncertain as error:
        raise error.but(is_late=True) from error  # nobody runs the same command again
    except IntegrityError:
        raise
    except GlacierError as error:
        hint = endings.complete_by_id(upload.intent.vault, upload.state.upload_id or "")
        raise error.but(hint=hint) from error
