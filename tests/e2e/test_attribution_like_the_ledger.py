"""What is attributed in a time range is what the ledger counts in it, route by route, on a real Prometheus.

Two days, scraped each minute: series that are born and die, pods that live shortly, a reset, a pause of all scrapes,
labels that were changed, and an old process under a new name.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from tests.backfilled import backfilled

from tocsin.adapters.prometheus_http import PrometheusSource
from tocsin.evaluate.asking import Asker, Unanswered
from tocsin.evaluate.attribution import ask
from tocsin.evaluate.counting import sampled
from tocsin.sli import LatencySli, RatioSli, Sli
from tocsin.units import Duration

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

START = datetime(2026, 11, 20, tzinfo=UTC)
HOUR = 60
END = 48 * HOUR
GAP = range(23 * HOUR + 30, 25 * HOUR)
"""Nobody scrapes anything, over the end of a chunk."""
RESTART = 30 * HOUR + 20
RELABELLED = 35 * HOUR + 58
"""From then on the series of pod c have a label more; two minutes before a chunk ends."""
TOTAL = 'requests_total{job="shop"}'
BAD = RatioSli(TOTAL, bad_events='requests_total{job="shop",code="500"}')
GOOD = RatioSli(TOTAL, good_events='requests_total{job="shop",code="200"}')
LATENCY = LatencySli('took_seconds{job="shop"}', Decimal(1))
EXACT: Mapping[str, float] = {"/burst": 100, "/born": 500, "/gone": 50, "/last": 30, "/crash": 6 * 20 * 20}
"""Bad events of both days."""
ESTIMATED: Mapping[str, float] = {"/reset": 0.01, "/anew": 0.01, "/often": 0.03, "(all)": 0.01}
"""By how much counters that are reset may be off, in the stretch of that; /often is all the time."""
Value = Callable[[int], int]


def _series() -> Iterator[tuple[str, str, int, int, Value]]:
    """Labels, pod, from when to when it is there, and what it counts at a minute."""
    for pod in "abd":
        yield (
            'route="/steady",code="200"',
            pod,
            0,
            45 * HOUR if pod == "d" else END,
            lambda minute: 5_000 + 100 * minute,
        )
    yield 'route="/burst",code="500"', "a", 0, END, lambda minute: 0 if minute < 40 * HOUR else 100
    yield 'route="/born",code="500"', "a", 40 * HOUR, END, lambda _: 500
    yield 'route="/gone",code="500"', "a", 38 * HOUR + 10, 39 * HOUR, lambda _: 50
    yield 'route="/last",code="500"', "d", 44 * HOUR + 10, 45 * HOUR, lambda _: 30  # and with it the pod
    yield 'route="/reset",code="200"', "b", 0, END, lambda minute: 7 * (minute % RESTART)
    yield (
        'route="/reset",code="500"',
        "b",
        0,
        END,
        lambda minute: 40 * (minute % RESTART // 290) + minute % RESTART // 20,
    )
    yield 'route="/paused",code="500"', "a", 0, END, lambda minute: 3 + minute // 10
    yield 'route="/often",code="500"', "a", 0, END, lambda minute: minute % 70
    yield 'route="/anew",code="500"', "b", 0, END, lambda minute: 800 if minute < GAP.start else minute - GAP.start
    for label, start, end in (("", 0, RELABELLED), (',version="2"', RELABELLED, END)):
        yield f'route="/moved",code="200"{label}', "c", start, end, lambda minute: 90_000 + 50 * minute
        yield f'route="/moved",code="500"{label}', "c", start, end, lambda minute: 8_000 + minute // HOUR
    yield 'route="/renamed",code="200"', "e", 20 * HOUR + 7, END, lambda minute: 70_000 + 100 * minute
    yield 'route="/renamed",code="500"', "e", 20 * HOUR + 7, END, lambda minute: 6_000 + minute // HOUR
    for number in range(6):
        start = (26 + number) * HOUR + 13
        for code, each in (("200", 30), ("500", 20)):
            yield f'route="/crash",code="{code}"', f"x{number}", start, start + 20, _since(start, each)


def _buckets() -> Iterator[tuple[str, str, int, int, Value]]:
    """Pod a has ten fast observations a minute; of pod y, which lives for twenty minutes, three of ten are slow.

    And half of those of pod z, with which history begins, so that nobody knows how old it is.
    """
    for pod, start, end, fast in (("a", 0, END, 10), ("y", 40 * HOUR + 9, 40 * HOUR + 29, 7), ("z", 0, 2 * HOUR, 5)):
        for suffix, each in (('bucket{le="1.0",', fast), ('bucket{le="+Inf",', 10), ("count{", 10)):
            yield suffix, pod, start, end, _since(start, each)


def _since(start: int, each: int) -> Value:
    return lambda minute: each * (minute - start + 1)


def openmetrics() -> str:
    """All of them."""
    lines = ["# TYPE requests counter"]
    for labels, pod, start, end, value in _series():
        lines += _samples(f"requests_total{{{labels},", pod, start, end, value)
    lines.append("# TYPE took_seconds histogram")
    for suffix, pod, start, end, value in _buckets():
        lines += _samples(f"took_seconds_{suffix}", pod, start, end, value)
    return "\n".join([*lines, "# EOF", ""])


def _samples(head: str, pod: str, start: int, end: int, value: Value) -> list[str]:
    series = f'{head}job="shop",instance="{pod}:80",pod="{pod}"}}'
    times = ((minute, (START + timedelta(minutes=minute)).timestamp()) for minute in range(start, end))
    return [f"{series} {value(minute)} {time + 7:.0f}" for minute, time in times if minute not in GAP]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusSource]:
    """A server that has the counters."""
    folder = tmp_path_factory.mktemp("prometheus")
    with backfilled(folder, openmetrics()) as url, closing(PrometheusSource(url, deadline=30)) as source:
        yield source


Events = Mapping[str, tuple[float, float]]
"""Bad and all events by value, where any were bad; and of all values together."""
ALL = "(all)"


def attributed(source: PrometheusSource, sli: Sli, label: str, end: int, length: int) -> Events:
    """The events in so many hours before the *end*, in hours, as they are attributed."""
    asker = Asker(source, START + timedelta(hours=end))
    found = ask(asker, sli, Duration.of(hours=length), most=100, labels=(label,))
    assert not isinstance(found, Unanswered), found
    (one,) = found
    return {part.value: (part.bad, part.total) for part in one.first} | {ALL: (one.bad, one.total)}


def ledger(source: PrometheusSource, sli: Sli, label: str, end: int, length: int) -> Events:
    """The same as the ledger counts them, each increment once."""
    counters, until = sli.counters(), round((START + timedelta(hours=end)).timestamp())
    assert counters is not None
    found = sampled(source, counters, (label,), until - length * 3_600, until, until + 3_600)
    sums = {dict(each).get(label, ""): (float(of.bad.sum()), float(of.total.sum())) for each, of in found.items()}
    bad, total = map(sum, zip(*sums.values(), strict=True))
    return {value: one for value, one in sums.items() if one[0]} | {ALL: (bad, total)}


RANGES = [(48, 47), (48, 30), (46, 7), (44, 6), (42, 3), (39, 1), (36, 18), (32, 13), (27, 12), (26, 3), (40, 5)]


@pytest.mark.parametrize("sli", [BAD, GOOD])
@pytest.mark.parametrize(("end", "length"), RANGES)
def test_each_route_has_what_the_ledger_counts(source: PrometheusSource, sli: RatioSli, end: int, length: int) -> None:
    """Chunks end in the pause, beside the change of labels, and amid the lives of pods; only a reset is estimated."""
    known, found = ledger(source, sli, "route", end, length), attributed(source, sli, "route", end, length)

    assert found.keys() == known.keys()
    for route, (bad, total) in known.items():
        assert found[route] == pytest.approx((bad, total), rel=ESTIMATED.get(route, 1e-9)), route


def test_what_is_known_by_hand(source: PrometheusSource) -> None:
    """First errors of a route are told with their number, in the incident and in both days."""
    whole, six, seven = (attributed(source, BAD, "route", *span) for span in ((48, 47), (45, 6), (45, 7)))

    assert {route: whole[route][0] for route in EXACT} == EXACT
    assert (six["/born"][0], six["/burst"][0]) == (seven["/born"][0], seven["/burst"][0]) == (500, 100)


@pytest.mark.parametrize(("end", "length"), [(48, 45), (44, 6), (41, 1)])
def test_latency(source: PrometheusSource, end: int, length: int) -> None:
    """All slow observations are those of a pod that was gone after twenty minutes."""
    found = attributed(source, LATENCY, "pod", end, length)

    assert found == ledger(source, LATENCY, "pod", end, length)
    assert found["y"] == (60, 200)


@pytest.mark.parametrize("length", [6, 9])
def test_where_history_begins(source: PrometheusSource, length: int) -> None:
    """What its first samples had counted was before."""
    found = attributed(source, LATENCY, "pod", 3, length)

    assert found == ledger(source, LATENCY, "pod", 3, length)
    assert found["z"] == (119 * 5, 119 * 10)
