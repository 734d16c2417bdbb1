import json

import pytest

ARN = "arn:aws:glacier:eu-central-1:000000000000:vaults/photos"


@pytest.fixture
def inventory(glacier):
    """Run an inventory job and return (its description, its output)."""

    def run(*, form="JSON", **given):
        parameters = {"Type": "inventory-retrieval", "Format": form}
        if given:
            parameters["InventoryRetrievalParameters"] = given
        job = glacier.initiate_job(jobParameters=parameters)["jobId"]
        return glacier.describe_job(jobId=job), glacier.get_job_output(jobId=job)

    return run


def ids(output):
    return [each["ArchiveId"] for each in json.load(output["body"])["ArchiveList"]]


def test_an_inventory_is_written_as_the_service_does(glacier, inventory):
    got = glacier.upload_archive(body=b"12345")

    job, output = inventory()

    text = output["body"].read()
    assert text.decode() == (
        f'{{"VaultARN":"{ARN}","InventoryDate":"2026-01-31T12:30:15Z","ArchiveList":['
        f'{{"ArchiveId":"{got["archiveId"]}","ArchiveDescription":"",'
        f'"CreationDate":"2026-01-31T12:30:15Z","Size":5,"SHA256TreeHash":"{got["checksum"]}"}}]}}'
    )
    # One archive without a description in a vault of 12 + 14 letters was 443 bytes in the wild.
    assert len(text) == 443 - len("examplevault") + len("photos") - len("ap-northeast-1") + len(
        "eu-central-1"
    )
    assert job["InventorySizeInBytes"] == len(text)
    assert output["contentType"] == "application/json"
    assert "checksum" not in output
    assert "archiveDescription" not in output


def test_the_inventory_of_an_untouched_vault_is_empty(inventory):
    assert ids(inventory()[1]) == []


def test_csv_escapes_quotes_and_nothing_else(glacier, inventory):
    got = [
        glacier.upload_archive(body=b"x", archiveDescription=text)
        for text in ("plain", 'a,1"2', 'a,1\\"2', "")
    ]

    _, output = inventory(form="CSV")

    rest = f",2026-01-31T12:30:15Z,1,{got[0]['checksum']}\r\n"
    quoted = ['"plain"', '"a,1\\"2"', '"a,1\\\\"2"', '""']
    lines = [f"{each['archiveId']},{text}{rest}" for each, text in zip(got, quoted, strict=True)]
    header = "ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash\r\n"
    assert output["body"].read().decode() == header + "".join(lines)
    assert output["contentType"] == "text/csv"


def test_deleted_archives_are_not_listed(glacier, inventory):
    made = [glacier.upload_archive(body=b"x")["archiveId"] for _ in range(3)]
    glacier.delete_archive(archiveId=made[1])

    assert ids(inventory()[1]) == [made[0], made[2]]


def test_a_limit_and_its_marker_walk_one_snapshot(glacier, inventory):
    made = [glacier.upload_archive(body=b"x")["archiveId"] for _ in range(5)]
    job, output = inventory(Limit="2")
    glacier.delete_archive(archiveId=made[2])
    glacier.upload_archive(body=b"y")
    seen = ids(output)

    while marker := job["InventoryRetrievalParameters"].get("Marker"):
        job, output = inventory(Limit="2", Marker=marker)
        seen += ids(output)

    assert seen == made
    assert job["InventoryRetrievalParameters"]["Limit"] == "2"


@pytest.mark.parametrize("limit", ["1", "9223372036854775807"])
def test_a_limit_that_is_enough_leaves_no_marker(glacier, inventory, limit):
    glacier.upload_archive(body=b"x")

    job, _ = inventory(Limit=limit)

    assert "Marker" not in job["InventoryRetrievalParameters"]


def test_dates_choose_from_start_until_before_end(glacier, inventory, advance):
    first = glacier.upload_archive(body=b"x")["archiveId"]
    advance(days=1)
    second = glacier.upload_archive(body=b"x")["archiveId"]

    def between(**given):
        return ids(inventory(**given)[1])

    assert between(StartDate="2026-01-31T12:30:15Z") == [first, second]
    assert between(StartDate="2026-02-01") == [second]
    assert between(EndDate="2026-02-01T12:30:15.678Z") == [first]
    assert between(StartDate="2026-01-01", EndDate="2026-03-01", Limit="1") == [first]
    job, _ = inventory(StartDate="2026-02-01T00:00:00Z")
    assert job["InventoryRetrievalParameters"]["StartDate"] == "2026-02-01T00:00:00Z"


@pytest.mark.parametrize(
    "given",
    [
        {"StartDate": "yesterday"},
        {"EndDate": "2026-13-01"},
        {"StartDate": "2026-02-01", "EndDate": "2026-01-01"},
        {"Limit": "0"},
        {"Limit": "many"},
        {"Marker": "x"},
    ],
)
def test_bad_parameters_are_refused(glacier, refused, given):
    parameters = {"Type": "inventory-retrieval", "InventoryRetrievalParameters": given}

    got = refused(glacier.initiate_job, jobParameters=parameters)

    assert got[:2] == (400, "InvalidParameterValueException")


