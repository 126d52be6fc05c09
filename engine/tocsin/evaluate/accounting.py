"""One objective's window counted from days of the ledger, for who looks once and keeps nothing between looks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from math import nan
from zoneinfo import ZoneInfo

import numpy as np

from tocsin.budget import exhaustion
from tocsin.evaluate.calendar import PERIODS
from tocsin.evaluate.excluding import audited, removed_seconds, stretches
from tocsin.evaluate.measures import Excluded
from tocsin.evaluate.slices import instant, milliseconds
from tocsin.ledger.auditing import takes
from tocsin.ledger.budgets import Budgets, Windows, budgets
from tocsin.ledger.exact import Ratios
from tocsin.ledger.methods import method_of
from tocsin.ledger.model import Day
from tocsin.ledger.series import HOUR, Series
from tocsin.sli import SlicedSli
from tocsin.spec import Slo
from tocsin.units import Duration


@dataclass(frozen=True, slots=True)
class Account:
    """What a window came to; *allowed* and *used* are events (or slices), *remaining* is a part of the budget.

    *coverage* is the part of the window so far that somebody looked at, *looked* that of the time since anything was
    known. All but these is None where nothing was counted.
    """

    good: float | None
    total: float | None
    sli: float | None
    allowed: float | None
    used: float | None
    remaining: float | None
    coverage: float
    looked: float
    exhaustion: timedelta | None = None
    """Until nothing is left at the present pace; None where it lasts for the window, or the rest of the period."""
    excluded: tuple[Excluded, ...] = ()
    """What the exclusions of the window took out of it so far."""


def window_of(slo: Slo, at: datetime) -> tuple[datetime, datetime]:
    """The rolling window that ends at *at*, or the period of the calendar around it."""
    if slo.calendar is None:
        return at - slo.window.timedelta, at
    return PERIODS[slo.calendar.unit](at, ZoneInfo(slo.calendar.timezone))


def account(slo: Slo, days: Sequence[Day], at: datetime, pace: float | None) -> Account:
    """Count *days* of one objective, with nothing in them from after *at*, against its budget; *pace* is a burn rate.

    A slice that *at* lies in is counted as a whole: what there is of it was before.
    """
    method, agreed, period = method_of(slo.sli), stretches(slo.exclusions), window_of(slo, at)
    start, end = (milliseconds(bound) // 1000 for bound in period)
    step = method.slice
    if isinstance(slo.sli, SlicedSli):
        start = -(-start // step) * step  # those that begin in the window: a part of a slice is neither good nor bad
    now = -(-(milliseconds(at)) // (1000 * step)) * step
    series = Series.empty(np.arange(start // step * step, now + 1, step, dtype=np.int64), 1)
    series.state(0, *(method.units(day, agreed) for day in days))
    since = min((known for day in days if (known := day.first_known(start)) is not None), default=None)
    first = instant(max(start, start if since is None else since) * 1000)
    windows = Windows(
        np.array([start]),
        np.array([now if slo.calendar is None else max(end, now)]),
        np.array([start if since is None else since]),
        np.array([removed_seconds(slo.exclusions, first, at)]),
        np.array([0.0 if slo.calendar is None else removed_seconds(slo.exclusions, at, period[1])]),
    )
    ratios = Ratios.of([1 - Fraction(slo.target)])
    found = budgets(series, windows, now, ratios, 0.0)
    elapsed = [float(each[0]) for each in (windows.elapsed(now), Windows(windows.start, windows.end).elapsed(now))]
    so_far = float(windows.elapsed(milliseconds(at) // 1000)[0])  # of the last slice nobody can have seen more
    lasts = _lasts(series, windows, now, found, pace)
    looked = min(1.0, float(found.coverage[0]) * elapsed[0] / so_far) if so_far else 0.0
    counted = _account(found, lasts, looked, elapsed[0] / elapsed[1] if elapsed[1] else 0.0)
    if not agreed:
        return counted
    took = [take for day in days for take in takes(method, day, agreed)]
    return replace(counted, excluded=audited(slo.exclusions, took, period, instant(now * 1000)))


def _lasts(series: Series, windows: Windows, now: int, found: Budgets, pace: float | None) -> Duration | None:
    """Rolling windows end now, and what was bad in each hour leaves them; the period of a calendar ends later."""
    if not found.known[0]:
        return None
    start, end, whole = int(windows.start[0]), int(windows.end[0]), round(float(windows.observed(now)[1][0]))
    leaving = np.zeros(0)
    if end <= now:
        hours = series.before(np.arange(start, now + 1, HOUR), np.array([0]))[:, 0]
        leaving = np.maximum(np.diff(hours), 0.0) / found.allowed[0]
    return exhaustion(
        float(found.remaining[0]),
        nan if pace is None else pace,
        Duration.of(seconds=whole),
        horizon=Duration.of(seconds=end - now if end > now else end - start),
        leaving=leaving.tolist(),
    )


def _account(found: Budgets, lasts: Duration | None, looked: float, known: float) -> Account:
    """*known* is the part of the window so far since anything was known, *looked* that of it which was looked at."""
    coverage = looked * known
    if not found.known[0]:
        return Account(None, None, None, None, None, None, coverage, looked)
    total, bad = float(found.total[0]), float(found.bad[0])
    return Account(
        good=total - bad,
        total=total,
        sli=float(found.sli[0]),
        allowed=float(found.allowed[0]),
        used=bad,
        remaining=float(found.remaining[0]),
        coverage=coverage,
        looked=looked,
        exhaustion=None if lasts is None else lasts.timedelta,
    )
