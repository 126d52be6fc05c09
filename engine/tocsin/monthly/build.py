"""From the intervals of a month to its report. Pure: times come in, and nothing is asked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from itertools import groupby
from zoneinfo import ZoneInfo

from tocsin.evaluate.calendar import midnight
from tocsin.evaluate.measures import UNIT, Interval, Mark, excluded, tally
from tocsin.evaluate.measures.base import MS, shares
from tocsin.evaluate.model import SlaStatus
from tocsin.evaluate.sla import NEVER, Account, account, judge, too_little
from tocsin.monthly.model import Day, Month, Outage, Seen
from tocsin.monthly.words import credit_words, length
from tocsin.spec import Exclusion, Sla


def month_of(
    sla: Sla,
    start: datetime,
    end: datetime,
    intervals: Sequence[Interval],
    *,
    seen: Seen = Seen(),  # noqa: B008 - frozen
) -> Month:
    """Report on the complete *intervals* of the month [start, end).

    Where too little of it was *seen* there is no credit, and no breach but one that all that nobody saw cannot undo.
    """
    zone = ZoneInfo(sla.timezone)
    found = account(sla, intervals)
    never = bool(intervals) and found.coverage is None
    seen = replace(seen, coverage=0.0 if never else found.coverage if intervals else None)
    status = judge(sla, start, end, intervals, floor=seen.floor).status
    measured_to = intervals[-1].end if intervals else start
    uptime = found.so_far.uptime()
    removed_later, _ = excluded(measured_to, end, sla.exclusions)
    whole = found.so_far.weight + (end - measured_to) // MS - removed_later
    good = {one.start: one.good for one in found.known if one.good is not None}
    outages = tuple(_outages(sla, found, good, (start, end)))
    unseen = tuple(_unseen_stretches(found.known))
    return Month(
        sla=sla,
        name=f"{start.astimezone(zone):%Y-%m}",
        start=start,
        end=end,
        measured_to=measured_to,
        uptime=uptime,
        bare=tally(found.raw).uptime(),
        breached=status.breached,
        credit=status.credit,
        verdict=_verdict(sla, found, over=measured_to >= end)
        if seen.enough and not never
        else _unseen(found, seen, status),
        tally=found.so_far,
        events=found.events,
        allowed=whole * (1 - Fraction(sla.target)),
        used=found.so_far.down(),
        curve=tuple(_curve(start, found.marks, sla.exclusions)),
        days=tuple(_days(found, sla.exclusions, zone, unseen)),
        outages=outages,
        taken=tuple(one for one in found.taken if one.exclusion.start < end and one.exclusion.end > start),
        seen=seen,
        unseen=unseen,
    )


def _unseen_stretches(known: Sequence[Interval]) -> Iterator[tuple[datetime, datetime]]:
    """Intervals that follow each other and that nobody saw."""
    for seen, each in groupby(known, lambda one: one.seen):
        if not seen:
            run = list(each)
            yield run[0].start, run[-1].end


def _unseen(found: Account, seen: Seen, status: SlaStatus) -> str:
    if found.coverage is None:
        return NEVER
    told = "it is breached, however good what nobody saw was, but no credit can be told"
    return f"{told if status.breached else 'neither breach nor credit can be told'}: {too_little(found, seen.floor)}"


def _verdict(sla: Sla, found: Account, *, over: bool) -> str:
    uptime = found.so_far.uptime()
    if uptime is not None and not found.enough(sla):
        minimum = sla.measure.minimum_events
        return f"{int(found.events or 0):,} events are fewer than the {minimum:,} of the contract: no breach, no credit"
    words = credit_words(uptime, sla.target, sla.credits)
    return words if over or uptime is None else f"{words}, if the month ended now"


def _days(
    found: Account, exclusions: Sequence[Exclusion], zone: ZoneInfo, unseen: Sequence[tuple[datetime, datetime]]
) -> Iterator[Day]:
    for date, each in groupby(found.marks, lambda one: one.start.astimezone(zone).date()):
        marks = list(each)
        removed = forgiven = 0
        for one in marks:
            less, more = excluded(one.start, one.end, exclusions)
            removed, forgiven = removed + less, forgiven + more
        start, end = midnight(date, zone), marks[-1].end
        missed = sum(max(0, (min(high, end) - max(low, start)) // MS) for low, high in unseen)
        yield Day(date, start, end, tally(marks, exclusions), removed, forgiven, missed)


def _curve(
    start: datetime, marks: Sequence[Mark], exclusions: Sequence[Exclusion]
) -> Iterator[tuple[datetime, Fraction]]:
    """Downtime so far, where it changes: the last moment at which it was the same, and the next at which it is more."""
    used, level_since = 0, start
    yield start, Fraction(0)
    for one in marks:
        lost = _lost(one, exclusions)
        if lost:
            if one.start > level_since:
                yield one.start, Fraction(used, UNIT)
            used, level_since = used + lost, one.end
            yield one.end, Fraction(used, UNIT)
    if marks and marks[-1].end > level_since:
        yield marks[-1].end, Fraction(used, UNIT)


def _lost(one: Mark, exclusions: Sequence[Exclusion]) -> int:
    """Milliseconds of downtime in units of 10^-12."""
    if one.up is None or one.up == UNIT:
        return 0
    return (one.milliseconds - sum(excluded(one.start, one.end, exclusions))) * (UNIT - one.up)


def _outages(
    sla: Sla, found: Account, good: Mapping[datetime, float], period: tuple[datetime, datetime]
) -> Iterator[Outage]:
    """Intervals worse than the target that follow each other; those that were measured, whatever came of them."""
    least = Fraction(sla.target) * UNIT
    run: list[tuple[Mark, Mark]] = []
    for pair in zip(found.raw, found.marks, strict=True):
        measured = pair[0]
        is_bad = measured.dropped or (measured.up is not None and measured.up < least)
        if run and (not is_bad or run[-1][0].end != measured.start):
            yield _outage(sla, run, good, period)
            run = []
        if is_bad:
            run.append(pair)
    if run:
        yield _outage(sla, run, good, period)


def _excluded(reason: str, taken: Sequence[int], whole: int) -> str:
    """What an exclusion took of an outage of *whole* milliseconds."""
    part = sum(taken)
    return f"excluded: {reason}" if part >= whole else f"{length(part)} of {length(whole)} excluded: {reason}"


def _outage(
    sla: Sla, run: Sequence[tuple[Mark, Mark]], good: Mapping[datetime, float], period: tuple[datetime, datetime]
) -> Outage:
    start, end = run[0][0].start, run[-1][0].end
    taken = shares(start, end, sla.exclusions)
    reasons = dict.fromkeys(one.reason for _, one in taken)
    lost = sum(_lost(counted, sla.exclusions) for _, counted in run)
    worst = min((good[one.start] for one, _ in run if one.start in good), default=None)
    whole = (end - start) // MS
    notes = [_excluded(reason, [each for each, one in taken if one.reason == reason], whole) for reason in reasons]
    if any(counted.dropped for _, counted in run):
        least = sla.measure.at_least
        notes.append(f"does not count: shorter than {least}" if least else "partial minutes do not count")
    if start == period[0]:
        notes.append("from the start of the month: what was before it counts in the month before")
    if end == period[1]:
        notes.append("to the end of the month: what follows counts in the next")
    return Outage(
        start,
        end,
        Fraction(lost, UNIT),
        sum(each for each, _ in taken),
        None if worst is None else Fraction(round(worst * UNIT), UNIT),
        "; ".join(notes),
    )
