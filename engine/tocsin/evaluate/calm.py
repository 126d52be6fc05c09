"""Most objectives are calm at most times: a few rates prove that no alert of theirs can be true, and no more is asked.

A tier is true when its long *and* its short window are above its threshold. So it is false, whatever else may be, where
the shorter one is known not to be above it; and where the longer one, which is asked once a minute where it is above
six hours, was not above it at that time. An objective is calm at a look when

- each of its tiers is false by that, and there is traffic, so that nothing of it is unknown or absent;
- none of its alerts is pending, open or blind: for those all is asked;
- its budget and its long windows are not due, and the last question about them was answered.

What a calm objective shows is what its last whole look saw, a minute ago at most; of more than `tick.WHOLE` a tick not
all are seen whole every minute. The alerts are those of whole looks, at the same ticks (`tests/property/test_calm.py`).
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from math import inf

from tocsin.evaluate.burn import CALM, Limit, no_traffic_id
from tocsin.evaluate.model import Sample, Truth
from tocsin.evaluate.rule import Seen, one
from tocsin.evaluate.slo import SloQuestion, SloSight
from tocsin.evaluate.together import Run, Together, Wanted, size_for
from tocsin.guards import BASE
from tocsin.ports import MetricSource
from tocsin.sli import Sli
from tocsin.sli.bounds import bounds
from tocsin.units import Duration

MOST = 96
"""Objectives of one request: a third of a megabyte of text, and no more than proxies let through where it is twice."""
_ROUNDING = 1 - 1e-9
"""Sums in another order may differ in their last digits; what is as close as that to a threshold is looked at."""
QUIET: Seen = one(Sample(Truth.FALSE, reason=CALM))
"""What is seen for each rule of a calm objective."""


@dataclass(slots=True)
class Screen:
    """One objective: which of its windows tell that it is calm, and what its last whole look saw."""

    question: SloQuestion
    sight: SloSight | None = None
    rules: tuple[str, ...] = field(init=False)
    _quiet: Mapping[str, Seen] = field(init=False)
    _quick: tuple[Limit, ...] = field(init=False)
    _slow: tuple[Limit, ...] = field(init=False)
    _asked: dict[tuple[str, ...], Wanted] = field(default_factory=dict)

    def __post_init__(self) -> None:
        slo, limits = self.question.slo, self.question.limits
        slow = self.question.slow_windows
        self._quick = tuple(limit for limit in limits if limit.tier.long not in slow)
        self._slow = tuple(limit for limit in limits if limit.tier.long in slow)
        traffic = (no_traffic_id(slo),) if slo.no_traffic.alert else ()
        self.rules = (*(limit.rule for limit in limits), *traffic)
        self._quiet = dict.fromkeys(self.rules, QUIET)

    def saw(self, sight: SloSight) -> None:
        """Keep what a whole look saw; after one that could see nothing another one has to come first."""
        blind = not any(row.truth is not Truth.UNKNOWN for seen in sight.seen.values() for row in seen.rows.values())
        self.sight = None if blind else SloSight(self._quiet, sight.status)

    def doubtful(self) -> tuple[Limit, ...]:
        """The tiers of which a short window has to tell that they are false."""
        return (*self._quick, *(limit for limit in self._slow if not self._low(limit)))

    def _low(self, limit: Limit) -> bool:
        rate = self.question.slow.get(limit.tier.long)
        ratio = None if rate is None else rate.ratio()
        return ratio is not None and ratio <= limit.threshold

    def wanted(self) -> Wanted:
        """What to ask: an expression that has a row while all of its alerts are false for sure."""
        limits = self.doubtful()
        tiers = tuple(limit.tier.name for limit in limits)
        if tiers not in self._asked:
            slo = self.question.slo
            most = {BASE: inf}
            for limit in limits:
                most[limit.tier.short] = min(limit.threshold, most.get(limit.tier.short, inf))
            self._asked[tiers] = Wanted(f"{slo.ref} calm {','.join(tiers)}", partial(_proof, slo.sli, most))
        return self._asked[tiers]


def _proof(sli: Sli, most: Mapping[Duration, float]) -> Mapping[str, str]:
    """Has a row if there are events in each window, and less than such a part of them is bad.

    What is no number, or no count, is above nothing and below nothing, and has none. Neither have several rows, which
    `on()` refuses: nobody could tell whose is whose.
    """
    parts = []
    for window, limit in most.items():
        bad, total = bounds(sli, str(window))
        above = "" if limit == inf else f" <= {limit * _ROUNDING!r}"
        parts.append(f"(({bad}) / on() (({total}) > 0 < Inf)) >= 0 < Inf{above}")
    return {"": " and on() ".join(f"({part})" for part in parts)}


class Calm:
    """Asks for the few rates of all objectives at once, and tells which of them need no whole look."""

    def __init__(self, questions: Iterable[object]) -> None:
        self._screens = {one.slo.ref: Screen(one) for one in questions if isinstance(one, SloQuestion)}
        self._whose = {rule: ref for ref, screen in self._screens.items() for rule in screen.rules}
        self._together = Together(size_for(len(self._screens), MOST))

    def look(
        self, source: MetricSource, now: datetime, awake: AbstractSet[str], late: AbstractSet[str], spread: Run
    ) -> dict[str, SloSight]:
        """What calm objectives show, by reference; the rules *awake* have an alert, those *late* are being asked."""
        # those that are due or awake are asked, too, so that each look sends the same texts; none waits for a slow one
        screens = self._screens.items()
        wanted = {ref: screen.wanted() for ref, screen in screens if screen.sight is not None and ref not in late}
        found = self._together.ask(source, now, [(one,) for one in wanted.values()], spread) if wanted else {}
        restless = {self._whose[rule] for rule in awake if rule in self._whose}
        calm = {}
        for ref, question in wanted.items():
            screen = self._screens[ref]
            if found.get(question.name) and ref not in restless and screen.sight and screen.question.settled(now):
                calm[ref] = screen.sight
        return calm

    def saw(self, sights: Mapping[str, SloSight]) -> None:
        """Keep what whole looks saw."""
        for ref, sight in sights.items():
            if ref in self._screens:
                self._screens[ref].saw(sight)
