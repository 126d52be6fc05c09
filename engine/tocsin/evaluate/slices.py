"""The good ratio of one SLO per slice of time, fetched by range queries and remembered.

Slice *k* covers [phase + k·step, phase + (k+1)·step) in unix milliseconds; its events are asked for at its end. Newest
slices come first, so that burn rates are known at once; older ones follow, a few requests per look. A slice without
events, or with an answer that is no count, has no ratio; it is idle where the answer says that there were no events,
which is not the same as no answer.

Samples may come late (by remote write, from an agent that was cut off), so the slices of the last hour are asked for
again with each new one, and once an hour those of the last day: what is answered counts. What is not answered any more
stays what it was, and so does what the ledger said.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf
from typing import Protocol

from tocsin.errors import SourceError
from tocsin.evaluate.asking import MARK, Asker, Unanswered
from tocsin.evaluate.burn import Rate, union
from tocsin.ports import RangeAnswer
from tocsin.sli import Sli, for_long
from tocsin.units import Duration

CHUNK = 2_000
"""Slices per request: an answer of some hundred kilobytes, within the deadline of one question."""
LATE, VERY_LATE = timedelta(hours=1), timedelta(days=1)
"""For how long slices are asked for again: with each new one, and once in LATE."""
MS = timedelta(milliseconds=1)
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def milliseconds(at: datetime) -> int:
    """Unix time, exact."""
    return (at - _EPOCH) // MS


def instant(ms: int) -> datetime:
    """Unix milliseconds as a time."""
    return _EPOCH + ms * MS


def complete(answer: RangeAnswer) -> RangeAnswer:
    """Refuse a partial answer: counts are kept."""
    if answer.partial:
        raise SourceError("; ".join(("partial answer", *answer.warnings)))
    return answer


def range_of(sli: Sli, window: Duration) -> Duration:
    """What to ask for so that windows that follow each other have each event once.

    A range is closed at both ends up to Prometheus 2.55, and a subquery looks at whole minutes. What is looked at, and
    not counted, would be in both windows whose border it lies on; a millisecond less, and each look is in one.
    """
    return window if sli.now() is None else Duration(window.milliseconds - 1)


class Counted(Protocol):
    """What has events to be counted: an SLO."""

    @property
    def ref(self) -> str:
        """How it is named."""
        ...

    @property
    def sli(self) -> Sli:
        """How its events are counted."""
        ...


@dataclass(slots=True)
class Slices:
    """One SLO's slices; [low, high) are the numbers that were asked for, *ratios* holds those that had events."""

    slo: Counted
    step: Duration
    phase: int = 0
    ratios: dict[int, float] = field(default_factory=dict)
    idle: set[int] = field(default_factory=set)
    """Those in which no events were counted."""
    low: int = 0
    high: int = 0
    asked_at: datetime | None = None
    reason: str = ""
    events: dict[int, float] | None = None
    """How many there were in each slice; None where nobody needs to know."""
    since: datetime | None = None
    """When somebody first looked, and until when slices are the ledger's; None where none of them is."""
    until: datetime | None = None

    def number(self, at: datetime) -> int:
        """The slice that *at* lies in."""
        return (milliseconds(at) - self.phase) // self.step.milliseconds

    def bounds(self, number: int) -> tuple[datetime, datetime]:
        """Start and end of a slice."""
        start = self.phase + number * self.step.milliseconds
        return instant(start), instant(start + self.step.milliseconds)

    def between(self) -> frozenset[int]:
        """The slices without a ratio among those that have one, and since."""
        first = min(self.ratios, default=self.high)
        return frozenset(number for number in range(first, self.high) if number not in self.ratios)

    def refresh(self, asker: Asker, since: datetime, every: timedelta) -> None:
        """Fetch what is missing between *since* and now, at most once in *every* when nothing failed."""
        first, last = self.number(since), self.number(asker.at)
        complete = self.high >= last and self.low <= first
        recent = self.asked_at is not None and timedelta() <= asker.at - self.asked_at < every
        if complete or (recent and not self.reason):
            return
        if self.low == self.high or self.high < first or self.low > last:
            self.ratios, self.idle, self.low, self.high = {}, set(), last, last
            self.events = None if self.events is None else {}
        self.reason = self._extend(asker, first, last)
        self.asked_at = asker.at
        for number in [k for k in self.ratios if k < first]:
            del self.ratios[number]
        self.idle = {number for number in self.idle if number >= first}
        for number in [k for k in self.events or {} if k < first]:
            del (self.events or {})[number]
        self.low = max(self.low, first)

    def _extend(self, asker: Asker, first: int, last: int) -> str:
        start = self._unsettled(asker.at)
        while start < last or self.low > first:
            if start < last:
                low, high = start, min(last, start + CHUNK)
            else:
                low, high = max(first, self.low - CHUNK), self.low
            if not asker.spare_range():
                return "history is still being read"
            answer = asker.range(
                union(for_long(self.slo.sli), (range_of(self.slo.sli, self.step),), "increase"),
                self.bounds(low)[1],
                self.bounds(high - 1)[1],
                self.step.timedelta,
            )
            if isinstance(answer, Unanswered):
                return answer.reason
            found = self._read(answer)
            self.ratios |= {number: ratio for number, ratio in found.items() if ratio is not None}
            self.idle = (self.idle | found.keys()) - self.ratios.keys()
            self.low, self.high, start = min(self.low, low), max(self.high, high), max(start, high)
        return ""

    def _unsettled(self, at: datetime) -> int:
        """The first slice of which more may be known now than when it was asked for; one request holds all of them."""
        last = self.number(at)
        if self.asked_at is None or self.high >= last:
            return self.high
        again = VERY_LATE if milliseconds(self.asked_at) // (LATE // MS) != milliseconds(at) // (LATE // MS) else LATE
        held = self.low if self.until is None else self.number(self.until)
        return min(self.high, max(held, self.number(self.asked_at - again), last - CHUNK))

    def _read(self, answer: RangeAnswer) -> dict[int, float | None]:
        """Add up the rows of an SLO that is divided by labels: a journey passes through all of them. None is idle."""
        counts: dict[str, dict[int, float]] = {"bad": {}, "total": {}}
        for row in answer.rows:
            kind = dict(row.labels).get(MARK, "").partition(":")[0]
            for time, value in row.points:
                number = (round(time * 1000) - self.phase) // self.step.milliseconds - 1
                known = counts.setdefault(kind, {})
                known[number] = known.get(number, 0.0) + value
        found: dict[int, float | None] = {}
        if self.events is not None:
            self.events |= {number: total for number, total in counts["total"].items() if 0 <= total < inf}
        for number, total in counts["total"].items():
            ratio = Rate(counts["bad"].get(number), total).ratio()
            if ratio is not None:
                found[number] = max(0.0, 1.0 - ratio)
            elif total == 0:
                found[number] = None
        return found
