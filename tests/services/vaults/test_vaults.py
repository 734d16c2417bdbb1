import time

import pytest

from glaciercli.errors import NotFound, NotReady, Refused
from glaciercli.hints import render
from glaciercli.services.vaults import vaults
from glaciercli.treehash import tree_hash


def store(client, vault, body=b"x"):
    return client.call("UploadArchive", vaultName=vault, body=body)["archiveId"]


def test_creating_twice_gives_the_same_vault(client):
    assert vaults.create(client, "photos") == vaults.create(client, "photos")


def test_all_pages_are_listed_in_order_of_name(client):
    names = [f"v{number:02d}" for number in range(23)]
    for name in reversed(names):
        vaults.create(client, name)

    assert [vault.name for vault in vaults.listing(client)] == names


def test_a_missing_vault_is_not_found_with_the_way_out(client):
    with pytest.raises(NotFound, match="'nope' does not exist in us-east-1") as caught:
        vaults.show(client, "nope")

    assert (
        render(caught.value.hint)
        == "glacier vault list; another --region; or glacier vault create nope"
    )


def test_a_vault_with_archives_is_refused_and_told_how_to_empty_it(client):
    vaults.create(client, "photos")
    store(client, "photos")

    with pytest.raises(Refused, match="holds 1 archive,") as caught:
        vaults.delete(client, "photos")

    assert "vault empty photos" in render(caught.value.hint)


def test_a_vault_without_an_inventory_yet_is_not_ready(client, engine):
    engine.timing = "real"
    vaults.create(client, "photos")
    archive = store(client, "photos")
    client.call("DeleteArchive", vaultName="photos", archiveId=archive)

    with pytest.raises(NotReady, match="within about a day$"):
        vaults.delete(client, "photos")


def test_an_empty_vault_that_has_open_uploads_names_them(client):
    vaults.create(client, "photos")
    begun = client.call("InitiateMultipartUpload", vaultName="photos", partSize=str(1 << 20))
    client.call(
        "UploadMultipartPart",
        vaultName="photos",
        uploadId=begun["uploadId"],
        range="bytes 0-3/*",
        body=b"part",
        checksum=tree_hash(b"part"),
    )

    with pytest.raises(NotReady, match="1 open upload may keep it: glacier upload list"):
        vaults.delete(client, "photos")


def test_another_refusal_stays_what_it_is(client, engine):
    vaults.create(client, "photos")
    fault = engine.faults.add(
        "DeleteVault",
        kind="status",
        code="InvalidParameterValueException",
        message="Invalid vault name: photos",
    )

    with pytest.raises(Refused, match="Invalid vault name"):
        vaults.delete(client, "photos")

    assert engine.faults.delivered(fault) == 1


def test_waiting_ends_when_the_condition_holds_or_the_time_is_over(client):
    vaults.create(client, "photos")

    assert vaults.wait(client, "photos").name == "photos"
    assert vaults.wait(client, "nope", gone=True) is None
    with pytest.raises(NotReady, match="not there yet"):
        vaults.wait(client, "nope", timeout=0)
    with pytest.raises(NotReady, match="still there"):
        vaults.wait(client, "photos", gone=True, timeout=0)


def test_waiting_ends_when_the_time_is_up(client):
    started = time.monotonic()
    with pytest.raises(NotReady, match="not there yet"):
        vaults.wait(client, "photos", timeout=0.1)

    assert time.monotonic() - started < 2
