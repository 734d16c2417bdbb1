"""The engine's clock: kept in the store, so that all processes on it agree.

Engine time is a line over real time: `engine + (now - real) * rate`. Rate 1 follows the world,
0 stands still, 60 lets an hour pass in a minute. Every change starts a new line where the old one
had come to, or later; so no change ever takes time back.

In the store and inside the engine an instant is milliseconds since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from glaciercli.local.store import Store, Transaction
from glaciercli.units import format_time, format_time_seconds

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_END = datetime(9998, 1, 1, tzinfo=UTC)  # leaves room for expiry dates before datetime's end


def instant(moment: datetime) -> int:
    """Return a moment as the store keeps it: whole milliseconds since 1970, rounded down."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


LAST = instant(_END)  # the last instant of the engine's calendar


def moment(instant: int) -> datetime:
    """Return what `instant` was given, to the millisecond, in UTC."""
    return _EPOCH + timedelta(milliseconds=instant)


def written(instant: int | None) -> str | None:
    """Return an instant as replies have it, with milliseconds."""
    return None if instant is None else format_time(moment(instant))


def written_seconds(instant: int) -> str:
    """Return an instant as inventories have it, in whole seconds."""
    return format_time_seconds(moment(instant))


class Clock:
    """Reads and sets the engine's time; `source` is the real time, for tests to replace."""

    def __init__(self, store: Store, source: Callable[[], datetime] | None = None) -> None:
        self._store = store
        self._source = source or (lambda: datetime.now(UTC))

    def now(self) -> datetime:
        """Return the engine's time, which may be far from that of the machine."""
        with self._store.read() as db:
            return moment(self.instant(db))

    def instant(self, db: Transaction) -> int:
        """Return the present inside a transaction; at the end of its calendar it stands still."""
        line = db.get("SELECT clock_real, clock_engine, clock_rate FROM engine")
        real = instant(self._source())
        now = line["clock_engine"] + (real - line["clock_real"]) * line["clock_rate"]
        return int(min(now, LAST))

    @property
    def rate(self) -> float:
        """Seconds of the engine's time that pass in one of the machine's; 0 while it stands."""
        with self._store.read() as db:
            return float(db.get("SELECT clock_rate FROM engine")["clock_rate"])

    def advance(self, by: timedelta) -> datetime:
        """Let time pass at once; raises ValueError for a step back."""
        if by < timedelta(0):
            raise ValueError("the engine's clock does not go back")
        return self._set(by=by)

    def freeze(self) -> datetime:
        """Stand still."""
        return self._set(rate=0.0)

    def scale(self, factor: float) -> datetime:
        """Run `factor` times as fast as the world."""
        if not 0 <= factor <= 1e9:
            raise ValueError("a clock's factor is between 0 and 1,000,000,000")
        return self._set(rate=factor)

    def real(self) -> datetime:
        """Keep the world's pace, and its time too unless the engine is ahead of it."""
        return self._set(rate=1.0, at_least=self._source())

    def _set(
        self,
        *,
        by: timedelta = timedelta(0),
        rate: float | None = None,
        at_least: datetime = _EPOCH,
    ) -> datetime:
        with self._store.write() as db:
            now = max(moment(self.instant(db)), at_least)
            if by > _END - now:
                raise ValueError(f"the engine's clock ends in {_END:%Y}")
            now += by
            db.run(
                "UPDATE engine SET clock_real = ?, clock_engine = ?,"
                " clock_rate = coalesce(?, clock_rate)",
                instant(self._source()),
                instant(now),
                rate,
            )
        return now
