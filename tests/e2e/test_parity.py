"""The compiled rules in Prometheus and the evaluator fire and clear on the same ticks.

One set of series is judged twice: by the compiled rules in promtool, and by the evaluator, tick by tick, over a real
Prometheus that has the very same samples. What the evaluator found is what promtool is told to expect.

Differences by choice, each asserted below and told in decision 0006:

* series that end: the rules take them for a condition that went, and close the alert after `keep_firing_for` (or, for
  TrafficAbsent, after a day); the evaluator cannot look, so the alert stays open and blind (decision 0005);
* windows above six hours: the rules sum the five-minute rates that they recorded, the evaluator asks the raw counters,
  so a ticket of the rules is some minutes later;
* rules that were loaded a moment ago know nothing of what came before, the evaluator does (not shown here).
"""

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from tests import builders
from tests.backfilled import backfilled

from tocsin.adapters.prometheus_http import PrometheusSource
from tocsin.evaluate.memory import Memory
from tocsin.evaluate.state import OPEN
from tocsin.evaluate.tick import Watch, turn
from tocsin.plan import plan
from tocsin.sli import RatioSli
from tocsin.targets.prometheus import rule_file
from tocsin.windows import WORKBOOK
from tocsin.workspace import Workspace

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
"""In `make soak` three hours are compared; an hour shows every alert begin, and all but two end."""
pytestmark = [pytest.mark.real, pytest.mark.timeout(600), *([pytest.mark.soak] if LONG else [])]

START = datetime(2026, 11, 20, tzinfo=UTC)
"""Midnight; promtool's time 0 is seven hours before: grids of subqueries fall on the same instants."""
MINUTE = timedelta(minutes=1)
BEFORE, QUIET, AFTER = 420, 20, 180 if LONG else 66
"""Minutes of history, minutes of it at which both are asked already, and minutes after the incident's start."""
USUAL = 600

Events = tuple[int, int] | None
"""All and bad events of one minute; None: no sample."""
Firing = Mapping[int, frozenset[tuple[str, str]]]
"""By minute: the (service, tier or alert) that fire."""


@dataclass(frozen=True)
class Scene:
    """What happens in each minute, counted from the start of the incident."""

    minutes: Callable[[int], Events]

    def counters(self) -> Iterator[tuple[int, int, int] | None]:
        """Good and bad events since the beginning, minute by minute; the first sample of a series is 0."""
        good = bad = 0
        born = False
        for minute in range(-BEFORE, AFTER + 1):
            events = self.minutes(minute)
            if events is None:
                yield None
                continue
            if born:
                good, bad = good + events[0] - events[1], bad + events[1]
            born = True
            yield minute, good, bad


def rise(errors: float, length: int) -> Scene:
    """A share of *errors* for *length* minutes."""
    return Scene(lambda minute: (USUAL, round(USUAL * errors) if 0 < minute <= length else 0))


