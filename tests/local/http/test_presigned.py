"""URLs that carry their own signature, as SDKs make them for programs without keys."""

import json
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode

import boto3
import pytest

from glaciercli.local.engine import open_engine
from glaciercli.local.http.server import Server
from glaciercli.local.http.sigv4 import Authenticator, Credential

KEY, SECRET, TOKEN = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "tok/en+="
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def engine(tmp_path):
    engine = open_engine(tmp_path / "vaults")
    yield engine
    engine.close()


@pytest.fixture
def clock():
    """How far the server's clock is ahead; a test may move it."""
    return {"ahead": timedelta(0)}


@pytest.fixture(params=["off", "parse", "strict"])
def mode(request):
    return request.param


@pytest.fixture
def log():
    return []


@pytest.fixture
def server(engine, mode, clock, log):
    authenticator = Authenticator(
        mode, {KEY: Credential(SECRET, TOKEN)}, now=lambda: datetime.now(UTC) + clock["ahead"]
    )
    with Server(engine, auth=authenticator, access_log=log.append) as server:
        yield server


@pytest.fixture
def client(server):
    return boto3.client(
        "glacier",
        endpoint_url=server.url,
        region_name="eu-west-1",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        aws_session_token=TOKEN,
    )


@pytest.fixture
def signed(client):
    """Return a URL for an operation, as boto3 makes it."""

    def make(operation, expires=60, **given):
        return client.generate_presigned_url(operation, Params=given, ExpiresIn=expires)

    return make


def changed(url, **parameters):
    """Return a URL with parameters of its query replaced, or taken out for None."""
    path, _, query = url.partition("?")
    pairs = dict(parse_qsl(query)) | {
        f"X-Amz-{name}": value for name, value in parameters.items() if value is not None
    }
    for name in [name for name, value in parameters.items() if value is None]:
        del pairs[f"X-Amz-{name}"]
    return f"{path}?{urlencode(pairs)}"


def ask(url, method="GET", **headers):
    request = urllib.request.Request(url, method=method, headers=headers)
    with OPENER.open(request, timeout=10) as reply:
        return reply.status, reply.read()


def refused(url, method="GET", **headers):
    with (
        pytest.raises(urllib.error.HTTPError) as caught,
        OPENER.open(urllib.request.Request(url, method=method, headers=headers), timeout=10),
    ):
        pass
    with caught.value as reply:
        return reply.code, reply.read()


def test_a_url_of_boto3_does_what_it_was_signed_for(client, signed):
    created = ask(signed("create_vault", vaultName="photos"), "PUT")
    archive = client.upload_archive(vaultName="photos", body=b"12345")["archiveId"]
    retrieval = {"Type": "archive-retrieval", "ArchiveId": archive}
    job = client.initiate_job(vaultName="photos", jobParameters=retrieval)["jobId"]
    listed = ask(signed("list_vaults"))
    none = ask(signed("list_jobs", vaultName="photos", completed="false", limit="5"))
    output = signed("get_job_output", vaultName="photos", jobId=job, range="bytes=0-2")
    deleted = ask(signed("delete_archive", vaultName="photos", archiveId=archive), "DELETE")

    assert created == (201, b"")
    assert json.loads(listed[1])["VaultList"][0]["VaultARN"] == (
        "arn:aws:glacier:eu-west-1:000000000000:vaults/photos"
    )
    assert json.loads(none[1])["JobList"] == []
    assert ask(output, Range="bytes=0-2") == (206, b"123")
    assert deleted == (204, b"")


def test_the_version_may_come_along_as_a_header(signed):
    assert ask(signed("list_vaults"), **{"x-amz-glacier-version": "2012-06-01"})[0] == 200
    assert refused(signed("list_vaults"), **{"x-amz-glacier-version": "2011-01-01"})[0] == 400


def test_a_url_is_good_until_it_expires(signed, clock):
    url = signed("list_vaults", expires=3600)
    clock["ahead"] = timedelta(minutes=59)
    good = ask(url)[0]
    clock["ahead"] = timedelta(minutes=61)
    status, body = refused(url)

    assert good == 200
    assert (status, json.loads(body)["code"]) == (403, "InvalidSignatureException")
    assert json.loads(body)["message"].startswith("Signature expired: ")


def test_a_url_is_not_good_before_it_was_signed(signed, clock):
    url = signed("list_vaults")
    clock["ahead"] = timedelta(minutes=-6)

    assert b"Signature not yet current" in refused(url)[1]


@pytest.mark.parametrize("mode", ["parse", "strict"], indirect=True)
@pytest.mark.parametrize(
    "change",
    [
        {"Expires": "0"},
        {"Expires": "604801"},
        {"Expires": "-1"},
        {"Expires": "soon"},
        {"Expires": None},
        {"Date": "today"},
        {"Date": None},
        {"Credential": KEY},
        {"Algorithm": "AWS4-ECDSA-P256-SHA256"},
        {"SignedHeaders": None},
        {"Signature": None},
    ],
)
def test_a_malformed_url_is_refused(signed, change):
    status, body = refused(changed(signed("list_vaults"), **change))

    assert status == 403
    assert body.startswith(b'{"message":')
    assert json.loads(body)["code"] == "InvalidSignatureException"


@pytest.mark.parametrize("mode", ["strict"], indirect=True)
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Signature": "0" * 64}, "InvalidSignatureException"),
        ({"Expires": "3600"}, "InvalidSignatureException"),
        ({"Security-Token": "stolen"}, "UnrecognizedClientException"),
        ({"Security-Token": None}, "UnrecognizedClientException"),
        ({"SignedHeaders": "x-amz-glacier-version"}, "InvalidSignatureException"),
    ],
)
def test_a_changed_url_is_refused(signed, change, code):
    assert json.loads(refused(changed(signed("list_vaults"), **change))[1])["code"] == code


@pytest.mark.parametrize("mode", ["strict"], indirect=True)
def test_a_url_is_good_for_its_method_and_address_alone(client, signed):
    client.create_vault(vaultName="photos")
    url = signed("describe_vault", vaultName="photos")

    assert ask(url)[0] == 200
    assert refused(url, "DELETE")[0] == 403
    assert refused(url.replace("photos", "photoz"))[0] == 403


def test_the_access_log_has_no_url_that_could_be_used(signed, server, log):
    ask(signed("list_vaults"))
    server.stop()

    (line,) = log
    assert line.startswith("GET /-/vaults?X-Amz-Algorithm=AWS4-HMAC-SHA256&")
    assert "X-Amz-Signature=..." in line
    assert "X-Amz-Security-Token=..." in line
    assert "tok" not in line
