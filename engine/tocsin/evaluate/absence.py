"""Traffic that stopped: the questions that are asked while an SLO counts no events, and their answer.

The definition is that of the compiled rules (`tocsin.guards`, `tocsin.plan.usual`): true when so many events were to be
expected since the last traffic that the pause cannot be chance, and traffic is usual at this time: it was a week ago,
or, where that is not known, yesterday ever since this time of then. A pause in which few were to be expected is no
absence, and neither is a whole day without traffic: a service that was taken out of use ends its alert by itself, with
that reason.

Rules look up what they recorded; here raw counters are asked, all in one question while there is no traffic. What is
usual moves slowly, and so does the mean of a day: every fourth look at the budget is enough.

In one thing the evaluator is more careful. Where its source knows nothing of the day at all (the series are gone, the
source lost its data) nobody looked, so the answer is unknown, and an open alert stays open.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import isfinite

from tocsin.evaluate.asking import Asker, Unanswered, labelled, parts_of
from tocsin.evaluate.cadence import Cadence
from tocsin.evaluate.model import Sample, Truth
from tocsin.evaluate.words import number, percent, span
from tocsin.guards import BASE, EXPECTED_EVENTS, TRAFFIC_MEMORY, first_seen, last_traffic
from tocsin.plan.build import feasible_tiers
from tocsin.plan.usual import DAY, LEEWAY, began, former, part_of
from tocsin.ports import Answer
from tocsin.sli import for_long
from tocsin.spec import Slo

SLOWER = 4
"""The past is asked for once in so many looks at the budget; with those of each minute as often as rules record it."""
SETTLED = float(LEEWAY.seconds - BASE.seconds)
"""Seconds: traffic that began yesterday no later than so long before the pause of today was there for all of it."""


@dataclass(frozen=True, slots=True)
class Past:
    """Traffic of former days: events per second, and unix seconds.

    *mean* is that of the last day, *last* when there was traffic last, *first* when there was a total first. *week* and
    *day* are what was usual at this time a week ago and yesterday; None where that is not known. *began* is when
    traffic began yesterday, and has been ever since; None where it was there all the time.
    """

    mean: float | None = None
    last: float | None = None
    first: float | None = None
    week: float | None = None
    day: float | None = None
    began: float | None = None

    def usual(self) -> tuple[float, str]:
        """Events per second that are usual now, at most the mean of the day, and which day says so."""
        mean = self.mean or 0.0
        if self.week is not None:
            return min(self.week, mean), "at this time a week ago"
        if self.day is None:
            return 0.0, "not known in the first day"
        late = self.began is not None and self.last is not None and self.began + DAY.seconds > self.last - SETTLED
        return (0.0, "yesterday's pause") if late else (min(self.day, mean), "at this time yesterday")


@dataclass(frozen=True, slots=True)
class Texts:
    """What is asked: the *past*, and, where a week ago is not known, when traffic *began* yesterday."""

    past: str
    began: str

    @classmethod
    def of(cls, slo: Slo) -> "Texts":
        """Write the questions of *slo*."""
        sli, part = for_long(slo.sli), part_of(slo, feasible_tiers(slo))
        base, some, day = (sli.total(str(window)) for window in (BASE, part, TRAFFIC_MEMORY))
        parts = {"mean": day, "last": last_traffic(base), "first": first_seen(f"{base} >= 0", TRAFFIC_MEMORY)}
        return cls(labelled({**parts, **former(some, day, part)}), labelled({"began": began(some, part)}))


@dataclass(slots=True)
class Absence:
    """Asks for the past of *slo* while there is no traffic, not more often than *every*."""

    slo: Slo
    every: timedelta
    cadence: Cadence = field(default_factory=Cadence)
    past: Past = field(default_factory=Past)
    texts: Texts | None = None

    def look(self, asker: Asker, total: float | None) -> Sample:
        """Judge *total*, the events per second over BASE; None where there is no counter."""
        if total is not None and total > 0:
            self.cadence = Cadence()
            return Sample(Truth.FALSE, total, "traffic is back")
        if self.cadence.due(asker.at, self.every):
            self._ask(asker)
        elif self.cadence.failures:
            asker.still_failing(self.cadence.reason)
        if self.cadence.failures:
            return Sample(Truth.UNKNOWN, reason=self.cadence.reason)
        return absent(self.slo, self.past, total, asker.at)

    def _ask(self, asker: Asker) -> None:
        texts = self.texts = self.texts or Texts.of(self.slo)
        answer = asker.complete(texts.past)
        if isinstance(answer, Unanswered):
            return self.cadence.failed(asker.at, answer.reason)
        past = past_of(_finite(answer))
        if past.week is None and past.day:
            answer = asker.complete(texts.began)
            if isinstance(answer, Unanswered):
                return self.cadence.failed(asker.at, answer.reason)
            past = replace(past, began=_finite(answer).get("began"))
        self.cadence.answered(asker.at)
        self.past = past
        return None


def _finite(answer: Answer) -> Mapping[str, float]:
    return {name: value for name, value in parts_of(answer).items() if isfinite(value)}


def past_of(found: Mapping[str, float]) -> Past:
    """Read what was asked; a service that was known a week ago and had no series then had no traffic."""
    week = day = None
    if "known-week" in found:
        week = min(found.get("before-week", 0.0), found.get("after-week", 0.0))
    if "before-day" in found and "after-day" in found:
        day = min(found["before-day"], found["after-day"])
    return Past(found.get("mean"), found.get("last"), found.get("first"), week, day)


def absent(slo: Slo, past: Past, total: float | None, at: datetime) -> Sample:
    """Whether no event now, after such a *past*, is an absence."""
    what = "the counter is gone" if total is None else "the counter stands still"
    if past.mean is None or past.last is None:
        whole = past.first is not None and at.timestamp() - past.first >= float(TRAFFIC_MEMORY.seconds)
        if total is None or not whole:
            return Sample(Truth.UNKNOWN, reason=f"no traffic is known in the last {TRAFFIC_MEMORY}")
        return Sample(Truth.FALSE, total, f"no traffic in the last {TRAFFIC_MEMORY}: it counts as out of use")
    seconds = min(max(at.timestamp() - past.last, 0.0), float(TRAFFIC_MEMORY.seconds))
    usual, when = past.usual()
    expected = usual * seconds
    if not expected > EXPECTED_EVENTS:
        few = f"but only {number(expected)} events were to be expected" if usual > 0 else _why_none(past)
        return Sample(Truth.FALSE, total, f"{what}, {few}")
    pause = span(max(timedelta(seconds=seconds), BASE.timedelta))
    which = when if usual < past.mean else f"over {TRAFFIC_MEMORY}"
    facts = (
        ("SLO", f"{slo.ref} {percent(slo.target)} over {slo.over}"),
        ("no events for", pause),
        ("usual traffic", f"{number(usual * 60)} events per minute {which}"),
    )
    return Sample(Truth.TRUE, total, f"{what}: no event in the last {pause}", facts)


def _why_none(past: Past) -> str:
    """Why no traffic is expected."""
    if past.week is not None:
        return "as is usual at this time: a week ago it had no traffic either"
    if past.day is None:
        return "and what is usual is not known yet: nothing is missed in the first day"
    return "as yesterday: until a week is known, only what was there then for all of such a pause is missed"
