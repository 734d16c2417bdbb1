import hashlib
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from glaciercli.local.errors import ServiceError
from glaciercli.local.http.sigv4 import (
    Authenticator,
    Caller,
    Credential,
    canonical_request,
    read_credentials,
    sign,
    string_to_sign,
)

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
EMPTY = hashlib.sha256(b"").hexdigest()
WELCOME = hashlib.sha256(b"Welcome to Amazon Glacier.").hexdigest()


def authorization(signature, *signed, date="20120525", region="us-east-1", service="glacier"):
    return (
        f"AWS4-HMAC-SHA256 Credential={KEY}/{date}/{region}/{service}/aws4_request, "
        f"SignedHeaders={';'.join(signed)}, Signature={signature}"
    )


def create_vault(**changes):
    """The published request of the first vector; header names with _ for -."""
    headers = {
        "host": "glacier.us-east-1.amazonaws.com",
        "x_amz_date": "20120525T002453Z",
        "x_amz_glacier_version": "2012-06-01",
        "authorization": authorization(
            "3ce5b2f2fffac9262b4da9256f8d086b4aaf42eba5f111c21681a65a127b7c2a",
            "host",
            "x-amz-date",
            "x-amz-glacier-version",
        ),
        **changes,
    }
    return {key.replace("_", "-"): value for key, value in headers.items() if value is not None}


def strict(at="20120525T002453Z", *, offset=timedelta(0), token=None):
    now = datetime.strptime(at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) + offset
    return Authenticator("strict", {KEY: Credential(SECRET, token)}, now=lambda: now)


def refusal(authenticator, headers, target="/-/vaults/examplevault", body=EMPTY):
    with pytest.raises(ServiceError) as caught:
        authenticator.authenticate("PUT", target, headers, lambda: body)
    return caught.value


def test_the_published_create_vault_request_is_accepted():
    caller = strict().authenticate("PUT", "/-/vaults/examplevault", create_vault(), lambda: EMPTY)

    assert caller == Caller(KEY, "us-east-1")


def test_its_canonical_request_has_the_published_hash():
    text = canonical_request(
        "PUT",
        "/-/vaults/examplevault",
        create_vault(),
        ("host", "x-amz-date", "x-amz-glacier-version"),
        EMPTY,
    )

    assert hashlib.sha256(text.encode()).hexdigest() == (
        "5f1da1a2d0feb614dd03d71e87928b8e449ac87614479332aced3a701f916743"
    )


def test_the_published_upload_is_accepted_without_reading_its_body():
    headers = create_vault(
        x_amz_date="20120507T000000Z",
        x_amz_content_sha256=WELCOME,
        authorization=authorization(
            "b092397439375d59119072764a1e9a144677c43d9906fd98a5742c57a2855de6",
            "host",
            "x-amz-content-sha256",
            "x-amz-date",
            "x-amz-glacier-version",
            date="20120507",
        ),
    )

    def unread():
        raise AssertionError("the body was asked for")

    authenticator = strict("20120507T000000Z")
    target = "/-/vaults/examplevault/archives"
    assert authenticator.authenticate("POST", target, headers, unread).access_key == KEY


_WORD = st.text("ab-_.~ /%+=&*:é", max_size=6)
_HEADER = st.text("ab ~!%,;=\"'\\", max_size=8)


