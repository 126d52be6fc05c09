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


def told(folder: Path, events: Sequence[float | None], fires: Sequence[int], silent: Sequence[int], step: int) -> str:
    """The alert fires at some steps and not at others, as *events* come in each."""
    rows = [Row(FIRES, at, 1) for at in fires] + [Row(FIRES, at, None) for at in silent]
    return judge(folder, groups_of(builders.slo()), {TOTAL: counter(events)}, sorted(rows, key=lambda r: r.at), step)


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
