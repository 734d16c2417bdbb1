"""One contract, every transport: boto3 on the engine in this process, and over HTTP."""

from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from helpers import require_delivered

from glaciercli.local.engine import open_engine
from glaciercli.local.http.server import Server
from glaciercli.local.inprocess import plug_in
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
    require_delivered(engine)
    engine.close()


class Stage:
    """What the clients talk to; each test puts its own engine on it.

    So clients and server are made once. To make them takes longer than most tests.
    """

    def __init__(self, session, http):
        self.engine = None
        self._session = session
        self._server = Server(self).start() if http else None
        self._clients = {}

    def handle(self, request):
        return self.engine.handle(request)

    def client(self, region=REGION, attempts=1):
        key = (region, attempts)
        if key not in self._clients:
            self._clients[key] = self.make(self._session.client, *key)
        return self._clients[key]

    def make(self, factory, region=REGION, attempts=1):
        made = factory(
            "glacier",
            region_name=region,
            endpoint_url=self._server.url if self._server else None,
            config=Config(retries={"total_max_attempts": attempts}),
        )
        if self._server is None:
            plug_in(getattr(made.meta, "client", made), self.handle)
        return made

    def close(self):
        for client in self._clients.values():
            client.close()
        if self._server is not None:
            self._server.stop()


@pytest.fixture(scope="session", params=["inprocess", "http"])
def transport(request, session):
    stage = Stage(session, request.param == "http")
    yield stage
    stage.close()


@pytest.fixture
def connect(transport, engine):
    """Make a client for another region or with more attempts."""
    transport.engine = engine
    return transport.client


@pytest.fixture
def client(connect):
    return connect()


@pytest.fixture
def own_client(transport, connect, session, vault):
    """A client that a test may change, in a world where `vault` is there."""
    client = transport.make(session.client)
    yield client
    client.close()


@pytest.fixture
def resource(transport, connect, session):
    resource = transport.make(session.resource)
    yield resource
    resource.meta.client.close()


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