@given(
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE"]),
    segments=st.lists(_WORD | st.sampled_from([".", "..", ""]), max_size=4),
    query=st.lists(st.tuples(_WORD, _WORD), max_size=3),
    description=_HEADER,
    body=st.binary(max_size=20),
    sends_hash=st.booleans(),
    token=st.none() | st.just("session"),
)
def test_what_botocore_signs_is_accepted(
    method, segments, query, description, body, sends_hash, token
):
    target = "/" + "/".join(quote(each, safe="") for each in segments)
    if query:
        target += "?" + urlencode(query, quote_via=quote, safe="-_.~")
    digest = hashlib.sha256(body).hexdigest()
    headers = {"x-amz-glacier-version": "2012-06-01", "x-amz-archive-description": description}
    if sends_hash:
        headers["x-amz-content-sha256"] = digest
    request = AWSRequest(method, f"http://127.0.0.1:8000{target}", headers, body)
    SigV4Auth(Credentials(KEY, SECRET, token), "glacier", "eu-west-1").add_auth(request)
    sent = {key.lower(): value for key, value in request.headers.items()}
    sent["host"] = "127.0.0.1:8000"
    authenticator = Authenticator("strict", {KEY: Credential(SECRET, token)})

    assert authenticator.authenticate(method, target, sent, lambda: digest) == Caller(
        KEY, "eu-west-1"
    )
    other = hashlib.sha256(body + b"x").hexdigest()
    changed = {**sent, "x-amz-content-sha256": other} if sends_hash else sent
    assert refusal(authenticator, changed, target, other).code == "InvalidSignatureException"


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_header_is_signed_in_utf_8_however_it_is_sent(encoding):
    """A description that is not ASCII must be told to be one, and not to be badly signed."""
    text = "Füße à la carte"
    request = AWSRequest("PUT", "http://127.0.0.1/", {"x-amz-archive-description": text})
    SigV4Auth(Credentials(KEY, SECRET), "glacier", "eu-west-1").add_auth(request)
    sent = {key.lower(): value for key, value in request.headers.items()}
    read = sent | {
        "host": "127.0.0.1",
        "x-amz-archive-description": text.encode(encoding).decode("latin-1"),
    }

    caller = Authenticator("strict", {KEY: Credential(SECRET)}).authenticate(
        "PUT", "/", read, lambda: EMPTY
    )

    assert caller.access_key == KEY


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"authorization": None}, 400, "MissingAuthenticationTokenException"),
        ({"authorization": "Basic YTpi"}, 403, "InvalidSignatureException"),
        ({"authorization": "AWS4-HMAC-SHA256"}, 403, "InvalidSignatureException"),
        (
            {"authorization": f"AWS4-HMAC-SHA256 Credential={KEY}, SignedHeaders=x, Signature=y"},
            403,
            "InvalidSignatureException",
        ),
        (
            {"authorization": authorization("0", "host", region="../../etc")},
            403,
            "InvalidSignatureException",
        ),
        (
            {"authorization": authorization("0", "host", service="s3")},
            403,
            "InvalidSignatureException",
        ),
    ],
)
@pytest.mark.parametrize("mode", ["parse", "strict"])
def test_a_missing_or_malformed_authorization_is_refused(mode, changes, status, code):
    authenticator = Authenticator(mode, {KEY: Credential(SECRET)})

    error = refusal(authenticator, create_vault(**changes))

    assert (error.status, error.code) == (status, code)
    assert error.body.startswith(b'{"message":')  # the layer in front of the service


@pytest.mark.parametrize(
    ("host", "service", "region", "meant"),
    [
        ("127.0.0.1:8480", "127", "0", "us-east-1"),
        ("localhost:8480", "localhost", "localhost", "us-east-1"),
        ("localhost:8480", "localhost", "eu-west-1", "eu-west-1"),
    ],
)
def test_a_scope_may_be_made_from_the_name_of_the_endpoint(host, service, region, meant):
    """By boto 2, which knows no endpoint but the service's own."""
    scope = f"20120525/{region}/{service}/aws4_request"
    signed = ("host", "x-amz-date", "x-amz-glacier-version")
    headers = create_vault(host=host)
    canonical = canonical_request("PUT", "/-/vaults/examplevault", headers, signed, EMPTY)
    signature = sign(SECRET, scope, string_to_sign("20120525T002453Z", scope, canonical))

    headers["authorization"] = authorization(signature, *signed, region=region, service=service)
    caller = strict().authenticate("PUT", "/-/vaults/examplevault", headers, lambda: EMPTY)
    headers["authorization"] = authorization("0", *signed, region=region, service=service)
    refused = refusal(strict(), headers)

    assert caller == Caller(KEY, meant)
    assert refused.code == "InvalidSignatureException"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"host": "127.0.0.1:1"}, "InvalidSignatureException"),
        ({"x_amz_glacier_version": "2012-06-02"}, "InvalidSignatureException"),
        ({"x_amz_content_sha256": WELCOME}, "InvalidSignatureException"),
        ({"x_amz_date": None}, "InvalidSignatureException"),
        ({"x_amz_date": "today"}, "InvalidSignatureException"),
        ({"x_amz_date": "Fri, 31 Dec 9999 23:59:59 -1200"}, "InvalidSignatureException"),
        ({"x_amz_date": f"Fri, 31 Dec {'9' * 30} 23:59:59 GMT"}, "InvalidSignatureException"),
        ({"x_amz_date": "20120525T002454Z"}, "InvalidSignatureException"),
        ({"x_amz_date": "20120526T002453Z"}, "InvalidSignatureException"),
        ({"authorization": authorization("", "host")}, "InvalidSignatureException"),
        ({"authorization": authorization("", "x-amz-date")}, "InvalidSignatureException"),
        ({"authorization": authorization("", "host", "x-amz-date")}, "InvalidSignatureException"),
        ({"x_amz_security_token": "stolen"}, "UnrecognizedClientException"),
        (
            {"authorization": authorization("", "host").replace(KEY, "AKIAOTHER")},
            "UnrecognizedClientException",
        ),
    ],
)
def test_strict_refuses_what_was_changed_or_not_signed(changes, code):
    assert refusal(strict(), create_vault(**changes)).code == code


