import io

import boto3
import botocore
import pytest
from botocore.config import Config
from helpers import payload

from glaciercli.local.inprocess import plug_in
from glaciercli.treehash import tree_hash

MIB = 1 << 20


@pytest.fixture
def client(engine):
    client = boto3.client("glacier", region_name="eu-west-1")
    plug_in(client, engine.handle)
    client.create_vault(vaultName="v")
    yield client
    client.close()


@pytest.fixture
def output(client):
    data = payload(2 * MIB + 5)
    archive = client.upload_archive(vaultName="v", body=data)["archiveId"]
    given = {"Type": "archive-retrieval", "ArchiveId": archive}
    job = client.initiate_job(vaultName="v", jobParameters=given)["jobId"]
    return lambda: client.get_job_output(vaultName="v", jobId=job)["body"]


def test_a_body_is_read_in_every_way_that_botocore_has(output):
    data = payload(2 * MIB + 5)
    buffer = bytearray(MIB)

    assert output().read() == data
    assert b"".join(output().iter_chunks(MIB)) == data
    assert output().read(10) == data[:10]
    body = output()
    assert body.readinto(buffer) == MIB
    assert buffer == data[:MIB]
    assert body.read() == data[MIB:]
    assert body.read(1) == b""
    with output() as raw:
        assert raw.read(5) == data[:5]
    assert raw.closed


@pytest.mark.parametrize("wrap", [bytes, io.BytesIO])
def test_a_body_is_sent_in_every_way_that_botocore_has(client, wrap):
    got = client.upload_archive(vaultName="v", body=wrap(b"data"))

    assert got["checksum"] == tree_hash(b"data")


def test_an_unsigned_client_is_in_its_own_region(engine):
    client = boto3.client(
        "glacier", region_name="eu-north-1", config=Config(signature_version=botocore.UNSIGNED)
    )
    plug_in(client, engine.handle)
    client.create_vault(vaultName="v")

    assert "eu-north-1" in client.describe_vault(vaultName="v")["VaultARN"]
    client.close()


def announcing(client, **headers):
    """Have the client announce other hashes with its uploads than those it computed."""

    def say(params, **_):
        params["headers"].update(headers)

    client.meta.events.register_last("before-call.glacier.UploadArchive", say)
    return client


def test_a_trusting_client_sends_no_plain_hash_and_the_tree_hash_still_proves(engine, client):
    trusting = boto3.client("glacier", region_name="eu-west-1")
    requests = []
    plug_in(trusting, lambda each: requests.append(each) or engine.handle(each), trusting=True)
    data = payload(2 * MIB + 5)
    got = trusting.upload_archive(vaultName="v", body=io.BytesIO(data))

    assert got["checksum"] == tree_hash(data)
    assert [each.headers["x-amz-content-sha256"] for each in requests] == ["UNSIGNED-PAYLOAD"]
    announcing(trusting, **{"x-amz-sha256-tree-hash": tree_hash(b"other")})
    with pytest.raises(trusting.exceptions.InvalidParameterValueException, match="Checksum"):
        trusting.upload_archive(vaultName="v", body=data)
    trusting.close()


def test_any_other_client_must_send_it(client):
    announcing(client, **{"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="content-sha256"):
        client.upload_archive(vaultName="v", body=b"data")


def test_two_clients_may_share_an_engine(engine, client):
    other = boto3.client("glacier", region_name="eu-west-1")
    plug_in(other, engine.handle)

    assert other.describe_vault(vaultName="v")["VaultName"] == "v"
    other.close()
