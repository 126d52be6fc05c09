"""Traffic that stops, over a whole history: what the evaluator would be told of the past at each tick."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tocsin.backtest.running import Traffic
from tocsin.evaluate.absence import SETTLED
from tocsin.guards import BASE, EXPECTED_EVENTS, TRAFFIC_MEMORY
from tocsin.ledger.arrays import Bools, Floats
from tocsin.plan.build import feasible_tiers
from tocsin.plan.usual import DAY, REACH, WEEK, offsets, part_of
from tocsin.spec import Slo
from tocsin.units import Duration

HISTORY = Duration(WEEK.milliseconds + TRAFFIC_MEMORY.milliseconds + 3_600_000)
"""So much before the first tick is asked for: a week ago, and whether it is known."""
_MINUTE = 60.0
_DAY, _WEEK = float(DAY.seconds), float(WEEK.seconds)


@dataclass(slots=True, eq=False)
class Stops:
    """What is asked while one objective, or one group of it, has no *traffic*; *part* is the window of former days."""

    traffic: Traffic
    part: Duration
    begins: Floats = field(init=False)
    """When traffic began, on the grid of BASE."""
    latest: Floats = field(init=False)
    """By the number of slices behind us: when there was traffic last, minus infinity for never."""

    def __post_init__(self) -> None:
        grown = np.where(np.diff(self.traffic.total) > 0, self.traffic.edges[1:], -np.inf)
        self.latest = np.concatenate(([-np.inf], np.maximum.accumulate(grown)))
        edges, base = self.traffic.edges, float(BASE.seconds)
        grid = np.arange(np.ceil(edges[0] / base), edges[-1] // base + 1) * base
        flows = self._part(grid) > 0
        self.begins = grid[flows & ~(self._part(grid - base) > 0)]

    @classmethod
    def of(cls, slo: Slo, traffic: Traffic) -> "Stops":
        """Look at the traffic of *slo*."""
        return cls(traffic, part_of(slo, feasible_tiers(slo)))

    def past(self, at: Floats) -> Mapping[str, Floats]:
        """The parts of the evaluator's question at each of *at*; NaN where there is no row."""
        day = float(TRAFFIC_MEMORY.seconds)
        last = self._seen(at)
        found = {
            "mean": self.traffic.over(day, at)[1],
            "last": np.where(last > at - day, last, np.nan),
            "first": self.traffic.first(day, at),
            "known-week": self.traffic.over(day, _full(at - _WEEK))[1],
        }
        for name, ago in (("week", WEEK), ("day", DAY)):
            for side, offset in zip(("before", "after"), offsets(self.part, ago), strict=True):
                found[f"{side}-{name}"] = self._part(_full(at - float(offset.seconds)))
        return found

    def began(self, at: Floats) -> Floats:
        """When traffic last began yesterday; NaN for never."""
        end = at - float(offsets(self.part, DAY)[1].seconds)
        place = np.searchsorted(self.begins, end, side="right") - 1
        if not len(self.begins):
            return np.full(len(at), np.nan)
        found = self.begins[np.maximum(place, 0)]
        return np.where((place >= 0) & (found > end - float(REACH.seconds)), found, np.nan)

    def absent(self, at: Floats) -> Bools:
        """Where a pause is an absence, if there is one: `evaluate.absence.absent` for all ticks at once."""
        past = self.past(at)
        week = np.minimum(*(np.nan_to_num(past[f"{side}-week"]) for side in ("before", "after")))
        day = np.minimum(past["before-day"], past["after-day"])
        late = self.began(at) + _DAY > past["last"] - SETTLED
        usual = np.where(np.isnan(past["known-week"]), np.where(late, 0.0, np.nan_to_num(day)), week)
        pause = np.clip(at - past["last"], 0.0, float(TRAFFIC_MEMORY.seconds))
        return np.asarray(np.minimum(usual, past["mean"]) * pause > EXPECTED_EVENTS)

    def last(self, at: Floats) -> Floats:
        """Until when there was traffic, as the base window sees it; minus infinity for never."""
        place = np.searchsorted(self.traffic.edges, at, side="right") - 1
        return np.asarray(self.latest[np.clip(place, 0, len(self.latest) - 1)] + float(BASE.seconds))

    def _part(self, at: Floats) -> Floats:
        return self.traffic.over(float(self.part.seconds), at)[1]

    def _seen(self, at: Floats) -> Floats:
        """The last instant of the grid of BASE at which there was traffic."""
        base = float(BASE.seconds)
        return np.minimum(np.ceil(self.last(at) / base - 1) * base, at // base * base)


def _full(at: Floats) -> Floats:
    """The full minute before."""
    return np.asarray(at // _MINUTE * _MINUTE)
