"""Running sums of what an objective counted: any window over a history is the difference of two of them."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from tocsin.guards import PAUSE, resolution
from tocsin.ledger.arrays import Bools, Floats
from tocsin.ledger.counts import Counts
from tocsin.ledger.methods import BAD, IGNORE, method_of
from tocsin.sli import SlicedSli
from tocsin.spec import Slo
from tocsin.units import Duration


@dataclass(frozen=True, slots=True, eq=False)
class Traffic:
    """Running sums of one objective, or one group of it, at the edges of its slices (unix seconds)."""

    edges: Floats
    total: Floats
    bad: Floats
    seen: Floats  # slices that somebody looked at, so far
    whole: int = 0
    """Seconds of the slices that are judged as a whole, at their end; 0 where each event counts."""

    @classmethod
    def of(cls, slo: Slo, counts: Counts) -> "Traffic":
        """Add up what was counted: events, or slices of time by what was counted in them."""
        total, bad, covered = counts.stated()
        first, step, whole = counts.first * counts.step, counts.step, 0
        seen = covered.astype(np.float64)
        if isinstance(slo.sli, SlicedSli):
            method = method_of(slo.sli)
            units = [method.units(day) for day in counts.days(slo.ref)]
            total, bad, seen = (np.concatenate([getattr(u, name) for u in units]) for name in ("total", "bad", "seen"))
            if slo.sli.empty != IGNORE and not slo.sli.by:
                gone = _between(seen)
                total, bad = np.where(gone, 1.0, total), np.where(gone, float(slo.sli.empty == BAD), bad)
            first, step, whole = units[0].start, method.slice, method.slice
            seen = np.minimum(seen / step, 1.0)
        edges = first + np.arange(len(total) + 1, dtype=np.float64) * step
        total, bad, seen = (np.concatenate(([0.0], np.cumsum(each))) for each in (total, bad, seen))
        return cls(edges, total, bad, seen, whole)

    @property
    def begin(self) -> datetime | None:
        """When somebody first looked."""
        place = int(np.searchsorted(self.seen, 0.0, side="right"))
        return datetime.fromtimestamp(self.edges[place - 1], UTC) if place < len(self.seen) else None

    def over(self, window: float, at: Floats) -> tuple[Floats, Floats]:
        """Bad and total events per second over the *window* seconds before each of *at*; NaN where nobody looked."""
        if self.whole:
            at = at - at % self.whole
        bad, total, seen = (
            np.interp(at, self.edges, held) - np.interp(at - window, self.edges, held)
            for held in (self.bad, self.total, self.seen)
        )
        known = seen > 1e-9
        return np.where(known, bad / window, np.nan), np.where(known, total / window, np.nan)

    def looked(self, window: float, at: Floats) -> Bools:
        """Whether somebody looked within the *window* seconds before each of *at*; not where that is NaN."""
        seen = np.interp(at, self.edges, self.seen) - np.interp(at - window, self.edges, self.seen)
        return np.asarray(seen > 1e-9)

    def known(self, window: float, at: Floats) -> Floats:
        """The part of the *window* seconds before each of *at* that has a history, or comes after a short pause."""
        first = self.first(window, at)
        before = first - float(resolution(Duration.of(seconds=round(window))).seconds)
        share = np.nan_to_num(np.minimum((at - first) / window, 1.0))
        return np.where((share < 1) & self.looked(float(PAUSE.seconds), before), 1.0, share)

    def first(self, window: float, at: Floats) -> Floats:
        """When somebody first looked within the *window* seconds before each of *at*; NaN for never."""
        before = np.interp(at - window, self.edges, self.seen)
        place = np.searchsorted(self.seen, before, side="right")
        start = self.edges[np.maximum(place - 1, 0)]
        return np.where((place < len(self.seen)) & (start < at), np.maximum(start, at - window), np.nan)


def _between(seen: Floats) -> Bools:
    """Slices at which nobody looked, between others: rules take a counter that is gone for one that stands still."""
    places = np.flatnonzero(seen > 0)
    inside = np.zeros(len(seen), dtype=np.bool_)
    if len(places):
        inside[places[0] : places[-1]] = True
    return inside & (seen <= 0)
