"""What an earlier run has left of an upload's end: believed only as far as anything speaks for it.

The rows of each class are one kind of accident; the service is the engine, whose clock tests turn.
"""

import os
from datetime import timedelta

import pytest
from helpers import RecordingProgress, payload

from glaciercli.clients.session import connect
from glaciercli.errors import AccessDenied, Conflict, NotFound, NotReady, Refused, Unavailable
from glaciercli.services import scopes
from glaciercli.services.empty import deleting
from glaciercli.services.inventory import syncing
from glaciercli.services.upload import uploads
from glaciercli.services.upload._ends import Uncertain
from glaciercli.transfer.upload_journal import UploadJournal
from glaciercli.treehash import tree_hash
from glaciercli.units import MIB

DATA = payload(2 * MIB + 777)
CHANGED = DATA[::-1]
GONE = {"kind": "status", "code": "ResourceNotFoundException", "status": 404}


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "big.tar"
    path.write_bytes(DATA)
    os.utime(path, (1.5e9, 1.5e9))
    return path


@pytest.fixture
def progress():
    return RecordingProgress()


@pytest.fixture
def upload(client, source, vault, journals, catalog, progress, keep):
    """Upload the file in parts of 1 MiB; options override."""

    def run(client=client, **options):
        options = {"part_size": MIB, "workers": 1, "progress": progress, **options}
        started = uploads.start(
            client, source, vault, journals=journals, catalog=catalog, **options
        )
        return keep(started)

    return run


@pytest.fixture
def lose(client, engine, upload):
    """Run an upload that hears no reply to its completion."""

    def run(*, applied, skip=0, **options):
        client.pace.timeout = 0.1
        fault = engine.faults.drop("CompleteMultipartUpload", times=50, skip=skip, applied=applied)
        with pytest.raises(Unavailable):
            upload(**options)
        assert engine.faults.delivered(fault)
        engine.faults.clear()
        client.pace.timeout = 5.0

    return run


def change(source, data=CHANGED, *, behind_its_times=False):
    status = source.stat()
    with source.open("r+b") as file:  # the same file
        file.write(data)
        file.truncate()
    if behind_its_times:
        os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))


def open_uploads(client, vault):
    return list(client.pages("ListMultipartUploads", vaultName=vault))


def told_of(progress, archive_id):
    return [note for note in progress.warnings if archive_id in note]


class TestOneThatIsDone:
    """The run before told of it to nobody, and left a journal that says `done`."""

    def test_what_was_deleted_here_since_is_stored_anew(
        self, client, engine, upload, catalog, vault, stored, progress
    ):
        first = upload()
        deleting.delete(client, catalog, scopes.of(client, catalog), vault, first.id)
        second = upload()

        assert stored() == {second.id: DATA}
        assert any(first.id in note and "deleted" in note for note in progress.notes)

    def test_what_an_inventory_lacks_is_stored_anew(
        self, client, engine, upload, catalog, vault, stored, progress
    ):
        first = upload()
        client.call("DeleteArchive", vaultName=vault, archiveId=first.id)  # by another machine
        engine.clock.advance(timedelta(days=5))
        syncing.sync(client, catalog, vault)
        second = upload()

        assert stored() == {second.id: DATA}
        assert any(first.id in note and "does not list it" in note for note in progress.notes)

    def test_what_went_with_its_vault_is_stored_anew(self, client, engine, upload, vault, stored):
        first = upload()
        client.call("DeleteArchive", vaultName=vault, archiveId=first.id)
        engine.clock.advance(timedelta(days=2))
        client.call("DeleteVault", vaultName=vault)
        client.call("CreateVault", vaultName=vault)
        second = upload()

        assert stored() == {second.id: DATA}

    def test_of_a_vault_that_is_gone_nothing_is_told(self, client, engine, upload, vault):
        first = upload()
        client.call("DeleteArchive", vaultName=vault, archiveId=first.id)
        engine.clock.advance(timedelta(days=2))
        client.call("DeleteVault", vaultName=vault)

        with pytest.raises(NotFound, match="vault 'photos' does not exist"):
            upload()

    def test_bytes_that_changed_behind_their_times_are_stored_anew_and_both_are_told(
        self, upload, source, stored, progress
    ):
        first = upload()
        change(source, behind_its_times=True)
        second = upload()

        assert stored() == {first.id: DATA, second.id: CHANGED}
        assert told_of(progress, first.id)

    def test_another_version_is_stored_anew_and_both_are_told(
        self, upload, source, stored, progress
    ):
        first = upload()
        change(source)
        second = upload()

        assert stored() == {first.id: DATA, second.id: CHANGED}
        assert told_of(progress, first.id)

    def test_credentials_for_uploads_alone_need_not_look(self, engine, upload, stored):
        first = upload()
        denied = {"code": "AccessDeniedException", "status": 403}
        fault = engine.faults.add("DescribeVault", kind="status", times=9, **denied)

        assert upload().id == first.id
        assert engine.faults.delivered(fault) == 1

    def test_the_credentials_of_another_account_are_told_apart(
        self, client, engine, upload, journals, vault, source
    ):
        upload()
        with UploadJournal.open(client, journals, vault, str(source)) as journal:
            upload_id = journal.state.upload_id  # the line as another account's run writes it
            journal._journal.append("opened", upload_id=upload_id, account="222222222222")

        with pytest.raises(Conflict, match=f"account 222222222222, and these .* {engine.account}"):
            upload()


