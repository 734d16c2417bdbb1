import pytest

from glaciercli.cli.commands.fault import KINDS
from glaciercli.errors import Exit
from glaciercli.local._faults import Kind


def test_a_fault_is_added_delivered_and_cleared(glacier):
    glacier("local", "fault", "add", "ListVaults", "status", "status=403", "code=AccessDenied")
    glacier("vault", "list", exit=Exit.ACCESS_DENIED)

    (listed,) = glacier("local", "fault", "list", "--output", "json").json
    assert (listed["delivered"], listed["arguments"]["status"]) == (1, 403)
    glacier("local", "fault", "clear")
    assert glacier("local", "fault", "list", "--output", "json").json == []


def test_every_kind_of_fault_can_be_asked_for():
    assert set(KINDS) == set(Kind)


def test_a_status_alone_is_a_fault(glacier):
    glacier("vault", "create", "photos")
    glacier("local", "fault", "add", "DescribeVault", "--status", "404", "--times", "1")

    glacier("vault", "show", "photos", exit=Exit.NOT_FOUND)
    glacier("vault", "show", "photos")


@pytest.mark.parametrize(
    "words", [["X"], ["X", "nonsense"], ["X", "status", "when=now"], ["X", "status", "no-equals"]]
)
def test_an_unknown_fault_is_a_usage_error(glacier, words):
    glacier("local", "fault", "add", *words, exit=Exit.USAGE)
