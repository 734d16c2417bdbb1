"""How an upload starts: checked before any request, and one upload whatever the reply."""

import pytest
from helpers import heal, payload
from upload_files import DATA, PARTS, open_uploads, stop_after_parts

from glaciercli.clients.session import connect
from glaciercli.errors import (
    AccessDenied,
    NotFound,
    Refused,
    Unavailable,
    UsageError,
)
from glaciercli.hints import render
from glaciercli.services.upload import uploads
from glaciercli.treehash import tree_hash
from glaciercli.units import MIB


@pytest.mark.parametrize("description", [None, "the user's own text"])
@pytest.mark.parametrize("applied", [False, True])
def test_a_lost_reply_to_initiate_makes_no_second_upload(
    client, engine, upload, vault, description, applied, stored
):
    fault = engine.faults.drop("InitiateMultipartUpload", applied=applied)
    archive = upload(description=description)

    assert engine.faults.delivered(fault) == 1
    assert stored() == {archive.id: DATA}
    assert open_uploads(client, vault) == []


@pytest.mark.parametrize("description", [None, "the user's own text"])
def test_an_upload_whose_id_never_reached_the_journal_is_found_by_the_next_run(
    client, engine, upload, vault, description, stored
):
    client.pace.timeout = 0.1
    initiate = engine.faults.drop("InitiateMultipartUpload", applied=True)
    search = engine.faults.drop("ListMultipartUploads", times=99)
    with pytest.raises(Unavailable):
        upload(description=description)
    assert engine.faults.delivered(initiate) == 1
    assert engine.faults.delivered(search)
    heal(engine)
    client.pace.timeout = 5.0
    archive = upload(description=description)

    assert stored() == {archive.id: DATA}
    assert open_uploads(client, vault) == []


@pytest.mark.parametrize(
    "refusal",
    [
        {"code": "InvalidParameterValueException", "status": 400},
        {"code": "AccessDeniedException", "status": 403},
        {"code": "LimitExceededException", "status": 400},
    ],
)
def test_a_start_that_was_refused_is_forgotten_and_the_next_command_line_counts(
    client, engine, upload, vault, journals, stored, catalog, refusal
):
    fault = engine.faults.add("InitiateMultipartUpload", kind="status", **refusal)
    with pytest.raises((Refused, AccessDenied)):
        upload(description="first", part_size=2 * MIB)
    assert engine.faults.delivered(fault) == 1
    assert not list(journals.rglob("*.journal"))
    engine.log.clear()
    archive = upload(description="second")

    assert (archive.description, stored()) == ("second", {archive.id: DATA})
    assert engine.log.count() == PARTS + 2


def test_a_start_that_was_never_heard_of_is_made_by_the_next_command_line(
    client, engine, upload, vault, stored
):
    client.pace.timeout = 0.1
    fault = engine.faults.drop("InitiateMultipartUpload", times=99)
    with pytest.raises(Unavailable):
        upload(description="first", part_size=2 * MIB)
    assert engine.faults.delivered(fault)
    heal(engine)
    client.pace.timeout = 5.0
    archive = upload(description="second")

    assert (archive.description, stored()) == ("second", {archive.id: DATA})
    assert engine.log.calls("InitiateMultipartUpload")[-1].params["partSize"] == str(MIB)
    assert open_uploads(client, vault) == []


def test_requests_used_up_before_the_start_leave_nothing_to_go_on_with(
    client, engine, upload, journals
):
    limited = connect(client.target, max_requests=1)
    limited.call("ListVaults")
    with pytest.raises(Refused, match="stopped by --max-requests 1"):
        upload(client=limited)
    limited.engine.close()

    assert not list(journals.rglob("*.journal"))


def test_another_upload_with_the_users_description_is_not_taken_for_ours(
    client, engine, upload, vault, stored
):
    other = client.call(
        "InitiateMultipartUpload", vaultName=vault, archiveDescription="same", partSize=str(MIB)
    )["uploadId"]
    body = payload(MIB, seed=9)
    client.call(
        "UploadMultipartPart",
        vaultName=vault,
        uploadId=other,
        range=f"bytes 0-{MIB - 1}/*",
        checksum=tree_hash(body),
        body=body,
    )
    engine.faults.drop("InitiateMultipartUpload")
    archive = upload(description="same")

    assert stored() == {archive.id: DATA}
    assert open_uploads(client, vault) == [other]


def test_a_missing_vault_is_named_with_the_command_that_makes_it(client, source, journals, catalog):
    with pytest.raises(NotFound, match="vault 'nope' does not exist") as caught:
        uploads.start(client, source, "nope", journals=journals, catalog=catalog)
    assert render(caught.value.hint).endswith("glacier vault create nope")


def test_an_empty_or_missing_file_costs_no_request(engine, upload, tmp_path):
    (tmp_path / "empty").touch()
    engine.log.clear()
    with pytest.raises(Refused, match="empty"):
        upload(tmp_path / "empty")
    with pytest.raises(UsageError, match="does not exist"):
        upload(tmp_path / "nope")

    assert engine.log.count() == 0


def test_the_description_is_stored_as_given(client, upload, vault):
    stop_after_parts(client.engine, 0)
    with pytest.raises(AccessDenied):
        upload(description='  plain text  with \\ and " ')
    [item] = client.pages("ListMultipartUploads", vaultName=vault)

    # Blanks around it are lost on the way: HTTP trims headers.
    assert item["ArchiveDescription"].strip() == 'plain text  with \\ and "'
