import io
import json

import pytest

from glaciercli.local import wire
from glaciercli.local.engine import OPERATIONS
from glaciercli.local.errors import ServiceError
from glaciercli.units import MIB


def test_the_engine_has_the_operations_of_the_model():
    assert set(OPERATIONS) == set(wire.model().operation_names)
    assert len(OPERATIONS) == 33


@pytest.mark.parametrize("name", wire.model().operation_names)
def test_each_operation_is_found_by_its_address(name):
    http = wire.model().operation_model(name).http
    target = http["requestUri"]
    for parameter in ("accountId", "vaultName", "archiveId", "uploadId", "jobId", "lockId"):
        target = target.replace(f"{{{parameter}}}", f"x{parameter}")

    route = wire.route(http["method"], target)

    assert route.operation.name == name
    assert all(value == f"x{key}" for key, value in route.uri.items())


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/"),
        ("GET", "/-"),
        ("GET", "/-/vaults/"),
        ("GET", "//vaults"),
        ("PATCH", "/-/vaults/v"),
        ("POST", "/-/vaults"),
        ("GET", "/-/vaults/v/unknown"),
        ("GET", "/-/vaults/v/jobs/j/output/more"),
        ("GET", "http://elsewhere/-/vaults"),
    ],
)
def test_an_unknown_address_is_a_bad_request(call, method, target):
    got = call(method, target, status=400)

    assert got.json["code"] == "BadRequest"


def test_an_encoded_slash_stays_in_its_segment(call):
    got = call("GET", "/-/vaults/a%2F..%2Fb", status=404)

    assert got.json["message"] == "Vault not found for ARN: a/../b"


@pytest.mark.parametrize(
    ("query", "shown"),
    [("", "null"), ("?x=1", "null"), ("?operation=", ""), ("?operation=drop", "drop")],
)
def test_tags_need_a_known_operation(call, query, shown):
    got = call("POST", f"/-/vaults/v/tags{query}", b'{"Tags":{"a":"b"}}', status=400)

    assert got.json["code"] == "InvalidParameterValueException"
    assert got.json["message"] == f"Invalid operation: {shown}"


def test_a_reply_has_all_keys_sorted_and_compact(call):
    got = call("GET", "/-/vaults/v")

    document = got.json
    assert got.body == json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
    assert document["LastInventoryDate"] is None
    assert got.headers["Content-Type"] == "application/json"
    assert got.headers["Content-Length"] == str(len(got.body))
    assert len(got.headers["x-amzn-RequestId"]) == 47
    assert got.headers["Date"].endswith(" GMT")


def test_nested_keys_that_do_not_apply_are_null(call):
    got = call("GET", "/-/policies/data-retrieval")

    assert got.body == b'{"Policy":{"Rules":[{"BytesPerHour":null,"Strategy":"None"}]}}'


def test_an_empty_listing_has_its_marker(call):
    assert call("GET", "/-/vaults/v/jobs").body == b'{"JobList":[],"Marker":null}'
    uploads = call("GET", "/-/vaults/v/multipart-uploads")
    assert uploads.body == b'{"Marker":null,"UploadsList":[]}'
    assert call("GET", "/-/vaults/v/tags").body == b'{"Tags":{}}'
    capacity = call("GET", "/-/provisioned-capacity")
    assert capacity.body == b'{"ProvisionedCapacityList":[]}'


def test_a_reply_without_a_body_has_no_content_type(call):
    created = call("PUT", "/-/vaults/w")
    deleted = call("DELETE", "/-/vaults/w")

    assert (created.status, created.headers["Content-Length"]) == (201, "0")
    assert (deleted.status, deleted.body) == (204, b"")
    assert "Content-Length" not in deleted.headers
    assert "Content-Type" not in {**created.headers, **deleted.headers}


