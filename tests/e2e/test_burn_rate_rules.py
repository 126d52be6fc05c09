"""The compiled rules of a 99.9 % objective, judged by promtool: when they fire, when they stay silent, when they clear.

Expected minutes are those of the workbook's model observed on a 60 s grid (rows A to G). The pure condition is asked
for separately from the alert, which outlives it by `keep_firing_for`.
"""

import json
import os
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests import builders
from tests.oracle import read_by

from tocsin.adapters.promtool import LEAN
from tocsin.plan import AlertingRule, plan
from tocsin.plan.model import RuleGroup
from tocsin.spec import Slo
from tocsin.targets.prometheus import rule_file

pytestmark = pytest.mark.real

TRAFFIC = 600
"""Requests per minute."""


@dataclass
class Scenario:
    """Counters minute by minute, and at which minutes after the incident's start an expression has a row.

    *errors* and *traffic* give the events of a minute, counted from the incident's start (negative before it); None
    is a minute without a sample. *before* is how many minutes of history there are.
    """

    name: str
    before: int
    after: int
    errors: Callable[[int], int | None]
    traffic: Callable[[int], int | None] = lambda minute: TRAFFIC
    rows: list[tuple[str, set[int], Iterable[int]]] = field(default_factory=list)

    def expect(self, expression: str, minutes: Iterable[int], among: Iterable[int]) -> "Scenario":
        """Among these minutes *expression* has a row at exactly *minutes*."""
        self.rows.append((expression, set(minutes), among))
        return self

    def series(self) -> list[dict[str, str]]:
        """Both counters in promtool's notation, starting at 0; a counter that is not there has no sample."""
        return [
            {
                "series": f'requests_total{{job="shop",instance="1",code="{code}"}}',
                "values": " ".join(self._values(per_minute)),
            }
            for code, per_minute in (("500", self.errors), ("200", self._good))
        ]

    def _good(self, minute: int) -> int | None:
        requests = self.traffic(minute)
        return None if requests is None else requests - (self.errors(minute) or 0)

    def _values(self, per_minute: Callable[[int], int | None]) -> Iterable[str]:
        count = 0
        for minute in range(-self.before, self.after + 1):
            events = per_minute(minute)
            count += (events or 0) if minute > -self.before else 0
            yield "_" if events is None else str(count)

    def test(self) -> dict[str, object]:
        """One entry of promtool's `tests`."""
        return {
            "name": self.name,
            "interval": "1m",
            "input_series": self.series(),
            "promql_expr_test": [
                {
                    "expr": f"count({expression})",
                    "eval_time": f"{self.before + minute}m",
                    "exp_samples": [{"labels": "{}", "value": 1}] if minute in minutes else [],
                }
                for expression, minutes, among in self.rows
                for minute in among
            ],
        }


def outage(share: float, minutes: int) -> Callable[[int], int]:
    """Errors of a step: *share* of the traffic in the minutes 1 to *minutes* after its start."""
    return lambda minute: round(TRAFFIC * share) if 0 < minute <= minutes else 0


def group_of(slo: Slo) -> RuleGroup:
    """The compiled rules of one objective, as one group."""
    planned, findings = plan(builders.workspace(builders.service(slos=(slo,))))
    assert findings == ()
    return replace(planned.groups[0], rules=tuple(rule for group in planned.groups for rule in group.rules))


def condition(group: RuleGroup, alert: str, tier: str | None = None) -> str:
    """The expression of one alert."""
    return next(
        rule.expr
        for rule in group.rules
        if isinstance(rule, AlertingRule) and rule.alert == alert and dict(rule.labels).get("tier") == tier
    )


def firing(alert: str, tier: str | None = None) -> str:
    """The alert as Prometheus shows it."""
    more = f',tier="{tier}"' if tier else ""
    return f'ALERTS{{alertname="{alert}",alertstate="firing"{more}}}'


