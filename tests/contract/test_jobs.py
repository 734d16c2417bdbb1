import json

import pytest
from helpers import payload

from glaciercli.treehash import tree_hash

MIB = 1 << 20
ARN = "arn:aws:glacier:eu-central-1:000000000000:vaults/photos"
TOPIC = "arn:aws:sns:eu-central-1:000000000000:done"


@pytest.fixture
def data():
    return payload(5 * MIB + 9)


@pytest.fixture
def archive(glacier, data):
    return glacier.upload_archive(body=data, archiveDescription="film")["archiveId"]


@pytest.fixture
def retrieve(glacier, archive):
    """Start a job for the archive and return its id."""

    def start(**given):
        parameters = {"Type": "archive-retrieval", "ArchiveId": archive} | given
        return glacier.initiate_job(jobParameters=parameters)["jobId"]

    return start


@pytest.fixture
def raw(own_client, vault):
    """The JSON of a job's description as it came, nulls and all."""
    bodies = []
    own_client.meta.events.register(
        "before-parse.glacier", lambda response_dict, **_: bodies.append(response_dict["body"])
    )

    def describe(job):
        own_client.describe_job(vaultName=vault, jobId=job)
        return bodies.pop().decode()

    return describe


def test_a_job_is_accepted(glacier, archive, vault):
    got = glacier.initiate_job(jobParameters={"Type": "archive-retrieval", "ArchiveId": archive})

    assert got["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert got["location"] == f"/000000000000/vaults/photos/jobs/{got['jobId']}"
    assert len(got["jobId"]) == 92
    assert "jobOutputPath" not in got


def test_an_archive_job_under_way_has_all_its_keys(glacier, engine, retrieve, raw, archive, data):
    engine.timing = "real"
    job = retrieve(Description="for Ann", SNSTopic=TOPIC)

    assert raw(job) == json.dumps(
        {
            "Action": "ArchiveRetrieval",
            "ArchiveId": archive,
            "ArchiveSHA256TreeHash": tree_hash(data),
            "ArchiveSizeInBytes": len(data),
            "Completed": False,
            "CompletionDate": None,
            "CreationDate": "2026-01-31T12:30:15.678Z",
            "InventoryRetrievalParameters": None,
            "InventorySizeInBytes": None,
            "JobDescription": "for Ann",
            "JobId": job,
            "JobOutputPath": None,
            "OutputLocation": None,
            "RetrievalByteRange": f"0-{len(data) - 1}",
            "SHA256TreeHash": tree_hash(data),
            "SNSTopic": TOPIC,
            "SelectParameters": None,
            "StatusCode": "InProgress",
            "StatusMessage": None,
            "Tier": "Standard",
            "VaultARN": ARN,
        },
        separators=(",", ":"),
    )


def test_an_inventory_job_has_all_its_parameters(glacier, raw):
    job = glacier.initiate_job(jobParameters={"Type": "inventory-retrieval"})["jobId"]

    document = json.loads(raw(job))
    assert document["InventoryRetrievalParameters"] == {
        "EndDate": None,
        "Format": "JSON",
        "Limit": None,
        "Marker": None,
        "StartDate": None,
    }
    assert document["Tier"] is None
    assert document["RetrievalByteRange"] is None
    assert document["StatusMessage"] == "Succeeded"
    assert document["InventorySizeInBytes"] > 0


@pytest.mark.parametrize(
    ("tier", "least", "most"),
    [("Expedited", 1, 5), ("Standard", 180, 300), ("Bulk", 300, 720)],
)
def test_under_real_timing_a_tier_takes_its_time(
    glacier, engine, retrieve, advance, refused, tier, least, most
):
    engine.timing = "real"
    job = retrieve(Tier=tier)
    advance(minutes=least, seconds=-1)
    early = glacier.describe_job(jobId=job)
    output = refused(glacier.get_job_output, jobId=job)
    advance(minutes=most - least, seconds=1)

    assert (early["StatusCode"], early["Completed"]) == ("InProgress", False)
    text = f"The job is not currently available for download: {job}"
    assert output == (400, "InvalidParameterValueException", text)
    assert glacier.describe_job(jobId=job)["StatusCode"] == "Succeeded"
    assert glacier.get_job_output(jobId=job)["status"] == 200


@pytest.mark.parametrize(
    ("given", "status", "code", "text"),
    [
        ({}, 400, "MissingParameterValueException", "Required parameter missing: type"),
        ({"Type": "x"}, 400, "InvalidParameterValueException", "Invalid job type: x"),
        (
            {"Type": "archive-retrieval"},
            400,
            "MissingParameterValueException",
            "Required parameter missing: archiveId",
        ),
        (
            {"Type": "archive-retrieval", "ArchiveId": "gone"},
            404,
            "ResourceNotFoundException",
            "The archive ID was not found: gone",
        ),
        (
            {"Type": "inventory-retrieval", "Tier": "standard"},
            400,
            "InvalidParameterValueException",
            "Invalid tier: standard",
        ),
        (
            {"Type": "inventory-retrieval", "Format": "XML"},
            400,
            "InvalidParameterValueException",
            "Invalid format: XML",
        ),
        (
            {"Type": "inventory-retrieval", "Description": "é"},
            400,
            "InvalidParameterValueException",
            "Invalid job description: é",
        ),
        (
            {"Type": "inventory-retrieval", "SNSTopic": TOPIC.replace("central", "west")},
            400,
            "InvalidParameterValueException",
            f"SNS topics must be in the local AWS region: {TOPIC.replace('central', 'west')}",
        ),
        (
            {"Type": "inventory-retrieval", "SNSTopic": "topic"},
            400,
            "InvalidParameterValueException",
            "Invalid SNS topic ARN: topic",
        ),
        (
            {"Type": "inventory-retrieval", "RetrievalByteRange": "0-1"},
            400,
            "InvalidParameterValueException",
            "RetrievalByteRange is not allowed for inventory-retrieval: 0-1",
        ),
    ],
)
def test_a_bad_job_is_refused(glacier, refused, given, status, code, text):
    assert refused(glacier.initiate_job, jobParameters=given) == (status, code, text)


def test_a_job_needs_a_body(glacier, refused):
    got = refused(glacier.initiate_job)

    assert got[:2] == (400, "MissingParameterValueException")


@pytest.mark.parametrize(
    ("asked", "aligned"),
    [
        (f"0-{MIB - 1}", True),
        (f"{4 * MIB}-{5 * MIB + 8}", True),
        (f"{2 * MIB}-{4 * MIB - 1}", True),
        (f"{MIB}-{3 * MIB - 1}", False),
        (f"{MIB}-{5 * MIB + 8}", False),
        (f"0-{5 * MIB + 8}", True),
    ],
)
def test_part_of_an_archive_can_be_retrieved(glacier, retrieve, data, asked, aligned):
    first, last = map(int, asked.split("-"))
    wanted = data[first : last + 1]
    job = retrieve(RetrievalByteRange=asked)

    described = glacier.describe_job(jobId=job)
    output = glacier.get_job_output(jobId=job)

    assert output["body"].read() == wanted
    assert described["RetrievalByteRange"] == asked
    assert described["ArchiveSizeInBytes"] == len(data)
    expected = tree_hash(wanted) if aligned else None
    assert (described.get("SHA256TreeHash"), output.get("checksum")) == (expected, expected)
    if not aligned:  # then no part of it has a checksum, even an aligned one
        part = glacier.get_job_output(jobId=job, range=f"bytes=0-{MIB - 1}")
        assert "checksum" not in part


@pytest.mark.parametrize("asked", ["0-5", f"1-{MIB - 1}", f"{MIB}-0", f"0-{6 * MIB - 1}", "x", "-"])
def test_a_retrieval_range_is_whole_megabytes(retrieve, refused, asked):
    got = refused(retrieve, RetrievalByteRange=asked)

    text = f"Invalid retrieval byte range: {asked}"
    assert got == (400, "InvalidParameterValueException", text)


@pytest.mark.parametrize(
    ("asked", "first", "last", "aligned"),
    [
        (f"bytes=0-{MIB - 1}", 0, MIB - 1, True),
        (f"bytes={4 * MIB}-", 4 * MIB, 5 * MIB + 8, True),
        (f"bytes={MIB}-{99 * MIB}", MIB, 5 * MIB + 8, False),
        (f"bytes=0-{(1 << 64) - 1}", 0, 5 * MIB + 8, True),
        ("bytes=-9", 5 * MIB, 5 * MIB + 8, True),
        ("bytes=5-5", 5, 5, False),
        (f"bytes=0-{5 * MIB + 8}", 0, 5 * MIB + 8, True),
    ],
)
def test_a_range_of_the_output(glacier, retrieve, data, asked, first, last, aligned):
    got = glacier.get_job_output(jobId=retrieve(), range=asked)

    wanted = data[first : last + 1]
    assert got["body"].read() == wanted
    assert got["status"] == 206
    assert got["contentRange"] == f"bytes {first}-{last}/{len(data)}"
    assert got["acceptRanges"] == "bytes"
    assert got.get("checksum") == (tree_hash(wanted) if aligned else None)


def test_a_range_counts_from_the_retrieved_range(glacier, retrieve, data):
    job = retrieve(RetrievalByteRange=f"{4 * MIB}-{5 * MIB + 8}")

    got = glacier.get_job_output(jobId=job, range=f"bytes=0-{MIB - 1}")

    assert got["body"].read() == data[4 * MIB : 5 * MIB]
    assert got["contentRange"] == f"bytes 0-{MIB - 1}/{MIB + 9}"
    assert got["checksum"] == tree_hash(data[4 * MIB : 5 * MIB])


@pytest.mark.parametrize("asked", ["bytes=5-1", "lines=0-1", "bytes=0-1,4-5", "bytes=-", "0-5"])
def test_a_range_without_sense_is_ignored(glacier, retrieve, data, asked):
    got = glacier.get_job_output(jobId=retrieve(), range=asked)

    assert got["status"] == 200
    assert "contentRange" not in got
    assert got["body"].read() == data


@pytest.mark.parametrize("asked", [f"bytes={8 * MIB}-{12 * MIB - 1}", f"bytes={(1 << 63) - 1}-"])
def test_a_range_past_the_end_is_refused(glacier, retrieve, refused, asked):
    got = refused(glacier.get_job_output, jobId=retrieve(), range=asked)

    text = f"The start of the range is larger than size of retrieved data: {asked}"
    assert got == (400, "InvalidParameterValueException", text)


@pytest.mark.parametrize("operation", ["describe_job", "get_job_output"])
def test_an_unknown_job_is_named(glacier, refused, operation):
    got = refused(getattr(glacier, operation), jobId="x")

    assert got == (404, "ResourceNotFoundException", "The job ID was not found: x")


def test_a_job_is_forgotten_a_day_after_its_end(glacier, retrieve, refused, advance):
    job = retrieve()
    advance(hours=23, minutes=59)
    assert glacier.get_job_output(jobId=job)["status"] == 200
    advance(minutes=1)

    assert refused(glacier.get_job_output, jobId=job)[0] == 404
    assert refused(glacier.describe_job, jobId=job)[0] == 404
    assert glacier.list_jobs()["JobList"] == []


def test_a_finished_output_outlives_its_archive(glacier, retrieve, archive, data, advance, engine):
    job = retrieve()
    glacier.delete_archive(archiveId=archive)

    assert glacier.get_job_output(jobId=job)["body"].read() == data
    advance(hours=24)
    glacier.list_jobs()
    engine.blobs.sweep()
    assert [path for path in engine.store.root.glob("blobs/*/*") if path.is_file()] == []


def test_a_job_under_way_fails_with_its_archive(
    glacier, engine, retrieve, archive, advance, refused
):
    engine.timing = "real"
    job = retrieve()
    glacier.delete_archive(archiveId=archive)
    advance(hours=6)

    got = glacier.describe_job(jobId=job)
    assert (got["StatusCode"], got["Completed"]) == ("Failed", True)
    assert "deleted" in got["StatusMessage"]
    assert refused(glacier.get_job_output, jobId=job)[0] == 400


def test_a_deleted_archive_takes_no_new_job(glacier, retrieve, archive, refused):
    glacier.delete_archive(archiveId=archive)

    got = refused(retrieve)

    assert got == (404, "ResourceNotFoundException", f"The archive ID was not found: {archive}")


def test_jobs_are_listed_newest_first(client, glacier, retrieve, engine, refused):
    done = [retrieve() for _ in range(3)]
    engine.timing = "real"
    under_way = [retrieve() for _ in range(2)]

    def ids(**given):
        return [each["JobId"] for each in glacier.list_jobs(**given)["JobList"]]

    pages = list(
        client.get_paginator("list_jobs").paginate(
            vaultName="photos", PaginationConfig={"PageSize": 2}
        )
    )
    assert [job["JobId"] for page in pages for job in page["JobList"]] == ids()
    assert ids() == (done + under_way)[::-1]
    assert ids(completed="true") == ids(statuscode="Succeeded") == done[::-1]
    assert ids(completed="false") == ids(statuscode="InProgress") == under_way[::-1]
    assert ids(statuscode="Failed") == ids(statuscode="Succeeded", completed="false") == []
    assert ids(limit="1") == [under_way[-1]]
    text = "The job status code is not valid: Done"
    assert refused(glacier.list_jobs, statuscode="Done")[2] == text
    assert refused(glacier.list_jobs, completed="yes")[1] == "InvalidParameterValueException"
    assert refused(glacier.list_jobs, marker="x")[2] == "Invalid marker: x"


def test_a_finished_job_tells_its_topic_and_the_vaults(glacier, engine, retrieve, advance):
    engine.timing = "real"
    vault_topic = TOPIC.replace("done", "vault")
    glacier.set_vault_notifications(
        vaultNotificationConfig={"SNSTopic": vault_topic, "Events": ["ArchiveRetrievalCompleted"]}
    )
    job = retrieve(SNSTopic=TOPIC)
    assert engine.outbox() == []
    advance(hours=5)

    messages = engine.outbox()

    assert [each["TopicArn"] for each in messages] == [TOPIC, vault_topic]
    assert [each["Type"] for each in messages] == ["Notification"] * 2
    body = json.loads(messages[0]["Message"])
    assert (body["JobId"], body["StatusCode"]) == (job, "Succeeded")
    assert body["CompletionDate"] == messages[0]["Timestamp"]
    assert list(body) == sorted(body)
    assert engine.outbox() == messages


def test_the_retrieval_policy_counts_standard_jobs_under_way(client, engine, retrieve, refused):
    engine.timing = "real"
    policy = {"Rules": [{"Strategy": "BytesPerHour", "BytesPerHour": 3 * MIB}]}
    client.set_data_retrieval_policy(Policy=policy)
    retrieve()
    retrieve()

    got = refused(retrieve)

    text = "InitiateJob request denied by current data retrieval policy."
    assert got == (400, "PolicyEnforcedException", text)
    retrieve(Tier="Bulk")
    retrieve(Tier="Expedited")
    client.set_data_retrieval_policy(Policy={"Rules": [{"Strategy": "None"}]})
    retrieve()


def test_the_free_tier_is_ten_gigabytes_a_month(client, engine, retrieve, glacier):
    client.set_data_retrieval_policy(Policy={"Rules": [{"Strategy": "FreeTier"}]})

    assert retrieve()
