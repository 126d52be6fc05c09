"""The questions of one SLO: rates at every look, the budget at a slower cadence, and the status they give."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import numpy as np

from tocsin.budget import Spend, exhaustion, exhaustion_with_roll_off, spend
from tocsin.evaluate.absence import SLOWER, Absence
from tocsin.evaluate.accounting import window_of
from tocsin.evaluate.asking import Asker, Unanswered
from tocsin.evaluate.blame import Blame
from tocsin.evaluate.burn import (
    CALM,
    NO_BAD,
    Burn,
    Limit,
    Rate,
    both,
    burn,
    burn_rate_of,
    no_traffic_id,
    rates_in,
    sample,
)
from tocsin.evaluate.cadence import Cadence
from tocsin.evaluate.calendar import PERIODS
from tocsin.evaluate.excluding import lately, touching
from tocsin.evaluate.history import History
from tocsin.evaluate.measures import Excluded
from tocsin.evaluate.model import BurnStatus, Sample, SloStatus, Truth
from tocsin.evaluate.rule import Seen, one, unknown
from tocsin.evaluate.standing import Ledger, Standing
from tocsin.evaluate.together import Wanted
from tocsin.evaluate.words import percent, span
from tocsin.guards import BASE, RAW_LIMIT
from tocsin.ports import Labels
from tocsin.sli import for_long
from tocsin.spec import Slo
from tocsin.units import Duration
from tocsin.windows import windows_of

_LEAST = 60
"""Seconds of a calendar period below which nothing is counted yet: a shorter range holds no two scrapes."""
HOUR = Duration.of(hours=1)
LEDGER, SOURCE = "ledger", "source"
"""Who counted a budget."""
NOT_EXCLUDED = "its exclusions are not applied: the ledger does not hold the period"
"""Of a budget that the metric source counted, which knows nothing of them."""
_ALIKE = timedelta(minutes=10)
"""What leaves a period in each hour to come is read again after so long; it is told by hours."""
HURRY = 6
"""While errors come too fast the budget is counted so many times as often."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Good and bad events over the SLO's window, as of *at*, and the part of it that was *observed*."""

    spent: Spend
    at: datetime
    observed: float
    standing: Standing | None = None
    """What the ledger held of it."""
    excluded: tuple[Excluded, ...] = ()
    """What exclusions took out of it."""


@dataclass(frozen=True, slots=True)
class SloSight:
    """All that one look saw of one SLO: by rule, and as a status."""

    seen: Mapping[str, Seen]
    status: SloStatus


