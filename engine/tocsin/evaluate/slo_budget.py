"""The error budget of one SLO: counted by the ledger where it holds the period, else by one question to the source."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import numpy as np

from tocsin.budget import Spend, exhaustion, spend
from tocsin.evaluate.accounting import window_of
from tocsin.evaluate.asking import Asker, Unanswered
from tocsin.evaluate.burn import Rate, both, rates_in
from tocsin.evaluate.cadence import Cadence
from tocsin.evaluate.calendar import PERIODS
from tocsin.evaluate.excluding import lately, touching
from tocsin.evaluate.history import History
from tocsin.evaluate.measures import Excluded
from tocsin.evaluate.standing import Ledger, Standing
from tocsin.evaluate.together import Wanted
from tocsin.evaluate.words import percent, span
from tocsin.ledger.arrays import Floats
from tocsin.ports import Labels
from tocsin.sli import for_long
from tocsin.spec import Slo
from tocsin.units import Duration

_LEAST = 60
"""Seconds of a calendar period below which nothing is counted yet: a shorter range holds no two scrapes."""
DAY = Duration.of(days=1)
LEDGER, SOURCE = "ledger", "source"
"""Who counted a budget."""
NOT_EXCLUDED = "its exclusions are not applied: the ledger does not hold the period"
"""Of a budget that the metric source counted, which knows nothing of them."""
SPENT = "no budget is left"
_ALIKE = timedelta(minutes=10)
"""What leaves a period in each hour to come is read again after so long; it is told by hours."""
Ask = Callable[[Asker, Wanted], Mapping[str, float] | Unanswered]


@dataclass(frozen=True, slots=True)
class Counted:
    """Good and bad events over the SLO's window, as of *at*, and the part of it that was *observed*."""

    spent: Spend
    at: datetime
    observed: float
    whole: Duration
    """The time that the budget is of, without what is removed of it."""
    standing: Standing | None = None
    """What the ledger held of it."""
    excluded: tuple[Excluded, ...] = ()
    """What exclusions took out of it."""


