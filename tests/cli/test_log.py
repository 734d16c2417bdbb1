import os
import stat
from pathlib import Path

import pytest

from glaciercli.errors import Exit


def test_verbose_tells_each_request(glacier):
    told = glacier("vault", "create", "photos", "-v").stderr.splitlines()

    assert [line.split(" (")[0] for line in told] == [
        "CreateVault photos: 201",
        "DescribeVault photos: 200",
    ]


def test_verbose_says_nothing_twice(glacier):
    told = glacier("vault", "list", "-v").stderr.splitlines()
    failed = glacier("vault", "show", "nope", "-v", exit=Exit.NOT_FOUND).stderr.splitlines()

    assert told[1:] == ["no vaults in us-east-1"]
    assert failed[1] == "error: vault 'nope' does not exist in us-east-1"


def test_a_log_file_has_requests_talk_and_errors_and_is_private(glacier, tmp_path):
    file = tmp_path / "glacier.log"

    glacier("vault", "list", "--log-file", file, "--quiet")
    glacier("vault", "show", "no\u202epe"[:2] + "pe", "--log-file", file, exit=Exit.NOT_FOUND)

    lines = file.read_text().splitlines()
    assert [line.split(" ", 3)[3].split(":")[0] for line in lines] == [
        "ListVaults -",
        "no vaults in us-east-1",
        "DescribeVault nope",
        "vault 'nope' does not exist in us-east-1",
    ]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_log_file_that_cannot_be_written_is_a_conflict(glacier, tmp_path):
    glacier("vault", "list", "--log-file", tmp_path / "no" / "such", exit=Exit.CONFLICT)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_log_that_runs_full_is_told_once_and_stops_nothing(glacier):
    result = glacier("vault", "create", "photos", "--log-file", "/dev/full")

    assert result.stderr == "log file '/dev/full': No space left on device; its log ends\n"


def test_a_pipe_that_nobody_reads_is_not_waited_for(glacier, tmp_path):
    os.mkfifo(tmp_path / "log")

    glacier("vault", "list", "--log-file", tmp_path / "log", exit=Exit.CONFLICT)


def test_nothing_is_told_unasked(glacier):
    assert glacier("vault", "create", "photos").stderr == ""
