"""Traffic that stops, and traffic that is not missed: compiled rules, judged by promtool; office hours stand apart."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests import builders
from tests.ruletests import Row, counter, groups_of, judge

from tocsin.plan import AlertingRule, RuleGroup
from tocsin.plan.model import Rule
from tocsin.plan.usual import USUAL
from tocsin.spec import Slo

pytestmark = pytest.mark.real

TOTAL = 'requests_total{job="shop",instance="1",code="200"}'
FIRES = 'count(ALERTS{alertname="TrafficAbsent",alertstate="firing"})'


STEP = 240
DAY = 360
"""Steps of four minutes."""


def told(folder: Path, events: Sequence[float | None], fires: Sequence[int], silent: Sequence[int]) -> str:
    """The alert fires at some steps and not at others, as *events* come in each."""
    rows = [Row(FIRES, at, 1) for at in fires] + [Row(FIRES, at, None) for at in silent]
    return judge(folder, chosen(builders.slo()), {TOTAL: counter(events)}, sorted(rows, key=lambda row: row.at), STEP)


def chosen(slo: Slo) -> list[RuleGroup]:
    """The alert with what it reads: of the others nothing is asked, and days of them would take long."""
    needed = ("TrafficAbsent", USUAL, "slo:total:rate")
    return [
        replace(group, rules=tuple(rule for rule in group.rules if rule_name(rule).startswith(needed)))
        for group in groups_of(slo)
    ]


def rule_name(rule: Rule) -> str:
    """What it records or alerts."""
    return rule.alert if isinstance(rule, AlertingRule) else rule.record


def clock(day: int, hour: int, minute: int = 0) -> int:
    """The step of a time of a day; day 0 is a Monday."""
    return day * DAY + hour * 15 + minute // 4


def test_the_first_day(tmp_path: Path) -> None:
    """Nothing is missed of a service of a few hours, nor the morning after; one that stood for a day is."""
    young, steady = tmp_path / "young", tmp_path / "steady"
    young.mkdir()
    steady.mkdir()
    born = clock(4, 8)

    def flow(until: int) -> list[float | None]:
        return [None if at < born else 2400.0 if at < until else 0.0 for at in range(born + 3 * DAY)]

    quiet = range(born, born + 3 * DAY, 5)
    assert told(young, flow(clock(4, 18)), [], quiet) == ""
    ends = born + DAY + 45
    assert told(steady, flow(ends), [ends + 6, ends + 150, ends + DAY - 30], [*range(born, ends, 5), ends + 2]) == ""


def test_bursts(tmp_path: Path) -> None:
    """Neither four minutes of traffic in each hour nor a batch each night is missed, not even in the first days."""
    bursts, batch = tmp_path / "bursts", tmp_path / "batch"
    bursts.mkdir()
    batch.mkdir()
    often = [400.0 if at % 15 < 1 else 0.0 for at in range(3 * DAY)]
    nightly = [400.0 if clock(0, 1) <= at % DAY < clock(0, 1, 30) else 0.0 for at in range(3 * DAY)]

    assert told(bursts, often, [], range(3, 3 * DAY, 4)) == ""
    assert told(batch, nightly, [], range(3, 3 * DAY, 8)) == ""


def test_sparse_traffic(tmp_path: Path) -> None:
    """Six events an hour, for two days: some three hours without one are told, and nothing shorter."""
    stops = 2 * DAY + 150
    events = [0.8 if at % 2 == 0 and at < stops else 0.0 for at in range(stops + 75)]

    assert told(tmp_path, events, [stops + 56, stops + 70], [*range(DAY, stops + 35, 25), stops + 35]) == ""


def by_version(folder: Path, v1: Sequence[float | None], v2: Sequence[float | None], rows: Sequence[Row]) -> str:
    """Judge an objective that is divided by version."""
    slo = builders.slo()
    slo = replace(slo, sli=replace(builders.AVAILABILITY, by=("version",)))
    name = 'requests_total{job="shop",code="200",version="%s"}'
    return judge(folder, chosen(slo), {name % "v1": v1, name % "v2": v2}, rows, STEP)


def test_a_value_that_is_replaced(tmp_path: Path) -> None:
    """Divided by version: v1 makes room for v2 and is not missed; when v2 goes, too, traffic is absent."""
    begins, ends, until = DAY + 30, DAY + 45, DAY + 60
    v1 = [600.0 * at if at < begins else None for at in range(until)]
    v2 = [600.0 * at if begins <= at < ends else None for at in range(until)]
    rows = [Row(FIRES, at, None) for at in range(begins - 10, ends + 2)]
    rows += [Row(FIRES, at, 1) for at in (ends + 6, ends + 12)]

    assert by_version(tmp_path, v1, v2, rows) == ""


def test_a_value_that_stands_still(tmp_path: Path) -> None:
    """Divided by version: the counter of v1 is there and stands still, which is told although v2 has traffic."""
    stops = DAY + 30
    v1, v2 = [600.0 * min(at, stops) for at in range(stops + 20)], [600.0 * at for at in range(stops + 20)]
    rows = [Row(FIRES, stops + at, 1 if at >= 6 else None) for at in (-5, 0, 2, 6, 15)]

    assert by_version(tmp_path, v1, v2, rows) == ""
