"""Ledger and burn rates are the same for each kind of SLI, whether a Prometheus or a VictoriaMetrics holds the samples.

Half a day of scrapes each minute: a pause in which nobody scraped, an hour in which something is bad for each kind, and
a pod that lives for twenty minutes and fails all the time. What the two differ in is in docs/parity.md.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import pytest
from tests import builders
from tests.backfilled import backfilled
from tests.victoriametrics import binary, victoriametrics

from tocsin.adapters.prometheus_http import PrometheusSource
from tocsin.evaluate.burn import rates_of, union
from tocsin.evaluate.counting import counted
from tocsin.evaluate.memory import Memory
from tocsin.evaluate.tick import Watch
from tocsin.ledger.counts import Counts
from tocsin.ports import Labels
from tocsin.sli import SLIS, FreshnessSli, LatencySli, ProbeSli, RatioSli, RawSli, Sli, ThresholdSli, guarded
from tocsin.sli.slices import SlicedSli
from tocsin.units import Duration

pytestmark = pytest.mark.real
START = datetime(2026, 11, 1, tzinfo=UTC)
SINCE = int(START.timestamp())
MINUTES = 12 * 60
PAUSE = range(8 * 60, 8 * 60 + 45)
POD = range(10 * 60, 10 * 60 + 21)
Value = Callable[[int], float]


def within(hour: float, hours: float = 1) -> Value:
    """Whether a minute lies in these hours."""
    return lambda minute: hour * 60 < minute <= (hour + hours) * 60


def counter(events: Value) -> Value:
    """What has counted so many events in each minute."""
    return list(accumulate(map(events, range(MINUTES + 60)))).__getitem__


SERIES: dict[str, Value] = {
    'requests_total{instance="a",code="200"}': counter(lambda _: 54),
    'requests_total{instance="a",code="500"}': counter(lambda minute: 6 * within(2)(minute)),
    'requests_total{instance="b",code="500"}': lambda minute: 6 * (minute - POD[0]),
    'took_seconds_count{instance="a"}': counter(lambda _: 60),
    'took_seconds_bucket{instance="a",le="0.5"}': counter(lambda minute: 60 - 30 * within(4)(minute)),
    'up{instance="a"}': lambda minute: not within(5)(minute),
    'replicas{instance="a"}': lambda minute: 1 if within(6, 0.5)(minute) else 3,
    'failing{instance="a"}': lambda minute: 0.5 * within(1, 0.5)(minute),
    'last_success{instance="a"}': lambda minute: SINCE + 60 * (60 if within(1, 5)(minute) else minute),
}
"""What each series is worth in each minute."""
ERRORS, ALL = 'requests_total{code="500"}', "requests_total"


class Kind(NamedTuple):
    """One way to count, and how many of its events are bad."""

    sli: Sli
    bad: float


KINDS = {
    "ratio": Kind(RatioSli(ALL, bad_events=ERRORS), 480),
    "ratio, increase": Kind(
        RatioSli("sum(increase(requests_total[$window]))", f"sum(increase({ERRORS}[$window]))"), 480
    ),
    "ratio, rate": Kind(RatioSli("sum(rate(requests_total[$window]))", f"sum(rate({ERRORS}[$window]))"), 480),
    "latency": Kind(LatencySli("took_seconds", Decimal("0.5")), 1800),
    "probe": Kind(ProbeSli("up", Decimal(1)), 60),
    "probe, gauge": Kind(ProbeSli("replicas", Decimal(2)), 30),
    "threshold": Kind(ThresholdSli("replicas", at_least=Decimal(2)), 30),
    "freshness": Kind(FreshnessSli("last_success", Decimal(7200)), 180),
    "raw": Kind(RawSli(error_ratio="failing"), 15),
    "raw, rate": Kind(RawSli(f"sum(rate({ERRORS}[$window])) / sum(rate(requests_total[$window]))"), 525),
}


def samples() -> dict[Labels, list[tuple[datetime, float]]]:
    """What was scraped."""
    found = {}
    for series, value in SERIES.items():
        name, _, rest = series.rstrip("}").partition("{")
        labels = [tuple(pair.replace('"', "").split("=")) for pair in rest.split(",")]
        minutes = POD if 'instance="b"' in series else range(MINUTES + 60)
        found[("__name__", name), *((key, text) for key, text in labels)] = [
            (START + timedelta(minutes=minute), float(value(minute))) for minute in minutes if minute not in PAUSE
        ]
    return found


def openmetrics(series: dict[Labels, list[tuple[datetime, float]]]) -> str:
    """The same as text."""
    lines, told = [], ""
    for (_, name), *labels in series:
        if name != told:
            lines.append(f"# TYPE {name} gauge")
            told = name
        text = ",".join(f'{key}="{value}"' for key, value in labels)
        points = series[("__name__", name), *labels]
        lines += [f"{name}{{{text}}} {value} {at.timestamp():.0f}" for at, value in points]
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PrometheusSource, PrometheusSource]]:
    """A Prometheus and a VictoriaMetrics with the same samples."""
    if binary() is None:
        pytest.skip("victoria-metrics is not on PATH: `ci/setup victoria-metrics` fetches Debian's")
    series = samples()
    with (
        backfilled(tmp_path_factory.mktemp("prometheus"), openmetrics(series)) as one,
        victoriametrics(tmp_path_factory.mktemp("victoria"), series) as other,
        closing(PrometheusSource(one)) as prometheus,
        closing(PrometheusSource(other)) as victoria,
    ):
        yield prometheus, victoria


def test_questions_of_any_length_are_answered(sources: tuple[PrometheusSource, PrometheusSource]) -> None:
    """Four tiers of an objective over slices are a longer question than a VictoriaMetrics takes by default."""
    instances = "|".join(f"instance-{number}" for number in range(150))
    selector = f'requests_total{{instance=~"a|b|{instances}"'
    ratio = RatioSli(f"{selector}}}", bad_events=f'{selector},code="500"}}')
    sliced = SlicedSli(ratio, Duration.of(minutes=5), Decimal("0.95"), "ignore")
    workspace = builders.workspace(builders.service(slos=(builders.slo(sli=sliced),)))
    at = START + timedelta(hours=2, minutes=30)
    one, other = (Watch(workspace).look(source, at, memory=Memory()) for source in sources)
    rates = [{burn.tier: burn.rate_long for burn in sight.slos[0].burns} for sight in (one, other)]

    assert one.questions == other.questions == ()
    assert rates[0] == pytest.approx(rates[1], rel=0.05)
    assert max(rate or 0.0 for rate in rates[0].values()) > 14.4


def hours(counts: Counts) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Total, bad and seen minutes of each hour."""
    arrays = (counts.total, counts.bad, (counts.looked >= 30).astype(np.float64))
    return np.array([one.reshape(-1, 60).sum(axis=1) for one in arrays])


