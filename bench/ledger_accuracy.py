"""How well the ledger counts: budgets of thirty days, by several methods, beside what truly happened.

`bench.bursty` makes traffic of three replicas with bursts, incidents, restarts, deployments and gaps of scrapes. Its
samples are loaded into a real Prometheus, which is asked as each method asks. What happens between a process's last
scrape and its end no sample tells of, so budgets are compared twice: with the truth, all that happened, and with the
best reader there can be, who knows of each process when it lived and so counts all that its last scrape saw. Counts
are compared with those of the best reader. What is left of the budget is told as `tocsin evaluate` and the page tell
it, gaps and all, beside what is truly left.
"""

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
from tests import builders
from tests.backfilled import backfilled

from bench.bursty import History, history
from tocsin.adapters.prometheus_http import PrometheusSource
from tocsin.evaluate.accounting import account
from tocsin.evaluate.asking import Asker, Unanswered
from tocsin.evaluate.attribution import ask
from tocsin.evaluate.counting import LONG, calibrated, sampled
from tocsin.ledger.counts import Counts
from tocsin.sli import Counters, RatioSli, guarded
from tocsin.units import Duration

EPOCH = int(datetime(2026, 9, 1, tzinfo=UTC).timestamp())
BEFORE, AFTER = 6 * 3600, 3600
"""Seconds of history around what is counted: no method begins with a counter that nobody saw before."""
TARGET = Decimal("0.999")
ALLOWED = float(1 - TARGET)
TOTAL, BAD = 'hits_total{job="shop"}', 'hits_total{job="shop",code=~"5.."}'
SLI = RatioSli(TOTAL, BAD)
FIVE = timedelta(minutes=5)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
SLOTH = f"(sum(rate({BAD}[5m]))) / (sum(rate({TOTAL}[5m])))"


@dataclass(frozen=True, slots=True)
class Result:
    """What one method says: events (NaN where it does not count them), and the ratio of errors.

    *left* is what is left of the budget, as it is shown; NaN where no method of ours is asked.
    """

    total: float
    bad: float
    ratio: float
    seconds: float = 0.0
    left: float = math.nan

    @classmethod
    def of(cls, total: float, bad: float) -> "Result":
        """Counted events."""
        return cls(total, bad, bad / total)


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """A history in a server, and the stretch [since, until) of it that is counted, in unix seconds."""

    source: PrometheusSource
    since: int
    until: int

    @property
    def start(self) -> datetime:
        """When it starts."""
        return datetime.fromtimestamp(self.since, UTC)

    @property
    def end(self) -> datetime:
        """When it ends."""
        return datetime.fromtimestamp(self.until, UTC)

    def left(self, counts: Counts) -> float:
        """What is left of the budget as `tocsin evaluate` shows it, of a rolling window as long as the stretch."""
        slo = builders.slo(sli=SLI, target=str(TARGET), window=f"{self.until - self.since}s")
        remaining = account(slo, counts.days(slo.ref), self.end, None).remaining
        return math.nan if remaining is None else remaining

    def raw(self) -> Counts:
        """Sample by sample."""
        return sampled(self.source, _counters(), (), self.since, self.until, self.until + AFTER)[()]

    def calibrated(self, *, births: bool = True, long: int = LONG) -> Counts:
        """Minutes that add up to the increase of hours."""
        sli = guarded(SLI, new_series=births)
        return calibrated(self.source, sli, self.since, self.until, long=long)[()]

    def rates(self, window: timedelta) -> Result:
        """The sum of `rate[window] * window`, window by window."""
        text = f"{window.total_seconds():g}s"
        return Result.of(*(self._sum(f"sum(increase({one}[{text}]))", window) for one in (TOTAL, BAD)))

    def hours(self) -> Result:
        """The sum of whole hours with their births, which compiled rules record for budgets."""
        sli = guarded(SLI, new_series=True)
        return Result.of(*(self._sum(one("1h", "increase"), HOUR) for one in (sli.total, sli.bad)))

    def increase(self) -> Result:
        """One window over everything."""
        text = f"{self.until - self.since}s"
        return Result.of(*(self._one(f"sum(increase({one}[{text}]))") for one in (TOTAL, BAD)))

    def attributed(self) -> Result:
        """What is attributed to status codes."""
        window = Duration.of(seconds=self.until - self.since)
        found = ask(Asker(self.source, self.end), SLI, window, most=100, labels=("code",))
        assert not isinstance(found, Unanswered), found
        return Result.of(found[0].total, found[0].bad)

    def mean(self, step: timedelta, ratio: str) -> Result:
        """The mean of ratios, one each *step*."""
        return Result(math.nan, math.nan, float(np.mean(self._points(ratio, step))))

    def _sum(self, query: str, step: timedelta) -> float:
        return float(np.sum(self._points(query, step)))

    def _points(self, query: str, step: timedelta) -> list[float]:
        rows = self.source.range(query, self.start + step, self.end, step).rows
        return [value for row in rows for _, value in row.points]

    def _one(self, query: str) -> float:
        return self.source.instant(query, self.end).rows[0].value


def trial(source: PrometheusSource, past: History) -> Trial:
    """Count *past*, which was loaded at EPOCH."""
    return Trial(source, EPOCH + BEFORE, EPOCH + past.seconds - AFTER)


