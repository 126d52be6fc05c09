"""The questions of one SLO: rates at every look, the budget at a slower cadence, and the status they give."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import isfinite

from tocsin.budget import Spend, exhaustion, spend
from tocsin.evaluate.asking import Asker, Unanswered
from tocsin.evaluate.burn import (
    BEFORE,
    NOW,
    Burn,
    Rate,
    burn,
    burn_rate_of,
    no_traffic,
    rates_of,
    sample,
    tier_id,
    union,
)
from tocsin.evaluate.model import BurnStatus, SloStatus, Truth
from tocsin.evaluate.rule import Seen, one, unknown
from tocsin.ports import Answer
from tocsin.spec import Slo
from tocsin.units import Duration
from tocsin.windows import windows_of

FAST = Duration.of(hours=6)
"""Windows up to this length are asked at every look; what is longer moves too slowly to need it."""
HURRY = 6
"""While errors come too fast the budget is counted so many times as often."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Good and bad events over the SLO's window, as of *at*."""

    spent: Spend
    at: datetime


@dataclass(frozen=True, slots=True)
class SloSight:
    """All that one look saw of one SLO: by rule, and as a status."""

    seen: Mapping[str, Seen]
    status: SloStatus


@dataclass(slots=True)
class SloQuestion:
    """Asks for one SLO, and remembers what moves slowly."""

    slo: Slo
    budget_every: timedelta
    counted: Counted | None = None
    counted_reason: str = ""
    slow: Mapping[Duration, Rate] = field(default_factory=dict)
    slow_at: datetime | None = None
    born: dict[Duration, datetime] = field(default_factory=dict)
    traffic_at: datetime | None = None

    def ask(self, asker: Asker) -> SloSight:
        """Look at the SLO once."""
        rates = self._rates(asker)
        self._count(asker, self.budget_every / HURRY if self._hot(rates) else self.budget_every)
        if isinstance(rates, Unanswered):
            return self._blind(rates.reason, asker.at)
        return self._sight(rates, asker)

    def _windows(self) -> tuple[Duration, ...]:
        return tuple(sorted({*windows_of(self.slo.tiers), NOW, BEFORE}))

    def _rates(self, asker: Asker) -> Mapping[Duration, Rate] | Unanswered:
        windows = self._windows()
        fast = tuple(w for w in windows if w <= FAST)
        late = self.slow_at is None or not timedelta() <= asker.at - self.slow_at < self.budget_every
        asked = windows if late else fast
        answer = asker.instant(union(self.slo.sli, asked))
        if isinstance(answer, Unanswered):
            return answer
        if answer.partial:
            return Unanswered(f"partial answer {'; '.join(answer.warnings)}".strip())
        rates = rates_of(answer, asked)
        if late:
            self.slow, self.slow_at = {w: rates[w] for w in windows if w > FAST}, asker.at
        return {**rates, **self.slow}

    def _hot(self, rates: Mapping[Duration, Rate] | Unanswered) -> bool:
        """Whether errors come fast enough right now for a page, which must not tell an old budget."""
        if isinstance(rates, Unanswered):
            return False
        slo = self.slo
        return any(
            (rates[tier.short].ratio() or 0) > tier.threshold(slo.window, slo.target)
            for tier in slo.tiers
            if tier.severity == "page"
        )

    def _count(self, asker: Asker, every: timedelta) -> None:
        """Refresh the budget when it is due; an old count stays, with its age, while nobody can look."""
        if self.counted is not None and timedelta() <= asker.at - self.counted.at < every:
            return
        answer = asker.instant(union(self.slo.sli, (self.slo.window,), "increase"))
        if isinstance(answer, Unanswered):
            self.counted_reason = answer.reason
        elif answer.partial:
            self.counted_reason = "partial answer"
        else:
            self._counted(answer, asker.at)

    def _counted(self, answer: Answer, at: datetime) -> None:
        events = rates_of(answer, (self.slo.window,))[self.slo.window]
        spent = None
        if events.total is not None and events.bad is not None:
            spent = spend(self.slo.target, events.total, events.bad)
        self.counted = Counted(spent, at) if spent is not None else None
        self.counted_reason = "" if spent is not None else f"no traffic in the last {self.slo.window}"

    def _covered(self, asker: Asker, rates: Mapping[Duration, Rate], window: Duration) -> float:
        """The part of *window* since the first event that the source remembers; asked once, for births do not move."""
        if not (rates[window].ratio() or 0) > 0:
            return 1.0
        if window not in self.born:
            born = self._birth(asker, window)
            if born is None:
                return 1.0
            self.born[window] = born
        return min(1.0, max(0.0, (asker.at - self.born[window]) / window.timedelta))

    def _birth(self, asker: Asker, window: Duration) -> datetime | None:
        """When traffic first shows inside the last *window*, to a sixtieth of it."""
        step = Duration(window.milliseconds // 60).timedelta
        start = asker.at - window.timedelta
        answer = asker.range(self.slo.sli.total(str(NOW)), start, asker.at, step)
        if isinstance(answer, Unanswered):
            return None
        times = [time for row in answer.rows for time, value in row.points if isfinite(value)]
        return datetime.fromtimestamp(min(times), tz=asker.at.tzinfo) - step if times else None

    def _blind(self, reason: str, at: datetime) -> SloSight:
        nothing = unknown(reason)
        ids = [tier_id(self.slo, tier) for tier in self.slo.tiers] + [f"{self.slo.ref}:no-traffic"]
        burns = tuple(
            BurnStatus(
                tier.name,
                tier.severity,
                tier.long,
                tier.short,
                None,
                None,
                float(tier.factor(self.slo.window)),
                Truth.UNKNOWN,
            )
            for tier in self.slo.tiers
        )
        status = self._status(burns, "unknown", None, reason, at)
        return SloSight({i: Seen({(): nothing.sample}, nothing) for i in ids}, status)

    def _sight(self, rates: Mapping[Duration, Rate], asker: Asker) -> SloSight:
        slo = self.slo
        spent = self.counted.spent if self.counted else None
        burns = [burn(slo, tier, rates, lambda w: self._covered(asker, rates, w)) for tier in slo.tiers]
        seen = {tier_id(slo, b.tier): one(sample(slo, b, rates, spent, asker.at)) for b in burns}
        if (rates[NOW].total or 0) > 0:
            self.traffic_at = asker.at
        if slo.no_traffic.alert:
            seen[f"{slo.ref}:no-traffic"] = one(no_traffic(slo, rates, self.traffic_at, asker.at))
        state, reason = self._state(burns, spent)
        statuses = tuple(self._burn_status(b) for b in burns)
        pace = next((b.short for b in burns if b.truth is Truth.TRUE), burns[0].long if burns else None)
        return SloSight(seen, self._status(statuses, state, pace, reason, asker.at))

    def _state(self, burns: list[Burn], spent: Spend | None) -> tuple[str, str]:
        if spent is not None and spent.remaining <= 0:
            return "exhausted", "no budget is left"
        for b in burns:
            if b.truth is Truth.TRUE:
                return "burning", f"{b.tier.name}: {b.reason}" if b.reason else f"tier {b.tier.name} fires"
        if spent is None:
            return "unknown", self.counted_reason
        first = next((b for b in burns if b.truth is Truth.UNKNOWN), None)
        return ("healthy", "") if first is None else ("unknown", first.reason)

    def _burn_status(self, b: Burn) -> BurnStatus:
        long, short = (None if r is None else burn_rate_of(self.slo, r) for r in (b.long, b.short))
        tier = b.tier
        factor = float(tier.factor(self.slo.window))
        return BurnStatus(tier.name, tier.severity, tier.long, tier.short, long, short, factor, b.truth)

    def _status(
        self, burns: tuple[BurnStatus, ...], state: str, pace: float | None, reason: str, at: datetime
    ) -> SloStatus:
        slo, spent = self.slo, self.counted.spent if self.counted else None
        lasts = None
        if spent is not None and pace is not None:
            lasts = exhaustion(spent.remaining, burn_rate_of(slo, pace), slo.window)
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
        )
