"""Whether a route is quiet, whether maintenance runs, and until when; pure, on the local clock of each zone.

A time interval is about what the clock on the wall shows, as in Alertmanager: a time that clocks skip is never in it,
one that comes twice is in it twice. A maintenance window has one start and lasts as long as it says, in real time,
whatever clocks do meanwhile.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from heapq import merge
from zoneinfo import ZoneInfo

from tocsin.evaluate.calendar import instant, midnight
from tocsin.spec import Digest, Hours, Maintenance, Once, Stretch, Weekly
from tocsin.spec.hours import Range

HORIZON = timedelta(days=400)
"""Nobody is told of an end that lies farther off."""
_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Rest:
    """When a route tells nothing: outside of all *active* intervals, if there are any, and inside of any *mute* one."""

    active: tuple[Hours, ...] = ()
    mute: tuple[Hours, ...] = ()

    def why(self, at: datetime) -> str:
        """Why it is quiet at *at*, in words; empty where it is not."""
        if inside := [hours.name for hours in self.mute if contains(hours, at)]:
            return f"in {', '.join(inside)}"
        if self.active and not any(contains(hours, at) for hours in self.active):
            return f"outside of {', '.join(hours.name for hours in self.active)}"
        return ""

    def until(self, at: datetime) -> datetime | None:
        """When it ends being quiet, if it is at *at*; None for not within the horizon."""
        return _end(self, at.replace(second=0, microsecond=0))


@lru_cache(maxsize=512)
def _end(rest: Rest, at: datetime) -> datetime | None:
    stretches = [stretch for hours in (*rest.active, *rest.mute) for stretch in hours.stretches]
    return next((moment for moment in _changes(stretches, at) if not rest.why(moment)), None)


def contains(hours: Hours, at: datetime) -> bool:
    """Whether *at* lies in one of the stretches."""
    return any(_holds(stretch, at) for stretch in hours.stretches)


def _holds(stretch: Stretch, at: datetime) -> bool:
    local = at.astimezone(ZoneInfo(stretch.location))
    return (
        (not stretch.times or any(a <= local.hour * 60 + local.minute < b for a, b in stretch.times))
        and _in(stretch.weekdays, local.isoweekday() % 7)
        and _in(stretch.months, local.month)
        and _in(stretch.years, local.year)
        and (not stretch.days_of_month or any(_on(day, local.date()) for day in stretch.days_of_month))
    )


def _in(ranges: tuple[Range, ...], value: int) -> bool:
    return not ranges or any(first <= value <= last for first, last in ranges)


def _on(days: Range, local: date) -> bool:
    """Negative days count from the end; a range that begins after the end of this month is not in it."""
    length = ((local.replace(day=28) + timedelta(days=4)).replace(day=1) - _DAY).day
    first, last = (day if day > 0 else length + day + 1 for day in days)
    return first <= length and first <= local.day <= last


def _changes(stretches: Iterable[Stretch], after: datetime) -> Iterator[datetime]:
    """Every instant after *after*, within the horizon, at which one of *stretches* may begin or end; in order."""
    by_zone: dict[str, set[int]] = {}
    for stretch in stretches:
        by_zone.setdefault(stretch.location, set()).update(minute for times in stretch.times for minute in times)
    for moment in merge(*(_of_zone(ZoneInfo(name), minutes, after) for name, minutes in sorted(by_zone.items()))):
        if moment > after + HORIZON:
            return
        if moment > after:
            yield moment


def _of_zone(zone: ZoneInfo, minutes: set[int], after: datetime) -> Iterator[datetime]:
    day = after.astimezone(zone).date() - _DAY
    for number in range(HORIZON.days + 4):
        today, start = day + number * _DAY, midnight(day + number * _DAY, zone)
        end = midnight(today + _DAY, zone)
        found = {start}
        for minute in minutes - {0, 24 * 60}:
            local = datetime.combine(today, time(minute // 60, minute % 60), tzinfo=zone)
            found |= {local.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}
        if start.astimezone(zone).utcoffset() != end.astimezone(zone).utcoffset():
            found.add(_moved(zone, start, end))
        yield from sorted(moment for moment in found if start <= moment < end)


def _moved(zone: ZoneInfo, start: datetime, end: datetime) -> datetime:
    """The minute between *start* and *end* from which on clocks show another offset."""
    before = start.astimezone(zone).utcoffset()
    while end - start > _MINUTE:
        middle = start + ((end - start) // _MINUTE // 2) * _MINUTE
        start, end = (middle, end) if middle.astimezone(zone).utcoffset() == before else (start, middle)
    return end


# --- digests -----------------------------------------------------------------------------------------------


def digest_due(digest: Digest, news: datetime, last: datetime | None) -> datetime:
    """When the digest comes that tells of *news*; *last* is when the one before it came."""
    if digest.every is not None:
        return max(news, last + digest.every.timedelta) if last else news + digest.every.timedelta
    zone = ZoneInfo(digest.timezone)
    day = news.astimezone(zone).date()
    while True:
        moment = _at(day, digest.at, zone)
        if moment > news and (not digest.weekdays or day.isoweekday() % 7 in digest.weekdays):
            return moment
        day += _DAY


def _at(day: date, minute: int, zone: ZoneInfo) -> datetime:
    return instant(datetime.combine(day, time(minute // 60, minute % 60)), zone)


# --- maintenance -------------------------------------------------------------------------------------------


def running(window: Maintenance, at: datetime) -> datetime | None:
    """When the window that *at* lies in ends; None where there is none."""
    when = window.when
    if isinstance(when, Once):
        return when.end if when.start <= at < when.end else None
    end = _weekly_end(when, at)
    for _ in range(7):  # windows that overlap are one
        following = None if end is None else _weekly_end(when, end)
        if following is None:
            break
        end = following
    return end


def _weekly_end(when: Weekly, at: datetime) -> datetime | None:
    zone, length = ZoneInfo(when.timezone), when.duration.timedelta
    today = at.astimezone(zone).date()
    for back in range(length.days + 3):
        day = today - (back - 1) * _DAY
        if day.isoweekday() % 7 in when.weekdays:
            start = _at(day, when.at, zone)
            if start <= at < start + length:
                return start + length
    return None