@dataclass(slots=True)
class BudgetQuestion:
    """Counts against the budget of *slo* when that is due, and remembers it.

    Where the *ledger* holds the period, the budget is what it holds, and what happened since its watermark.
    """

    slo: Slo
    every: timedelta
    history: History
    ledger: Ledger | None = None
    group: Labels = ()
    phase: timedelta = timedelta()
    """How much earlier than others it is due."""
    counted_from: str = ""
    coverage: float | None = None
    counted: Counted | None = None
    reason: str = ""
    """Why nothing is counted."""
    cadence: Cadence = field(default_factory=Cadence)
    _leaving: tuple[Standing, Floats] | None = None
    """What leaves the window of a standing, in parts of the budget; as lists, ten thousand would be 230 MB."""
    _standing: tuple[datetime, Standing | None] | None = None
    _calm: tuple[Counted, Duration | None] | None = None
    """How long the budget lasts, as worked out when it was counted."""

    def count(self, asker: Asker, every: timedelta, ask: Ask) -> None:
        """Refresh the budget when it is due; an old count stays, with its age, while nobody can look."""
        standing, window = self.planned(asker.at, every)
        if window is None:
            if self.cadence.failures:
                asker.still_failing(self.cadence.reason)
            return
        found = ask(asker, self._wanted(window))
        if not isinstance(found, Unanswered):
            self.cadence.answered(asker.at, self.phase)
            events = rates_in(found, (window,))[window]
            if standing is None:
                self.counted_from, self.coverage = SOURCE, None
                self._of_source(events, asker, window)
            else:
                self.counted_from, self.coverage = LEDGER, standing.coverage
                self._of_ledger(standing, events, asker.at)
            return
        self.reason = found.reason
        if asker.unreachable is None:
            self.cadence.failed(asker.at, found.reason)

    def planned(self, at: datetime, every: timedelta) -> tuple[Standing | None, Duration | None]:
        """What the ledger holds, and over which window the rest of the budget is asked for; None: not now."""
        ledger, standing = self.ledger, None
        if ledger is not None and self.counted_from == SOURCE:  # as soon as it holds the period
            standing = self._held_by(ledger, at)
        due = self.cadence.due(at, self.every if self.cadence.failures else every)
        if not due and (standing is None or self.cadence.failures):
            return None, None
        if ledger is not None and standing is None:
            standing = self._held_by(ledger, at)
        if standing is None:
            return None, self._period(at)[0]
        return standing, Duration.of(seconds=max(_LEAST, round((at - standing.until).total_seconds())))

    def _held_by(self, ledger: Ledger, at: datetime) -> Standing | None:
        """Looked up once in a look: what was asked ahead is what then is counted with."""
        if self._standing is None or self._standing[0] != at:
            self._standing = at, ledger.standing(self.slo, self.group, at)
        return self._standing[1]

    def wanted(self, at: datetime) -> Wanted | None:
        """What is asked for the budget, if that is due."""
        window = None if self.cadence.failures else self.planned(at, self.every)[1]
        return None if window is None else self._wanted(window)

    def _wanted(self, window: Duration) -> Wanted:
        """The question for a budget."""
        return Wanted(f"{self.slo.ref} budget {window}", partial(both, for_long(self.slo.sli), (window,), "increase"))

    def _period(self, at: datetime) -> tuple[Duration, Duration]:
        """How much of the period is behind us, and its length; a rolling window lies behind us as a whole."""
        if (calendar := self.slo.calendar) is None:
            return self.slo.window, self.slo.window
        start, end = PERIODS[calendar.unit](at, ZoneInfo(calendar.timezone))
        passed = max(1, round((at - start).total_seconds()))
        return Duration.of(seconds=max(passed, _LEAST)), Duration.of(seconds=round((end - start).total_seconds()))

    def _of_source(self, events: Rate, asker: Asker, window: Duration) -> None:
        """Count against the budget of the whole period: what is yet to come of it is taken to be clean."""
        slo = self.slo
        self.counted, self.reason = None, events.why(window)
        if events.total is None or events.bad is None or not events.total > 0:
            return
        _, whole = self._period(asker.at)
        observed = self.history.observed(asker, slo.window)
        if slo.calendar is not None:
            passed = min(window.milliseconds, round(observed * slo.window.milliseconds))
            whole = Duration(max(passed + whole.milliseconds - window.milliseconds, passed))
            observed = passed / whole.milliseconds
        spent = spend(slo.target, events.total, events.bad, observed)
        if spent is not None:
            self.counted, self.reason = Counted(spent, asker.at, observed, whole), ""

    def _of_ledger(self, standing: Standing, since: Rate, at: datetime) -> None:
        """Count what the ledger holds and what happened *since*; with too little coverage nothing is concluded."""
        self.counted = None
        if self.ledger is not None and standing.coverage < self.ledger.floor:
            least = percent(self.ledger.floor)
            self.reason = f"only {percent(standing.coverage, 1)} of the period was seen, less than {least}"
            return
        new, new_bad, excluded = lately(standing.excluded, since.total or 0.0, since.bad or 0.0, standing.until, at)
        total, bad = standing.total + new, standing.bad + new_bad
        observed = standing.observed(at)
        spent = spend(self.slo.target, total, min(bad, total), observed) if observed > 0 else None
        nothing = f"no traffic in {self.slo.over}"
        if any(one.removed for one in excluded):
            nothing += ", exclusions taken out"
        self.reason = "" if spent is not None else nothing
        if spent is not None:
            whole = Duration.of(seconds=round(standing.whole(at).total_seconds()))
            self.counted = Counted(spent, at, observed, whole, standing, excluded)

    def observed(self) -> str:
        """How much of the window the budget is counted over; empty if all of it."""
        if self.counted is None or self.counted.observed >= 1:
            return ""
        whole = self._period(self.counted.at)[1].timedelta
        return f"{span(self.counted.observed * whole)} of {self.slo.over}"

    def not_excluded(self) -> str:
        """Why the budget is told with what is agreed not to count; empty where it is told without."""
        if self.counted is None or self.counted.standing is not None or not self.slo.exclusions:
            return ""
        at = self.counted.at
        start, end = window_of(self.slo, at)
        return NOT_EXCLUDED if touching(self.slo.exclusions, start, min(at, end)) else ""

    def counted_by(self) -> str:
        """Who counted the budget, where there is a ledger that could have."""
        if self.ledger is None or not self.counted_from:
            return ""
        if self.coverage is None:
            return "one question, as the ledger does not hold the period yet"
        return f"the ledger, {percent(self.coverage, 1)} of the time seen"

    def exhaustion(self, rate: float, *, now: bool) -> Duration | None:
        """How long it lasts at burn rate *rate*; unless it burns *now*, as worked out when it was counted."""
        if self.counted is None or self.counted.spent.remaining <= 0:
            return self.lasts(rate)
        if now or self._calm is None or not self._still(*self._calm):
            self._calm = self.counted, self.lasts(rate)
        return self._calm[1]

    def _still(self, before: Counted, lasted: Duration | None) -> bool:
        """Whether what was worked out *before* may be told again: a day ahead, ten minutes make no difference."""
        if self.counted is None or before is self.counted:
            return True
        far = lasted is None or lasted > DAY
        return far and timedelta() <= self.counted.at - before.at < _ALIKE and before.spent.remaining > 0

    def lasts(self, rate: float) -> Duration | None:
        """How long the budget lasts, if not for what is left of a calendar period, or for a rolling window."""
        if self.counted is None:
            return None
        slo, counted, horizon = self.slo, self.counted, self.slo.window
        if slo.calendar is not None:
            horizon = Duration.of(seconds=round((window_of(slo, counted.at)[1] - counted.at).total_seconds()))
        lasts = partial(exhaustion, counted.spent.remaining, rate, counted.whole, horizon=horizon)
        straight = lasts()
        if straight is None or straight == Duration(0) or slo.calendar is not None:
            return straight
        return lasts(leaving=self._roll_off(counted))

    def _roll_off(self, counted: Counted) -> list[float]:
        """What leaves a rolling window in each hour to come, as far as the ledger knows, in parts of the budget."""
        standing = counted.standing
        if self.ledger is None or standing is None:
            return []
        if self._leaving is None or not timedelta() <= standing.start - self._leaving[0].start < _ALIKE:
            leaving = self.ledger.leaving(self.slo, self.group, standing)
            self._leaving = standing, np.maximum(leaving, 0.0) / counted.spent.allowed
        leaves: list[float] = self._leaving[1].tolist()
        return leaves
