"""What every metric source must do, asked of the fake that other tests use, a real Prometheus and a VictoriaMetrics.

Where VictoriaMetrics differs, a test says so; the list for people is in docs/parity.md. Without its binary
(`ci/setup victoria-metrics`) it is skipped.
"""

import math
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from tests.backfilled import backfilled
from tests.fakes import FakeSource
from tests.victoriametrics import binary, victoriametrics

from tocsin.adapters.prometheus_http import PrometheusSource
from tocsin.adapters.promtool import find_promtool
from tocsin.errors import SourceError, SourceUnreachableError
from tocsin.evaluate.measures.presence import PresenceSli
from tocsin.ports import Labels, MetricSource, Row
from tocsin.promql import then
from tocsin.units import Duration

START = datetime(2026, 11, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NOWHERE = "victoria-metrics is not on PATH: `ci/setup victoria-metrics` fetches Debian's"
MOST_SAMPLES = 2_000
"""More than any good question of this suite needs, less than the expensive one."""
SERIES: dict[Labels, list[tuple[datetime, float]]] = {
    (("__name__", "speed"), ("camera", "a")): [(START + i * MINUTE, float(i)) for i in range(31)],
    (("__name__", "speed"), ("camera", "b")): [(START + i * MINUTE, 7.5) for i in range(11)],
    (("__name__", "odd"), ("is", "nan")): [(START + i * MINUTE, math.nan) for i in range(31)],
    (("__name__", "odd"), ("is", "inf")): [(START + i * MINUTE, math.inf) for i in range(31)],
}


def fake() -> FakeSource:
    """The fake, filled."""
    source = FakeSource()
    for labels, points in SERIES.items():
        source.add(dict(labels), points)
    return source


def openmetrics() -> str:
    """The same samples as text."""
    lines = []
    for name in ("speed", "odd"):
        lines.append(f"# TYPE {name} gauge")
        for labels, points in SERIES.items():
            text = ",".join(f'{k}="{v}"' for k, v in labels if k != "__name__")
            if dict(labels)["__name__"] == name:
                lines += [f"{name}{{{text}}} {_number(v)} {t.timestamp():.0f}" for t, v in points]
    return "\n".join([*lines, "# EOF", ""])


def _number(value: float) -> str:
    return {"nan": "NaN", "inf": "+Inf"}.get(str(value), str(value))


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusSource]:
    """A real server whose database was filled before it started."""
    folder = tmp_path_factory.mktemp("prometheus")
    with backfilled(folder, openmetrics(), MOST_SAMPLES) as url, closing(PrometheusSource(url)) as source:
        yield source


@pytest.fixture(scope="module")
def victoria(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusSource]:
    """A real server that the samples were written to."""
    if binary() is None:
        pytest.skip(NOWHERE)
    folder = tmp_path_factory.mktemp("victoria")
    with victoriametrics(folder, SERIES) as url, closing(PrometheusSource(url)) as source:
        yield source


REAL = [pytest.param(name, marks=pytest.mark.real) for name in ("prometheus", "victoria")]


@pytest.fixture(params=["fake", *REAL])
def source(request: pytest.FixtureRequest) -> MetricSource:
    """Each of them in turn."""
    return fake() if request.param == "fake" else request.getfixturevalue(request.param)


def test_value_at_an_instant(source: MetricSource) -> None:
    """The newest sample at the asked instant, with all labels, the name included."""
    answer = source.instant('speed{camera="a"}', START + 3 * MINUTE + timedelta(seconds=30))

    assert answer.rows == (Row((("__name__", "speed"), ("camera", "a")), 3.0),)
    assert answer.at == START + 3 * MINUTE + timedelta(seconds=30)
    assert not answer.partial


def test_all_rows(source: MetricSource) -> None:
    """One row for each series."""
    rows = source.instant("speed", START + 5 * MINUTE).rows

    assert {dict(row.labels)["camera"]: row.value for row in rows} == {"a": 5.0, "b": 7.5}


def test_a_series_that_ended_has_no_row(source: MetricSource) -> None:
    """Five minutes after its last sample a series is gone, without an error."""
    rows = source.instant("speed", START + 20 * MINUTE).rows

    assert [dict(row.labels)["camera"] for row in rows] == ["a"]