def test_an_error_is_written_as_the_service_does(call, engine):
    got = call("GET", "/-/vaults/none", status=404)
    engine.faults.add("DescribeVault", kind="throttle")
    throttled = call("GET", "/-/vaults/v", status=400)

    arn = "arn:aws:glacier:us-east-1:000000000000:vaults/none"
    text = f"Vault not found for ARN: {arn}"
    expected = f'{{"code":"ResourceNotFoundException","message":"{text}","type":"Client"}}'
    assert got.body.decode() == expected
    assert got.headers["Content-Type"] == "application/json"
    assert "x-amzn-errortype" not in {name.lower() for name in got.headers}
    assert len(throttled.body) == 72
    assert list(throttled.json) == ["message", "code", "type"]


def test_the_version_header_is_needed(engine):
    request = wire.Request("GET", "/-/vaults", {}, None, 0)
    old = wire.Request("GET", "/-/vaults", {"x-amz-glacier-version": "2010-01-01"}, None, 0)

    missing = json.loads(engine.handle(request).body)

    assert missing["code"] == "MissingParameterValueException"
    assert missing["message"] == "Required parameter missing: API version"
    assert json.loads(engine.handle(old).body)["code"] == "InvalidParameterValueException"


@pytest.mark.parametrize(
    "body",
    [
        b"no JSON",
        b"[]",
        b"1",
        b"\xff\xfe",
        b'{"Type":1.5}',
        b'{"Type":["archive-retrieval"]}',
        b'{"Type":true}',
        b'{"InventoryRetrievalParameters":"x"}',
        b'{"SNSTopic":"\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_a_body_that_is_not_the_shapes_is_refused(call, body):
    got = call("POST", "/-/vaults/v/jobs", body, status=400)

    assert got.json["code"] == got.json["message"] == "SerializationException"


def test_a_body_may_be_labelled_as_anything(call):
    got = call(
        "POST",
        "/-/vaults/v/jobs",
        b'{"Type":"inventory-retrieval","InventoryRetrievalParameters":{"Limit":5,"Marker":null}}',
        content_type="application/x-www-form-urlencoded; charset=utf-8",
    )

    assert got.status == 202


def test_a_wrapped_body_is_refused(call):
    body = b'{"jobParameters":{"Type":"inventory-retrieval"}}'

    got = call("POST", "/-/vaults/v/jobs", body, status=400)

    assert got.json["message"] == "Required parameter missing: type"


def test_an_empty_body_is_missing_its_parameters(call):
    got = call("POST", "/-/vaults/v/jobs", status=400)

    assert got.json["message"] == "Required parameter missing: Job Parameters"


def test_a_huge_document_is_refused(call):
    announced = call("PUT", "/-/vaults/v/access-policy", b"x", length=1 << 40, status=400)
    sent = call("PUT", "/-/vaults/v/access-policy", io.BytesIO(bytes(MIB + 1)), status=400)

    assert announced.json["code"] == sent.json["code"] == "BadRequest"


@pytest.mark.parametrize("sent", ["0" * 64, "UNSIGNED-PAYLOAD"])
def test_a_documents_hash_is_checked_where_it_is_sent(call, sent):
    body = b'{"Tags":{"a":"b"}}'

    got = call(
        "POST", "/-/vaults/v/tags?operation=add", body, status=403, x_amz_content_sha256=sent
    )

    assert got.json["code"] == "InvalidSignatureException"
    assert call("GET", "/-/vaults/v/tags").json == {"Tags": {}}


def test_a_bad_region_is_refused(engine):
    headers = {"x-amz-glacier-version": "2012-06-01"}
    request = wire.Request("GET", "/-/vaults", headers, None, 0, region="../x")

    assert engine.handle(request).status == 400


def test_an_error_knows_its_status():
    assert ServiceError("RequestTimeoutException", "x").status == 408
    assert ServiceError("Unheard", "x").status == 400


def test_an_upload_needs_a_length(call):
    got = call("POST", "/-/vaults/v/archives", io.BytesIO(b"x"), status=400)

    assert got.json["message"] == "Required parameter missing: Content-Length"