def test_every_kind_is_here() -> None:
    """No kind is forgotten."""
    assert {one.sli.kind for one in KINDS.values()} == SLIS.keys()


@pytest.mark.parametrize("name", KINDS)
def test_a_ledger_is_the_same(sources: tuple[PrometheusSource, PrometheusSource], name: str) -> None:
    """Events, bad events and what was seen of each hour, and the sum of bad events as it was made."""
    sli, bad = KINDS[name]
    now = SINCE + (MINUTES + 30) * 60
    prometheus, victoria = (hours(counted(source, sli, SINCE, SINCE + MINUTES * 60, now)[()]) for source in sources)

    assert prometheus[1].sum() == pytest.approx(bad, rel=0.02)
    assert victoria[1].sum() == pytest.approx(bad, rel=0.02)
    assert victoria[0].sum() == pytest.approx(prometheus[0].sum(), rel=0.01)
    assert np.abs(victoria[1] - prometheus[1]).max() <= 0.02 * bad
    assert np.abs(victoria[2] - prometheus[2]).max() <= 5


@pytest.mark.parametrize("name", KINDS)
def test_burn_rates_are_alike(sources: tuple[PrometheusSource, PrometheusSource], name: str) -> None:
    """Over each window of an alert: what is bad of the whole, within a scrape, and unknown in both or in neither."""
    sli = guarded(KINDS[name].sli)
    windows = (Duration.of(minutes=5), Duration.of(minutes=30), Duration.of(hours=1), Duration.of(hours=6))
    apart: dict[tuple[int, str], tuple[float | None, float | None]] = {}
    for minute in range(7 * 60, MINUTES, 9):
        at = START + timedelta(minutes=minute, seconds=20)
        one, other = (rates_of(source.instant(union(sli, windows), at), windows) for source in sources)
        unseen = PAUSE[0] <= minute < PAUSE[-1] + 15
        for window in windows:
            left, right = one[window].ratio(), other[window].ratio()
            unlike = not unseen if left is None or right is None else abs(left - right) > 60 / window.seconds + 0.01
            if unlike:
                apart[minute, str(window)] = left, right

    assert not apart
