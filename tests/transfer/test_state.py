"""Both directions' journals: the state at hand is the one that a later run reads."""

import shlex
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from glaciercli.clients.glacier import Target
from glaciercli.clients.session import connect
from glaciercli.errors import Conflict
from glaciercli.hints import render
from glaciercli.models import Archive
from glaciercli.transfer.download_journal import DownloadJournal
from glaciercli.transfer.journal import Journal, key_of
from glaciercli.transfer.source import Identity
from glaciercli.transfer.upload_journal import UploadJournal, known
from glaciercli.transfer.upload_state import Intent, Run

NOW = datetime(2020, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
RUN = Run("nas", "0" * 36, "1:2")
INTENT = Intent("v", "n", "/n", Identity(1, 2, 3, 4), 1 << 20, "t", "d", NOW, NOW, RUN)
UPLOAD = (
    ("begin", INTENT),
    ("single", "2" * 64, NOW),
    ("done", Archive("b", "v", size=3, created=NOW)),
    ("begin", INTENT),
    ("opened", "u", None),
    ("completing", "0" * 64, 3, NOW),
    ("uncertain",),
    ("reopened",),
    ("completing", "1" * 64, 3, NOW),
    ("done", Archive("a", "v", size=3, created=NOW)),
    ("begin", INTENT),
)
DOWNLOAD = (
    ("begin", "a", Path("/n")),
    ("retrieval", "t"),
    ("job", "j"),
    ("range", 0, 3, "0" * 64),
    ("placing", 3, "0" * 64),
    ("done",),
    ("begin", "a", Path("/n")),
)


@pytest.mark.parametrize(("kind", "acts"), [(UploadJournal, UPLOAD), (DownloadJournal, DOWNLOAD)])
def test_after_every_line_a_later_run_reads_the_state_at_hand(tmp_path, kind, acts):
    seen = []
    for act, *arguments in acts:
        with kind(Journal.open(tmp_path, "x")) as journal:
            getattr(journal, act)(*arguments)
            at_hand = journal.state
        with kind(Journal.open(tmp_path, "x")) as journal:
            assert journal.state == at_hand
        seen.append(at_hand)

    assert seen[0] == seen[-1]  # another transfer knows nothing of the one before
    assert seen[-1] != seen[-2]


@pytest.mark.parametrize("kind", [UploadJournal, DownloadJournal])
@pytest.mark.parametrize("line", [{"kind": "nonsense"}, {"kind": "placing"}, {"kind": "opened"}])
def test_lines_that_make_no_sense_are_a_conflict_that_names_the_file(tmp_path, kind, line):
    with Journal.open(tmp_path, "x") as journal:
        journal.append(**line)

    for _ in range(2):  # and the lock is let go of
        with pytest.raises(Conflict, match="does not make sense") as caught:
            kind(Journal.open(tmp_path, "x"))
    assert f"rm {tmp_path / 'x.journal'}" in render(caught.value.hint)


def test_a_listing_goes_on_past_a_journal_that_makes_no_sense(tmp_path):
    directory = tmp_path / UploadJournal.directory
    with Journal.open(directory, "bad") as journal:
        journal.append("nonsense")
    with UploadJournal(Journal.open(directory, "good")) as journal:
        journal.begin(INTENT)

    assert [state.intent for state in known(tmp_path)] == [INTENT]


def test_the_way_out_can_be_pasted_where_the_home_has_a_blank(tmp_path):
    """As it has by default on macOS: rm of two halves would be another's loss."""
    home = tmp_path / "Application Support"
    with Journal.open(home, "x") as journal:
        journal.append("nonsense")

    with pytest.raises(Conflict) as caught:
        DownloadJournal(Journal.open(home, "x"))
    command = render(caught.value.hint).partition(",")[0]
    assert shlex.split(command) == ["rm", str(home / "x.journal")]


@pytest.mark.parametrize(
    ("former", "now"),
    [
        ("http://localhost:8480", "http://127.0.0.1:8480"),
        ("http://[::1]:8480", "http://localhost:8480/"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("https://Glacier.Example:443", "https://Glacier.Example:443"),
        ("https://glacier.us-east-1.amazonaws.com", None),
        ("aws", "https://glacier.us-east-1.amazonaws.com/"),
    ],
)
def test_a_journal_is_found_under_what_earlier_versions_called_the_place(tmp_path, former, now):
    key = key_of(former, "-", "us-east-1", "v", "/n")
    with UploadJournal(Journal.open(tmp_path / UploadJournal.directory, key)) as journal:
        journal.begin(INTENT)
    client = connect(Target(region="us-east-1", endpoint_url=now))

    assert UploadJournal.is_there(client, tmp_path, "v", "/n")
    with UploadJournal.open(client, tmp_path, "v", "/n") as journal:
        assert journal.state.intent == INTENT
        journal.forget()
    assert not UploadJournal.is_there(client, tmp_path, "v", "/n")


def test_a_place_and_a_rehearsal_have_journals_of_their_own(tmp_path):
    key = key_of("aws", "-", "us-east-1", "v", "/n")
    with UploadJournal(Journal.open(tmp_path / UploadJournal.directory, key)) as journal:
        journal.begin(INTENT)
    client = connect(Target(region="us-east-1", endpoint_url="http://127.0.0.1:8480"))

    with UploadJournal.open(client, tmp_path, "v", "/n") as journal:
        assert journal.state.intent is None


def test_ranges_that_workers_tell_of_at_once_are_all_in_the_state(tmp_path):
    """Each line's state is made of the one before it, so that none is lost between threads."""
    with DownloadJournal(Journal.open(tmp_path, "x")) as journal:
        journal.begin("a", Path("/n"))
        with ThreadPoolExecutor(8) as workers:
            list(workers.map(lambda at: journal.range(at, at + 1, "0" * 64), range(200)))
        at_hand = journal.state
    with DownloadJournal(Journal.open(tmp_path, "x")) as journal:
        assert journal.state == at_hand
        assert len(at_hand.ranges) == 200