def test_a_marker_is_good_for_its_vault_only(client, glacier, inventory, refused):
    for _ in range(2):
        glacier.upload_archive(body=b"x")
    marker = inventory(Limit="1")[0]["InventoryRetrievalParameters"]["Marker"]
    client.create_vault(vaultName="other")

    got = refused(
        client.initiate_job,
        vaultName="other",
        jobParameters={
            "Type": "inventory-retrieval",
            "InventoryRetrievalParameters": {"Marker": marker},
        },
    )

    assert got[2] == f"Invalid marker: {marker}"


def test_under_real_timing_the_first_inventory_comes_within_a_day(
    glacier, engine, refused, advance
):
    engine.timing = "real"
    glacier.upload_archive(body=b"12345")
    start = {"jobParameters": {"Type": "inventory-retrieval"}}

    got = refused(glacier.initiate_job, **start)
    before = glacier.describe_vault()
    advance(hours=24)
    after = glacier.describe_vault()

    assert got[:2] == (404, "ResourceNotFoundException")
    assert got[2] == (
        f"Inventory retrieval jobs for vault {ARN} cannot be initiated yet,"
        " as Amazon Glacier has not yet generated an initial inventory for this vault."
    )
    assert (before["NumberOfArchives"], before.get("LastInventoryDate")) == (0, None)
    assert (after["NumberOfArchives"], after["SizeInBytes"]) == (1, 32_773)
    assert after["LastInventoryDate"] > "2026-01-31T12:30:15.678Z"
    assert glacier.initiate_job(**start)["jobId"]


def test_under_real_timing_an_inventory_lags(glacier, engine, advance, refused):
    engine.timing = "real"
    first = glacier.upload_archive(body=b"1")["archiveId"]
    advance(hours=24)
    date = glacier.describe_vault()["LastInventoryDate"]
    second = glacier.upload_archive(body=b"2")["archiveId"]
    glacier.delete_archive(archiveId=first)
    job = glacier.initiate_job(jobParameters={"Type": "inventory-retrieval"})["jobId"]
    advance(minutes=219)
    assert glacier.describe_job(jobId=job)["StatusCode"] == "InProgress"
    assert glacier.describe_vault()["LastInventoryDate"] == date
    advance(minutes=41)

    output = json.load(glacier.get_job_output(jobId=job)["body"])

    assert [each["ArchiveId"] for each in output["ArchiveList"]] == [first]
    assert output["InventoryDate"] == date[:19] + "Z"
    advance(hours=24)
    later = glacier.initiate_job(jobParameters={"Type": "inventory-retrieval"})["jobId"]
    advance(hours=5)
    assert ids(glacier.get_job_output(jobId=later)) == [second]


def test_under_real_timing_the_date_moves_only_with_a_change(glacier, engine, advance):
    engine.timing = "real"
    glacier.upload_archive(body=b"1")
    advance(hours=24)
    date = glacier.describe_vault()["LastInventoryDate"]
    advance(days=10)

    assert glacier.describe_vault()["LastInventoryDate"] == date


def test_an_inventory_that_goes_on_bears_the_date_of_what_it_lists(glacier, engine, advance):
    for _ in range(3):
        glacier.upload_archive(body=b"x")
    engine.timing = "real"
    advance(days=1)

    def listed(**given):
        parameters = {"Type": "inventory-retrieval", "InventoryRetrievalParameters": given}
        job = glacier.initiate_job(jobParameters=parameters)["jobId"]
        advance(hours=5)
        output = json.load(glacier.get_job_output(jobId=job)["body"])
        marker = glacier.describe_job(jobId=job)["InventoryRetrievalParameters"].get("Marker")
        return (
            output["InventoryDate"],
            [each["ArchiveId"] for each in output["ArchiveList"]],
            marker,
        )

    first, [before], marker = listed(Limit="1")
    glacier.upload_archive(body=b"y")
    advance(days=1)
    second, [middle], marker = listed(Limit="1", Marker=marker)
    third, [last], end = listed(Marker=marker)
    newest, everything, _ = listed()

    assert first == second == third < newest
    assert end is None
    assert everything[:3] == [before, middle, last]


def test_under_real_timing_a_vault_waits_for_its_inventory(
    client, glacier, engine, advance, refused
):
    engine.timing = "real"
    archive = glacier.upload_archive(body=b"1")["archiveId"]
    advance(hours=24)
    glacier.delete_archive(archiveId=archive)

    got = refused(client.delete_vault, vaultName="photos")
    advance(hours=24)
    client.delete_vault(vaultName="photos")

    assert got[2] == f"Vault not empty or recently written to: {ARN}"
    assert refused(client.describe_vault, vaultName="photos")[0] == 404


def test_under_real_timing_an_untouched_vault_can_go_at_once(client, vault, engine, refused):
    engine.timing = "real"
    client.delete_vault(vaultName=vault)

    assert refused(client.describe_vault, vaultName=vault)[0] == 404
