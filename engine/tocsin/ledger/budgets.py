"""What is left of the budgets of many objectives, each over its own window.

The budget is that of the whole window, `B * total / observed`: what is yet to come of it, or was before anybody first
looked, is taken to have as much traffic as the rest, and to be clean (as `tocsin.budget.spend` has it). How much was
observed is told beside it.

A gap takes nothing from *observed*: counters went on meanwhile, and what they counted is counted. Where it is lost (a
process was restarted in the gap, or none was there again), neither its events nor its errors are known, and the ratio
of what was counted stands for it. So a gap never makes a budget larger; it takes from the coverage, and below a floor
of that nothing is concluded.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.ledger.arrays import Bools, Floats, Seconds
from tocsin.ledger.exact import Ratios
from tocsin.ledger.series import Series

LEAST = 2.0**-53
"""What is left of a budget that is hardly overspent, or hardly not, where floats would say 0."""
UNKNOWN, EXHAUSTED, BURNING, HEALTHY = "unknown", "exhausted", "burning", "healthy"


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """One half-open stretch of unix seconds for each objective; rolling ones end now, calendar periods may end later.

    *since* is when an objective was first looked at, where that is known: it cannot be covered before. *gone* is how
    many seconds since then are removed by exclusions so far, *coming* how many of what is yet to come will be.
    """

    start: Seconds
    end: Seconds
    since: Seconds | None = None
    gone: Seconds | int = 0
    coming: Seconds | int = 0

    @property
    def length(self) -> Floats:
        """Seconds."""
        return np.asarray(self.end - self.start, dtype=np.float64)

    @property
    def counted(self) -> Floats:
        """Seconds that count: without what is removed."""
        return np.maximum(self.length - self.gone - self.coming, 0.0)

    def elapsed(self, now: int) -> Floats:
        """Seconds that could have been looked at so far."""
        start = self.start if self.since is None else np.maximum(self.start, self.since)
        return np.maximum(np.minimum(self.end, now) - start, 0).astype(np.float64)

    def observed(self, now: int) -> tuple[Floats, Floats]:
        """Seconds since the first look, and those that a budget is of; what is removed is in neither.

        What is over of a period that ends later, and what is left of it, is all that will ever count in it. A rolling
        window goes on to fill.
        """
        elapsed = self.elapsed(now)
        whole = np.where(self.end > now, elapsed + (self.end - now), self.length)
        return np.maximum(elapsed - self.gone, 0.0), np.maximum(whole - self.gone - self.coming, 0.0)


def rolling(now: int, lengths: Seconds | int, count: int) -> Windows:
    """The last so many seconds."""
    end = np.full(count, now, dtype=np.int64)
    return Windows(end - lengths, end)


@dataclass(frozen=True, slots=True, eq=False)
class Budgets:
    """One number for each objective, NaN where nothing can be said; *remaining* is a part of *allowed*, < 0 overspent.

    *coverage* is the part of the time so far that was looked at, *observed* the part of what the budget is of that lies
    behind, gaps included. *met* compares exactly: whether the objective holds for what was counted.
    """

    total: Floats
    bad: Floats
    sli: Floats
    allowed: Floats
    remaining: Floats
    coverage: Floats
    observed: Floats
    met: Bools
    known: Bools

    def states(self, burning: Bools) -> NDArray[np.str_]:
        """One word for each objective; *burning* says where a tier fires."""
        conditions = [~self.known, self.remaining <= 0, burning]
        return np.select(conditions, [UNKNOWN, EXHAUSTED, BURNING], HEALTHY)


def budgets(series: Series, windows: Windows, now: int, ratios: Ratios, floor: float) -> Budgets:
    """Count over *windows* against the budget ratios `1 - target`; with less coverage than *floor* all is unknown."""
    total, bad, seen = series.between(windows.start, np.minimum(windows.end, now))
    passed, (elapsed, whole) = windows.elapsed(now), windows.observed(now)
    events = total > 0
    coverage = np.minimum(_over(seen, passed, passed > 0), 1.0)
    observed = np.minimum(_over(elapsed, whole, whole > 0), 1.0)
    some = events & (observed > 0)
    allowed = _over(total * ratios.floats, observed, some)
    left = 1 - _over(bad, allowed, some)
    over = elapsed >= whole  # otherwise the budget is an estimate, and its last bit says nothing
    signs = ratios.compared(np.where(over, bad, bad * elapsed), np.where(over, total, total * whole))
    remaining = np.select([signs > 0, signs < 0], [np.minimum(left, -LEAST), np.maximum(left, LEAST)], 0.0)
    return Budgets(
        total,
        bad,
        sli=np.where(events, 1 - _over(bad, total, events), np.nan),
        allowed=np.where(some, allowed, np.nan),
        remaining=np.where(some, remaining, np.nan),
        coverage=np.nan_to_num(coverage),
        observed=np.nan_to_num(observed),
        met=some & ~ratios.exceeded(bad, total),
        known=some & (np.nan_to_num(coverage) >= floor),
    )


def _over(part: Floats, whole: Floats, where: Bools) -> Floats:
    quotients = np.full(len(part), np.nan)
    np.divide(part, whole, out=quotients, where=where)
    return quotients
