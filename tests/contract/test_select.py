import json

import pytest

CSV = b"name,size\nfirst,1\nsecond,20\nthird,300\n"


def parameters(archive, expression="SELECT s.name FROM archive s WHERE CAST(s.size AS INT) > 5"):
    return {
        "Type": "select",
        "ArchiveId": archive,
        "SelectParameters": {
            "Expression": expression,
            "ExpressionType": "SQL",
            "InputSerialization": {"csv": {"FileHeaderInfo": "USE"}},
            "OutputSerialization": {"csv": {}},
        },
        "OutputLocation": {"S3": {"BucketName": "results", "Prefix": "a/b"}},
    }


@pytest.fixture
def archive(glacier):
    return glacier.upload_archive(body=CSV)["archiveId"]


@pytest.fixture
def bucket(engine):
    """Read what lies in the bucket, by key."""
    root = engine.store.root / "s3" / "results"
    return lambda: {
        str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()
    }


def test_a_query_leaves_its_result_and_a_manifest(glacier, archive, bucket):
    started = glacier.initiate_job(jobParameters=parameters(archive))
    job = glacier.describe_job(jobId=started["jobId"])

    path = f"a/b/{started['jobId']}/"
    found = bucket()
    (result,) = (key for key in found if "/results/" in key)
    assert started["jobOutputPath"] == job["JobOutputPath"] == path
    assert (job["Action"], job["StatusCode"], job["Tier"]) == ("Select", "Succeeded", "Standard")
    assert job["SelectParameters"] == parameters(archive)["SelectParameters"]
    assert job["OutputLocation"] == parameters(archive)["OutputLocation"]
    assert "SHA256TreeHash" not in job
    assert found[result] == "second\nthird\n"
    assert found[f"{path}result_manifest.txt"] == f"{result}\n"
    assert json.loads(found[f"{path}job.txt"])["StatusCode"] == "InProgress"
    assert len(found) == 3


def test_a_query_that_cannot_run_fails_with_a_reason(glacier, archive, bucket):
    given = parameters(archive, "SELECT CAST(s.name AS INT) FROM archive s")
    started = glacier.initiate_job(jobParameters=given)
    job = glacier.describe_job(jobId=started["jobId"])

    found = bucket()
    (error,) = (key for key in found if "/errors/" in key)
    assert job["StatusCode"] == "Failed"
    assert found[error] == job["StatusMessage"] + "\n"
    assert found[f"{job['JobOutputPath']}error_manifest.txt"] == f"{error}\n"
    assert not any("results" in key for key in found)


def test_there_is_no_output_to_get(glacier, archive, refused):
    job = glacier.initiate_job(jobParameters=parameters(archive))["jobId"]

    assert refused(glacier.get_job_output, jobId=job)[:2] == (400, "InvalidParameterValueException")


def test_a_query_under_way_fails_with_its_archive(glacier, archive, engine, advance, bucket):
    engine.timing = "real"
    job = glacier.initiate_job(jobParameters=parameters(archive))["jobId"]
    glacier.delete_archive(archiveId=archive)
    advance(hours=6)

    assert glacier.describe_job(jobId=job)["StatusCode"] == "Failed"
    assert [key.rpartition("/")[2] for key in bucket()] == ["job.txt"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ArchiveId": None}, "MissingParameterValueException"),
        ({"SelectParameters": None}, "MissingParameterValueException"),
        ({"OutputLocation": None}, "MissingParameterValueException"),
        ({"OutputLocation": {"S3": {"Prefix": "x"}}}, "MissingParameterValueException"),
        ({"OutputLocation": {"S3": {"BucketName": "xyz"}}}, "MissingParameterValueException"),
        ({"RetrievalByteRange": "0-1"}, "InvalidParameterValueException"),
    ],
)
def test_an_incomplete_query_is_refused(glacier, archive, refused, change, code):
    given = {key: value for key, value in (parameters(archive) | change).items() if value}

    assert refused(glacier.initiate_job, jobParameters=given)[:2] == (400, code)


@pytest.mark.parametrize(
    "place",
    [
        {"BucketName": "..", "Prefix": "x"},
        {"BucketName": "a..b", "Prefix": "x"},
        {"BucketName": "Results", "Prefix": "x"},
        {"BucketName": "results", "Prefix": "../x"},
        {"BucketName": "results", "Prefix": "x/../../y"},
        {"BucketName": "results", "Prefix": "x//y"},
        {"BucketName": "results", "Prefix": "x\x00y"},
        {"BucketName": "results", "Prefix": "x" * 513},
        {"BucketName": "results", "Prefix": "x", "StorageClass": "GLACIER"},
        {"BucketName": "results", "Prefix": "x", "Encryption": {"EncryptionType": "none"}},
    ],
)
def test_a_place_that_cannot_be_is_refused(glacier, archive, refused, engine, place):
    given = parameters(archive) | {"OutputLocation": {"S3": place}}

    got = refused(glacier.initiate_job, jobParameters=given)

    assert got[:2] == (400, "InvalidParameterValueException")
    assert not (engine.store.root / "s3").exists()


def test_a_bad_expression_is_refused_at_once(glacier, archive, refused):
    given = parameters(archive, "DROP TABLE archive")

    got = refused(glacier.initiate_job, jobParameters=given)

    assert got[:2] == (400, "InvalidParameterValueException")
