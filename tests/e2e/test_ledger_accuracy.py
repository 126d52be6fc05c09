"""The ledger beside the truth: three days of bursts, restarts, deployments and failed scrapes in a real Prometheus."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import pytest
from bench.bursty import History, history
from bench.ledger_accuracy import AFTER, ALLOWED, BEFORE, CALIBRATED, EPOCH, RAW, SLI, Result, run, trial, truth
from tests.backfilled import backfilled

from tocsin.adapters.prometheus_http import PrometheusSource
from tocsin.evaluate.counting import sampled
from tocsin.ledger.counts import Counts

pytestmark = pytest.mark.real
DAYS = 3
RATES, MEAN, SLOTH = "sum of rate[5m] * 5m", "mean of 5-minute ratios", "Sloth: sum/count_over_time"
INCREASE = "increase over everything"


@dataclass(frozen=True, eq=False)
class Measurement:
    """What happened, what each method says, and the counts of the ledger."""

    past: History
    source: PrometheusSource
    results: dict[str, Result]
    kept: dict[str, Counts]

    def off(self, name: str) -> float:
        """How far the budget of a method is off."""
        return abs(self.results[name].ratio / truth(self.past).ratio - 1)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measurement]:
    """Generated, loaded and counted once."""
    past = history(DAYS, seed=7, before=BEFORE, after=AFTER)
    folder = tmp_path_factory.mktemp("prometheus")
    with backfilled(folder, past.text(EPOCH)) as url, closing(PrometheusSource(url, deadline=60)) as source:
        results, kept = run(trial(source, past), (RAW, CALIBRATED, RATES, INCREASE, MEAN, SLOTH))
        yield Measurement(past, source, dict(results), dict(kept))


def test_the_budget_is_within_a_tenth_of_a_percent(measured: Measurement) -> None:
    """Good, bad and all events, and so the budget, are those that any scrape could have seen."""
    true, ledger = truth(measured.past), measured.results[RAW]

    assert len(measured.past.lives) > 10
    assert ledger.total == pytest.approx(true.total, rel=1e-3)
    assert ledger.bad == pytest.approx(true.bad, rel=1e-3)
    assert measured.off(RAW) < 1e-3


def test_what_is_shown_of_the_budget_is_what_is_left(measured: Measurement) -> None:
    """As `tocsin evaluate` tells it, with all gaps: what is used is within a tenth of a percent of the truth."""
    ledger, used = measured.results[RAW], truth(measured.past).ratio / ALLOWED
    _, _, covered = measured.kept[RAW].stated()

    assert not covered.all(), "there are gaps that could make the budget larger"
    assert 1 - ledger.left == pytest.approx(used, rel=1e-3)


def test_other_methods_are_further_off(measured: Measurement) -> None:
    """Sums of rates lose events, and means of ratios weigh a quiet minute like a busy one."""
    assert measured.off(CALIBRATED) < 1e-2
    assert measured.off(RATES) > 2 * measured.off(RAW)
    assert measured.off(INCREASE) > 2 * measured.off(RAW)
    assert measured.off(MEAN) > 0.05
    assert measured.off(SLOTH) > 0.05


def test_events_are_in_their_minutes(measured: Measurement) -> None:
    """What happens before a minute and is scraped in it is in it: half of a scrape interval, and bursts and gaps."""
    total, _, covered = measured.kept[RAW].stated()
    happened = measured.past.per_minute(BEFORE, measured.past.seconds - AFTER, bad=False)

    assert np.abs(total - happened)[covered].sum() < 0.04 * happened.sum()
    assert 0.9 < covered.mean() < 1


def test_days_counted_by_themselves_add_up(measured: Measurement) -> None:
    """An increment across midnight is in the second day, or divided among both, whichever of them is asked for."""
    whole = measured.kept[RAW]
    counters = SLI.counters()
    assert counters is not None
    since, until = whole.first * 60, whole.last * 60
    parts = [
        sampled(measured.source, counters, (), start, start + 86_400, until + AFTER)[()]
        for start in range(since, until, 86_400)
    ]

    assert sum(float(part.total.sum()) for part in parts) == pytest.approx(float(whole.total.sum()), rel=1e-4)
    assert parts[1].bad == pytest.approx(whole.within(parts[1].first, parts[1].last).bad, abs=1e-6)