def test_a_wrong_signature_is_told_what_was_expected_but_not_the_secret():
    message = refusal(strict(), create_vault(), target="/-/vaults/other").message

    assert "does not match the signature you provided" in message
    assert "PUT\n/-/vaults/other\n\nhost:glacier.us-east-1.amazonaws.com\n" in message
    assert (
        "AWS4-HMAC-SHA256\n20120525T002453Z\n20120525/us-east-1/glacier/aws4_request\n" in message
    )
    assert SECRET not in message


@pytest.mark.parametrize("minutes", [-5, 5])
def test_a_clock_may_be_five_minutes_off(minutes):
    authenticator = strict(offset=timedelta(minutes=minutes))

    assert authenticator.authenticate(
        "PUT", "/-/vaults/examplevault", create_vault(), lambda: EMPTY
    )


def test_a_clock_further_off_is_refused_with_the_text_of_the_service():
    late = refusal(strict(offset=timedelta(minutes=5, seconds=1)), create_vault())
    early = refusal(strict(offset=-timedelta(minutes=5, seconds=1)), create_vault())

    assert late.status == early.status == 403
    assert late.message == (
        "Signature expired: 20120525T002453Z is now earlier than "
        "20120525T002454Z (20120525T002954Z - 5 min.)"
    )
    assert early.message == (
        "Signature not yet current: 20120525T002453Z is still later than "
        "20120525T002452Z (20120525T001952Z + 5 min.)"
    )


def test_parse_believes_the_header():
    caller = Authenticator("parse").authenticate("GET", "/x", create_vault(), lambda: EMPTY)

    assert caller == Caller(KEY, "us-east-1")


def test_auth_off_accepts_a_signed_request_and_an_anonymous_one():
    off = Authenticator("off")

    assert off.authenticate("GET", "/", {}, lambda: EMPTY) == Caller("anonymous", "us-east-1")
    assert off.authenticate("GET", "/", create_vault(), lambda: EMPTY).access_key == KEY


def test_strict_needs_credentials():
    with pytest.raises(ValueError, match="file of credentials"):
        Authenticator("strict")


@pytest.fixture
def secrets(tmp_path):
    path = tmp_path / "credentials"
    path.touch(0o600)
    path.write_text(
        "[default]\naws_access_key_id = AKIA1\naws_secret_access_key = se%cret\n"
        "[temporary]\naws_access_key_id = ASIA2\naws_secret_access_key = s2\n"
        "aws_session_token = token\n[sso]\nsso_session = x\n"
    )
    return path


def test_credentials_are_read_from_all_profiles(secrets):
    assert read_credentials(secrets) == {
        "AKIA1": Credential("se%cret"),
        "ASIA2": Credential("s2", "token"),
    }


def test_credentials_are_never_printed(secrets):
    assert "se%cret" not in repr(read_credentials(secrets))


def test_credentials_that_others_can_read_are_refused(secrets):
    secrets.chmod(0o640)

    with pytest.raises(PermissionError, match="chmod 600"):
        read_credentials(secrets)


@pytest.mark.parametrize("text", ["", "[a]\n", "aws_secret_access_key = hunter2", "[a]\nhunter2"])
def test_a_file_without_credentials_is_refused_without_quoting_it(secrets, text):
    secrets.write_text(text)

    with pytest.raises(ValueError, match="credentials") as caught:
        read_credentials(secrets)
    assert "hunter2" not in str(caught.value)