def methods(tried: Trial, kept: dict[str, Counts]) -> Mapping[str, Callable[[], Result]]:
    """What is compared, by name; counts of the ledger are left in *kept*."""

    def ledger(name: str, counted: Callable[[], Counts]) -> Callable[[], Result]:
        def run() -> Result:
            kept[name] = counted()
            total, bad, _ = kept[name].stated()
            return replace(Result.of(float(total.sum()), float(bad.sum())), left=tried.left(kept[name]))

        return run

    return {
        RAW: ledger(RAW, tried.raw),
        CALIBRATED: ledger(CALIBRATED, tried.calibrated),
        "ledger, calibrated, births off": ledger("", lambda: tried.calibrated(births=False)),
        "ledger, calibrated by whole days": ledger("", lambda: tried.calibrated(long=86_400)),
        "sum of rate[1m] * 1m": lambda: tried.rates(MINUTE),
        "sum of rate[5m] * 5m": lambda: tried.rates(FIVE),
        "compiled rules: increase[1h]": tried.hours,
        "increase over everything": tried.increase,
        "attribution": tried.attributed,
        "mean of 5-minute ratios": lambda: tried.mean(FIVE, SLOTH),
        "Sloth: sum/count_over_time": lambda: tried.mean(MINUTE, SLOTH),
    }


RAW, CALIBRATED = "ledger, raw samples", "ledger, calibrated"
SLOW = {"compiled rules: increase[1h]", "ledger, calibrated by whole days", "ledger, calibrated, births off"}


def run(tried: Trial, only: Collection[str] = ()) -> tuple[Mapping[str, Result], Mapping[str, Counts]]:
    """All methods or some, each with the seconds that it took."""
    kept: dict[str, Counts] = {}
    results = {}
    for name, method in methods(tried, kept).items():
        if only and name not in only:
            continue
        began = time.monotonic()
        result = method()
        results[name] = replace(result, seconds=time.monotonic() - began)
    return results, kept


def truth(past: History, how: str = "seen") -> Result:
    """What happened between BEFORE and AFTER, of what any scrape could have seen, or all of it (*how*: count)."""
    first, last = BEFORE, past.seconds - AFTER
    total, bad = (sum(getattr(life, how)(first, last, bad=which) for life in past.lives) for which in (False, True))
    return Result.of(total, bad)


def table(past: History, results: Mapping[str, Result], kept: Mapping[str, Counts]) -> str:
    """One line for each method: counts against those that scrapes saw, budgets against the truth, too."""
    best, everything, first = truth(past), truth(past, "count"), truth(past, "at_first")
    days = (past.seconds - BEFORE - AFTER) / 86_400
    unseen = f"{1 - best.total / everything.total:.4%} of all, {1 - best.bad / everything.bad:.4%} of bad events"
    early = f"{first.total / best.total:.4%} and {first.bad / best.bad:.4%}"
    lines = [
        f"{days:g} days, {len(past.lives)} processes, {everything.total:,.0f} events, {everything.bad:,.0f} bad",
        f"seen by no scrape: {unseen}; before a process's first scrape: {early}",
        "",
        f"{'':32} {'counts against the best reader':^29} {'':9} {'':11} {'':10} {'budget off':^21}",
        (
            f"{'method':32} {'good':>9} {'total':>9} {'bad':>9} {'ratio':>9} {'budget used':>11} {'shown left':>10} "
            f"{'truth':>9} {'best':>10}"
        ),
        (
            f"{'truth: all that happened':32} {'':29} {everything.ratio:9.5%} {everything.ratio / ALLOWED:11.3%} "
            f"{1 - everything.ratio / ALLOWED:10.3%}"
        ),
    ]
    for name, one in {"best reader there can be": best, **results}.items():
        counts = " " * 29
        if not math.isnan(one.total):
            good = (one.total - one.bad) / (best.total - best.bad) - 1
            counts = f"{good:+9.4%} {one.total / best.total - 1:+9.4%} {one.bad / best.bad - 1:+9.4%}"
        off = " ".join(f"{one.ratio / true.ratio - 1:+10.4%}" for true in (everything, best))
        left = " " * 10 if math.isnan(one.left) else f"{one.left:10.3%}"
        lines.append(
            f"{name:32} {counts} {one.ratio:9.5%} {one.ratio / ALLOWED:11.3%} {left} {off} {one.seconds:5.1f}s"
        )
    lines += ["", "minutes with more than 0.1 %, 1 %, 10 % of bad events, and the mean distance of a minute's total:"]
    minutes = {name: counts.stated()[:2] for name, counts in kept.items() if name}
    happened = tuple(past.per_minute(BEFORE, past.seconds - AFTER, bad=bad) for bad in (False, True))
    for name, (total, bad) in {"truth": happened, **minutes}.items():
        worse = " ".join(f"{int((bad > limit * total).sum()):6}" for limit in (0.001, 0.01, 0.1))
        lines.append(f"{name:32} {worse} {np.abs(total - happened[0]).sum() / happened[0].sum():9.3%}")
    return "\n".join(lines)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="leave out what takes the server minutes")
    options = parser.parse_args()
    past = history(options.days, options.seed, BEFORE, AFTER)
    with (
        tempfile.TemporaryDirectory() as folder,
        backfilled(Path(folder), past.text(EPOCH)) as url,
        closing(PrometheusSource(url, deadline=900, max_bytes=2**28)) as source,
    ):
        tried = trial(source, past)
        print(table(past, *run(tried, methods(tried, {}).keys() - SLOW if options.quick else ())))
    return 0


def _counters() -> Counters:
    counters = SLI.counters()
    assert counters is not None
    return counters


if __name__ == "__main__":
    sys.exit(main())
