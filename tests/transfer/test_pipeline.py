"""Ranges from a source to a sink: of a file that is read, into one that is written."""

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from helpers import RecordingProgress, payload

from glaciercli.clients.pace import Pace
from glaciercli.errors import Conflict, IntegrityError, Interrupted, LostReply
from glaciercli.tasks.pool import Halted, Pool
from glaciercli.transfer.meter import Meter
from glaciercli.transfer.parts import Plan
from glaciercli.transfer.pipeline import compare, copy
from glaciercli.transfer.sending import Windows
from glaciercli.transfer.source import Source
from glaciercli.treehash import tree_hash
from glaciercli.units import MIB

DATA = payload(7 * MIB + 5)
RANGES = list(Plan(len(DATA), MIB).ranges())


@dataclass
class Memory:
    """A sink in memory, whose failures can be ordered: by range, one after another."""

    is_ordered: bool = False
    failures: dict[int, list[Exception]] = field(default_factory=dict)
    puts: list[tuple[int, int]] = field(default_factory=list)
    kept: list[tuple[int, int]] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)
    data: bytearray = field(default_factory=lambda: bytearray(len(DATA)))

    def put(self, span, body):
        self.puts.append(span)
        self.threads.add(threading.current_thread().name)
        position = span[0]
        while view := body.read():
            self.data[position : position + len(view)] = view
            position += len(view)
        if ordered := self.failures.get(span[0]):
            raise ordered.pop(0)

    def keep(self, span, hashed):
        assert hashed == tree_hash(DATA[slice(*span)])
        self.kept.append(span)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(DATA)
    return Windows(Source.open(path), linear=False)


@pytest.fixture
def progress():
    return RecordingProgress()


@pytest.fixture
def meter(progress):
    return Meter(Pace(), progress)


@pytest.mark.parametrize("workers", [1, 3, 20])
def test_all_ranges_arrive_and_are_hashed_together(source, meter, progress, workers):
    sink = Memory()

    copied = copy(source, sink, RANGES, Pool(workers), meter)

    assert sink.data == DATA
    assert (copied.size, copied.tree_hash) == (len(DATA), tree_hash(DATA))
    assert sorted(sink.puts) == sorted(sink.kept) == RANGES
    assert sum(progress.counts) == len(DATA)


def test_one_worker_is_the_thread_that_asks(source, meter):
    sink = Memory()

    copy(source, sink, RANGES, Pool(1), meter)

    assert sink.threads == {threading.current_thread().name}


def test_any_executor_will_do(source, meter):
    sink = Memory()

    with ThreadPoolExecutor(2, thread_name_prefix="theirs") as executor:
        copied = copy(source, sink, RANGES, Pool(2, executor), meter)

    assert copied.tree_hash == tree_hash(DATA)
    assert {each.partition("_")[0] for each in sink.threads} == {"theirs"}


def test_an_ordered_sink_is_told_of_ranges_in_order_however_they_end(source, meter):
    sink = Memory(is_ordered=True)
    first, last = threading.Event(), RANGES[3]

    class Slow(Memory):
        def put(self, span, body):
            if span == RANGES[0]:
                assert first.wait(10)  # until the ones after it have come
            super().put(span, body)
            if span == last:
                first.set()

    sink = Slow(is_ordered=True)
    copy(source, sink, RANGES, Pool(4), meter)

    assert sink.puts[0] != RANGES[0]
    assert sink.kept == RANGES


def test_ranges_that_wait_for_their_turn_are_never_more_than_workers(source, meter):
    drawn, kept = [], []

    class Counting(Memory):
        def keep(self, span, hashed):
            kept.append(span)
            assert len(drawn) - len(kept) < 3

    def ranges():
        for span in RANGES:
            drawn.append(span)
            yield span

    copy(source, Counting(is_ordered=True), ranges(), Pool(3), meter)

    assert kept == RANGES


@pytest.mark.parametrize("workers", [1, 4])
def test_a_range_that_is_damaged_or_lost_is_brought_again_alone(source, meter, progress, workers):
    damaged, lost = RANGES[2], RANGES[5]
    failures = {damaged[0]: [IntegrityError("flipped")] * 2, lost[0]: [LostReply("gone")]}
    sink = Memory(failures=failures)

    copied = copy(source, sink, RANGES, Pool(workers), meter)

    assert failures == {damaged[0]: [], lost[0]: []}  # each was delivered
    assert copied.tree_hash == tree_hash(DATA)
    assert sorted(sink.puts) == sorted([*RANGES, damaged, damaged, lost])
    assert sorted(sink.kept) == RANGES
    assert sum(progress.counts) == len(DATA)  # what failed was given back


