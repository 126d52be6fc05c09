"""A contract in its running period: uptime as the mean over intervals, exclusions, credits, breach.

Uptime is the mean of the good ratios of all complete intervals of the period so far. Contracts state no rounding, so
none is done: each ratio is taken to 10^-12 (finer than any counter) and everything after that is whole numbers, so
that an uptime of exactly 95 % is not below 95 %.

- An interval without events counts by `empty`: `good` and `bad` as such, `ignore` not at all.
- An exclusion takes the part of an interval that it overlaps out (`remove`), or counts that part as good (`good`).
  Where two overlap, `remove` wins.
- *breached* and *credit* say what would be owed if the period ended now. The alert is stricter about evidence: it
  fires when even a perfect rest of the period cannot save the target, so one bad interval on the first of the month
  wakes nobody up.
- Intervals at the start of the period without events, from before the time that the metric source keeps, are not
  empty: nobody knows any more. They count nowhere, and the alert cannot be resolved on what is left.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise, takewhile

from tocsin.evaluate.model import Sample, SlaStatus, Truth
from tocsin.evaluate.rule import Rule
from tocsin.evaluate.slices import MS
from tocsin.evaluate.words import percent
from tocsin.ports import labels_of
from tocsin.spec import CreditTier, Exclusion, Sla

UNIT = 10**12
EMPTY = {"good": UNIT, "bad": 0, "ignore": None}


@dataclass(frozen=True, slots=True)
class Interval:
    """One interval of the measure; *good* is its good ratio, None without events."""

    start: datetime
    end: datetime
    good: float | None


@dataclass(frozen=True, slots=True)
class Tally:
    """Whole numbers only: *up* of *weight* (milliseconds in units of 10^-12), over *counted* intervals."""

    weight: int
    up: int
    counted: int
    empty: int

    def uptime(self) -> Fraction | None:
        """The exact mean; None where nothing counts."""
        return Fraction(self.up, self.weight * UNIT) if self.weight else None


def tally(intervals: Iterable[Interval], empty: str, exclusions: Sequence[Exclusion] = ()) -> Tally:
    """Count *intervals*; see the module for what empty and excluded ones mean."""
    weight = up = counted = empties = 0
    for one in intervals:
        removed, forgiven = excluded(one.start, one.end, exclusions)
        rest = (one.end - one.start) // MS - removed - forgiven
        value = EMPTY[empty] if one.good is None else round(one.good * UNIT)
        empties += one.good is None
        weight, up = weight + forgiven, up + forgiven * UNIT
        if value is not None:
            weight, up = weight + rest, up + rest * value
        counted += value is not None or bool(forgiven)
    return Tally(weight, up, counted, empties)


def excluded(start: datetime, end: datetime, exclusions: Sequence[Exclusion]) -> tuple[int, int]:
    """How many milliseconds of [start, end) are removed, and how many are forgiven."""
    touching = [e for e in exclusions if e.start < end and e.end > start]
    if not touching:
        return 0, 0
    cuts = sorted({start, end, *(min(max(t, start), end) for e in touching for t in (e.start, e.end))})
    removed = forgiven = 0
    for left, right in pairwise(cuts):
        treats = {e.treat for e in touching if e.start <= left and e.end >= right}
        if "remove" in treats:
            removed += (right - left) // MS
        elif "good" in treats:
            forgiven += (right - left) // MS
    return removed, forgiven


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


def judge(
    sla: Sla, start: datetime, end: datetime, intervals: Sequence[Interval], kept_since: datetime | None = None
) -> SlaSight:
    """Judge the complete *intervals* of the period [start, end) so far; the source remembers back to *kept_since*."""
    forgotten = _forgotten(intervals, kept_since)
    known = intervals[forgotten:]
    so_far = tally(known, sla.measure.empty, sla.exclusions)
    uptime = so_far.uptime()
    if uptime is None:
        return blind(sla, start, end, "nothing was measured in this period yet")
    measured_to = intervals[-1].end if intervals else start
    gone = tally([Interval(one.start, one.end, 1.0) for one in intervals[:forgotten]], "good", sla.exclusions)
    whole = Tally(so_far.weight + gone.weight, so_far.up + gone.up, so_far.counted, so_far.empty)
    highest = best(sla, whole, measured_to, end)
    lost = highest is not None and highest < Fraction(sla.target)
    nobody_knows = f"nothing is kept from before {known[0].start:%Y-%m-%d %H:%M} UTC" if forgotten else ""
    owed = credit(uptime, sla.credits)
    status = SlaStatus(
        name=sla.name,
        customer=sla.customer,
        covers=sla.covers,
        start=start,
        end=end,
        target=sla.target,
        uptime=float(uptime),
        breached=(lost or None) if forgotten else uptime < Fraction(sla.target),
        credit=None if forgotten else owed,
        intervals=so_far.counted,
        empty=so_far.empty,
        reason=nobody_knows,
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
        return SlaSight(status, Sample(Truth.UNKNOWN, float(uptime), nobody_knows, facts))
    reason = "the target cannot be reached any more in this period" if lost else "the target can be kept in this period"
    return SlaSight(status, Sample(Truth.TRUE if lost else Truth.FALSE, float(uptime), reason, facts))


def _forgotten(intervals: Sequence[Interval], kept_since: datetime | None) -> int:
    """How many intervals at the start are not known any more, rather than empty."""
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
