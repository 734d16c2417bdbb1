"""One contract, every transport: boto3 on the engine in this process, and over HTTP."""

from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from glaciercli.local.engine import open_engine
from glaciercli.local.inprocess import plug_in
from glaciercli.local.server import Server
from glaciercli.treehash import tree_hash

MIB = 1 << 20
REGION = "eu-central-1"


@pytest.fixture(scope="session")
def session():
    """One session for all tests: it keeps the models that each client needs."""
    return boto3.Session(
        aws_access_key_id="AKIDCONTRACT", aws_secret_access_key="secret", region_name=REGION
    )


@pytest.fixture
def start():
    """The real time that the engine's clock starts at, and stands still at."""
    return datetime(2026, 1, 31, 12, 30, 15, 678_000, tzinfo=UTC)


@pytest.fixture
def engine(tmp_path, start):
    engine = open_engine(tmp_path / "engine", clock=lambda: start)
    yield engine
    engine.close()


@pytest.fixture(params=["inprocess", "http"])
def connect(request, engine, session):
    """Make a client, or with `resource` what boto3 builds upon one; without retries."""
    server = Server(engine).start() if request.param == "http" else None
    made = []

    def make(*, resource=False, region=REGION, attempts=1):
        factory = session.resource if resource else session.client
        result = factory(
            "glacier",
            region_name=region,
            endpoint_url=server.url if server else None,
            config=Config(retries={"total_max_attempts": attempts}),
        )
        client = result.meta.client if resource else result
        made.append(client)
        if server is None:
            plug_in(client, engine)
        return result

    yield make
    for client in made:
        client.close()
    if server is not None:
        server.stop()


@pytest.fixture
def client(connect):
    return connect()


@pytest.fixture
def vault(client):
    client.create_vault(vaultName="photos")
    return "photos"


@pytest.fixture
def glacier(client, vault):
    """The client's verbs with `vaultName` filled in."""

    class Bound:
        def __getattr__(self, name):
            return lambda **given: getattr(client, name)(**{"vaultName": vault, **given})

    return Bound()


@pytest.fixture
def refused(engine):
    """Call and return (HTTP status, code, message) of the refusal that must come."""

    def call(function, **given):
        with pytest.raises(ClientError) as caught:
            function(**given)
        reply = caught.value.response
        error = reply["Error"]
        return reply["ResponseMetadata"]["HTTPStatusCode"], error["Code"], error["Message"]

    return call


@pytest.fixture
def advance(engine):
    return lambda **by: engine.clock.advance(timedelta(**by))


@pytest.fixture
def upload(glacier):
    """Upload bytes in parts, in the order given, and return the new archive's reply."""

    def run(data, *, part_size=MIB, order=None, description="", complete=True):
        upload_id = glacier.initiate_multipart_upload(
            partSize=str(part_size), archiveDescription=description
        )["uploadId"]
        starts = range(0, len(data), part_size)
        for start in order or starts:
            part = data[start : start + part_size]
            glacier.upload_multipart_part(
                uploadId=upload_id, range=f"bytes {start}-{start + len(part) - 1}/*", body=part
            )
        if not complete:
            return upload_id
        return glacier.complete_multipart_upload(
            uploadId=upload_id, archiveSize=str(len(data)), checksum=tree_hash(data)
        )

    return run