class TestOneThatWasCompletedUnheard:
    """The reply to completion was lost, though it was applied."""

    @pytest.fixture(autouse=True)
    def lost(self, lose):
        lose(applied=True)

    def test_what_was_deleted_here_since_is_stored_anew(
        self, client, engine, upload, catalog, vault, stored
    ):
        syncing.sync(client, catalog, vault)
        [listed] = catalog.archives(scopes.of(client, catalog), vault)
        deleting.delete(client, catalog, scopes.of(client, catalog), vault, listed.id)
        second = upload()

        assert second.id != listed.id
        assert stored() == {second.id: DATA}

    @pytest.mark.parametrize("behind_its_times", [False, True])
    def test_another_version_is_stored_and_both_are_told(
        self, client, upload, vault, source, stored, progress, behind_its_times
    ):
        change(source, behind_its_times=behind_its_times)
        second = upload()

        held = stored()
        [first] = held.keys() - {second.id}
        assert held == {first: DATA, second.id: CHANGED}
        assert told_of(progress, first)

    def test_another_version_does_not_wait_for_what_became_of_the_first(
        self, client, engine, upload, vault, source, stored, progress, catalog, journals, tell
    ):
        """The question stays in the journal, and is answered by what an inventory lists."""
        engine.timing = "real"
        engine.clock.advance(timedelta(days=2))  # the service has forgotten the upload
        change(source)
        second = upload()
        assert any("may be stored too" in note for note in progress.warnings)
        tell(second)
        assert list(journals.rglob("*.journal"))

        engine.timing = "instant"
        engine.clock.advance(timedelta(days=2))
        syncing.sync(client, catalog, vault)
        progress.warnings.clear()
        third = upload()
        [first] = stored().keys() - {second.id, third.id}
        assert told_of(progress, first)
        tell(third)
        assert not list(journals.rglob("*.journal"))


class TestOneThatWasNeverCompleted:
    """The reply to completion was lost, and so was the request."""

    @pytest.fixture(autouse=True)
    def lost(self, client, lose, vault):
        lose(applied=False)

    @pytest.mark.parametrize("behind_its_times", [False, True])
    def test_another_version_is_all_that_is_stored(
        self, client, upload, vault, source, stored, behind_its_times
    ):
        change(source, behind_its_times=behind_its_times)
        second = upload()

        assert stored() == {second.id: CHANGED}
        assert open_uploads(client, vault) == []

    def test_another_version_does_not_wait_for_what_became_of_the_first(
        self, client, engine, upload, vault, source, stored, progress, journals, catalog, tell
    ):
        engine.timing = "real"
        engine.clock.advance(timedelta(days=2))
        change(source)
        second = upload()
        tell(second)

        engine.timing = "instant"
        assert any("may be stored too" in note for note in progress.warnings)
        assert stored() == {second.id: CHANGED}
        # An inventory that was asked for late enough answers it, and nothing is left.
        engine.clock.advance(timedelta(days=4))
        syncing.sync(client, catalog, vault)
        progress.warnings.clear()
        third = upload()
        tell(third)
        assert progress.warnings == []
        assert not list(journals.rglob("*.journal"))


