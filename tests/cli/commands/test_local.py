import json
import os
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import boto3
from helpers import payload, write

from glaciercli.errors import Exit
from glaciercli.units import parse_time


def test_the_clock_is_advanced_frozen_and_scaled(glacier):
    before = glacier("local", "clock", "--output", "json").json
    after = glacier("local", "clock", "advance", "5h", "--output", "json").json

    moved = parse_time(after["now"]) - parse_time(before["now"])
    assert timedelta(hours=5) <= moved < timedelta(hours=5, minutes=1)
    assert (before["rate"], after["rate"]) == (1.0, 1.0)
    assert glacier("local", "clock", "freeze", "--output", "json").json["rate"] == 0.0
    scaled = glacier("local", "clock", "scale", "60", "--timing", "real", "--output", "json")
    assert (scaled.json["rate"], scaled.json["timing"]) == (60.0, "real")
    assert glacier("local", "clock", "real", "--output", "json").json["rate"] == 1.0
    for words in (["advance"], ["scale", "fast"], ["freeze", "5h"], ["advance", "soon"]):
        glacier("local", "clock", *words, exit=Exit.USAGE)


def test_a_directory_that_is_no_store_is_a_conflict(glacier, tmp_path):
    file = write(tmp_path / "not-a-directory", payload(10))

    glacier("local", "info", "--local-root", file, exit=Exit.CONFLICT)
    glacier("vault", "list", "--local-root", file, exit=Exit.CONFLICT)


def test_info_counts_what_there_is(glacier):
    glacier("vault", "create", "photos")

    assert glacier("local", "info", "--output", "json").json["vaults"] == 1
    assert glacier("local", "verify", "--output", "json").json == []
    assert glacier("local", "notifications", "--output", "json").json == []


def test_what_would_be_billed_is_told_and_begun_anew(glacier, tmp_path):
    assert glacier("local", "info").lines[-1] == "Paid requests  0"
    glacier("vault", "create", "photos")
    file = write(tmp_path / "a.tar", payload(5))
    glacier("upload", file, "--vault", "photos")
    out = tmp_path / "b.tar"
    glacier("archive", "download", "a.tar", out, "-V", "photos", "--tier", "bulk")
    glacier("archive", "delete", "a.tar", "-V", "photos", "--yes")
    told = glacier("local", "info", "--reset-meter", "--output", "json").json["metered"]

    assert sum(told["requests"].values()) == 4
    assert (told["retrievals"], told["retrievedBytes"]) == ({"Bulk": 1}, {"Bulk": 5})
    assert (told["servedBytes"], told["earlyDeletedBytes"], told["since"]) == (5, 5, None)
    anew = glacier("local", "info", "--output", "json").json["metered"]
    assert (anew["requests"], anew["servedBytes"]) == ({}, 0)
    assert anew["since"]


def test_serving_speaks_to_any_client_and_ends_well_when_stopped(clean_env):
    """In a process of its own, since it ends by a signal."""
    command = ["local", "serve", "--port", "0", "--access-log", "--account-id", "111122223333"]
    words = [sys.executable, "-m", "glaciercli", *command]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    ) as server:
        said, _, url = server.stdout.readline().strip().rpartition(" ")
        assert said == "Serving Glacier on"
        client = boto3.client("glacier", endpoint_url=url, region_name="us-east-1")
        client.create_vault(vaultName="photos")
        listed = client.list_vaults(accountId="111122223333")["VaultList"]
        client.close()
        server.send_signal(signal.SIGTERM)
        _, stderr = server.communicate(timeout=10)

    arns = [each["VaultARN"] for each in listed]
    assert arns == ["arn:aws:glacier:us-east-1:111122223333:vaults/photos"]
    assert server.returncode == 0
    assert "CreateVault" in stderr or "PUT /-/vaults/photos" in stderr
    assert stderr.endswith("stopped\n")


def test_serving_refuses_the_outside(glacier):
    glacier("local", "serve", "--host", "0.0.0.0", exit=Exit.USAGE)
    glacier("local", "serve", "--auth", "strict", exit=Exit.USAGE)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        taken = glacier("local", "serve", "--port", port, exit=Exit.CONFLICT).stderr
    assert (
        taken.splitlines()[0] == f"error: cannot listen on 127.0.0.1:{port}: Address already in use"
    )


def test_times_of_the_clock_are_utc(glacier):
    now = parse_time(glacier("local", "clock", "--output", "json").json["now"])

    assert abs(now - datetime.now(UTC)) < timedelta(minutes=1)
    assert json.dumps(now.isoformat())