@pytest.mark.parametrize("query", ["nothing_like_this", 'speed{camera="z"}'])
def test_no_series_is_an_empty_answer(source: MetricSource, query: str) -> None:
    """Nothing found is an answer, not a failure; what it means is the evaluator's to judge."""
    assert source.instant(query, START).rows == ()


def test_before_the_first_sample(source: MetricSource) -> None:
    """The past has no rows either."""
    assert source.instant("speed", START - MINUTE).rows == ()


def test_an_expression_as_it_was(source: MetricSource) -> None:
    """Any expression can be looked at as it was at a full minute of the past, also where it has no value any more."""
    query = then('speed{camera="b"}', Duration.of(minutes=15))
    [row] = source.instant(query, START + 20 * MINUTE + timedelta(seconds=30)).rows

    assert row.value == 7.5
    assert source.instant(query, START + 14 * MINUTE).rows == ()
    [row] = source.instant(then('speed{camera="a"}', Duration.of(minutes=5)), START + 20 * MINUTE).rows
    assert row.value == 15


def test_nan_and_infinity_are_values(source: MetricSource) -> None:
    """They are handed on and are no error; VictoriaMetrics stores no NaN, so that such a series has no row."""
    values = {dict(row.labels)["is"]: row.value for row in source.instant("odd", START + MINUTE).rows}

    assert math.isnan(values.get("nan", math.nan))
    assert values["inf"] == math.inf


def test_a_number_is_one_row(source: MetricSource) -> None:
    """A scalar and a vector without labels look the same."""
    assert source.instant("42", START).rows == source.instant("42.0", START).rows == (Row((), 42.0),)


def test_the_cheapest_question(source: MetricSource) -> None:
    """`vector(1)` is always answered by a source that lives."""
    assert source.instant("vector(1)", START).rows == (Row((), 1.0),)


def test_a_range_includes_both_ends(source: MetricSource) -> None:
    """Every step from start to end has a point where the series has one."""
    rows = source.range('speed{camera="b"}', START, START + 30 * MINUTE, 4 * MINUTE).rows

    assert [(t - START.timestamp()) / 60 for t, _ in rows[0].points] == [0, 4, 8, 12]
    assert {v for _, v in rows[0].points} == {7.5}


def test_a_range_on_an_odd_grid(source: MetricSource) -> None:
    """Steps start at the start, also where that is no whole second."""
    start = START + timedelta(milliseconds=250)
    rows = source.range('speed{camera="a"}', start, start + 2 * MINUTE, MINUTE).rows

    assert rows[0].points == tuple((start.timestamp() + 60 * i, float(i)) for i in range(3))


def test_a_long_range_on_an_odd_grid(source: MetricSource) -> None:
    """Also of many steps, which VictoriaMetrics moves onto multiples of the step unless it is told not to."""
    start, step = START + timedelta(seconds=7), timedelta(seconds=20)
    [row] = source.range('speed{camera="a"}', start, start + 80 * step, step).rows

    assert [t for t, _ in row.points] == [start.timestamp() + 20 * i for i in range(81)]
    assert [v for _, v in row.points[:4]] == [0, 0, 0, 1]


def test_an_empty_range(source: MetricSource) -> None:
    """No series, no rows."""
    assert source.range("nothing_like_this", START, START + MINUTE, MINUTE).rows == ()


def test_raw_samples_lie_behind_the_start(source: MetricSource) -> None:
    """The first instant is not part of a stretch and the last is, with the times and all labels of the samples."""
    rows = source.raw('speed{camera="a"}', START + 3 * MINUTE, START + 6 * MINUTE).rows

    assert [row.labels for row in rows] == [(("__name__", "speed"), ("camera", "a"))]
    assert rows[0].points == tuple((START.timestamp() + 60 * i, float(i)) for i in (4, 5, 6))