def run_daily(engine, upload, *, hours=24, most=9):
    """Run an upload again every so many hours of the service's; return the runs it took."""
    engine.timing = "real"
    for run in range(1, most + 1):
        engine.clock.advance(timedelta(hours=hours))
        try:
            upload()
        except Uncertain:
            continue
        engine.timing = "instant"
        return run
    raise AssertionError(f"it is still uncertain after {most * hours} hours")


@pytest.fixture(params=["an unchanged vault", "a vault without an inventory"])
def quiet_vault(request, client, engine, vault):
    """A vault of which no inventory will ever be made again."""
    if request.param == "an unchanged vault":
        body = b"an older archive"
        client.call("UploadArchive", vaultName=vault, checksum=tree_hash(body), body=body)
        engine.clock.advance(timedelta(days=3))


class TestUntilAnInventoryTells:
    def test_what_was_not_stored_is_sent_anew_within_days(
        self, quiet_vault, client, engine, upload, lose, stored
    ):
        lose(applied=False)
        runs = run_daily(engine, upload)

        assert runs <= 5
        assert sorted(stored().values()).count(DATA) == 1

    def test_what_was_stored_is_told_within_days_and_not_sent_anew(
        self, quiet_vault, client, engine, upload, lose, stored
    ):
        lose(applied=True)
        run_daily(engine, upload)

        assert sorted(stored().values()).count(DATA) == 1

    def test_runs_too_rare_to_fetch_an_inventory_send_it_anew_after_six_days(
        self, quiet_vault, client, engine, upload, lose, stored, progress
    ):
        """An inventory's job is ready after hours, and kept for a day."""
        lose(applied=True)
        assert run_daily(engine, upload, hours=40) == 4

        [warning] = progress.warnings
        assert warning.startswith("the earlier upload of big.tar may be stored too")
        assert sorted(stored().values()).count(DATA) == 2

    def test_it_is_told_also_to_who_wants_quiet_once_it_is_days_old(
        self, client, engine, upload, lose
    ):
        lose(applied=False)
        engine.timing = "real"
        late = []
        engine.faults.add("CompleteMultipartUpload", times=9, **GONE)
        for _ in range(3):
            with pytest.raises(Uncertain) as caught:
                upload()
            late.append(caught.value.is_late)
            engine.clock.advance(timedelta(hours=11))

        assert late == [False, False, False]
        engine.clock.advance(timedelta(hours=11))
        with pytest.raises(Uncertain) as caught:
            upload()
        assert caught.value.is_late

    def test_a_vault_that_was_made_anew_since_holds_none_of_it(
        self, client, engine, upload, vault, lose, stored
    ):
        lose(applied=False)
        engine.timing = "real"
        engine.clock.advance(timedelta(days=2))
        client.call("DeleteVault", vaultName=vault)
        client.call("CreateVault", vaultName=vault)
        archive = upload()

        engine.timing = "instant"
        assert stored() == {archive.id: DATA}

    def test_an_inventory_that_was_asked_for_too_early_decides_nothing(
        self, client, engine, upload, catalog, vault, lose
    ):
        lose(applied=False)
        engine.clock.advance(timedelta(hours=71))
        syncing.sync(client, catalog, vault)
        with pytest.raises(Uncertain):
            upload()


