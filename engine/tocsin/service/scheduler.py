"""When to tick: slots aligned to the interval, skipped and counted when missed, never twice for one instant."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Due:
    """Tick now, for the instant *at*; *missed* slots were skipped since the last one.

    *forced* says that the wall clock stands before the last committed instant and did not catch up in time.
    """

    at: datetime
    missed: int = 0
    forced: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is due; look again after *seconds*."""

    seconds: float


def slot_of(now: datetime, interval: timedelta) -> datetime:
    """The last multiple of *interval* since 1970 that is not after *now*.

    >>> slot_of(datetime(2026, 11, 23, 12, 0, 7, tzinfo=UTC), timedelta(seconds=15)).second
    0
    """
    return _EPOCH + (now - _EPOCH) // interval * interval


def next_step(
    now: datetime, interval: timedelta, *, last: datetime | None, idle: timedelta, started: bool
) -> Due | Wait:
    """Decide between a tick and a wait.

    *last* is the instant of the last tick or, after a restart, of the last commit; *idle* is the monotonic time since
    the last tick or the start of the process. Where the clock went back, waiting for it to pass *last* ends after two
    intervals. *started* says that this process has ticked: only then a gap counts as missed, for a stop is not an
    overrun.
    """
    slot = slot_of(now, interval)
    if last is None or slot > last:
        gap = (slot - last) // interval - 1 if last is not None and started else 0
        return Due(slot, missed=max(0, gap))
    if slot < slot_of(last, interval) and idle >= 2 * interval:
        return Due(slot, forced=True)
    until = (slot + interval - now).total_seconds()
    return Wait(min(max(until, 0.001), interval.total_seconds()))