@pytest.mark.parametrize("workers", [1, 4])
def test_a_range_that_stays_damaged_is_the_error(source, meter, workers):
    failures = {MIB: [IntegrityError(f"flipped {number}") for number in (1, 2, 3)]}
    sink = Memory(failures=failures)

    with pytest.raises(IntegrityError, match="flipped 3"):
        copy(source, sink, RANGES, Pool(workers), meter)

    assert failures == {MIB: []}
    assert RANGES[1] not in sink.kept


def test_what_is_wrong_with_the_source_is_not_told_as_damage(source, meter):
    class Meddler(Memory):
        def put(self, span, body):
            source.source.path.write_bytes(b"another")
            raise IntegrityError("flipped")

    with pytest.raises(Conflict, match="changed"):
        copy(source, Meddler(), RANGES, Pool(1), meter)


def test_only_what_is_missing_is_brought(source, meter, progress):
    there = {span: tree_hash(DATA[slice(*span)]) for span in RANGES[::2]}
    sink = Memory()

    proven = {}
    for span, same in compare(source.source.descriptor, there, Pool(2), meter):
        assert same
        proven[span] = there[span]
    copied = copy(source, sink, RANGES, Pool(2), meter, proven=proven)

    assert sorted(sink.puts) == RANGES[1::2]
    assert (copied.size, copied.tree_hash) == (len(DATA), tree_hash(DATA))
    assert sum(progress.counts) == len(DATA)


def test_nothing_is_brought_where_all_is_proven(source, meter):
    proven, sink = {span: tree_hash(DATA[slice(*span)]) for span in RANGES}, Memory()

    copied = copy(source, sink, RANGES, Pool(4), meter, proven=proven)

    assert (sink.puts, copied.tree_hash) == ([], tree_hash(DATA))


def test_ranges_with_another_hash_are_told(source, meter, progress):
    claims = {span: tree_hash(DATA[slice(*span)]) for span in RANGES} | {RANGES[4]: "0" * 64}

    found = dict(compare(source.source.descriptor, claims, Pool(2), meter))

    assert [span for span, same in found.items() if not same] == [RANGES[4]]
    assert sum(progress.counts) == len(DATA) - MIB


@pytest.mark.parametrize("is_ordered", [False, True])
def test_the_error_of_one_stops_all_and_is_the_one_that_is_raised(source, meter, is_ordered):
    """Not that of a worker that was halted because of it, though its range is the first."""
    stopped = threading.Event()

    class Stuck(Memory):
        def put(self, span, body):
            if span == RANGES[2]:
                raise Conflict("the disk is full")
            try:
                while True:
                    meter.check()
                    time.sleep(0.01)
            except Halted:
                stopped.set()
                raise

    with pytest.raises(Conflict, match="full"):
        copy(source, Stuck(is_ordered=is_ordered), RANGES, Pool(3), meter)

    assert stopped.wait(5)


def test_a_signal_halts_the_workers_at_their_next_block(source, meter):
    begun, stopped, main = threading.Event(), threading.Event(), threading.main_thread()

    class Endless(Memory):
        def put(self, span, body):
            begun.set()
            try:
                while True:
                    meter.check()
                    time.sleep(0.01)
            except Halted:
                stopped.set()
                raise

    def interrupt(number, _):
        raise Interrupted(number)

    def send():
        assert begun.wait(10)
        signal.pthread_kill(main.ident, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, interrupt)
    sender = threading.Thread(target=send)
    sender.start()
    started = time.monotonic()
    try:
        with pytest.raises(Interrupted):
            copy(source, Endless(), RANGES, Pool(3), meter)
    finally:
        signal.signal(signal.SIGUSR1, before)
        sender.join()

    assert stopped.wait(5)
    assert time.monotonic() - started < 15


def test_throttled_workers_leave_the_only_place_to_the_range_that_others_wait_for(source):
    """An ordered sink waits for its oldest range, so nobody may hold its place while waiting."""
    pace = Pace()
    pace._limit = 1.0
    sink = Memory(is_ordered=True)

    assert copy(source, sink, RANGES, Pool(4), Meter(pace)).tree_hash == tree_hash(DATA)


def test_a_body_that_cannot_be_opened_is_an_error_of_the_range(meter):
    class Absent:
        @contextmanager
        def open(self, span, meter):
            raise Conflict(f"{span} is not there")
            yield

    with pytest.raises(Conflict, match="not there"):
        copy(Absent(), Memory(), RANGES, Pool(2), meter)