@dataclass(slots=True)
class SloQuestion:
    """Asks for one SLO, and remembers what moves slowly.

    Windows up to six hours are asked together at every look, each longer one alone at the budget's cadence: what a
    server refuses for a window of three days ("too many samples") blinds the tier that needs it, and no other.

    Where the *ledger* holds the period, the budget is what it holds, and what happened since its watermark.
    """

    slo: Slo
    budget_every: timedelta
    ledger: Ledger | None = None
    group: Labels = ()
    phase: timedelta = timedelta()
    """How much earlier than others it is due: of ten thousand objectives not all are in the same look."""
    budget_from: str = ""
    coverage: float | None = None
    counted: Counted | None = None
    counted_reason: str = ""
    counting: Cadence = field(default_factory=Cadence)
    slow: dict[Duration, Rate] = field(default_factory=dict)
    slowly: dict[Duration, Cadence] = field(default_factory=dict)
    history: History = field(init=False)
    absence: Absence = field(init=False)
    blame: Blame = field(init=False)
    limits: tuple[Limit, ...] = field(init=False)
    _quick: tuple[Duration, ...] = field(init=False)
    _long: tuple[Duration, ...] = field(init=False)
    _quickly: Wanted = field(init=False)
    """What every look asks: all windows that are cheap enough."""
    _slowly: Mapping[Duration, Wanted] = field(init=False)
    _texts: dict[str, str] = field(default_factory=dict)
    _leaving: tuple[Standing, list[float]] | None = None
    """What leaves the window of a standing, in parts of the budget."""
    _standing: tuple[datetime, Standing | None] | None = None
    _calm: tuple[Counted, Duration | None] | None = None
    """How long the budget lasts, as worked out when it was counted."""

    def __post_init__(self) -> None:
        self.history = History(for_long(self.slo.sli), self.budget_every)
        self.absence = Absence(self.slo, SLOWER * self.budget_every)
        self.blame = Blame(self.slo.sli, self.budget_every)
        self.limits = tuple(Limit.of(self.slo, tier) for tier in self.slo.tiers)
        windows = windows_of(self.slo.tiers)
        self._quick = tuple(window for window in sorted({*windows, BASE}) if window <= RAW_LIMIT)
        self._long = tuple(window for window in windows if window > RAW_LIMIT)
        self._quickly, *slowly = (
            Wanted(f"{self.slo.ref} {windows}", partial(both, self.slo.sli, windows))
            for windows in (self._quick, *((window,) for window in self._long))
        )
        self._slowly = dict(zip(self._long, slowly, strict=True))

    @property
    def query(self) -> str:
        """What every look asks."""
        return self._text(self._quickly)

    @property
    def slow_windows(self) -> tuple[Duration, ...]:
        """Those that are asked at the budget's cadence."""
        return self._long

    def settled(self, at: datetime) -> bool:
        """Whether nothing of it is due but the rates, and nothing of it failed or is waited for."""
        cadences = (self.counting, *self.slowly.values())
        failing = self.absence.cadence.asked is not None or any(one.failures for one in cadences)
        return not failing and not any(one.due(at, self.budget_every) for one in cadences)

    def ask(self, asker: Asker, awake: AbstractSet[str] | None = None) -> SloSight:
        """Look at the SLO once; words about calm tiers are for the rules *awake* alone (None: for all)."""
        rates = self._rates(asker)
        self._count(asker, self.budget_every / HURRY if self._hot(rates) else self.budget_every)
        if isinstance(rates, Unanswered):
            return self.blind(rates.reason, asker.at)
        if rates[BASE].total is None:
            self.history.interrupted()
        elif rates[BASE].why(BASE) == NO_BAD:
            asker.still_failing(f"{self.slo.ref}: {NO_BAD}")
        return self._sight(rates, asker, awake)

    def _rates(self, asker: Asker) -> Mapping[Duration, Rate] | Unanswered:
        found = self._parts(asker, self._quickly)
        if isinstance(found, Unanswered):
            return found
        rates = dict(rates_in(found, self._quick))
        for window in self._long:
            rates[window] = self._slow(asker, window)
        return rates

    def _slow(self, asker: Asker, window: Duration) -> Rate:
        cadence = self._cadence(window)
        if cadence.due(asker.at, self.budget_every):
            found = self._parts(asker, self._slowly[window])
            if isinstance(found, Unanswered):
                cadence.failed(asker.at, found.reason)
                self.slow[window] = Rate(None, None, found.reason)
            else:
                self._answered(cadence, asker.at)
                self.slow[window] = rates_in(found, (window,))[window]
        elif cadence.failures:
            asker.still_failing(cadence.reason)
        return self.slow[window]

    def _hot(self, rates: Mapping[Duration, Rate] | Unanswered) -> bool:
        """Whether errors come fast enough right now for a page, which must not tell an old budget."""
        if isinstance(rates, Unanswered):
            return False
        return any(
            (rates[limit.tier.short].ratio() or 0) > limit.threshold
            for limit in self.limits
            if limit.tier.severity == "page"
        )

    def _count(self, asker: Asker, every: timedelta) -> None:
        """Refresh the budget when it is due; an old count stays, with its age, while nobody can look."""
        standing, window = self._planned(asker.at, every)
        if window is None:
            if self.counting.failures:
                asker.still_failing(self.counting.reason)
            return
        found = self._parts(asker, self._budget(window))
        if not isinstance(found, Unanswered):
            self._answered(self.counting, asker.at)
            events = rates_in(found, (window,))[window]
            if standing is None:
                self.budget_from, self.coverage = SOURCE, None
                self._counted(events, asker, window)
            else:
                self.budget_from, self.coverage = LEDGER, standing.coverage
                self._held(standing, events, asker.at)
            return
        self.counted_reason = found.reason
        if asker.unreachable is None:
            self.counting.failed(asker.at, found.reason)

    def _planned(self, at: datetime, every: timedelta) -> tuple[Standing | None, Duration | None]:
        """What the ledger holds, and over which window the rest of the budget is asked for; None: not now."""
        ledger, standing = self.ledger, None
        if ledger is not None and self.budget_from == SOURCE:  # as soon as it holds the period
            standing = self._held_by(ledger, at)
        due = self.counting.due(at, self.budget_every if self.counting.failures else every)
        if not due and (standing is None or self.counting.failures):
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

    def _budget(self, window: Duration) -> Wanted:
        """The question for a budget."""
        return Wanted(f"{self.slo.ref} budget {window}", partial(both, for_long(self.slo.sli), (window,), "increase"))

    def _parts(self, asker: Asker, wanted: Wanted) -> Mapping[str, float] | Unanswered:
        """What was asked ahead, or is asked now."""
        found = asker.ahead.get(wanted.name)
        return asker.parts(self._text(wanted)) if found is None else found

    def _text(self, wanted: Wanted) -> str:
        """Written once for each question; where all are asked ahead, never. Windows of budgets may change."""
        if wanted.name not in self._texts:
            if len(self._texts) > len(self._long) + 1:
                self._texts.clear()
            self._texts[wanted.name] = wanted.query
        return self._texts[wanted.name]

    def wanted(self, at: datetime) -> tuple[list[Wanted], list[Wanted]]:
        """What every whole look asks; and which longer windows are due, and the budget if that is due."""
        slow = [self._slowly[window] for window in self._long if self._cadence(window).due(at, self.budget_every)]
        window = None if self.counting.failures else self._planned(at, self.budget_every)[1]
        return [self._quickly], slow if window is None else [*slow, self._budget(window)]

    def _cadence(self, window: Duration) -> Cadence:
        return self.slowly.setdefault(window, Cadence())

    def _answered(self, cadence: Cadence, at: datetime) -> None:
        """After the first answer the next one comes earlier by the *phase*."""
        cadence.answered(at if cadence.asked is not None else at - self.phase)

    def _period(self, at: datetime) -> tuple[Duration, Duration]:
        """How much of the period is behind us, and its length; a rolling window lies behind us as a whole."""
        if (calendar := self.slo.calendar) is None:
            return self.slo.window, self.slo.window
        start, end = PERIODS[calendar.unit](at, ZoneInfo(calendar.timezone))
        passed = max(1, round((at - start).total_seconds()))
        return Duration.of(seconds=max(passed, _LEAST)), Duration.of(seconds=round((end - start).total_seconds()))

    def _counted(self, events: Rate, asker: Asker, window: Duration) -> None:
        """Count against the budget of the whole period: what is yet to come of it is taken to be clean."""
        slo = self.slo
        self.counted, self.counted_reason = None, events.why(window)
        if events.total is None or events.bad is None or not events.total > 0:
            return
        _, whole = self._period(asker.at)
        observed = self.history.observed(asker, slo.window)
        if slo.calendar is not None:
            passed = min(window.milliseconds, observed * slo.window.milliseconds)
            observed = passed / max(passed + whole.milliseconds - window.milliseconds, passed)
        spent = spend(slo.target, events.total, events.bad, observed)
        if spent is not None:
            self.counted, self.counted_reason = Counted(spent, asker.at, observed), ""

    def _held(self, standing: Standing, since: Rate, at: datetime) -> None:
        """Count what the ledger holds and what happened *since*; with too little coverage nothing is concluded."""
        self.counted = None
        if self.ledger is not None and standing.coverage < self.ledger.floor:
            least = percent(self.ledger.floor)
            self.counted_reason = f"only {percent(standing.coverage, 1)} of the period was seen, less than {least}"
            return
        new, new_bad, excluded = lately(standing.excluded, since.total or 0.0, since.bad or 0.0, standing.until, at)
        total, bad = standing.total + new, standing.bad + new_bad
        observed = standing.observed(at)
        spent = spend(self.slo.target, total, min(bad, total), observed) if observed > 0 else None
        nothing = f"no traffic in {self.slo.over}"
        if any(one.removed for one in excluded):
            nothing += ", exclusions taken out"
        self.counted_reason = "" if spent is not None else nothing
        if spent is not None:
            self.counted = Counted(spent, at, observed, standing, excluded)

    def _covered(self, asker: Asker, rates: Mapping[Duration, Rate], window: Duration) -> float:
        """The part of *window* that has a history, where there are errors to which that makes a difference."""
        unsure = self.slo.guards.cold_start and (rates[window].ratio() or 0) > 0
        return self.history.share(asker, window) if unsure else 1.0

    def _observed(self) -> str:
        """How much of the window the budget is counted over; empty if all of it."""
        if self.counted is None or self.counted.observed >= 1:
            return ""
        whole = self._period(self.counted.at)[1].timedelta
        return f"{span(self.counted.observed * whole)} of {self.slo.over}"

    def _not_excluded(self) -> str:
        """Why the budget is told with what is agreed not to count; empty where it is told without."""
        if self.counted is None or self.counted.standing is not None or not self.slo.exclusions:
            return ""
        at = self.counted.at
        start, end = window_of(self.slo, at)
        return NOT_EXCLUDED if touching(self.slo.exclusions, start, min(at, end)) else ""

    def _counted_by(self) -> str:
        """Who counted the budget, where there is a ledger that could have."""
        if self.ledger is None or not self.budget_from:
            return ""
        if self.coverage is None:
            return "one question, as the ledger does not hold the period yet"
        return f"the ledger, {percent(self.coverage, 1)} of the time seen"

    def blind(self, reason: str, at: datetime) -> SloSight:
        """Nothing could be seen."""
        nothing = unknown(reason)
        ids = [limit.rule for limit in self.limits] + [no_traffic_id(self.slo)]
        burns = tuple(
            self._burn_status(Burn(limit, limit.tier, None, None, Truth.UNKNOWN, "")) for limit in self.limits
        )
        status = self._status(burns, "unknown", None, reason, at)
        return SloSight({i: Seen({(): nothing.sample}, nothing) for i in ids}, status)

    def _sight(self, rates: Mapping[Duration, Rate], asker: Asker, awake: AbstractSet[str] | None = None) -> SloSight:
        slo = self.slo
        spent = self.counted.spent if self.counted else None
        burns = [burn(slo, limit, rates, lambda w: self._covered(asker, rates, w)) for limit in self.limits]
        observed = self._observed()
        facts = {"observed": observed, "counted_by": self._counted_by()}
        whose = self.blame.look(asker, (b.tier.long for b in burns if b.truth is Truth.TRUE))
        seen = {}
        for b in burns:
            rule = b.limit.rule
            if b.truth is Truth.FALSE and awake is not None and rule not in awake:
                value = None if b.long is None else burn_rate_of(slo, b.long)
                seen[rule] = one(Sample(Truth.FALSE, value, CALM))
            else:
                seen[rule] = one(sample(slo, b, rates, spent, at=asker.at, whose=whose, lasts=self._lasts, **facts))
        if slo.no_traffic.alert:
            seen[no_traffic_id(slo)] = one(self.absence.look(asker, rates[BASE].total))
        state, reason = self._state(burns, spent, rates[BASE])
        reason = "; ".join(filter(None, (reason, f"{observed} observed" if observed else "", self._not_excluded())))
        statuses = tuple(self._burn_status(b) for b in burns)
        pace = next((b.short for b in burns if b.truth is Truth.TRUE), burns[0].long if burns else None)
        return SloSight(seen, self._status(statuses, state, pace, reason, asker.at))

    def _state(self, burns: list[Burn], spent: Spend | None, now: Rate) -> tuple[str, str]:
        if spent is not None and spent.remaining <= 0:
            return "exhausted", "no budget is left"
        for b in burns:
            if b.truth is Truth.TRUE:
                return "burning", f"{b.tier.name}: {b.reason}" if b.reason else f"tier {b.tier.name} fires"
        if now.why(BASE) == NO_BAD:
            return "unknown", NO_BAD
        if spent is None:
            return "unknown", self.counted_reason
        first = next((b for b in burns if b.truth is Truth.UNKNOWN), None)
        return ("healthy", "") if first is None else ("unknown", first.reason)

    def _burn_status(self, b: Burn) -> BurnStatus:
        long, short = (None if r is None else burn_rate_of(self.slo, r) for r in (b.long, b.short))
        tier = b.tier
        return BurnStatus(tier.name, tier.severity, tier.long, tier.short, long, short, b.limit.factor, b.truth)

    def _status(
        self, burns: tuple[BurnStatus, ...], state: str, pace: float | None, reason: str, at: datetime
    ) -> SloStatus:
        slo, spent = self.slo, self.counted.spent if self.counted else None
        lasts = None
        if self.counted is not None and spent is not None and pace is not None:
            if state == "burning" or self._calm is None or self._calm[0] is not self.counted:
                self._calm = self.counted, self._lasts(spent, burn_rate_of(slo, pace))
            lasts = self._calm[1]
        return SloStatus(
            ref=slo.ref,
            service=slo.service,
            name=slo.name,
            target=slo.target,
            window=slo.window,
            at=self.counted.at if self.counted else at,
            good=spent.total - spent.used if spent else None,
            total=spent.total if spent else None,
            sli=1 - spent.used / spent.total if spent else None,
            allowed=spent.allowed if spent else None,
            used=spent.used if spent else None,
            remaining=spent.remaining if spent else None,
            burns=burns,
            state=state,
            exhaustion=lasts.timedelta if lasts else None,
            reason=reason,
            budget_from=self.budget_from,
            coverage=self.coverage,
            excluded=self.counted.excluded if self.counted else (),
        )

    def _lasts(self, spent: Spend, rate: float) -> Duration | None:
        """How long the budget lasts; what leaves a rolling window meanwhile is known to the ledger."""
        slo, standing = self.slo, self.counted.standing if self.counted else None
        window = slo.window
        if standing is not None and standing.excluded:  # traffic is that of the time that counts
            less = sum(standing.removed(self.counted.at), timedelta()) if self.counted else timedelta()
            window = Duration.of(seconds=max(0, round((window.timedelta - less).total_seconds())))
        straight = exhaustion(spent.remaining, rate, window)
        if self.ledger is None or standing is None or slo.calendar is not None:
            return straight
        if straight is None or straight > slo.window:
            return straight
        if spent.remaining <= 0:
            return straight
        if self._leaving is None or not timedelta() <= standing.start - self._leaving[0].start < _ALIKE:
            leaving = self.ledger.leaving(slo, self.group, standing)
            self._leaving = standing, (np.maximum(leaving, 0.0) / spent.allowed).tolist()
        return exhaustion_with_roll_off(spent.remaining, rate, slo.window, self._leaving[1], HOUR)
