import json

import pytest
from helpers import payload, write

from glaciercli.errors import Exit

MIB = 1 << 20


@pytest.fixture
def big(glacier, tmp_path, monkeypatch):
    monkeypatch.setenv("GLACIER_VAULT", "photos")
    file = write(tmp_path / "big.tar", payload(2 * MIB))
    glacier("vault", "create")
    glacier("upload", file)
    return file


def started(glacier, *words):
    return glacier("job", "start", *words, "--output", "json").json


def test_a_retrieval_is_started_waited_for_and_fetched(glacier, big, tmp_path):
    job = started(glacier, "archive", "big.tar", "--tier", "bulk", "--description", "mine")

    assert (job["Tier"], job["JobDescription"]) == ("Bulk", "mine")
    assert glacier("job", "wait", job["JobId"], "--output", "json").json["Completed"]
    glacier("job", "output", job["JobId"][:20], tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == big.read_bytes()
    assert glacier("job", "output", job["JobId"]).raw == big.read_bytes()


@pytest.mark.parametrize("kind", [["archive", "big.tar"], ["inventory"]])
def test_a_description_that_glacier_does_not_take_costs_no_request(glacier, engine, big, kind):
    engine.log.clear()
    result = glacier("job", "start", *kind, "--description", "café", exit=Exit.REFUSED)

    assert "'é' cannot be in a description" in result.stderr
    assert engine.log.count() == 0


def test_starting_a_retrieval_says_that_it_costs(glacier, big):
    said = glacier("job", "start", "archive", "big.tar", "--range", "1MiB-2MiB").stderr

    assert said == "starting a standard retrieval of 1.0 MiB; it costs, and takes its time\n"


def test_a_range_is_retrieved(glacier, big):
    job = started(glacier, "archive", "big.tar", "--range", "1MiB-2MiB")

    assert job["RetrievalByteRange"] == f"{MIB}-{2 * MIB - 1}"
    assert glacier("job", "output", job["JobId"]).raw == big.read_bytes()[MIB:]


def test_an_inventory_is_started_and_fetched(glacier, big):
    job = started(glacier, "inventory", "--format", "json", "--limit", "5")

    inventory = json.loads(glacier("job", "output", job["JobId"]).raw)
    assert [each["Size"] for each in inventory["ArchiveList"]] == [2 * MIB]


def test_a_select_is_started(glacier, big, tmp_path):
    file = write(tmp_path / "log.csv", b"a,1\nb,2\n")
    glacier("upload", file)

    job = started(
        glacier, "select", "log.csv", "--bucket", "results", "--prefix", "log/",
        "--expression", "select * from archive s where s._2 = '2'",
    )  # fmt: skip

    assert job["Action"] == "Select"
    assert job["SelectParameters"]["Expression"].startswith("select")


def test_jobs_are_listed_by_state(glacier, big):
    done = started(glacier, "archive", "big.tar")
    glacier("local", "clock", "--timing", "real")
    running = started(glacier, "archive", "big.tar", "--tier", "expedited")

    assert glacier("job", "list", "--done", "--output", "json").ids == [done["JobId"]]
    assert glacier("job", "list", "--running", "--output", "json").ids == [running["JobId"]]
    succeeded = glacier("job", "list", "--status", "succeeded", "--output", "json")
    assert succeeded.ids == [done["JobId"]]


def test_waiting_has_an_end(glacier, big):
    glacier("local", "clock", "--timing", "real")
    job = started(glacier, "archive", "big.tar")

    glacier("job", "wait", job["JobId"], "--max-wait", "0", exit=Exit.NOT_READY)


def test_an_output_that_is_not_ready_is_for_later(glacier, big):
    glacier("local", "clock", "--timing", "real")
    job = started(glacier, "archive", "big.tar")

    told = glacier("job", "output", job["JobId"], exit=Exit.NOT_READY).stderr
    assert f"glacier job wait {job['JobId']} --vault photos" in told


def test_an_unknown_job_is_not_found(glacier, big):
    assert "nope" in glacier("job", "show", "nope", exit=Exit.NOT_FOUND).stderr


@pytest.mark.parametrize("interval", ["0", "999ms"])
def test_nobody_asks_for_a_job_all_the_time(glacier, interval):
    words = ("job", "wait", "x", "--vault", "photos", "--poll-interval", interval)

    assert "--poll-interval below 1s" in glacier(*words, exit=Exit.USAGE).stderr


def test_what_cannot_be_a_vault_is_not_asked_of_the_service(glacier, big):
    assert "not a vault's name" in glacier("job", "list", "-V", "a/b", exit=Exit.USAGE).stderr