def test_raw_samples_of_consecutive_stretches(source: MetricSource) -> None:
    """Each sample is in one stretch and no other, also where the stretch is longer than a request may be.

    No stretch ends with the very first sample: VictoriaMetrics leaves that out of a range that ends there.
    """
    instants = [
        START - 8 * 60 * MINUTE,
        START + MINUTE,
        START + 4.25 * MINUTE,
        START + 10 * MINUTE,
        START + 7 * 60 * MINUTE,
    ]
    found = [
        point
        for start, end in pairwise(instants)
        for row in source.raw('speed{camera="b"}', start, end).rows
        for point in row.points
    ]

    assert found == [(START.timestamp() + 60 * i, 7.5) for i in range(11)]


def test_no_raw_samples(source: MetricSource) -> None:
    """A series without a sample in the stretch has no row; nor has an empty stretch."""
    assert source.raw('speed{camera="b"}', START + 10 * MINUTE, START + 20 * MINUTE).rows == ()
    assert source.raw("nothing_like_this", START, START + MINUTE).rows == ()
    assert source.raw("speed", START, START).rows == ()


@pytest.mark.parametrize("query", ["sum(", "speed{", "1 +"])
def test_nonsense_is_a_source_error(source: MetricSource, query: str) -> None:
    """A query that cannot be answered is a SourceError which does not condemn the source as a whole."""
    for ask in (
        lambda: source.instant(query, START),
        lambda: source.range(query, START, START + MINUTE, MINUTE),
        lambda: source.raw(query, START, START + MINUTE),
    ):
        with pytest.raises(SourceError) as caught:
            ask()

        assert not isinstance(caught.value, SourceUnreachableError)
        assert str(caught.value)


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize(("window", "looks"), [("599999ms", 10), ("29999ms", 1)])
def test_a_subquery_without_a_step(name: str, request: pytest.FixtureRequest, window: str, looks: int) -> None:
    """It looks each minute, whatever the distance of the points of a range; VictoriaMetrics would take that."""
    source: PrometheusSource = request.getfixturevalue(name)
    query = f'count_over_time((speed{{camera="a"}} >= bool 0)[{window}:])'
    [row] = source.range(query, START + 10 * MINUTE, START + 30 * MINUTE, 10 * MINUTE).rows
    [now] = source.instant(query, START + 30 * MINUTE).rows

    assert [value for _, value in row.points] == [looks] * 3
    assert now.value == looks


@pytest.mark.parametrize("name", REAL)
def test_a_rate_is_of_the_window(name: str, request: pytest.FixtureRequest) -> None:
    """Ten events in ten of sixty minutes are ten in an hour; VictoriaMetrics would say sixty."""
    source: PrometheusSource = request.getfixturevalue(name)
    [young] = source.instant('rate(speed{camera="a"}[1h])', START + 10 * MINUTE).rows
    [old] = source.instant('rate(speed{camera="a"}[5m])', START + 10 * MINUTE).rows

    assert young.value * 3600 == pytest.approx(10, rel=0.11)
    assert old.value == pytest.approx(1 / 60)


@pytest.mark.parametrize("name", REAL)
def test_what_is_missing_has_no_value(name: str, request: pytest.FixtureRequest) -> None:
    """Nothing is present where its series is gone; to VictoriaMetrics what is missing to the power of 0 is 1."""
    source: PrometheusSource = request.getfixturevalue(name)
    query = PresenceSli('speed{camera="b"} > 7').total("1m")
    [row] = source.range(query, START, START + 30 * MINUTE, MINUTE).rows
    minutes = [(at - START.timestamp()) / 60 for at, _ in row.points]

    assert {value for _, value in row.points} == {1}
    assert minutes[:11] == list(range(11))
    assert max(minutes) <= 15


@pytest.mark.parametrize("name", REAL)
def test_what_is_missing_at_the_end_of_a_long_slice(name: str, request: pytest.FixtureRequest) -> None:
    """That it was there at the beginning does not count; VictoriaMetrics looks back until the step before."""
    source: PrometheusSource = request.getfixturevalue(name)
    query = PresenceSli('speed{camera="b"}').total("30m")

    assert source.range(query, START + 30 * MINUTE, START + 60 * MINUTE, 30 * MINUTE).rows == ()
    [row] = source.range(query, START + 10 * MINUTE, START + 40 * MINUTE, 30 * MINUTE).rows
    assert row.points == ((START.timestamp() + 600, 1.0),)


