"""An upload while a run works at it, from its intent to its archive.

What costs is written down before it is asked for, and what came of it after. A completion whose
reply was lost may have been applied: the journal tells so to later runs, and no longer than that,
for what was refused or never sent has stored nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from glaciercli.catalog.states import INVENTORY_LAG
from glaciercli.catalog.store import Catalog
from glaciercli.clients import wording
from glaciercli.clients.glacier import Client
from glaciercli.clients.pace import may_have_been_applied
from glaciercli.errors import (
    AccessDenied,
    Conflict,
    GlacierError,
    NotFound,
    Refused,
    Unavailable,
)
from glaciercli.evidence import endings
from glaciercli.hints import Command, Hint
from glaciercli.models import Archive, Upload
from glaciercli.services.upload import open_uploads
from glaciercli.services.upload._ends import Expired, Fate, Uncertain
from glaciercli.services.upload._opening import account_of, find_begun
from glaciercli.services.upload._recording import archive_of, enter
from glaciercli.services.upload.receipts import Receipt
from glaciercli.services.vaults import vaults
from glaciercli.tasks.outcome import concerns_all
from glaciercli.tasks.progress import Progress
from glaciercli.transfer.meter import Meter
from glaciercli.transfer.source import Source
from glaciercli.transfer.upload_journal import UploadJournal
from glaciercli.transfer.upload_state import Intent, UploadState

_LATE = timedelta(days=1)  # from when `--quiet` does not hide that an end is uncertain


class OpenUpload:
    """The upload of a file or a stream, with all that it takes; the only writer of its life.

    An earlier run may have begun it: its journal tells how far it came. That the user was told of
    its archive (`Receipt`) or gave it up (`open_uploads.abort`) ends the journal, and is no step.
    """

    def __init__(
        self,
        client: Client,
        journal: UploadJournal,
        catalog: Catalog,
        meter: Meter,
        source: Source | None = None,
    ) -> None:
        """Take up what a journal tells of; `source` is the file, None for a stream."""
        self.client = client
        self.catalog = catalog
        self.meter = meter
        self._journal = journal
        self._source = source

    @property
    def progress(self) -> Progress:
        """Who is told how far the upload is."""
        return self.meter.progress

    @property
    def state(self) -> UploadState:
        """How far it has come."""
        return self._journal.state

    @property
    def intent(self) -> Intent:
        """What it is to store; not asked of one that has not begun."""
        return self._journal.intent

    @property
    def file(self) -> Source:
        """What it is made of; not asked of a stream."""
        assert self._source is not None
        return self._source

    @property
    def may_be_run_elsewhere(self) -> bool:
        """Whether the run that began it may be alive, with a journal of its own."""
        return self._journal.may_be_run_elsewhere

    @property
    def may_lack_lines(self) -> bool:
        """Whether more may have been done than the journal says, since it is damaged."""
        return self._journal.is_damaged

    @property
    def account(self) -> str | None:
        """The account that it was begun in; None where the service has not said so."""
        done = self.state.done
        return self.state.account or account_of(done.location if done else None)

    # --- its beginning

    def begin(self, intent: Intent) -> None:
        """Write down what is to be stored, before anything is asked for it."""
        self._journal.begin(intent)

    def initiate(self) -> Upload:
        """Initiate what the intent speaks of; find it if the reply was lost.

        When the service refuses and nothing was opened, the intent is forgotten: the next run
        begins with its own command line.
        """
        intent = self.intent
        is_sought = False

        def find() -> dict[str, Any] | None:
            nonlocal is_sought
            is_sought = True
            found = find_begun(self.client, intent)
            is_sought = False
            return found

        try:
            reply = self.client.create(
                "InitiateMultipartUpload",
                find,
                vaultName=intent.vault,
                archiveDescription=intent.description,
                partSize=str(intent.part_size),
            )
        except (AccessDenied, NotFound, Refused):
            if not is_sought:  # else it is the search that was refused, for what may be there
                self._journal.end()
            raise
        return self._opened(reply)

    def find(self) -> Upload | None:
        """Return the upload that an earlier run may have initiated; None when there is none."""
        found = find_begun(self.client, self.intent)
        return self._opened(found) if found else None

    def adopt(self, upload: Upload) -> None:
        """Go on with an upload that was initiated elsewhere."""
        self._journal.opened(upload.id, upload.account or self.client.target.account)

    def _opened(self, reply: dict[str, Any]) -> Upload:
        intent = self.intent
        account = account_of(reply.get("location")) or self.client.target.account
        self._journal.opened(reply["uploadId"], account)
        return Upload(
            id=reply["uploadId"],
            vault=intent.vault,
            part_size=intent.part_size,
            description=intent.description,
            parts=(),
        )

    # --- what the service has of it

    def describe(self) -> Upload:
        """Return it with the parts that have arrived; raises NotFound when it is gone."""
        assert self.state.upload_id is not None
        return open_uploads.describe(self.client, self.intent.vault, self.state.upload_id)

    def is_open(self) -> bool:
        """Tell whether the service still has it, neither completed nor expired.

        Raises Conflict where another account answers.
        """
        vault, upload_id = self.intent.vault, self.state.upload_id
        try:
            self.client.call("ListParts", vaultName=vault, uploadId=upload_id)
        except NotFound as error:
            if error.is_vault:
                raise
            self.require_own_account()
            return False
        return True

    def drop(self) -> Fate:
        """Abort it, if the service still has it.

        Raises Conflict where another account answers: that one does not know it either.
        """
        vault, upload_id = self.intent.vault, self.state.upload_id
        if upload_id is None:
            begun = find_begun(self.client, self.intent)
            upload_id = begun["uploadId"] if begun else None
        if upload_id is None:
            return Fate.GONE
        try:
            self.client.call("AbortMultipartUpload", vaultName=vault, uploadId=upload_id)
        except NotFound as error:
            if error.is_vault:
                self.require_account(error.account)
            else:
                self.require_own_account()
            return Fate.GONE
        except Refused as error:
            if not wording.disputes_parts(error):
                raise
            return Fate.COMPLETED
        return Fate.ABORTED

    def require_account(self, account: str | None) -> None:
        """Raise Conflict when these credentials are of another account than it was begun in.

        Not every server says which account `-` is.
        """
        if self.account and account and account != self.account:
            raise Conflict(
                f"the upload of {self.intent.name} was begun in account {self.account},"
                f" and these credentials are of account {account}",
                hint=self._ways_on(),
            )

    def _ways_on(self) -> Hint:
        """Return the ways on where another account answers than it was begun in."""
        profile, path = "use the profile that it was begun with", self.intent.path
        if path is None:
            return profile
        anew = Command("upload", path, "--vault", self.intent.vault, "--again")
        return f"{profile}; or leave it there, and begin here: ", anew

    def require_own_account(self) -> None:
        """Raise Conflict where its vault, as the service tells of it, is another account's.

        Credentials for uploads alone cannot look.
        """
        try:
            there = vaults.show(self.client, self.intent.vault)
        except AccessDenied as error:
            if concerns_all(error):
                raise
        else:
            self.require_account(there.account)

    # --- its end

    def complete(self, size: int, tree_hash: str) -> Archive:
        """Complete it and return its archive, recorded in the catalog; raises what `ask` does."""
        archive = self.ask(size, tree_hash)
        self.record(archive)
        return archive

    def ask(self, size: int, tree_hash: str) -> Archive:
        """Ask for its completion; return the archive that the reply tells of.

        May be asked again by a later run: the service answers a repeated completion with the same
        archive for a while (API reference, "CompleteMultipartUpload"). Raises Expired when the
        upload is gone and nothing is stored, Uncertain when an earlier attempt may have stored it,
        and Refused when what it holds is not what the hash says; it is open then.
        """
        may_be_applied = self.state.completing is not None
        if not may_be_applied:
            self._journal.completing(tree_hash, size, self.client.now())
        elif self.state.upload_id is None and self.find() is None:  # the journal has lost its id
            raise self._gone(may_be_applied=True)

        def again(error: Unavailable) -> bool:
            nonlocal may_be_applied
            may_be_applied = may_be_applied or may_have_been_applied(error)
            return True

        def once() -> dict[str, str]:
            return self.client.once(
                "CompleteMultipartUpload",
                vaultName=self.intent.vault,
                uploadId=self.state.upload_id,
                archiveSize=str(size),
                checksum=tree_hash,
            )

        try:
            reply = self.client.pace.run(once, again=again)
        except NotFound as error:
            raise self._gone(may_be_applied=may_be_applied) from error
        except (AccessDenied, Refused, Unavailable):
            if not may_be_applied:
                self._journal.not_stored()
            raise
        return self.archive_of(reply, size, tree_hash)

    def ask_again(self) -> Archive:
        """Ask once more for a completion that the journal speaks of; see `ask`."""
        size, tree_hash = self.state.size, self.state.tree_hash
        assert size is not None and tree_hash is not None  # noqa: PT018
        return self.ask(size, tree_hash)

    def _gone(self, *, may_be_applied: bool) -> GlacierError:
        """Return what it means that the service does not know it."""
        self.require_own_account()
        # To abort costs nothing when it has expired, and saves a bill where it was a mistake.
        if may_be_applied or self.drop() is Fate.COMPLETED:
            return self.doubt()
        self._journal.not_stored()
        return Expired(endings.expired(self.intent.name), hint="run the same command again")

    def doubt(self) -> Uncertain:
        """Write down that it is stored or had expired, and nothing tells which; return the error.

        It is told also under `--quiet` after a day.
        """
        self._journal.uncertain()
        intent, asked = self.intent, self.state.asked
        due = asked + INVENTORY_LAG
        hint: Hint = (
            f"run the same command again; {endings.known_by(due)}; or --again, to store it anew"
        )
        if intent.path is None:
            hint = endings.complete_by_id(intent.vault, self.state.upload_id or "")
        error = Uncertain(endings.uncertain(intent.name), hint=hint)
        error.is_late = self.client.now() - asked > _LATE
        return error

    def archive_of(self, reply: dict[str, str], size: int, tree_hash: str) -> Archive:
        """Return the archive that a reply tells of; raises IntegrityError where it is another."""
        now = self.client.now()
        return archive_of(self.intent, reply, size=size, tree_hash=tree_hash, now=now)

    def sent_before(self, size: int, tree_hash: str) -> None:
        """Write down a completion of which the journal has lost the line."""
        self._journal.completing(tree_hash, size, self.client.now())

    def single(self, tree_hash: str) -> datetime:
        """Write down that it goes in one request, before that is sent; return the time of it."""
        self._journal.single(tree_hash, self.client.now())
        return self.state.asked

    def reopened(self) -> None:
        """Write down that completion was refused for what it holds, which is still open."""
        self._journal.reopened()

    def not_stored(self) -> None:
        """Write down that nothing was stored by what was asked for so far."""
        self._journal.not_stored()

    def answered(self, earlier: UploadState) -> None:
        """Write down that it is known what became of an upload before this one."""
        self._journal.answered(earlier)

    def record(self, archive: Archive) -> None:
        """Write down a stored archive, in the journal first and then in the catalog.

        Raises Conflict, which names the archive, where either cannot be written; IntegrityError,
        having written nothing, where the archive's id is another upload's.
        """
        try:
            if self.state.done is None:
                self.catalog.require_unclaimed(archive, token=self.intent.token)
                self._journal.done(archive)
            enter(self.client, self.catalog, archive, self.state.account, self.intent.token)
        except Conflict as error:
            raise Conflict(endings.unrecorded(archive, error.message), hint=endings.MEND) from error

    def receipt(self, archive: Archive) -> Receipt:
        """Return the receipt of a recorded archive."""
        return Receipt(archive, self._journal.path)

    def end(self) -> None:
        """Forget it: it was given up, and nothing of it is stored that nobody was told of."""
        self._journal.end()

    def forget(self) -> None:
        """Forget all that the journal says, also of uploads before this one."""
        self._journal.forget()
