import pytest

ARN = "arn:aws:glacier:eu-central-1:000000000000:vaults/"


def test_a_new_vault_is_there_and_empty(client):
    created = client.create_vault(vaultName="photos")

    assert created["location"] == "/000000000000/vaults/photos"
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    got = client.describe_vault(vaultName="photos")
    del got["ResponseMetadata"]
    assert got == {
        "VaultARN": ARN + "photos",
        "VaultName": "photos",
        "CreationDate": "2026-01-31T12:30:15.678Z",
        "NumberOfArchives": 0,
        "SizeInBytes": 0,
    }


def test_creating_a_vault_again_changes_nothing(client, vault, glacier):
    glacier.upload_archive(body=b"x")
    client.create_vault(vaultName=vault)

    assert client.describe_vault(vaultName=vault)["NumberOfArchives"] == 1


@pytest.mark.parametrize("name", ["a b", "a:b", "x" * 256, "ä", "a%2Fb", "a/b"])
def test_a_bad_vault_name_is_refused(client, refused, name):
    status, code, message = refused(client.create_vault, vaultName=name)

    assert (status, code) == (400, "InvalidParameterValueException")
    assert message == f"Invalid vault name: {name}"


@pytest.mark.parametrize("name", ["a", "A.b-c_9", "x" * 255, "...", "a..b"])
def test_a_good_vault_name_is_taken(client, name):
    client.create_vault(vaultName=name)

    assert client.describe_vault(vaultName=name)["VaultName"] == name


def test_a_vault_that_is_not_there_is_named_by_its_arn(client, refused):
    got = refused(client.describe_vault, vaultName="nope")

    assert got == (404, "ResourceNotFoundException", f"Vault not found for ARN: {ARN}nope")


def test_a_name_that_no_vault_can_have_is_shown_as_it_came(client, refused):
    got = refused(client.describe_vault, vaultName="testz:z")

    assert got == (404, "ResourceNotFoundException", "Vault not found for ARN: testz:z")


def test_the_typed_exception_exists(client):
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_vault(vaultName="nope")


def test_vaults_are_listed_by_name_ten_a_page(client):
    names = [f"v{number:02}" for number in range(23)]
    for name in reversed(names):
        client.create_vault(vaultName=name)

    first = client.list_vaults(limit="1000")
    pages = list(client.get_paginator("list_vaults").paginate())

    assert [len(page["VaultList"]) for page in pages] == [10, 10, 3]
    assert [each["VaultName"] for page in pages for each in page["VaultList"]] == names
    assert first["Marker"] == f"{ARN}v09"


def test_a_page_goes_on_after_a_vault_that_is_gone(client):
    for name in "abc":
        client.create_vault(vaultName=name)
    marker = client.list_vaults(limit="2")["Marker"]
    client.delete_vault(vaultName="b")

    rest = client.list_vaults(marker=marker)["VaultList"]

    assert [each["VaultName"] for each in rest] == ["c"]


@pytest.mark.parametrize("limit", ["0", "-1", "ten"])
def test_a_bad_limit_is_refused(client, refused, limit):
    got = refused(client.list_vaults, limit=limit)

    assert got == (400, "InvalidParameterValueException", f"Invalid limit: {limit}")


def test_an_empty_parameter_of_a_list_is_an_absent_one(client, glacier):
    """As the SDK's own examples write them."""
    upload_id = glacier.initiate_multipart_upload(partSize=str(1 << 20))["uploadId"]
    empty = {"limit": "", "marker": ""}

    assert len(client.list_vaults(**empty)["VaultList"]) == 1
    assert glacier.list_jobs(**empty, statuscode="", completed="")["JobList"] == []
    assert len(glacier.list_multipart_uploads(**empty)["UploadsList"]) == 1
    assert glacier.list_parts(uploadId=upload_id, **empty)["Parts"] == []


@pytest.mark.parametrize(
    "place", ["eu-central-1:000000000000", "us-east-1:000000000000", "eu-central-1:999999999999"]
)
def test_any_vault_arn_is_a_marker(client, place):
    for name in ("a", "b", "c"):
        client.create_vault(vaultName=name)

    rest = client.list_vaults(marker=f"arn:aws:glacier:{place}:vaults/b")["VaultList"]

    assert [each["VaultName"] for each in rest] == ["c"]


@pytest.mark.parametrize(
    "marker",
    [
        "v1",
        "arn:aws:glacier:us-east-1:000000000000:vaults/",
        "arn:aws:glacier:us-east-1:000000000000:vaults/a/b",
        "arn:aws:glacier:us-east-1:0:vaults/a",
        "arn:aws:glacier::000000000000:vaults/a",
        "arn:aws:s3:us-east-1:000000000000:vaults/a",
        "arn:aws:glacier:us-east-1:000000000000:vaults/a\n",
    ],
)
def test_a_bad_marker_is_refused(client, refused, marker):
    got = refused(client.list_vaults, marker=marker)

    assert got == (400, "InvalidParameterValueException", f"Invalid marker: {marker}")


