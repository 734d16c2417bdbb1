import threading
import time

import pytest

from glaciercli.clients.pace import Pace, may_have_been_applied
from glaciercli.errors import LostReply, StrangeReply, Throttled, Unavailable, Unreachable
from glaciercli.hints import render


class Flaky:
    """Fails with each error in turn, then returns how often it was asked."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.asked = 0

    def __call__(self):
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.asked


def test_failures_are_repeated_until_it_works():
    work = Flaky(Unavailable("a"), LostReply("b"))
    pace = Pace()

    assert pace.run(work) == 3
    assert pace.retries == 2


def test_what_must_not_be_repeated_is_not():
    work = Flaky(LostReply("the reply is lost"))

    with pytest.raises(LostReply):
        Pace().run(work, again=lambda error: not may_have_been_applied(error))
    assert work.asked == 1


def test_only_a_request_that_surely_did_nothing_is_harmless():
    assert may_have_been_applied(Unavailable("500"))
    assert may_have_been_applied(LostReply("reset"))
    assert not may_have_been_applied(Throttled("slow down"))
    assert not may_have_been_applied(Unreachable("refused"))


def test_what_a_lost_request_made_is_found_instead_of_made_again():
    work = Flaky(LostReply("the reply is lost"))

    assert Pace().run(work, recover=lambda _: 42) == 42
    assert work.asked == 1


def test_a_reply_that_says_what_cannot_be_is_asked_for_three_times():
    work = Flaky(*[StrangeReply("2^55 bytes")] * 9)

    with pytest.raises(StrangeReply):
        Pace().run(work)
    assert work.asked == 3


def test_a_server_without_progress_is_given_up_with_what_was_tried():
    started = time.monotonic()

    with pytest.raises(Unavailable, match="down.*given up after 1 s") as caught:
        Pace(timeout=1).run(Flaky(*[Unavailable("down")] * 99))
    assert render(caught.value.hint)
    assert time.monotonic() - started < 5


def test_bytes_that_move_renew_the_patience():
    pace = Pace(timeout=0.6)
    failing = [Unavailable("down")] * 4

    def work():
        if failing:
            pace.note_progress()  # as another worker would
            raise failing.pop()
        return "through"

    assert pace.run(work) == "through"


def test_retry_after_is_honoured():
    started = time.monotonic()
    Pace().run(Flaky(Throttled("slow down", retry_after=1)))

    assert time.monotonic() - started >= 1


@pytest.mark.parametrize("kind", [Throttled, Unavailable])
def test_a_retry_after_beyond_the_timeout_is_not_waited_for(kind):
    started = time.monotonic()
    with pytest.raises(kind, match="given up"):
        Pace(timeout=0.3).run(Flaky(*[kind("later", retry_after=60)] * 9))

    assert 0.3 <= time.monotonic() - started < 5


def test_throttling_of_one_worker_slows_all():
    pace = Pace()
    times = []
    throttled = threading.Event()

    def first():
        if not throttled.is_set():
            throttled.set()
            raise Throttled("slow down", retry_after=1)

    other = threading.Thread(target=lambda: pace.run(first))
    other.start()
    throttled.wait()
    time.sleep(0.1)  # the brake is on once the failed attempt has ended
    started = time.monotonic()
    pace.run(lambda: times.append(time.monotonic()))
    other.join()

    assert times[0] - started > 0.5


def test_a_stop_ends_the_waiting():
    stop = threading.Event()
    pace = Pace(stop=stop)
    threading.Timer(0.2, stop.set).start()
    started = time.monotonic()

    with pytest.raises(Unavailable):
        pace.run(Flaky(*[Unavailable("down", retry_after=60)] * 9))
    assert time.monotonic() - started < 5


def test_bandwidth_is_shared_by_all_workers():
    pace = Pace(bandwidth=1_000_000)
    started = time.monotonic()
    workers = [
        threading.Thread(target=lambda: [pace.spend(25_000) for _ in range(10)]) for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    # A million bytes at a million a second; what the last worker sent need not be waited for.
    assert 0.85 <= time.monotonic() - started < 3


def test_bytes_that_are_given_back_cost_no_time():
    pace = Pace(bandwidth=1)
    started = time.monotonic()
    pace.spend(-1_000_000)
    pace.spend(0)

    assert time.monotonic() - started < 1
