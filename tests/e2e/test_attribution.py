"""Attribution on a real Prometheus, with counts that are known."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from tests import builders
from tests.backfilled import backfilled

from tocsin.adapters.prometheus_http import PrometheusSource
from tocsin.evaluate.asking import Asker, Unanswered
from tocsin.evaluate.attribution import Attribution, ask, line
from tocsin.evaluate.tick import Watch
from tocsin.ports import Answer
from tocsin.sli import LatencySli, RatioSli, Sli, SlicedSli
from tocsin.units import Duration
from tocsin.windows import WORKBOOK

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

START = datetime(2026, 11, 20, tzinfo=UTC)
MINUTES = 70
HOUR = Duration.of(hours=1)
PER_MINUTE: Mapping[tuple[str, str, str], int] = {
    ("/pay", "500", "a"): 60, ("/pay", "503", "b"): 20, ("/cart", "500", "b"): 15, ("/help", "500", "a"): 5,
    ("/pay", "200", "a"): 20, ("/pay", "200", "b"): 0, ("/cart", "200", "b"): 485, ("/help", "200", "a"): 395,
}  # fmt: skip
"""Events per minute by route, status and pod: 100 bad ones of 1,000."""
TOTAL = 'requests_total{job="shop"}'
BAD = RatioSli(TOTAL, bad_events='requests_total{job="shop",status=~"5.."}')
GOOD = RatioSli(TOTAL, good_events='requests_total{job="shop",status="200"}')
LATENCY = LatencySli('took_seconds{job="shop"}', Decimal(1))


def openmetrics() -> str:
    """Counters that rise evenly; and a histogram whose slow observations are those of pod b."""
    lines = ["# TYPE requests counter"]
    for (route, status, pod), count in PER_MINUTE.items():
        labels = f'job="shop",route="{route}",status="{status}",pod="{pod}"'
        lines += _samples(f"requests_total{{{labels}}}", count)
    lines.append("# TYPE took_seconds histogram")
    for pod, slow in (("a", 10), ("b", 30)):
        lines += _samples(f'took_seconds_bucket{{job="shop",pod="{pod}",le="1.0"}}', 100 - slow)
        lines += _samples(f'took_seconds_bucket{{job="shop",pod="{pod}",le="+Inf"}}', 100)
        lines += _samples(f'took_seconds_count{{job="shop",pod="{pod}"}}', 100)
    return "\n".join([*lines, "# EOF", ""])


def _samples(series: str, count: int) -> list[str]:
    return [
        f"{series} {1_000 + minute * count} {(START + minute * timedelta(minutes=1)).timestamp():.0f}"
        for minute in range(MINUTES + 1)
    ]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusSource]:
    """A server that has the counters."""
    folder = tmp_path_factory.mktemp("prometheus")
    with backfilled(folder, openmetrics()) as url, closing(PrometheusSource(url, deadline=30)) as source:
        yield source


def asked(
    source: PrometheusSource, sli: Sli, *labels: str, most: int = 5, window: Duration = HOUR
) -> Mapping[str, Attribution]:
    """What is attributed at the end, by label."""
    asker = Asker(source, START + timedelta(minutes=MINUTES))
    found = ask(asker, sli, window, most=most, labels=labels)
    assert not isinstance(found, Unanswered), found
    return {one.label: one for one in found}


def shares(one: Attribution) -> Mapping[str, float]:
    """Shares in percent by value."""
    return {part.value: round(100 * one.share(part), 9) for part in one.parts}


@pytest.mark.parametrize("sli", [BAD, GOOD, SlicedSli(BAD, Duration.of(minutes=1), Decimal("0.95"))])
def test_known_numbers(source: PrometheusSource, sli: Sli) -> None:
    """Of 6,000 bad events in an hour 80 % are those of a route, whether bad or good ones are counted."""
    found = asked(source, sli, "route", "pod")

    assert shares(found["route"]) == {"/pay": 80, "/cart": 15, "/help": 5}
    assert shares(found["pod"]) == {"a": 65, "b": 35}
    assert found["route"].bad == pytest.approx(6_000)
    assert found["route"].total == pytest.approx(60_000)


def test_labels_are_found(source: PrometheusSource) -> None:
    """Those of the series, the most telling one first; the job has one value for all, and tells nothing."""
    assert list(asked(source, BAD)) == ["status", "route", "pod"]
    assert list(asked(source, LATENCY)) == ["pod"]


def test_latency(source: PrometheusSource) -> None:
    """Observations above the limit."""
    assert shares(asked(source, LATENCY, "pod")["pod"]) == {"b": 75, "a": 25}


def test_the_rest_is_named(source: PrometheusSource) -> None:
    """What is beyond the first ones is one part, and all parts are the whole."""
    one = asked(source, BAD, "route", most=1)["route"]

    assert (one.rest is not None and one.rest.values, line(one)) == (2, "/pay 80%, 2 others 20%")
    assert sum(one.share(part) for part in one.parts) == 1


def test_no_such_label(source: PrometheusSource) -> None:
    """A label that no series has attributes nothing."""
    assert asked(source, BAD, "model") == {}


def test_shares_of_traffic(source: PrometheusSource) -> None:
    """The route with 80 % of the errors has 10 % of the requests."""
    one = asked(source, BAD, "route")["route"]

    assert one.traffic(one.first[0]) == pytest.approx(0.1)
    assert one.lift == pytest.approx(0.7)


def test_a_long_period(source: PrometheusSource) -> None:
    """A period longer than the history has the events that there were."""
    assert shares(asked(source, BAD, "route", window=Duration.of(days=30))["route"]) == {
        "/pay": 80, "/cart": 15, "/help": 5,
    }  # fmt: skip


@pytest.mark.parametrize(("by", "expected"), [((), "/pay 80%, /cart 15%, /help 5%"), (("pod",), "/pay 92%, /help 7%")])
def test_a_page_says_whose_errors_they_are(
    source: PrometheusSource, by: tuple[str, ...], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a tier fires its facts have the label that tells most; of a divided objective, of the group alone.

    Both groups fire, and what they are told about is asked for once.
    """
    asked: list[str] = []
    instant = source.instant

    def noted(query: str, at: datetime) -> Answer:
        asked.append(query)
        return instant(query, at)

    monkeypatch.setattr(source, "instant", noted)
    tiers = (replace(WORKBOOK[0], name="fast"),)
    objective = builders.slo(sli=replace(BAD, by=by), tiers=tiers)
    watch = Watch(builders.workspace(builders.service(slos=(objective,))), interval=timedelta(minutes=1))
    sight = watch.look(source, START + timedelta(minutes=MINUTES))
    rows = sight.seen["shop/uptime:fast"].rows
    facts = dict(rows[(("pod", "a"),) if by else ()].facts)

    assert sight.questions == ()
    assert facts["errors by route"] == expected
    assert sum("min_over_time(requests_total" in query for query in asked) == 2
