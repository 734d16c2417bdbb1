"""Start-up against the AWS CLI's, which people wait for already.

Needs an `aws` on the PATH; the wall time is what a person feels, so here it judges.
"""

import shutil
import sys

import pytest
from benchmarks import Sink, in_turn, run, tell

pytestmark = pytest.mark.bench


@pytest.fixture
def aws(home):
    program = shutil.which("aws")
    if program is None:
        pytest.skip("no aws on the PATH to compare with")
    return lambda *words: lambda: run(program, *words, env=home)


def test_help_and_completion(glacier, home, aws):
    asked = {
        **home,
        "_GLACIER_COMPLETE": "bash_complete",
        "COMP_WORDS": "glacier va",
        "COMP_CWORD": "1",
    }
    cost = in_turn(
        7,
        help=glacier("--help"),
        completion=lambda: run(sys.executable, "-m", "glaciercli", env=asked),
        aws=aws("--version"),
    )

    tell(
        "start-up",
        [
            (
                "glacier --help, wall against aws --version",
                cost["help"].wall / cost["aws"].wall,
                0.25,
            ),
            (
                "completion, wall against aws --version",
                cost["completion"].wall / cost["aws"].wall,
                0.25,
            ),
        ],
    )


def test_one_call(glacier, aws):
    with Sink() as sink:
        words = ["--endpoint-url", sink.url]
        cost = in_turn(
            7,
            ours=glacier(*words, "vault", "list"),
            aws=aws("glacier", "list-vaults", "--account-id", "-", *words),
        )

    tell(
        "one call",
        [("wall against aws glacier list-vaults", cost["ours"].wall / cost["aws"].wall, 0.70)],
    )