class TestACompletionThatWasNotApplied:
    """Its attempts were refused, or no connection was made; nobody need wonder."""

    @pytest.mark.parametrize(
        "fault",
        [
            {"kind": "status", "code": "AccessDeniedException", "status": 403},
            {"kind": "throttle"},
            {"kind": "status", "code": "BadRequest", "status": 400},
        ],
        ids=["denied", "throttled", "garbled"],
    )
    def test_an_upload_that_has_expired_meanwhile_is_sent_anew_at_once(
        self, client, engine, upload, stored, fault
    ):
        client.pace.timeout = 0.1
        number = engine.faults.add("CompleteMultipartUpload", times=99, **fault)
        with pytest.raises((AccessDenied, Unavailable)):
            upload()
        assert engine.faults.delivered(number)
        engine.faults.clear()
        client.pace.timeout = 5.0
        engine.timing = "real"
        engine.clock.advance(timedelta(days=2))
        archive = upload()

        engine.timing = "instant"
        assert stored() == {archive.id: DATA}

    def test_requests_that_are_used_up_have_completed_nothing(
        self, client, engine, upload, vault, source, stored
    ):
        limited = connect(client.target, max_requests=4)
        with pytest.raises(Refused, match="max-requests 4"):
            upload(client=limited)
        limited.engine.close()
        change(source)
        archive = upload()

        assert stored() == {archive.id: CHANGED}
        assert open_uploads(client, vault) == []

    def test_the_first_attempt_that_finds_the_upload_gone_begins_anew_in_the_same_run(
        self, client, engine, upload, vault, stored
    ):
        engine.timing = "real"  # so that no inventory helps
        fault = engine.faults.add("CompleteMultipartUpload", kind="expire")
        archive = upload()

        engine.timing = "instant"
        assert engine.faults.delivered(fault) == 1
        assert stored() == {archive.id: DATA}
        assert open_uploads(client, vault) == []

    def test_a_404_by_mistake_leaves_no_upload_open(self, client, engine, upload, vault, stored):
        fault = engine.faults.add("CompleteMultipartUpload", **GONE)
        archive = upload()

        assert engine.faults.delivered(fault) == 1
        assert stored() == {archive.id: DATA}
        assert open_uploads(client, vault) == []

    def test_a_second_one_in_the_same_run_is_an_error(self, engine, upload):
        engine.faults.add("CompleteMultipartUpload", times=2, **GONE)
        with pytest.raises(NotFound, match="gone before it could be completed"):
            upload()

    def test_after_a_lost_reply_it_is_uncertain(self, client, engine, upload, stored):
        engine.timing = "real"
        engine.faults.drop("CompleteMultipartUpload", applied=True)
        engine.faults.add("CompleteMultipartUpload", **GONE)
        with pytest.raises(NotReady, match="stored, or it had expired"):
            upload()

        engine.timing = "instant"
        assert list(stored().values()) == [DATA]


def test_a_failure_of_the_inventory_says_how_to_send_anew(client, engine, upload, lose):
    lose(applied=False)
    engine.timing = "real"
    engine.clock.advance(timedelta(days=2))
    denied = {"code": "AccessDeniedException", "status": 403}
    engine.faults.add("InitiateJob", kind="status", times=9, **denied)
    with pytest.raises(AccessDenied) as caught:
        upload()

    assert "--again" in str(caught.value.hint)


def test_sending_anew_keeps_the_question(client, engine, upload, lose, progress, journals, source,
                                         vault):  # fmt: skip
    lose(applied=True)
    engine.timing = "real"
    engine.clock.advance(timedelta(days=2))
    archive = upload(again=True)

    [warning] = progress.warnings
    assert warning.startswith("the earlier upload of big.tar may be stored too")
    with UploadJournal.open(client, journals, vault, str(source)) as journal:
        assert journal.state.done.id == archive.id
        assert [each.tree_hash for each in journal.state.earlier] == [tree_hash(DATA)]


def test_a_start_that_was_refused_keeps_the_question(
    client, engine, upload, lose, journals, source, vault
):
    lose(applied=True)
    engine.timing = "real"
    engine.clock.advance(timedelta(days=2))
    change(source)
    refusal = {"kind": "status", "code": "LimitExceededException", "status": 400}
    fault = engine.faults.add("InitiateMultipartUpload", **refusal)
    with pytest.raises(Refused):
        upload()
    assert engine.faults.delivered(fault) == 1
    archive = upload()

    with UploadJournal.open(client, journals, vault, str(source)) as journal:
        assert journal.state.done.id == archive.id
        assert [each.tree_hash for each in journal.state.earlier] == [tree_hash(DATA)]


def test_the_answer_to_a_question_does_not_say_that_the_file_had_changed(
    client, engine, upload, lose, progress, catalog, vault, stored
):
    lose(applied=True)
    engine.timing = "real"
    engine.clock.advance(timedelta(days=2))
    second = upload(again=True)
    engine.timing = "instant"
    engine.clock.advance(timedelta(days=2))
    syncing.sync(client, catalog, vault)
    progress.warnings.clear()
    third = upload()
    [first] = stored().keys() - {second.id, third.id}

    assert progress.warnings == [f"the earlier upload of big.tar was stored, as {first}"]


def test_a_journal_keeps_each_question_until_it_is_answered(
    client, engine, upload, lose, source, journals, vault
):
    engine.timing = "real"
    for number in range(3):
        change(source, bytes([number]) * MIB)
        lose(applied=True, skip=min(number, 1))
        engine.clock.advance(timedelta(days=2))
    with UploadJournal.open(client, journals, vault, str(source)) as journal:
        assert len(journal.state.earlier) == 2
        assert journal.state.may_be_stored
