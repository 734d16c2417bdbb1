"""An upload's journal: which line may follow, which run began it, which questions it keeps."""

import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from glaciercli.models import Archive
from glaciercli.transfer.journal import Journal
from glaciercli.transfer.source import Identity
from glaciercli.transfer.upload_journal import UploadJournal
from glaciercli.transfer.upload_state import Intent, Run, Stage, UploadState

NOW = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
HERE = Run("nas", "this start", "1:2")
INTENT = Intent("v", "n", "/n", Identity(1, 2, 3, 4), 1 << 20, "first", "d", NOW, NOW)
NEXT = replace(INTENT, token="second")
DONE = Archive("a", "v", size=3, created=NOW)


@pytest.fixture
def opened(tmp_path):
    """Open the journal; each time what a later run reads is what is at hand."""

    def run():
        return UploadJournal(Journal.open(tmp_path, "x"))

    return run


def completing(journal):
    journal.opened("u", None)
    journal.completing("0" * 64, 3, LATER)


def single(journal):
    journal.single("0" * 64, LATER)


@pytest.mark.parametrize("leave", [completing, single])
def test_an_upload_that_may_be_stored_stays_as_a_question_when_the_next_begins(opened, leave):
    with opened() as journal:
        journal.begin(INTENT)
        leave(journal)
        journal.begin(NEXT)
    with opened() as journal:
        state = journal.state
        [earlier] = state.earlier

    assert (state.token, state.may_be_stored, state.is_ending) == ("second", False, False)
    assert (earlier.token, earlier.tree_hash, earlier.asked) == ("first", "0" * 64, LATER)


@pytest.mark.parametrize(
    "decide",
    [UploadJournal.not_stored, UploadJournal.reopened, lambda journal: journal.done(DONE)],
)
def test_what_is_decided_is_no_question(opened, decide):
    with opened() as journal:
        journal.begin(INTENT)
        completing(journal)
        decide(journal)
        journal.begin(NEXT)
        assert journal.state.earlier == ()
    with opened() as journal:
        assert [line["kind"] for line in journal._journal.found] == ["upload"]


def test_a_journal_stays_for_its_questions_and_goes_when_they_are_answered(opened, tmp_path):
    with opened() as journal:
        for intent in (INTENT, NEXT):
            journal.begin(intent)
            completing(journal)
        journal.done(DONE)
        journal.end()
    with opened() as journal:
        [earlier] = journal.state.earlier
        assert (journal.state.is_ending, journal.state.over) == (False, True)
        journal.answered(earlier)
        journal.end()

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("other", "may_live"),
    [
        ({}, False),
        ({"host": "laptop"}, True),
        ({"host": "laptop", "boot": None, "file": "3:4"}, True),
        ({"boot": "an earlier start"}, False),
        ({"boot": "an earlier start", "file": "3:4"}, False),
        ({"file": "3:4"}, True),
    ],
)
def test_a_run_may_live_on_another_machine_or_in_another_home(other, may_live):
    assert replace(HERE, **other).may_live_beside(HERE) == may_live


def test_where_starts_have_no_names_a_copy_of_the_journal_is_told_by_its_file():
    here = replace(HERE, boot=None)

    assert replace(here, file="3:4").may_live_beside(here)
    assert not here.may_live_beside(here)


def test_a_copy_of_a_journal_is_told_from_it(opened, tmp_path):
    with opened() as journal:
        journal.begin(INTENT)
        assert not journal.may_be_run_elsewhere
    (tmp_path / "y.journal").write_bytes((tmp_path / "x.journal").read_bytes())
    (tmp_path / "y.journal").chmod(0o600)
    with UploadJournal(Journal.open(tmp_path, "y")) as copy:
        assert copy.may_be_run_elsewhere


BEGUN = {"begun": lambda journal: journal.begin(INTENT)}
LINES = {
    "begin": lambda journal: journal.begin(NEXT),
    "single": single,
    "opened": lambda journal: journal.opened("u", None),
    "completing": lambda journal: journal.completing("0" * 64, 3, LATER),
    "uncertain": UploadJournal.uncertain,
    "reopened": UploadJournal.reopened,
    "not_stored": UploadJournal.not_stored,
    "done": lambda journal: journal.done(DONE),
}
OPEN = ["begun", "opened"]
ASKED = [*OPEN, "completing"]


@pytest.mark.parametrize(
    ("written", "allowed"),
    [
        ([], "begin"),
        (["begun"], "begin single opened"),
        (["begun", "single"], "begin done"),
        (OPEN, "begin completing reopened"),
        (ASKED, "begin uncertain reopened not_stored done"),
        ([*ASKED, "uncertain"], "begin reopened not_stored done"),
        ([*ASKED, "reopened"], "begin completing reopened"),
        ([*ASKED, "uncertain", "not_stored"], "begin completing reopened"),
        ([*ASKED, "done"], "begin"),
    ],
)
def test_a_line_that_may_not_follow_is_refused_and_not_written(tmp_path, written, allowed):
    taken = []
    for name, write in LINES.items():
        with UploadJournal(Journal.open(tmp_path, name)) as journal:
            for each in written:
                (BEGUN | LINES)[each](journal)
            before = (tmp_path / f"{name}.journal").read_bytes()
            with contextlib.suppress(RuntimeError):
                write(journal)
            if (tmp_path / f"{name}.journal").read_bytes() != before:
                taken.append(name)

    assert taken == allowed.split()


def test_only_a_question_that_was_asked_is_answered(opened):
    with opened() as journal:
        journal.begin(INTENT)
        completing(journal)
        journal.begin(NEXT)
        with pytest.raises(RuntimeError):
            journal.answered(journal.state)
        [earlier] = journal.state.earlier
        journal.answered(earlier)
        with pytest.raises(RuntimeError):
            journal.answered(earlier)


def test_lines_that_could_not_be_written_are_read_for_what_they_say(tmp_path):
    """Those between them may be lost to a bad sector."""
    with Journal.open(tmp_path, "x") as journal:
        journal.append("upload", **INTENT.as_json())
        journal.append("uncertain")
        journal.append("done", archive=DONE.as_json())
        journal.append("completing", tree_hash="0" * 64, size=3, time="2020-01-02T03:04:05Z")
    with UploadJournal(Journal.open(tmp_path, "x")) as journal:
        assert journal.state.stage is Stage.DONE
        journal.begin(NEXT)
        assert journal.state == UploadState(journal.intent)


def test_a_line_makes_a_new_state_and_leaves_the_one_before(opened):
    with opened() as journal:
        journal.begin(INTENT)
        begun = journal.state
        journal.opened("u", None)
        is_open = journal.state
        journal.completing("0" * 64, 3, LATER)

    assert (begun.stage, is_open.stage) == (Stage.BEGUN, Stage.OPEN)
    assert journal.state.stage is Stage.COMPLETING


def test_a_second_completion_is_not_uncertain_because_the_first_was(opened):
    with opened() as journal:
        journal.begin(INTENT)
        completing(journal)
        journal.uncertain()
        journal.reopened()
        journal.completing("1" * 64, 3, LATER)

        assert journal.state.stage is Stage.COMPLETING
