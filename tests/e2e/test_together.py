"""A real Prometheus answers forty objectives together as it answers each alone, and a bad one spoils no other."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.backfilled import backfilled

from tocsin.adapters.prometheus_http import PrometheusSource
from tocsin.evaluate.calm import QUIET
from tocsin.evaluate.memory import Memory
from tocsin.evaluate.tick import Watch
from tocsin.workspace import Source, read_workspace

pytestmark = pytest.mark.real
EPOCH = int(datetime(2026, 9, 1, tzinfo=UTC).timestamp())
ALL = "sum(rate(hits_total[$window]))"
BAD = f'{{ratio: {{bad: "{ALL} + on (job) rate(hits_total[$window])", total: "{ALL}"}}}}'


def definitions(count: int) -> str:
    """Objectives of as many routes, the last of which no server can evaluate."""
    lines = ["apiVersion: tocsin/v1", "kind: Service", "name: shop", "slis:"]
    for number in range(count):
        total = f'hits_total{{route="{number}"}}'
        lines.append(f"  s{number}: {{ratio: {{bad: '{total[:-1]},code=\"500\"}}', total: '{total}'}}}}")
    lines += [f"  s{count}: {BAD}", "slos:"]
    lines += [f"  s{number}: {{sli: s{number}, target: 99.9%}}" for number in range(count + 1)]
    return "\n".join(lines) + "\n"


def test_forty_objectives_in_one_request(tmp_path: Path) -> None:
    """All rates of all windows are those that come alone, to the last bit; what has no errors is calm from then on."""
    lines = ["# TYPE hits counter"]
    for route in range(40):
        for code, rate in (("200", 100 + route), ("500", route // 2)):
            name = f'hits_total{{job="shop",instance="a",route="{route}",code="{code}"}}'
            lines += [f"{name} {minute * rate} {EPOCH + 60 * minute}" for minute in range(120)]
    workspace, findings = read_workspace([Source("shop.yaml", definitions(40))])
    now = datetime.fromtimestamp(EPOCH + 119 * 60, UTC)
    with (
        backfilled(tmp_path, "\n".join([*lines, "# EOF", ""])) as url,
        closing(PrometheusSource(url, deadline=60)) as source,
    ):
        alone, together = (Watch(workspace, together=how).look(source, now) for how in (False, True))
        watch = Watch(workspace, together=True)
        for late in (30, 15):
            last = watch.look(source, now - timedelta(seconds=late), memory=Memory())

    assert not [finding for finding in findings if finding.severity.value == "error"]
    assert together.slos == alone.slos
    assert [slo.state for slo in together.slos[1:]].count("unknown") == 1
    calm = {rule.partition(":")[0] for rule, seen in last.seen.items() if seen is QUIET}
    assert calm == {"shop/s0", "shop/s1"}  # those without errors
    assert [slo.state for slo in last.slos] == [slo.state for slo in together.slos]
