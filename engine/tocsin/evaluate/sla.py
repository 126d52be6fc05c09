"""A contract in its running period: uptime by its method, exclusions, credits, breach.

How uptime is measured is the method's business (`evaluate/measures/`); contracts state no rounding, so none is done.

- *breached* and *credit* say what would be owed if the period ended now. The alert is stricter about evidence: it
  fires when even a perfect rest of the period cannot save the target, so one bad interval on the first of the month
  wakes nobody up.
- With fewer events than the contract's minimum nothing is breached and nothing owed. As the rest of the period may
  bring none, the alert waits until there are enough.
- Empty is an interval in which a counter stood still. Where no counter answers at all nobody knows, be it in a gap, or
  at the start of the period, because the source had not begun to look or does not keep it any more. Where none ever did
  in the period, nothing is measured, whatever `empty` says.
- With less than a floor of the period seen, less what is excluded, no credit is told, and a breach only where all that
  nobody saw, had it been perfect, would not undo it. A contract that begins within a period excludes what is before it:
  nothing else can tell a young service from a source that has lost its memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from itertools import dropwhile
from math import fsum

from tocsin.evaluate.measures import METHODS, UNIT, Interval, Mark, Taken, Tally, audit, coverage, excluded, tally
from tocsin.evaluate.measures.base import MS
from tocsin.evaluate.model import Sample, SlaStatus, Truth
from tocsin.evaluate.rule import Rule
from tocsin.evaluate.words import percent
from tocsin.ports import Graph, labels_of
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
    """What one look saw of one contract; *graph* is what to draw of it once it cannot be kept."""

    status: SlaStatus
    sample: Sample
    graph: Graph | None = None


NEVER = "no event of it was ever seen in this period: is it measured, and scraped at least twice in each interval?"
"""Why nothing is known of a contract whose counters never answered."""


def too_little(found: "Account", floor: float) -> str:
    """Why nothing is concluded, and what to do where it may be for a harmless reason."""
    said = f"only {percent(found.coverage or 0.0, 1)} of the period was seen, less than {percent(floor)}"
    since = list(dropwhile(lambda one: not one.seen, found.known))
    if len(since) < len(found.known) and (coverage(since) or 0.0) >= floor:
        return f"{said}; if it was not in force before {since[0].start:%Y-%m-%d %H:%M} UTC, exclude that time"
    return said


@dataclass(frozen=True, slots=True)
class Account:
    """What the *known* intervals of a contract come to; *raw* marks are those without any exclusion.

    *events* is None where nobody counted, *coverage* where nobody ever saw any.
    """

    marks: tuple[Mark, ...]
    raw: tuple[Mark, ...]
    so_far: Tally
    taken: tuple[Taken, ...]
    known: Sequence[Interval]
    events: float | None
    coverage: float | None

    def enough(self, sla: Sla) -> bool:
        """Whether there are as many events as the contract asks for."""
        return self.events is None or self.events >= sla.measure.minimum_events


def account(sla: Sla, intervals: Sequence[Interval]) -> Account:
    """Measure *intervals* as the contract says."""
    part, method = coverage(intervals, sla.exclusions), METHODS[sla.measure.method]
    known = [] if part is None else intervals
    marks = method(known, sla.measure, sla.exclusions)
    raw = method(known, sla.measure, ()) if sla.exclusions else marks
    counted = [one.events for one in known if one.events is not None]
    events = round(fsum(counted), 6) if counted or sla.measure.minimum_events else None
    return Account(
        tuple(marks),
        tuple(raw),
        tally(marks, sla.exclusions),
        audit(raw, sla.exclusions),
        known,
        events,
        part,
    )


def judge(sla: Sla, start: datetime, end: datetime, intervals: Sequence[Interval], *, floor: float = 0.0) -> SlaSight:
    """Judge the complete *intervals* of the period [start, end) so far; with less than *floor* seen little is told."""
    found = account(sla, intervals)
    so_far, enough = found.so_far, found.enough(sla)
    uptime = so_far.uptime()
    if uptime is None:
        return _unmeasured(sla, start, end, found, intervals)
    seen = found.coverage is None or found.coverage >= floor
    highest = best(sla, so_far if seen else _kindest(sla, found), intervals[-1].end, end)
    lost = enough and highest is not None and highest < Fraction(sla.target)
    breached = (enough and uptime < Fraction(sla.target)) if seen else (lost or None)
    owed = credit(uptime, sla.credits) if enough else Decimal(0)
    reasons = [] if seen else [too_little(found, floor)]
    if not enough:
        reasons.append(f"not enough events: {int(found.events or 0)} of {sla.measure.minimum_events}")
    status = SlaStatus(
        name=sla.name,
        customer=sla.customer,
        covers=sla.covers,
        start=start,
        end=end,
        target=sla.target,
        uptime=float(uptime),
        breached=breached,
        credit=owed if seen else None,
        intervals=so_far.counted,
        empty=so_far.empty,
        reason="; ".join(reasons),
        events=found.events,
        exclusions=found.taken,
        coverage=found.coverage,
    )
    facts = (
        ("SLA", f"{sla.name} with {sla.customer}: {percent(sla.target)} of {sla.covers}"),
        ("uptime so far", percent(float(uptime), 4)),
        ("best possible by the end", percent(float(highest), 4) if highest is not None else "unknown"),
        ("period ends", f"{end:%Y-%m-%d %H:%M} UTC"),
        ("credit owed", percent(owed) if seen else "unknown"),
        ("empty intervals", f"{so_far.empty} (count as {sla.measure.empty})"),
    )
    if lost:
        truth, reason = Truth.TRUE, "the target cannot be reached any more in this period"
    elif not seen:
        truth, reason = Truth.UNKNOWN, status.reason
    else:
        truth, reason = Truth.FALSE, "the target can be kept in this period" if enough else status.reason
    return SlaSight(status, Sample(truth, float(uptime), reason, facts))


def _unmeasured(sla: Sla, start: datetime, end: datetime, found: Account, intervals: Sequence[Interval]) -> SlaSight:
    """Where nothing counts: nobody ever saw anything, it was not there, or all of the period is taken out."""
    if excluded(start, end, sla.exclusions)[0] >= (end - start) // MS:
        sight = blind(sla, start, end, "all of this period is excluded")
        return replace(sight, sample=Sample(Truth.FALSE, reason=sight.status.reason))
    never = bool(intervals) and found.coverage is None
    sight = blind(sla, start, end, NEVER if never else "nothing was measured in this period yet")
    return replace(sight, status=replace(sight.status, coverage=0.0 if never else None))


def _kindest(sla: Sla, found: Account) -> Tally:
    """What is known, and what nobody saw as if it had been perfect."""
    kind = [one if one.seen else replace(one, good=1.0, deployed=True) for one in found.known]
    return tally(METHODS[sla.measure.method](kind, sla.measure, sla.exclusions), sla.exclusions)


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
