"""Traffic that stops, and traffic that is not missed: compiled rules, judged by promtool."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests import builders
from tests.ruletests import Row, counter, groups_of, judge

pytestmark = pytest.mark.real

TOTAL = 'requests_total{job="shop",instance="1",code="200"}'
FIRES = 'count(ALERTS{alertname="TrafficAbsent",alertstate="firing"})'


STEP = 120
DAY = 720
"""Steps of two minutes."""


def told(folder: Path, events: Sequence[float | None], fires: Sequence[int], silent: Sequence[int]) -> str:
    """The alert fires at some steps and not at others, as *events* come in each."""
    rows = [Row(FIRES, at, 1) for at in fires] + [Row(FIRES, at, None) for at in silent]
    needed = ("slo:total:rate", "slo:traffic:")
    groups = [
        replace(
            group,
            rules=tuple(
                rule
                for rule in group.rules
                if getattr(rule, "alert", "") == "TrafficAbsent" or getattr(rule, "record", "").startswith(needed)
            ),
        )
        for group in groups_of(builders.slo())
    ]
    return judge(folder, groups, {TOTAL: counter(events)}, sorted(rows, key=lambda row: row.at), STEP)


def clock(day: int, hour: int, minute: int = 0) -> int:
    """The step of a time of a day; day 0 is a Monday."""
    return day * DAY + hour * 30 + minute // 2


def office(at: int) -> bool:
    """Traffic on working days from eight to six."""
    return at // DAY % 7 < 5 and clock(0, 8) <= at % DAY < clock(0, 18)


def test_office_hours(tmp_path: Path) -> None:
    """Nights are silent from the second day on, weekends from the second on; an outage at noon is told as before.

    So is a morning without a beginning, after half an hour of leeway. What is not known yet is judged by the mean of
    the day, or by yesterday: the first evening and the first Saturday are told.
    """
    noon, morning = range(clock(8, 12), clock(8, 13)), range(clock(9, 0), clock(9, 11))
    events = [1200.0 if office(at) and at not in noon and at not in morning else 0.0 for at in range(12 * DAY + 600)]
    fires = [clock(0, 20), clock(5, 12), clock(8, 12, 18), clock(8, 12, 50), clock(9, 8, 46), clock(9, 10)]
    silent = [clock(day, hour) for day in (1, 2, 3, 4, 7, 10) for hour in (2, 7, 9, 12, 17, 19, 22)]
    silent += [clock(7, 8, 4), clock(8, 12, 8), clock(9, 8, 30), clock(12, 9), clock(12, 12), clock(12, 19)]

    assert told(tmp_path, events, fires, silent) == ""


def test_bursts(tmp_path: Path) -> None:
    """Three minutes of traffic in each hour, and a batch each night: from the second day on neither is missed."""
    bursts, batch = tmp_path / "bursts", tmp_path / "batch"
    bursts.mkdir()
    batch.mkdir()
    often = [400.0 if at % 30 < 2 else 0.0 for at in range(3 * DAY)]
    nightly = [400.0 if clock(0, 1) <= at % DAY < clock(0, 1, 30) else 0.0 for at in range(3 * DAY)]

    assert told(bursts, often, [], range(DAY + 60, 3 * DAY, 7)) == ""
    assert told(batch, nightly, [], range(2 * DAY, 3 * DAY, 17)) == ""


def test_sparse_traffic(tmp_path: Path) -> None:
    """Six events an hour, for two days: two and a half hours without one are told, and nothing shorter."""
    stops = 2 * DAY + 300
    events = [1.0 if at % 5 == 0 and at < stops else 0.0 for at in range(stops + 150)]

    assert told(tmp_path, events, [stops + 94, stops + 140], [*range(DAY, stops + 70, 50), stops + 70]) == ""


def test_a_value_that_is_replaced(tmp_path: Path) -> None:
    """Divided by version: v1 makes room for v2 and is not missed; when v2 goes, too, traffic is absent."""
    slo = builders.slo()
    slo = replace(slo, sli=replace(builders.AVAILABILITY, by=("version",)))
    name = 'requests_total{job="shop",code="200",version="%s"}'
    series = {
        name % "v1": [600 * at if at < 60 else None for at in range(160)],
        name % "v2": [600 * at if 60 <= at < 120 else None for at in range(160)],
    }
    version = 'count(ALERTS{alertname="TrafficAbsent",alertstate="firing",version="v2"})'
    rows = [Row(FIRES, at, None) for at in range(50, 124, 3)] + [Row(version, at, 1) for at in (140, 150)]

    assert judge(tmp_path, groups_of(slo), series, rows) == ""


def test_a_value_that_stands_still(tmp_path: Path) -> None:
    """Divided by version: the counter of v1 is there and stands still, which is told although v2 has traffic."""
    slo = builders.slo()
    slo = replace(slo, sli=replace(builders.AVAILABILITY, by=("version",)))
    name = 'requests_total{job="shop",code="200",version="%s"}'
    series = {name % "v1": [600.0 * min(at, 60) for at in range(100)], name % "v2": [600.0 * at for at in range(100)]}
    rows = [Row(FIRES, at, 1 if at >= 76 else None) for at in (50, 60, 70, 76, 90)]

    assert judge(tmp_path, groups_of(slo), series, rows) == ""
