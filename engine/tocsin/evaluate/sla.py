"""A contract in its running period: uptime by its method, exclusions, credits, breach.

How uptime is measured is the method's business (`evaluate/measures/`); contracts state no rounding, so none is done.

- *breached* and *credit* say what would be owed if the period ended now. The alert is stricter about evidence: it
  fires when even a perfect rest of the period cannot save the target, so one bad interval on the first of the month
  wakes nobody up.
- With fewer events than the contract's minimum nothing is breached and nothing owed. As the rest of the period may
  bring none, the alert waits until there are enough.
- Intervals at the start of the period without events, from before the time that the metric source keeps, are not
  empty: nobody knows any more. They count nowhere, and the alert cannot be resolved on what is left.
- Empty is an interval in which a counter stood still. Where no counter answers at all nobody knows; where none ever
  did in the period, nothing is measured, whatever `empty` says, and with less than a floor of it seen (from the first
  interval that was) there is neither breach nor credit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from itertools import takewhile
from math import fsum

from tocsin.evaluate.measures import METHODS, UNIT, Interval, Mark, Taken, Tally, audit, coverage, excluded, tally
from tocsin.evaluate.measures.base import MS
from tocsin.evaluate.model import Sample, SlaStatus, Truth
from tocsin.evaluate.rule import Rule
from tocsin.evaluate.words import percent
from tocsin.ports import labels_of
from tocsin.spec import CreditTier, Sla


def credit(uptime: Fraction, tiers: Sequence[CreditTier]) -> Decimal:
    """What is owed: the credit of the lowest tier that *uptime* is strictly below; nothing above all of them."""
    owed = [tier for tier in tiers if uptime < Fraction(tier.below)]
    return min(owed, key=lambda tier: tier.below).credit if owed else Decimal(0)


def best(sla: Sla, so_far: Tally, measured_to: datetime, end: datetime) -> Fraction | None:
    """The uptime of the whole period if all that is still to come is perfect."""
    removed, _ = excluded(measured_to, end, sla.exclusions)
    left = (end - measured_to) // MS - removed
    return Tally(so_far.weight + left, so_far.up + left * UNIT, 0, 0).uptime()


def rule(sla: Sla) -> Rule:
    """The alert of a contract that can no longer be kept."""
    labels = {"alertname": "SlaBreached", "service": sla.covers.partition("/")[0], "severity": "critical"}
    return Rule(
        id=f"sla:{sla.name}",
        service=labels["service"],
        severity="critical",
        title=f"SLA {sla.name} with {sla.customer} is breached",
        summary=f"SLA {sla.name} with {sla.customer} promises {percent(sla.target)} of {sla.covers} in a calendar "
        f"{sla.calendar}, and can no longer be kept in this one",
        labels=labels_of({**labels, "sla": sla.name, "customer": sla.customer, "ref": sla.name}),
        notify=sla.notify,
    )


@dataclass(frozen=True, slots=True)
class SlaSight:
    """What one look saw of one contract."""

    status: SlaStatus
    sample: Sample

    def seen(self, part: float | None, floor: float) -> "SlaSight":
        """The same where *part* of the period was looked at: below *floor* there is neither breach nor credit."""
        known = [each for each in (part, self.status.coverage) if each is not None]
        if not known:
            return self
        status = replace(self.status, coverage=min(known))
        if min(known) >= floor or status.uptime is None:
            return SlaSight(status, self.sample)
        reason = too_little(min(known), floor)
        status = replace(status, breached=None, credit=None, reason=reason)
        return SlaSight(status, Sample(Truth.UNKNOWN, self.sample.value, reason, self.sample.facts))


NEVER = "no event of it was ever seen in this period: is it measured, and scraped at least twice in each interval?"
"""Why nothing is known of a contract whose counters never answered."""


def too_little(part: float, floor: float) -> str:
    """Why nothing is concluded."""
    return f"only {percent(part, 1)} of the period was seen, less than {percent(floor)}"


@dataclass(frozen=True, slots=True)
class Account:
    """What the known intervals of a contract come to; *raw* marks are those without any exclusion.

    *forgotten* is how many intervals at the start nobody knows of any more: all where nobody ever knew of any. *events*
    is None where nobody counted, *coverage* where nobody ever looked.
    """

    marks: tuple[Mark, ...]
    raw: tuple[Mark, ...]
    so_far: Tally
    taken: tuple[Taken, ...]
    forgotten: int
    events: float | None
    coverage: float | None

    def enough(self, sla: Sla) -> bool:
        """Whether there are as many events as the contract asks for."""
        return self.events is None or self.events >= sla.measure.minimum_events


def account(sla: Sla, intervals: Sequence[Interval], kept_since: datetime | None = None) -> Account:
    """Measure *intervals* as the contract says; the source remembers back to *kept_since*."""
    forgotten = _forgotten(intervals, kept_since)
    known, method = intervals[forgotten:], METHODS[sla.measure.method]
    marks = method(known, sla.measure, sla.exclusions)
    raw = method(known, sla.measure, ()) if sla.exclusions else marks
    counted = [one.events for one in known if one.events is not None]
    events = round(fsum(counted), 6) if counted or sla.measure.minimum_events else None
    return Account(
        tuple(marks),
        tuple(raw),
        tally(marks, sla.exclusions),
        audit(raw, sla.exclusions),
        forgotten,
        events,
        coverage(known),
    )


def judge(
    sla: Sla,
    start: datetime,
    end: datetime,
    intervals: Sequence[Interval],
    kept_since: datetime | None = None,
    *,
    floor: float = 0.0,
) -> SlaSight:
    """Judge the complete *intervals* of the period [start, end) so far; the source remembers back to *kept_since*.

    With less than *floor* of them seen nothing is concluded.
    """
    found = account(sla, intervals, kept_since)
    so_far, forgotten, enough = found.so_far, found.forgotten, found.enough(sla)
    uptime = so_far.uptime()
    if uptime is None:
        never = bool(intervals) and found.coverage is None
        sight = blind(sla, start, end, NEVER if never else "nothing was measured in this period yet")
        return replace(sight, status=replace(sight.status, coverage=0.0 if never else None))
    highest = best(sla, _whole(sla, found, intervals), intervals[-1].end, end)
    lost = enough and highest is not None and highest < Fraction(sla.target)
    reasons = [f"nothing is kept from before {intervals[forgotten].start:%Y-%m-%d %H:%M} UTC"] if forgotten else []
    if not enough:
        reasons.append(f"not enough events: {int(found.events or 0)} of {sla.measure.minimum_events}")
    owed = credit(uptime, sla.credits) if enough else Decimal(0)
    breached = enough and uptime < Fraction(sla.target)
    status = SlaStatus(
        name=sla.name,
        customer=sla.customer,
        covers=sla.covers,
        start=start,
        end=end,
        target=sla.target,
        uptime=float(uptime),
        breached=(lost or None) if forgotten else breached,
        credit=None if forgotten else owed,
        intervals=so_far.counted,
        empty=so_far.empty,
        reason="; ".join(reasons),
        events=found.events,
        exclusions=found.taken,
    )
    facts = (
        ("SLA", f"{sla.name} with {sla.customer}: {percent(sla.target)} of {sla.covers}"),
        ("uptime so far", percent(float(uptime), 4)),
        ("best possible by the end", percent(float(highest), 4) if highest is not None else "unknown"),
        ("period ends", f"{end:%Y-%m-%d %H:%M} UTC"),
        ("credit owed", "unknown" if forgotten else percent(owed)),
        ("empty intervals", f"{so_far.empty} (count as {sla.measure.empty})"),
    )
    if forgotten and not lost:
        sample = Sample(Truth.UNKNOWN, float(uptime), status.reason, facts)
        return SlaSight(status, sample).seen(found.coverage, floor)
    kept = "the target can be kept in this period" if enough else status.reason
    reason = "the target cannot be reached any more in this period" if lost else kept
    sample = Sample(Truth.TRUE if lost else Truth.FALSE, float(uptime), reason, facts)
    return SlaSight(status, sample).seen(found.coverage, floor)


def _whole(sla: Sla, found: Account, intervals: Sequence[Interval]) -> Tally:
    """What is known, and what nobody knows any more as if it had been perfect."""
    gone = tally([Mark(one.start, one.end, UNIT) for one in intervals[: found.forgotten]], sla.exclusions)
    so_far = found.so_far
    return Tally(so_far.weight + gone.weight, so_far.up + gone.up, so_far.counted, so_far.empty)


def _forgotten(intervals: Sequence[Interval], kept_since: datetime | None) -> int:
    """How many intervals at the start are not known any more, rather than empty."""
    if not any(one.seen and one.deployed for one in intervals):
        return len(intervals)
    if kept_since is None:
        return 0
    without = takewhile(lambda one: one.good is None, intervals)
    return sum(1 for one in without if one.start < kept_since)


def blind(sla: Sla, start: datetime, end: datetime, reason: str) -> SlaSight:
    """Nobody could look."""
    status = SlaStatus(
        sla.name,
        sla.customer,
        sla.covers,
        start,
        end,
        sla.target,
        None,
        None,
        None,
        intervals=0,
        empty=0,
        reason=reason,
    )
    return SlaSight(status, Sample(Truth.UNKNOWN, reason=reason))