def test_deleting_a_vault_can_be_repeated(client, vault, refused):
    first = client.delete_vault(vaultName=vault)
    second = client.delete_vault(vaultName=vault)

    assert first["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert second["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(client.describe_vault, vaultName=vault)[0] == 404


def test_a_vault_with_an_archive_stays(client, vault, glacier, refused):
    archive = glacier.upload_archive(body=b"x")["archiveId"]

    got = refused(client.delete_vault, vaultName=vault)
    glacier.delete_archive(archiveId=archive)
    client.delete_vault(vaultName=vault)

    text = f"Vault not empty or recently written to: {ARN}photos"
    assert got == (400, "InvalidParameterValueException", text)
    assert refused(client.describe_vault, vaultName=vault)[0] == 404


def test_a_part_that_was_stored_keeps_the_vault(client, vault, upload, glacier, refused):
    upload_id = upload(b"x", complete=False)

    got = refused(client.delete_vault, vaultName=vault)
    glacier.abort_multipart_upload(uploadId=upload_id)
    client.delete_vault(vaultName=vault)

    assert got[1] == "InvalidParameterValueException"


def test_a_vault_made_anew_knows_nothing_of_the_old_one(client, vault, glacier, refused):
    archive = glacier.upload_archive(body=b"x")["archiveId"]
    job = glacier.initiate_job(jobParameters={"Type": "inventory-retrieval"})["jobId"]
    glacier.add_tags_to_vault(Tags={"a": "b"})
    glacier.delete_archive(archiveId=archive)
    client.delete_vault(vaultName=vault)
    client.create_vault(vaultName=vault)

    assert glacier.list_tags_for_vault()["Tags"] == {}
    assert refused(glacier.describe_job, jobId=job)[0] == 404
    retrieval = {"Type": "archive-retrieval", "ArchiveId": archive}
    assert refused(glacier.initiate_job, jobParameters=retrieval)[0] == 404


def test_regions_are_separate_worlds(connect, client, vault, refused):
    elsewhere = connect(region="us-west-2")
    elsewhere.create_vault(vaultName="other")

    assert refused(elsewhere.describe_vault, vaultName=vault)[0] == 404
    assert [each["VaultName"] for each in client.list_vaults()["VaultList"]] == [vault]
    assert "us-west-2" in elsewhere.list_vaults()["VaultList"][0]["VaultARN"]


def test_an_archive_of_another_region_is_unknown(connect, glacier, vault, refused):
    archive = glacier.upload_archive(body=b"x")["archiveId"]
    elsewhere = connect(region="us-west-2")
    elsewhere.create_vault(vaultName=vault)

    got = refused(
        elsewhere.initiate_job,
        vaultName=vault,
        jobParameters={"Type": "archive-retrieval", "ArchiveId": archive},
    )

    assert got[:2] == (404, "ResourceNotFoundException")


def test_the_own_account_may_be_named(client, vault):
    got = client.describe_vault(accountId="000000000000", vaultName=vault)

    assert got["VaultName"] == vault


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        ("123456789012", (403, "AccessDeniedException", "Access denied for account ID: {}")),
        ("1234-5678", (400, "InvalidParameterValueException", "Invalid account ID: {}")),
    ],
)
def test_another_account_is_refused(client, refused, account, expected):
    status, code, text = expected

    got = refused(client.list_vaults, accountId=account)

    assert got == (status, code, text.format(account))


def test_the_thousandth_vault_is_the_last(client, engine, refused, start):
    with engine.store.write() as db:
        for number in range(999):
            db.run(
                "INSERT INTO vaults (account, region, name, created_at) VALUES (?, ?, ?, 0)",
                *(engine.account, "eu-central-1", f"v{number}"),
            )
    client.create_vault(vaultName="last")
    client.create_vault(vaultName="last")

    assert refused(client.create_vault, vaultName="more")[:2] == (400, "LimitExceededException")


def test_waiters_and_resources_work_as_boto3_has_them(resource):
    vault = resource.create_vault(vaultName="photos")
    vault.meta.client.get_waiter("vault_exists").wait(vaultName="photos")
    archive = vault.upload_archive(archiveDescription="one", body=b"data")
    upload = vault.initiate_multipart_upload(partSize="1048576", archiveDescription="two")
    upload.upload_part(range="bytes 0-3/*", body=b"more")

    assert vault.number_of_archives == 1
    assert [part["RangeInBytes"] for part in upload.parts()["Parts"]] == ["0-3"]
    job = archive.initiate_archive_retrieval()
    assert job.status_code == "Succeeded"
    assert job.get_output()["body"].read() == b"data"
    assert [each.id for each in vault.succeeded_jobs.all()] == [job.id]
    assert [each.id for each in vault.multipart_uploads.all()] == [upload.id]
    assert [each.name for each in resource.vaults.all()] == ["photos"]
    inventory = vault.initiate_inventory_retrieval()
    assert b"ArchiveList" in inventory.get_output()["body"].read()
    upload.abort()
    archive.delete()
    vault.delete()
    vault.meta.client.get_waiter("vault_not_exists").wait(vaultName="photos")