def promtool(tmp_path: Path, group: RuleGroup, *scenarios: Scenario) -> str:
    """Run all *scenarios* in one process; the empty string if every expectation holds."""
    groups = read_by({expression for each in scenarios for expression, _, _ in each.rows}, (group,))
    (tmp_path / "rules.yml").write_text(rule_file(groups))
    tests = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [s.test() for s in scenarios]}
    (tmp_path / "test.yml").write_text(json.dumps(tests))
    run = subprocess.run(
        ["promtool", "test", "rules", "test.yml"],
        cwd=tmp_path,
        env=LEAN | os.environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return "" if run.returncode == 0 else run.stdout + run.stderr


def test_page_fires_and_clears_in_the_minutes_of_the_model(tmp_path: Path) -> None:
    """Rows A, B and C: a total outage, 15 % for ten minutes, and 2 % for good, over one hour and five minutes."""
    group = group_of(builders.slo())
    fast = condition(group, "ErrorBudgetBurn", "fast")
    total = Scenario("A", 120, 25, outage(1, 5))
    total.expect(fast, range(1, 10), range(25))
    total.expect(firing("ErrorBudgetBurn", "fast"), range(1, 20), range(25))
    partial = Scenario("B", 120, 25, outage(0.15, 10)).expect(fast, range(6, 15), range(25))
    constant = Scenario("C", 120, 60, outage(0.02, 1000)).expect(fast, range(44, 60), range(40, 60))

    assert promtool(tmp_path, group, total, partial, constant) == ""


def test_steady_tier_fires_in_the_minute_of_the_model(tmp_path: Path) -> None:
    """Row D: 1 % for good pages over six hours at minute 217, the tick after the exact tie at 216."""
    group = group_of(builders.slo())
    steady = condition(group, "ErrorBudgetBurn", "steady")
    slow_burn = Scenario("D", 420, 220, outage(0.01, 1000)).expect(steady, range(217, 221), range(210, 221))

    assert promtool(tmp_path, group, slow_burn) == ""


def test_cold_start_pages_when_the_budget_is_spent(tmp_path: Path) -> None:
    """Row E: 2 % of errors from the very first sample page after 44 minutes, not at once; a total outage after two."""
    group = group_of(builders.slo())
    fast = condition(group, "ErrorBudgetBurn", "fast")
    newborn = Scenario("E", 0, 60, outage(0.02, 1000)).expect(fast, range(45, 60), range(60))
    dead = Scenario("E total", 0, 20, outage(1, 1000)).expect(fast, range(2, 20), range(20))

    assert promtool(tmp_path, group, newborn, dead) == ""


def test_error_series_born_with_its_first_error(tmp_path: Path) -> None:
    """Row F3: without a single error sample before, five minutes of a total outage page from the first one on."""
    group = group_of(builders.slo())
    fast = condition(group, "ErrorBudgetBurn", "fast")
    born = Scenario("F3", 120, 20, lambda minute: (TRAFFIC if minute <= 5 else 0) if minute > 0 else None)
    born.expect("slo:bad:rate5m == 0", range(-60, 1), range(-60, 1)).expect(fast, range(1, 10), range(20))

    assert promtool(tmp_path, group, born) == ""


def test_traffic_that_stops_is_told(tmp_path: Path) -> None:
    """Row G: where the request counter stops, burn-rate alerts have no answer and TrafficAbsent fires."""
    group = group_of(builders.slo())
    fast = condition(group, "ErrorBudgetBurn", "fast")
    absent = firing("TrafficAbsent")
    stops = Scenario("G stops", 1600, 60, outage(0, 0), lambda minute: 0 if 0 < minute <= 30 else TRAFFIC)
    stops.expect(absent, range(15, 41), range(60)).expect(fast, [], range(60))
    never = Scenario("G never", 120, 60, outage(0, 0), lambda minute: 0).expect(absent, [], range(0, 60, 5))
    rare = Scenario("G rare", 600, 60, outage(0, 0), lambda minute: 1 if minute % 60 == 0 else 0)
    rare.expect(absent, [], range(60))

    assert promtool(tmp_path, group, stops, never, rare) == ""


def test_gap_of_scrapes_does_not_flap(tmp_path: Path) -> None:
    """Row H: 15 % for half an hour with no scrapes in minutes 7 to 16 is one alert, although the condition pauses."""
    group = group_of(builders.slo())
    fast = condition(group, "ErrorBudgetBurn", "fast")

    def unseen(minute: int) -> bool:
        return 7 <= minute <= 16

    gap = Scenario(
        "H",
        120,
        60,
        lambda minute: None if unseen(minute) else outage(0.15, 30)(minute),
        lambda minute: None if unseen(minute) else TRAFFIC,
    )
    gap.expect(firing("ErrorBudgetBurn", "fast"), range(6, 45), range(60)).expect(fast, [], range(12, 17))

    assert promtool(tmp_path, group, gap) == ""
