"""Traffic that stopped: the question that is asked while an SLO counts no events, and its answer.

The definition is that of the compiled rules (`tocsin.guards`): true when so many events were to be expected since the
last traffic that the pause cannot be chance. A pause in which few were to be expected is no absence, and neither is a
whole day without traffic: a service that was taken out of use ends its alert by itself, with that reason.

What is usual at this time of the day the rules look up in what they recorded; here the mean of the day is all that is
asked (docs/parity.md).

In one thing the evaluator is more careful. Where its source knows nothing of the day at all (the series are gone, the
source lost its data) nobody looked, so the answer is unknown, and an open alert stays open.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import isfinite

from tocsin.evaluate.asking import Asker, Unanswered, labelled, parts_of
from tocsin.evaluate.cadence import Cadence
from tocsin.evaluate.model import Sample, Truth
from tocsin.evaluate.words import number, percent, span
from tocsin.guards import BASE, EXPECTED_EVENTS, TRAFFIC_MEMORY, first_seen, last_traffic
from tocsin.ports import Answer
from tocsin.sli import for_long
from tocsin.spec import Slo


@dataclass(frozen=True, slots=True)
class Past:
    """Traffic of the last day: events per second, and unix seconds of the last traffic and of the first total."""

    usual: float | None = None
    last: float | None = None
    first: float | None = None


@dataclass(slots=True)
class Absence:
    """Asks for the past of *slo* while there is no traffic, not more often than *every*."""

    slo: Slo
    every: timedelta
    cadence: Cadence = field(default_factory=Cadence)
    past: Past = field(default_factory=Past)

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
        sli = for_long(self.slo.sli)
        total = sli.total(str(BASE))
        known = f"{total} >= 0"
        parts = {
            "usual": sli.total(str(TRAFFIC_MEMORY)),
            "last": last_traffic(total),
            "first": first_seen(known, TRAFFIC_MEMORY),
        }
        answer = asker.complete(labelled(parts))
        if isinstance(answer, Unanswered):
            self.cadence.failed(asker.at, answer.reason)
        else:
            self.cadence.answered(asker.at)
            self.past = _past(answer)


def _past(answer: Answer) -> Past:
    found = {name: value for name, value in parts_of(answer).items() if isfinite(value)}
    return Past(found.get("usual"), found.get("last"), found.get("first"))


def absent(slo: Slo, past: Past, total: float | None, at: datetime) -> Sample:
    """Whether no event now, after such a *past*, is an absence."""
    what = "the counter is gone" if total is None else "the counter stands still"
    if past.usual is None or past.last is None:
        whole = past.first is not None and at.timestamp() - past.first >= float(TRAFFIC_MEMORY.seconds)
        if total is None or not whole:
            return Sample(Truth.UNKNOWN, reason=f"no traffic is known in the last {TRAFFIC_MEMORY}")
        return Sample(Truth.FALSE, total, f"no traffic in the last {TRAFFIC_MEMORY}: it counts as out of use")
    seconds = min(max(at.timestamp() - past.last, 0.0), float(TRAFFIC_MEMORY.seconds))
    expected = past.usual * seconds
    if not expected > EXPECTED_EVENTS:
        return Sample(Truth.FALSE, total, f"{what}, but only {number(expected)} events were to be expected")
    pause = span(max(timedelta(seconds=seconds), BASE.timedelta))
    facts = (
        ("SLO", f"{slo.ref} {percent(slo.target)} over {slo.window}"),
        ("no events for", pause),
        ("usual traffic", f"{number(past.usual * 60)} events per minute over {TRAFFIC_MEMORY}"),
    )
    return Sample(Truth.TRUE, total, f"{what}: no event in the last {pause}", facts)