@pytest.mark.parametrize("name", REAL)
def test_raw_samples_in_parts(name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too much for one answer comes in several, and is the same; rows have no order."""
    source: PrometheusSource = request.getfixturevalue(name)
    whole = source.raw("speed", START, START + 30 * MINUTE).rows
    monkeypatch.setattr(source, "max_bytes", 400)

    assert set(source.raw("speed", START, START + 30 * MINUTE).rows) == set(whole)


@pytest.mark.real
def test_an_expensive_query_is_its_own_fault(prometheus: PrometheusSource) -> None:
    """A query that hits the server's limits says so, and the source counts as alive."""
    with pytest.raises(SourceError) as caught:
        prometheus.instant("sum_over_time(vector(1)[1h:1s])", START)

    assert "too many samples" in str(caught.value)
    assert not isinstance(caught.value, SourceUnreachableError)


@pytest.mark.real
def test_the_newest_sample(tmp_path: Path) -> None:
    """A sample counts as soon as it is there; VictoriaMetrics would not look at the last thirty seconds."""
    if binary() is None:
        pytest.skip(NOWHERE)
    now = datetime.now(UTC).replace(microsecond=0)
    points = [(now - timedelta(seconds=n), float(n)) for n in (20, 10, 0)]
    with victoriametrics(tmp_path, {(("__name__", "fresh"),): points}) as url, closing(PrometheusSource(url)) as source:
        assert [row.value for row in source.instant("fresh", now).rows] == [0]


@pytest.mark.real
def test_increases_of_victoria(victoria: PrometheusSource) -> None:
    """VictoriaMetrics extrapolates nothing: from one scrape before the window, whole events, also at a birth.

    Of ten minutes with a sample each the last five have five events for all; of a window that begins before the first
    sample Prometheus makes more than there were, and VictoriaMetrics takes the first value for a rise from zero.
    """
    steady = victoria.instant('increase(speed{camera="a"}[5m])', START + 10 * MINUTE).rows
    newborn = victoria.instant('increase(speed{camera="b"}[5m])', START + MINUTE).rows

    assert [row.value for row in steady] == [5.0]
    assert [row.value for row in newborn] == [7.5]


@pytest.mark.real
@pytest.mark.parametrize(
    ("query", "in_prometheus", "in_victoria"),
    [
        ("0 * speed{camera='a'} / 0", [((("camera", "a"),), math.nan)], []),
        ("count_over_time(speed{camera='a'}[5m])", [((("camera", "a"),), 6)], [((("camera", "a"),), 5)]),
        ("rate(speed{camera='a'}[30s])", [], [((("camera", "a"),), 1 / 60)]),
        (
            "max_over_time(speed{camera='a'}[5m])",
            [((("camera", "a"),), 10)],
            [((("__name__", "speed"), ("camera", "a")), 10)],
        ),
        (
            "quantile_over_time(0.5, speed{camera='a'}[5m])",
            [((("camera", "a"),), 7.5)],
            [((("__name__", "speed"), ("camera", "a")), 8)],
        ),
    ],
)
def test_functions_that_differ(
    prometheus: PrometheusSource,
    victoria: PrometheusSource,
    query: str,
    in_prometheus: list[tuple[Labels, float]],
    in_victoria: list[tuple[Labels, float]],
) -> None:
    """The rows of docs/parity.md about functions: 0/0, the beginning of a window, one sample, names, quantiles.

    A sample at the beginning of a window is in it up to Prometheus 2.55 only.
    """
    if query.startswith(("count", "quantile")) and find_promtool().version >= (3, 0):
        in_prometheus = [(labels, value) for (labels, _), (_, value) in zip(in_prometheus, in_victoria, strict=True)]
    for source, rows in ((prometheus, in_prometheus), (victoria, in_victoria)):
        found = source.instant(query, START + 10 * MINUTE).rows

        assert [row.labels for row in found] == [labels for labels, _ in rows]
        assert [row.value for row in found] == pytest.approx([value for _, value in rows], nan_ok=True)
