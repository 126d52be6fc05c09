"""A threshold and a divided ratio: the compiled rules in promtool and the evaluator page in the same minutes."""

import json
import subprocess
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from tests import builders
from tests.backfilled import backfilled

from tocsin.adapters.prometheus_http import PrometheusSource
from tocsin.evaluate.memory import Memory
from tocsin.evaluate.state import OPEN
from tocsin.evaluate.tick import Watch, turn
from tocsin.plan import plan
from tocsin.sli import RatioSli, ThresholdSli
from tocsin.targets.prometheus import rule_file
from tocsin.windows import WORKBOOK
from tocsin.workspace import Workspace

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

START = datetime(2026, 11, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BEFORE, LENGTH, AFTER = 120, 5, 25
"""Minutes of good times, of the incident, and after its start."""


def workspace() -> Workspace:
    """A queue that must not be long, and requests by route."""
    depth = builders.slo("depth", sli=ThresholdSli("depth", at_most=Decimal(5)), tiers=WORKBOOK[:1])
    ratio = RatioSli("requests_total", 'requests_total{code="500"}', by=("route",))
    routes = builders.slo("routes", sli=ratio, tiers=WORKBOOK[:1])
    return builders.workspace(builders.service(slos=(depth, routes)))


def series() -> Mapping[str, list[int]]:
    """Values by minute: the queue is long, and all requests of one route fail, in the minutes of the incident."""
    minutes = range(-BEFORE, AFTER + 1)
    wrong = [max(0, min(minute, LENGTH)) * 60 for minute in minutes]
    every = [(minute + BEFORE) * 60 for minute in minutes]
    return {
        "depth": [9 if 0 < minute <= LENGTH else 3 for minute in minutes],
        'requests_total{route="/a",code="200"}': every,
        'requests_total{route="/a",code="500"}': [0] * len(every),
        'requests_total{route="/b",code="200"}': [total - bad for total, bad in zip(every, wrong, strict=True)],
        'requests_total{route="/b",code="500"}': wrong,
    }


def openmetrics() -> str:
    """The same for a database."""
    lines = ["# TYPE depth gauge"]
    for name, values in series().items():
        if name.startswith("requests") and "# TYPE requests counter" not in lines:
            lines.append("# TYPE requests counter")
        first = (START - BEFORE * MINUTE).timestamp()
        lines += [f"{name} {value} {first + 60 * n:.0f}" for n, value in enumerate(values)]
    return "\n".join([*lines, "# EOF", ""])


def evaluated(folder: Path) -> dict[int, list[str]]:
    """The labels of what fires by the evaluator, minute by minute."""
    watch, memory, found = Watch(workspace(), interval=MINUTE), Memory(), {}
    with backfilled(folder, openmetrics()) as url, closing(PrometheusSource(url, deadline=30)) as source:
        for minute in range(-2, AFTER + 1):
            now = START + minute * MINUTE
            turned = turn(watch, watch.look(source, now, memory=memory), memory, now)
            alerts = {i: s for i, s in {**memory.alerts, **turned.alerts}.items() if s is not None}
            memory = replace(memory, alerts=alerts)
            fires = (i for i, state in alerts.items() if state.phase in OPEN and i.rule.endswith(":fast"))
            found[minute] = sorted(_labels(i.rule.split("/")[1].split(":")[0], dict(i.labels)) for i in fires)
    return found


def _labels(slo: str, group: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in sorted({**group, "slo": slo}.items())) + "}"


def test_same_minutes(tmp_path: Path) -> None:
    """The page comes a minute after the start, for the group that fails alone, and goes in the same minute."""
    found = evaluated(tmp_path)
    (tmp_path / "rules.yml").write_text(rule_file(plan(workspace())[0].groups), encoding="utf-8")
    test = {
        "interval": "1m",
        "input_series": [{"series": n, "values": " ".join(map(str, values))} for n, values in series().items()],
        "promql_expr_test": [
            {
                "expr": 'count by (slo, route) (ALERTS{alertstate="firing",tier="fast"})',
                "eval_time": f"{BEFORE + minute}m",
                "exp_samples": [{"labels": labels, "value": 1} for labels in firing],
            }
            for minute, firing in found.items()
        ],
    }
    file = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [test]}
    (tmp_path / "test.yml").write_text(json.dumps(file), encoding="utf-8")
    run = subprocess.run(
        ["promtool", "test", "rules", "test.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )

    assert (found[0], found[1]) == ([], ['{route="/b",slo="routes"}', '{slo="depth"}'])
    assert found[AFTER] == []
    assert (run.returncode, run.stdout + run.stderr if run.returncode else "") == (0, "")
