"""The questions of one SLO: rates at every look, the budget at a slower cadence, and the status they give."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from math import nan

from tocsin.budget import Spend
from tocsin.evaluate.absence import SLOWER, Absence
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
from tocsin.evaluate.history import History
from tocsin.evaluate.model import BurnStatus, Sample, SloStatus, Truth
from tocsin.evaluate.rule import Seen, one, unknown
from tocsin.evaluate.slo_budget import SPENT, BudgetQuestion
from tocsin.evaluate.standing import Ledger
from tocsin.evaluate.together import Wanted
from tocsin.guards import BASE, RAW_LIMIT
from tocsin.ports import Labels
from tocsin.sli import for_long
from tocsin.spec import Slo
from tocsin.units import Duration
from tocsin.windows import windows_of

HURRY = 6
"""While errors come too fast the budget is counted so many times as often."""


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
    slow: dict[Duration, Rate] = field(default_factory=dict)
    slowly: dict[Duration, Cadence] = field(default_factory=dict)
    history: History = field(init=False)
    budget: BudgetQuestion = field(init=False)
    absence: Absence = field(init=False)
    blame: Blame = field(init=False)
    limits: tuple[Limit, ...] = field(init=False)
    _quick: tuple[Duration, ...] = field(init=False)
    _long: tuple[Duration, ...] = field(init=False)
    _quickly: Wanted = field(init=False)
    """What every look asks: all windows that are cheap enough."""
    _slowly: Mapping[Duration, Wanted] = field(init=False)
    _texts: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.history = History(for_long(self.slo.sli), self.budget_every)
        self.budget = BudgetQuestion(self.slo, self.budget_every, self.history, self.ledger, self.group)
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
        cadences = (self.budget.cadence, *self.slowly.values())
        failing = self.absence.cadence.asked is not None or any(one.failures for one in cadences)
        return not failing and not any(one.due(at, self.budget_every) for one in cadences)

    def ask(self, asker: Asker, awake: AbstractSet[str] | None = None) -> SloSight:
        """Look at the SLO once; words about calm tiers are for the rules *awake* alone (None: for all)."""
        rates = self._rates(asker)
        self.budget.phase = self.phase
        self.budget.count(asker, self.budget_every / HURRY if self._hot(rates) else self.budget_every, self._parts)
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
                cadence.answered(asker.at, self.phase)
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

    def _parts(self, asker: Asker, wanted: Wanted) -> Mapping[str, float] | Unanswered:
        """What was asked ahead, or is asked now."""
        found = asker.ahead.get(wanted.name)
        return asker.parts(self._text(wanted), wanted.parts) if found is None else found

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
        budget = self.budget.wanted(at)
        return [self._quickly], slow if budget is None else [*slow, budget]

    def _cadence(self, window: Duration) -> Cadence:
        return self.slowly.setdefault(window, Cadence())

    def _covered(self, asker: Asker, rates: Mapping[Duration, Rate], window: Duration) -> float:
        """The part of *window* that has a history, where there are errors to which that makes a difference."""
        unsure = self.slo.guards.cold_start and (rates[window].ratio() or 0) > 0
        return self.history.share(asker, window) if unsure else 1.0

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
        spent = self.budget.counted.spent if self.budget.counted else None
        burns = [burn(slo, limit, rates, lambda w: self._covered(asker, rates, w)) for limit in self.limits]
        observed = self.budget.observed()
        facts = {"observed": observed, "counted_by": self.budget.counted_by()}
        whose = self.blame.look(asker, (b.tier.long for b in burns if b.truth is Truth.TRUE))
        seen = {}
        for b in burns:
            rule = b.limit.rule
            if b.truth is Truth.FALSE and awake is not None and rule not in awake:
                value = None if b.long is None else burn_rate_of(slo, b.long)
                seen[rule] = one(Sample(Truth.FALSE, value, CALM))
            else:
                seen[rule] = one(
                    sample(slo, b, rates, spent, at=asker.at, whose=whose, lasts=self.budget.lasts, **facts)
                )
        if slo.no_traffic.alert:
            seen[no_traffic_id(slo)] = one(self.absence.look(asker, rates[BASE].total))
        state, reason = self._state(burns, spent, rates[BASE])
        reason = "; ".join(
            filter(None, (reason, f"{observed} observed" if observed else "", self.budget.not_excluded()))
        )
        statuses = tuple(self._burn_status(b) for b in burns)
        pace = next((b.short for b in burns if b.truth is Truth.TRUE), burns[0].long if burns else None)
        return SloSight(seen, self._status(statuses, state, pace, reason, asker.at))

    def _state(self, burns: list[Burn], spent: Spend | None, now: Rate) -> tuple[str, str]:
        if spent is not None and spent.remaining <= 0:
            return "exhausted", SPENT
        for b in burns:
            if b.truth is Truth.TRUE:
                return "burning", f"{b.tier.name}: {b.reason}" if b.reason else f"tier {b.tier.name} fires"
        if now.why(BASE) == NO_BAD:
            return "unknown", NO_BAD
        if spent is None:
            return "unknown", self.budget.reason
        first = next((b for b in burns if b.truth is Truth.UNKNOWN), None)
        return ("healthy", "") if first is None else ("unknown", first.reason)

    def _burn_status(self, b: Burn) -> BurnStatus:
        long, short = (None if r is None else burn_rate_of(self.slo, r) for r in (b.long, b.short))
        tier = b.tier
        return BurnStatus(tier.name, tier.severity, tier.long, tier.short, long, short, b.limit.factor, b.truth)

    def _status(
        self, burns: tuple[BurnStatus, ...], state: str, pace: float | None, reason: str, at: datetime
    ) -> SloStatus:
        slo, budget, counted = self.slo, self.budget, self.budget.counted
        spent = counted.spent if counted else None
        rate = nan if pace is None else burn_rate_of(slo, pace)
        lasts = budget.exhaustion(rate, now=state == "burning")
        return SloStatus(
            ref=slo.ref,
            service=slo.service,
            name=slo.name,
            target=slo.target,
            window=slo.window,
            at=counted.at if counted else at,
            good=spent.total - spent.used if spent else None,
            total=spent.total if spent else None,
            sli=1 - spent.used / spent.total if spent else None,
            allowed=spent.allowed if spent else None,
            used=spent.used if spent else None,
            remaining=spent.remaining if spent else None,
            burns=burns,
            state=state,
            exhaustion=None if lasts is None else lasts.timedelta,
            reason=reason,
            budget_from=budget.counted_from,
            coverage=budget.coverage,
            excluded=counted.excluded if counted else (),
        )
