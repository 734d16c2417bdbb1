import pytest

from glaciercli.local._faults import Kind
from glaciercli.local.engine import open_engine


def test_faults_are_listed_counted_and_cleared(engine, call):
    first = engine.faults.add("DescribeVault", kind="throttle", times=2, skip=1)
    second = engine.faults.drop("ListVaults")
    for status in (200, 400, 400, 200):
        call("GET", "/-/vaults/v", status=status)

    listed = engine.faults.list()

    assert [(each.number, each.kind, each.delivered) for each in listed] == [
        (first, Kind.THROTTLE, 2),
        (second, Kind.DROP_BEFORE, 0),
    ]
    assert listed[0].remaining == 0
    engine.faults.clear()
    assert engine.faults.list() == []
    assert call("GET", "/-/vaults").status == 200


def test_a_fault_reaches_the_engine_of_another_process(engine, call, root):
    elsewhere = open_engine(root)
    number = elsewhere.faults.add("DescribeVault", kind="status")
    call("GET", "/-/vaults/v", status=500)

    assert elsewhere.faults.delivered(number) == 1
    elsewhere.close()


def test_two_faults_on_one_operation_come_one_after_the_other(engine, call):
    engine.faults.add("DescribeVault", kind="throttle")
    engine.faults.add("DescribeVault", kind="status")

    assert [call("GET", "/-/vaults/v", status=status).status for status in (400, 500, 200)] == [
        400,
        500,
        200,
    ]


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "unheard"},
        {"kind": "throttle", "seconds": 1},
        {"kind": "delay"},
        {"kind": "header", "value": "x"},
        {"kind": "throttle", "times": 0},
        {"kind": "throttle", "skip": -1},
    ],
)
def test_a_fault_without_sense_is_refused(engine, given):
    with pytest.raises(ValueError, match=r"fault|Kind"):
        engine.faults.add("DescribeVault", **given)
    assert engine.faults.list() == []


def test_a_fault_before_leaves_no_trace_of_the_request(engine, call):
    engine.faults.add("CreateVault", kind="status", code="AccessDeniedException")
    call("PUT", "/-/vaults/w", status=403)

    assert call("GET", "/-/vaults/w", status=404)


def test_the_log_counts_requests_with_their_parameters(engine, call):
    engine.log.clear()
    call("GET", "/-/vaults/v")
    call("GET", "/-/vaults/none", status=404)
    call("GET", "/-/vaults?limit=1")

    calls = engine.log.calls()

    assert [(each.operation, each.status) for each in calls] == [
        ("DescribeVault", 200),
        ("DescribeVault", 404),
        ("ListVaults", 200),
    ]
    assert calls[2].params == {"accountId": "-", "limit": "1"}
    assert engine.log.count() == 3
    assert engine.log.count("DescribeVault") == 2
