"""Burn rates of many objectives over the windows of all tiers: two look-ups a window, however long it is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tocsin.ledger.arrays import Bools, Floats, Seconds
from tocsin.ledger.exact import Ratios
from tocsin.ledger.series import Series, Sums

Span = Seconds | int
"""Seconds: one length for all objectives, or one for each."""


@dataclass(frozen=True, slots=True, eq=False)
class Watch:
    """One tier: fires while the error ratios over *long* and *short* exceed *thresholds*, `factor * (1 - target)`."""

    long: Span
    short: Span
    thresholds: Ratios


@dataclass(frozen=True, slots=True, eq=False)
class Burn:
    """Burn rates over both windows, NaN without events; *firing* is exact: a tie does not fire.

    *seen* is how much of the long window was looked at: guards against a cold start ask for it.
    """

    long: Floats
    short: Floats
    firing: Bools
    seen: Floats


def burns(series: Series, now: int, watches: Sequence[Watch], ratios: Ratios) -> tuple[Burn, ...]:
    """Look at all tiers at once; *ratios* are the budget ratios `1 - target`."""
    known: dict[int, Sums] = {}

    def over(span: Span) -> Sums:
        if not isinstance(span, int):
            return series.between(now - span, now)
        if span not in known:
            known[span] = series.between(now - span, now)
        return known[span]

    return tuple(_burn(watch, over(watch.long), over(watch.short), ratios) for watch in watches)


def _burn(watch: Watch, long: Sums, short: Sums, ratios: Ratios) -> Burn:
    firing = watch.thresholds.exceeded(long.bad, long.total) & watch.thresholds.exceeded(short.bad, short.total)
    seen = np.minimum(long.seen / np.maximum(watch.long, 1), 1.0)
    return Burn(_rate(long, ratios), _rate(short, ratios), firing, seen)


def _rate(sums: Sums, ratios: Ratios) -> Floats:
    """Error ratio over budget ratio, as one division: a burn rate of exactly 14.4 is shown as that."""
    rates = np.full(len(sums.total), np.nan)
    np.divide(sums.bad * ratios.below, sums.total * ratios.above, out=rates, where=sums.total > 0)
    return rates
