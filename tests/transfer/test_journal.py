import errno
import json
import multiprocessing
import os
import stat
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glaciercli.errors import Conflict, Refused
from glaciercli.transfer.journal import Journal, iter_journals, sweep


def kinds(journal):
    return [line["kind"] for line in journal.found]


def line(**fields):
    text = json.dumps(fields).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


@pytest.fixture
def written(tmp_path):
    with Journal.open(tmp_path, "key") as journal:
        for kind in ("one", "two", "three"):
            journal.append(kind, text="\u2028 ü")
    return tmp_path / "key.journal"


def test_lines_are_read_back(tmp_path, written):
    with Journal.open(tmp_path, "key") as journal:
        assert kinds(journal) == ["one", "two", "three"]
        assert journal.found[0]["text"] == "\u2028 ü"


def test_every_prefix_loads_to_a_prefix_and_can_be_appended_to(tmp_path, written):
    data = written.read_bytes()
    for length in range(len(data) + 1):
        written.write_bytes(data[:length])
        written.chmod(0o600)
        with Journal.open(tmp_path, "key") as journal:
            before = kinds(journal)
            assert before == ["one", "two", "three"][: data[:length].count(b"\n")]
            journal.append("more")
        with Journal.open(tmp_path, "key") as journal:
            assert kinds(journal) == [*before, "more"]
    assert not list(tmp_path.glob("*.damaged*"))  # torn is normal, not damaged


def test_errors_of_the_disk_name_the_journal(tmp_path, written, monkeypatch):
    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    with Journal.open(tmp_path, "key") as journal:
        monkeypatch.setattr(os, "fsync", fail)
        for write in (lambda: journal.append("more"), journal.restart):
            with pytest.raises(Conflict, match=r"key\.journal.*Input/output"):
                write()
    with pytest.raises(OSError, match="Input/output") as caught:
        Journal.open(tmp_path, "key")

    assert caught.value.filename == str(tmp_path)


def test_a_damaged_line_is_skipped_and_a_copy_set_aside(tmp_path, written):
    data = bytearray(written.read_bytes())
    data[data.index(b"two")] ^= 1
    written.write_bytes(data)

    with Journal.open(tmp_path, "key") as journal:
        assert kinds(journal) == ["one", "three"]
    [copy] = tmp_path.glob("*.damaged*")
    assert copy.read_bytes() == data


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_random_content_gives_no_lines_or_a_conflict(tmp_path_factory, data):
    directory = tmp_path_factory.mktemp("journals")
    (directory / "key.journal").write_bytes(data)
    (directory / "key.journal").chmod(0o600)

    with Journal.open(directory, "key") as journal:
        assert journal.found == []


def test_deep_json_is_only_damage(tmp_path):
    text = b"[" * 30_000
    (tmp_path / "key.journal").write_bytes(b"%08x %s\n" % (zlib.crc32(text), text))
    (tmp_path / "key.journal").chmod(0o600)

    with Journal.open(tmp_path, "key") as journal:
        assert journal.found == []


def test_a_future_version_is_refused_by_name(tmp_path):
    (tmp_path / "key.journal").write_bytes(line(v=2, kind="new"))
    (tmp_path / "key.journal").chmod(0o600)

    for _ in range(2):  # and the lock is let go of
        with pytest.raises(Conflict, match=r"newer glacier \(format 2\)"):
            Journal.open(tmp_path, "key")
    assert (tmp_path / "key.journal").read_bytes() == line(v=2, kind="new")


def test_a_directory_that_others_can_write_is_refused(tmp_path):
    """They could remove a journal, and with it what was paid for."""
    tmp_path.chmod(0o777)

    with pytest.raises(Refused, match="directory .*other.* user"):
        Journal.open(tmp_path, "key")


def test_a_link_or_a_file_of_others_is_not_opened(tmp_path, written):
    (tmp_path / "link.journal").symlink_to(written)
    with pytest.raises(Conflict, match="cannot open"):
        Journal.open(tmp_path, "link")
    written.chmod(0o666)
    with pytest.raises(Conflict, match="can be written by other users"):
        Journal.open(tmp_path, "key")


def test_journals_are_private_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        with Journal.open(tmp_path / "a" / "b", "key") as journal:
            journal.append("one")
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "a" / "b" / "key.journal").stat().st_mode) == 0o600


def test_an_empty_journal_leaves_no_file(tmp_path):
    with Journal.open(tmp_path, "key"):
        pass

    assert not list(tmp_path.iterdir())


def _hold(directory, opened, release):
    with Journal.open(directory, "key") as journal:
        journal.append("held")
        opened.set()
        release.wait(20)
        journal.forget()


def test_a_second_process_is_told_and_goes_on_when_the_first_is_gone(tmp_path):
    context = multiprocessing.get_context("spawn")
    opened, release = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(tmp_path, opened, release))
    process.start()
    assert opened.wait(20)
    try:
        with pytest.raises(Conflict, match="another run"):
            Journal.open(tmp_path, "key")
    finally:
        release.set()
        process.join(20)

    with Journal.open(tmp_path, "key") as journal:
        assert journal.found == []


def test_a_full_disk_leaves_no_half_line(tmp_path, written):
    if not hasattr(os, "fork"):
        pytest.skip("limits a child's file size")
    size = written.stat().st_size
    pid = os.fork()
    if pid == 0:
        import resource
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        journal = Journal.open(tmp_path, "key")
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, resource.RLIM_INFINITY))
        try:
            journal.append("four", text="x" * 100)
        except Conflict as error:
            os._exit(7 if "File too large" in error.message else 8)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7  # the fault was delivered

    assert written.stat().st_size == size


def test_listing_skips_what_it_cannot_read(tmp_path, written):
    (tmp_path / "other.journal").write_bytes(b"nonsense\n")
    (tmp_path / "other.journal").chmod(0o600)

    assert {path.stem: len(lines) for path, lines in iter_journals(tmp_path)} == {
        "key": 3,
        "other": 0,
    }


def test_journals_that_say_nothing_are_swept_away_but_not_from_under_a_run(tmp_path):
    for content, key in ((b"", "empty"), (b"12345678 {to", "torn"), (b"", "held")):
        (tmp_path / f"{key}.journal").write_bytes(content)
    with Journal.open(tmp_path, "spoken") as journal:
        journal.append("upload")
    held = Journal.open(tmp_path, "held")
    sweep(tmp_path)

    assert {path.stem for path in tmp_path.iterdir()} == {"held", "spoken"}
    held.close()


def test_what_the_system_takes_and_gives_in_pieces_is_whole(tmp_path, monkeypatch):
    write, read = os.write, os.preadv
    monkeypatch.setattr(os, "write", lambda number, data: write(number, data[:3]))
    monkeypatch.setattr(os, "preadv", lambda number, views, at: read(number, [views[0][:5]], at))
    with Journal.open(tmp_path, "key") as journal:
        journal.append("one", text="x" * 100)
    with Journal.open(tmp_path, "key") as journal:
        assert [each["text"] for each in journal.found] == ["x" * 100]


def test_a_journal_that_cannot_be_read_hides_no_other(tmp_path, written):
    (tmp_path / "aaa.journal").mkdir()
    (tmp_path / "bbb.journal").touch(mode=0o666)
    (tmp_path / "bbb.journal").chmod(0o666)

    assert [path.name for path, _ in iter_journals(tmp_path)] == ["key.journal"]
