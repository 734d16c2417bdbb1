"""Standard input into a vault: read once, part by part, each kept until the service has it.

A stream cannot be read again, so a run that dies leaves an upload that nobody can go on with. Its
journal lets the next run clean up (see `orphans`).
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from glaciercli.catalog import descriptions
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
from glaciercli.models import Archive
from glaciercli.services.upload._completing import Expired, Uncertain, complete
from glaciercli.services.upload._opening import drop, new_intent, open_upload
from glaciercli.services.upload.orphans import clean_up
from glaciercli.services.upload.receipts import Receipt
from glaciercli.system import private_directory
from glaciercli.tasks.outcome import concerns_all
from glaciercli.tasks.pool import Pool
from glaciercli.tasks.progress import NullProgress, Progress
from glaciercli.transfer.meter import Meter
from glaciercli.transfer.parts import check_part_size
from glaciercli.transfer.pipeline import copy
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
    descriptions.require_storable(description or "")
    part_size = part_size or DEFAULT_PART_SIZE
    check_part_size(part_size)
    clean_up(client, vault, journals=journals, catalog=catalog, progress=progress)
    directory, meter = private_directory(journals), Meter(client.pace, progress)
    spool = Spool(Stream(stream, meter.check), directory, part_size, linear=client.signs)
    intent = new_intent(vault, name, description, description_format, part_size)
    with UploadJournal.open(client, journals, vault, intent.token) as journal:
        journal.begin(intent)
        try:
            upload = open_upload(client, journal)
            progress.start(None)
            sent = copy(spool, Parts(client, upload), spool.ranges(), Pool(workers), meter)
        except Interrupted:
            raise  # quickly; the next run cleans up
        except GlacierError as error:
            # Nobody can go on with it: a stream does not come twice.
            if concerns_all(error):  # the abortion as well, which would be waited for as long
                if isinstance(error, Unavailable | UsedUp):  # else its hint is a stream's as well
                    hint = "run the same command again: it sends all anew, and cleans up"
                    raise error.but(hint=hint) from error
                raise
            drop(client, journal)
            journal.forget()
            raise
        archive = _complete(client, journal, catalog, size=sent.size, tree_hash=sent.tree_hash)
        return Receipt(archive, journal.path)


def _complete(
    client: Client, journal: UploadJournal, catalog: Catalog, *, size: int, tree_hash: str
) -> Archive:
    """Complete the upload of a stream; an error says how to go on without sending it again."""
    try:
        return complete(client, journal, catalog, size=size, tree_hash=tree_hash)
    except Expired as error:
        journal.forget()
        raise error.but(hint="send it again") from error
    except Uncertain as error:
        raise error.but(is_late=True) from error  # nobody runs the same command again
    except IntegrityError:
        raise
    except GlacierError as error:
        hint = endings.complete_by_id(journal.intent.vault, journal.state.upload_id or "")
        raise error.but(hint=hint) from error
