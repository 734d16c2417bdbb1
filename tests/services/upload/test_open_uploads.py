"""Open uploads: those of this machine with their files, those of others all the same."""

import pytest
from helpers import MIB, heal, payload

from glaciercli.errors import AccessDenied, Busy, NotFound
from glaciercli.services.upload import open_uploads, uploads
from glaciercli.transfer.upload_journal import UploadJournal


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "big.tar"
    path.write_bytes(payload(4 * MIB))
    return path


@pytest.fixture
def stopped(client, engine, vault, source, journals, catalog):
    """An upload of this machine that was stopped when three of its parts had arrived."""
    denied = {"code": "AccessDeniedException", "status": 403}
    fault = engine.faults.add("UploadMultipartPart", kind="status", skip=3, times=9, **denied)
    with pytest.raises(AccessDenied):
        uploads.start(
            client, source, vault, journals=journals, catalog=catalog, part_size=MIB, workers=1
        )
    assert engine.faults.delivered(fault) == 1
    heal(engine)
    [upload] = client.pages("ListMultipartUploads", vaultName=vault)
    return upload["MultipartUploadId"]


@pytest.fixture
def foreign(client, vault):
    """An upload that another program has begun."""
    begun = client.call(
        "InitiateMultipartUpload", vaultName=vault, partSize=str(MIB), archiveDescription="other"
    )
    return begun["uploadId"]


def test_ours_are_listed_with_their_file(client, vault, stopped, foreign, source, journals):
    listed = {
        each.id: (each.path, each.name, each.size)
        for each in open_uploads.listing(client, vault, journals=journals)
    }

    assert listed == {
        stopped: (str(source), "big.tar", 4 * MIB),
        foreign: (None, "other", None),
    }


def test_one_is_shown_with_its_parts_by_the_beginning_of_its_id(client, vault, stopped, journals):
    for reference in (stopped, stopped[:8], f"id:{stopped[:8]}"):
        shown = open_uploads.show(client, vault, reference, journals=journals)

        assert (shown.id, shown.sent) == (stopped, 3 * MIB)
        assert [part.span[0] for part in shown.parts] == [0, MIB, 2 * MIB]


def test_an_aborted_upload_leaves_nothing_and_touches_no_other(
    client, vault, stopped, foreign, source, journals
):
    open_uploads.abort(client, vault, stopped, journals=journals)

    [left] = open_uploads.listing(client, vault, journals=journals)
    assert left.id == foreign
    assert not list((journals / "uploads").iterdir())
    with pytest.raises(NotFound):
        open_uploads.show(client, vault, stopped, journals=journals)


def test_an_upload_that_another_run_is_sending_is_not_aborted(
    client, vault, stopped, source, journals
):
    with (
        UploadJournal.open(client, journals, vault, str(source)),
        pytest.raises(Busy),
    ):
        open_uploads.abort(client, vault, stopped, journals=journals)

    assert [each.id for each in open_uploads.listing(client, vault, journals=journals)] == [stopped]


def test_aborting_anothers_upload_keeps_our_journal(client, vault, stopped, foreign, journals):
    open_uploads.abort(client, vault, foreign, journals=journals)

    [left] = open_uploads.listing(client, vault, journals=journals)
    assert (left.id, left.name) == (stopped, "big.tar")
    assert left.path is not None
