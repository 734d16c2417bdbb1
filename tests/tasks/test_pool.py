import threading
import time

import pytest

from glaciercli.errors import Conflict
from glaciercli.tasks.pool import Halt, Halted, Pool


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_every_item_is_done_once(workers):
    assert sorted(Pool(workers).map(lambda each: each * 2, range(50))) == list(range(0, 100, 2))


def test_no_items_are_no_results():
    assert list(Pool(0).map(str, [])) == []
    assert list(Pool(4).map(str, [])) == []


def test_workers_run_at_once_and_no_more_than_there_are():
    barrier = threading.Barrier(3, timeout=10)
    running, most, lock = 0, 0, threading.Lock()

    def work(_):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        barrier.wait()
        with lock:
            running -= 1

    list(Pool(3).map(work, range(9)))

    assert most == 3


@pytest.mark.parametrize("workers", [1, 4])
def test_the_first_error_stops_the_others_and_is_raised(workers):
    halt, done = Halt(), []

    def work(number):
        if number == 5:
            raise Conflict("five")
        halt.check()
        done.append(number)

    with pytest.raises(Conflict, match="five"):
        list(Pool(workers).map(work, range(10_000), halt))
    assert len(done) < 1000


def test_an_error_of_the_items_themselves_is_raised():
    def items():
        yield 1
        raise Conflict("the stream broke")

    with pytest.raises(Conflict, match="stream"):
        list(Pool(3).map(str, items()))


def test_items_are_drawn_only_when_a_worker_is_free():
    drawn, release = [], threading.Event()

    def items():
        for number in range(100):
            drawn.append(number)
            yield number

    results = Pool(3).map(lambda _: release.wait(10), items())
    starter = threading.Thread(target=lambda: next(results))
    starter.start()
    deadline = time.monotonic() + 5
    while len(drawn) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert len(drawn) == 3
    release.set()
    starter.join()
    results.close()


def test_leaving_early_halts_the_workers():
    halt = Halt()
    started = time.monotonic()

    def work(number):
        if number == 0:
            return number
        while True:
            halt.check()
            time.sleep(0.01)

    for _ in Pool(2).map(work, range(100), halt):
        break
    else:
        raise AssertionError

    assert time.monotonic() - started < 5
    with pytest.raises(Halted):
        halt.check()