SCENES = {
    "outage": rise(1, 5),
    "partial": rise(0.15, 10),
    "steady-loss": rise(0.08, 60),
    "newborn": Scene(lambda minute: (USUAL, USUAL // 50) if minute >= 0 else None),
    "stillborn": Scene(lambda minute: (USUAL, USUAL) if minute >= 0 else None),
    "stops": Scene(lambda minute: (0 if 0 < minute <= 50 else USUAL, 0)),
    "flapping": Scene(lambda minute: (USUAL, USUAL if 0 < minute <= 132 and (minute - 1) % 11 < 5 else 0)),
    "idle-hour": Scene(lambda minute: (1 if minute % 6 == 0 and not 0 < minute <= 60 else 0, 0)),
    "breaks-off": Scene(lambda minute: (USUAL, USUAL if minute > 0 else 0) if minute <= 8 else None),
}
LATER: dict[tuple[str, str], int] = {}
"""Minutes by which an alert of the rules is later."""
ENDS = {("breaks-off", "fast"): 22, ("breaks-off", "steady"): 47, ("breaks-off", "slow"): 167}
"""The last minute at which the rules show an alert whose series ended; the evaluator's stays open, blind."""


def workspace() -> Workspace:
    """An objective for each scene."""
    sli = {
        name: RatioSli(f'requests_total{{job="{name}"}}', f'requests_total{{job="{name}",code="500"}}')
        for name in SCENES
    }
    services = (
        builders.service(name, slos=(builders.slo(service=name, sli=sli[name], tiers=WORKBOOK),)) for name in SCENES
    )
    return builders.workspace(*services)


def openmetrics() -> str:
    """All samples for a database."""
    lines = ["# TYPE requests counter"]
    for name, scene in SCENES.items():
        for place, code in ((1, "200"), (2, "500")):
            lines += [
                f'requests_total{{job="{name}",code="{code}"}} {found[place]} '
                f"{(START + found[0] * MINUTE).timestamp():.0f}"
                for found in scene.counters()
                if found is not None
            ]
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Firing:
    """Which alerts people see firing, by the evaluator."""
    watch, memory, found = Watch(workspace(), interval=MINUTE), Memory(), {}
    folder = tmp_path_factory.mktemp("prometheus")
    with backfilled(folder, openmetrics()) as url, closing(PrometheusSource(url, deadline=30)) as source:
        for minute in range(-QUIET, AFTER + 1):
            now = START + minute * MINUTE
            sight = watch.look(source, now, memory=memory)
            assert (sight.questions, sight.faults) == ((), ())
            turned = turn(watch, sight, memory, now)
            alerts = {i: s for i, s in {**memory.alerts, **turned.alerts}.items() if s is not None}
            memory = replace(memory, alerts=alerts)
            found[minute] = frozenset(_which(i.rule) for i, state in alerts.items() if state.phase in OPEN)
    return found


def _which(rule: str) -> tuple[str, str]:
    service, _, tier = rule.replace("/uptime", "").partition(":")
    return service, "TrafficAbsent" if tier == "no-traffic" else tier


@pytest.fixture(scope="module")
def promtool(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Firing], str]:
    """Asks promtool whether exactly these alerts of the compiled rules fire; what differs, in its words."""
    folder = tmp_path_factory.mktemp("promtool")
    planned, findings = plan(workspace())
    assert findings == ()
    (folder / "rules.yml").write_text(rule_file(planned.groups))

    def ask(expected: Firing) -> str:
        tests = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [_test(expected)]}
        (folder / "test.yml").write_text(json.dumps(tests))
        run = subprocess.run(
            ["promtool", "test", "rules", "test.yml"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        return "" if run.returncode == 0 else run.stdout + run.stderr

    return ask


def _test(expected: Firing) -> dict[str, object]:
    """One entry of promtool's `tests`, on a time axis that begins with the history."""
    return {
        "interval": "1m",
        "input_series": [
            {
                "series": f'requests_total{{job="{name}",code="{code}"}}',
                "values": " ".join("_" if found is None else str(found[place]) for found in scene.counters()),
            }
            for name, scene in SCENES.items()
            for place, code in ((1, "200"), (2, "500"))
        ],
        "promql_expr_test": [
            {
                "expr": 'count by (service, alertname, tier) (ALERTS{alertstate="firing"})',
                "eval_time": f"{BEFORE + minute}m",
                "exp_samples": [{"labels": _labels(service, what), "value": 1} for service, what in sorted(firing)],
            }
            for minute, firing in expected.items()
        ],
    }


def _labels(service: str, what: str) -> str:
    if what == "TrafficAbsent":
        return f'{{alertname="TrafficAbsent",service="{service}"}}'
    return f'{{alertname="ErrorBudgetBurn",service="{service}",tier="{what}"}}'


def minutes(firing: Firing, service: str, what: str) -> list[int]:
    """When one alert fires."""
    return [minute for minute, found in sorted(firing.items()) if (service, what) in found]


def as_rules(evaluated: Firing) -> Firing:
    """What the rules do where the evaluator did *evaluated*: the same but for LATER and ENDS."""
    begins = {key: minutes(evaluated, *key)[0] + late for key, late in LATER.items()}
    return {
        minute: frozenset(key for key in found if begins.get(key, -BEFORE) <= minute <= ENDS.get(key, AFTER))
        for minute, found in evaluated.items()
    }


def test_same_ticks(evaluated: Firing, promtool: Callable[[Firing], str]) -> None:
    """Every alert of the compiled rules fires in the same minutes as the evaluator's, but for what is listed above."""
    assert promtool(as_rules(evaluated)) == ""


@pytest.mark.parametrize(
    ("service", "what", "expected"),
    [
        ("outage", "fast", range(1, 20)),
        ("partial", "fast", range(6, 25)),
        ("newborn", "fast", range(45, AFTER + 1)),
        ("stillborn", "fast", range(2, AFTER + 1)),
        ("stops", "fast", range(0)),
        ("stops", "TrafficAbsent", range(0)),  # seven hours old; older ones are in test_office_hours.py
        ("flapping", "fast", range(1, min(141, AFTER + 1))),
        ("idle-hour", "TrafficAbsent", range(0)),
        ("breaks-off", "fast", range(1, AFTER + 1)),
        ("breaks-off", "TrafficAbsent", range(0)),
    ],
)
def test_minutes_of_the_evaluator(evaluated: Firing, service: str, what: str, expected: range) -> None:
    """The ticks that both agree on are those of the model, so agreement is not that of two silences."""
    assert minutes(evaluated, service, what) == list(expected)
