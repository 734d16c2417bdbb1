import pytest

from glaciercli.local.errors import ServiceError
from glaciercli.local.http._gate import admit
from glaciercli.units import GIB

HERE = {"host": "127.0.0.1:8080"}


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8080",
        "127.9.9.9:8080",
        "localhost:8080",
        "LocalHost:8080",
        "[::1]:8080",
        "127.0.0.1",  # fog leaves the port out
        "localhost",
        "[::1]",
    ],
)
def test_the_names_of_this_machine_are_admitted(host):
    assert admit("GET", "/-/vaults", {"host": host}) == 0


@pytest.mark.parametrize(
    "host",
    [
        "glacier.us-east-1.amazonaws.com",
        "glacier.us-east-1.amazonaws.com:8080",
        "Glacier-FIPS.us-gov-west-1.amazonaws.com",
        "glacier.cn-north-1.amazonaws.com.cn",
    ],
)
def test_the_names_of_the_service_are_admitted(host):
    """mt-aws-glacier says the name that it knows, wherever it was sent."""
    assert admit("GET", "/-/vaults", {"host": host}) == 0


@pytest.mark.parametrize(
    "host",
    [
        "",
        ":8080",
        "127.0.0.1:",
        "127.0.0.1:port",
        "0.0.0.0:8080",
        "10.0.0.1:8080",
        "[::]:8080",
        "::1",
        "[localhost",
        "localhost.evil.example:8080",
        "evil.example:8080",
        "127.0.0.1.nip.io:8080",
        "127.0.0.1:8080, evil.example:8080",
        "s3.us-east-1.amazonaws.com",
        "evil.s3.amazonaws.com",
        "glacier.evil.us-east-1.amazonaws.com",
        "glacier.us-east-1.amazonaws.com.evil.example",
        "evil.example/glacier.us-east-1.amazonaws.com",
    ],
)
def test_any_other_name_is_denied(host):
    with pytest.raises(ServiceError, match="Host must be") as caught:
        admit("GET", "/-/vaults", {"host": host})
    assert caught.value.status == 403


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"origin": "http://evil.example"}, 403, "web pages"),
        ({"origin": "null"}, 403, "web pages"),
        ({"referer": "http://evil.example/"}, 403, "web pages"),
        ({"sec-fetch-site": "cross-site"}, 403, "web pages"),
        ({"sec-fetch-site": "same-site"}, 403, "web pages"),
        ({"transfer-encoding": "chunked"}, 400, "Required parameter missing: Content-Length"),
        ({"content-length": str(4 * GIB + 1)}, 400, "Invalid Content-Length: 4294967297"),
        ({"content-length": "9" * 20}, 400, "Invalid Content-Length"),
    ],
)
def test_what_no_glacier_client_sends_is_refused(change, status, message):
    with pytest.raises(ServiceError, match=message) as caught:
        admit("POST", "/-/vaults/x/archives", {**HERE, **change})
    assert caught.value.status == status


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "CONNECT", "PATCH", "get"])
def test_foreign_methods_are_not_allowed(method):
    with pytest.raises(ServiceError, match="not allowed") as caught:
        admit(method, "/-/vaults", HERE)
    assert (caught.value.status, caught.value.code) == (400, "BadRequest")


@pytest.mark.parametrize("target", ["*", "http://127.0.0.1:8080/-/vaults", "127.0.0.1:8080"])
def test_a_target_is_a_path(target):
    with pytest.raises(ServiceError, match="must be a path"):
        admit("GET", target, HERE)


def test_the_largest_part_is_admitted():
    assert admit("PUT", "/x", {**HERE, "content-length": str(4 * GIB)}) == 4 * GIB
