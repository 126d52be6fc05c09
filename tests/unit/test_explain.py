"""What `tocsin explain` says: sentences, facts, and minutes that are the model's and promtool's."""

import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from tests.oracle import ask, firing, groups_of
from tests.reading import read
from tests.ruletests import counter

from tocsin.cli.main import run
from tocsin.definitions import read_definitions
from tocsin.explain.conditions import sentence
from tocsin.explain.facts import facts
from tocsin.explain.find import find
from tocsin.explain.standing import guards
from tocsin.explain.text import text_of
from tocsin.plan import plan

RULES = str(Path(__file__).parents[2] / "rules")
SLI = "slis: {a: {ratio: {bad: 'r_total{code=\"500\"}', total: r_total}}}\n"


def told(slo: str) -> tuple[str, dict[str, Any]]:
    """Text and facts of one objective."""
    workspace, findings = read("Service", f"{SLI}slos:\n  up: {slo}", "shop")
    assert findings == ()
    planned, _ = plan(workspace)
    subject = find("shop/up", workspace)
    return text_of(subject, planned), facts(subject, planned)


def test_each_kind_of_alert_has_a_sentence() -> None:
    """Hysteresis, absence, anomalies and level shifts say what they wait for."""
    folder = Path(__file__).parents[1] / "golden" / "conditions"
    workspace = read_definitions([str(path) for path in sorted(folder.glob("*.y*ml"))]).workspace
    said = {alert.name: sentence(alert) for service in workspace.services for alert in service.alerts}

    assert said["QueueTooLong"] == "threshold: fires above 100; hysteresis: what fires stays until it is below 50"
    assert said["TillGone"] == 'absence: fires while up{job="till",instance=~"a|b"} is not there'
    assert said["OddTraffic"].endswith("silent until 15d18h are known")
    assert said["NewLevel"].startswith(
        "level shift: fires if the median of the last 30m is below what was usual in the 2d"
    )
    assert said["ShopStandsStill"].startswith("composite: fires while all of shop/QueueTooLong, shop/uptime:fast fire")


def test_the_table_of_the_workbook() -> None:
    """Detection, reset, budget spent and exhaustion at 99.9 % over 30 days are the published, exact numbers."""
    text, found = told("{sli: a, target: 99.9%}")
    minutes = {
        (tier["name"], one["errors"]): (one["fires_after"], one["over_after"], one["budget_spent"])
        for tier in found["tiers"]
        for one in tier["outages"]
    }

    expected = {
        ("fast", 1.0): (0.864, 4.928),
        ("steady", 1.0): (2.16, 29.82),
        ("slow", 1.0): (4.32, 119.64),
        ("trickle", 1.0): (4.32, 359.64),
        ("fast", 0.15): (5.76, 4.52),
        ("steady", 0.15): (14.4, 28.8),
        ("fast", 0.02): (43.2, 1.4),
        ("steady", 0.01): (216, 12),
        ("slow", 0.01): (432, 84),
    }
    for key, (fires, over) in expected.items():
        assert minutes[key][:2] == pytest.approx((fires * 60, over * 60), abs=1e-9)
    assert minutes["fast", 0.01] == (None, None, None)
    spent = {name: minutes[name, 1.0][2] for name in ("fast", "steady", "slow", "trickle")}
    assert spent == pytest.approx({"fast": 0.02, "steady": 0.05, "slow": 0.10, "trickle": 0.10})
    row = next(line for line in text.splitlines() if line.strip().startswith("15% "))
    cells = ["15%", "5.76m / 4.52m", "14.4m / 28.8m", "28.8m / 1.96h", "28.8m / 5.96h", "5.76m", "2%", "4.8h"]
    assert re.split(r"\s{2,}", row.strip()) == cells


@pytest.mark.real
def test_minutes_of_the_table_are_promtools() -> None:
    """A quarter of an hour with 15 % or 100 % of errors fires in the evaluation after the table's minute."""
    text = (
        f"{SLI}slos:\n  up: {{sli: a, target: 99.9%, guards: {{flapping: {{enabled: false, reason: to see it end}}}}}}"
    )
    groups, start, lasts = groups_of(text), 400, 15
    _, found = told("{sli: a, target: 99.9%}")
    [fast, steady] = found["tiers"][:2]
    for errors, place in ((1.0, 0), (0.15, 2)):
        bad = [600 * errors if start < at <= start + lasts else 0 for at in range(start + 60)]
        series = {
            'r_total{code="500"}': counter(bad, 1000),
            'r_total{code="200"}': counter([600 - n for n in bad], 1000),
        }
        asked = [(firing("ErrorBudgetBurn", tier="fast"), 60 * (start + at)) for at in range(40)]
        asked += [(firing("ErrorBudgetBurn", tier="steady"), 60 * (start + at)) for at in range(40)]
        rows = ask(groups, series, asked)
        for tier, seen in ((fast, rows[:40]), (steady, rows[40:])):
            outage = tier["outages"][place]
            fires, over = (Fraction(outage[key]) / 60 for key in ("fires_after", "over_after"))
            shown = [at for at, row in enumerate(seen) if row]
            assert outage["errors"] == errors
            assert shown[0] == int(fires) + 1
            assert len(shown) == 40 - shown[0] if lasts + over > 40 else abs(shown[-1] - lasts - over) <= 1


@pytest.mark.parametrize(
    ("slo", "words"),
    [
        (
            "{sli: a, target: 99%, guards: {cold_start: {enabled: false, reason: an old service}}}",
            ["off cold_start: an old service", "on  missing_errors"],
        ),
        (
            "{sli: a, target: 99%, window: {calendar: month, timezone: Asia/Ho_Chi_Minh}}",
            ["a calendar month in Asia/Ho_Chi_Minh", "burn rates use the nominal length, 30d"],
        ),
        (
            "{sli: a, target: 99%, budgeting: timeslices, slice: 2m, slice_target: 95%, empty_slices: bad}",
            ["timeslices: slices of 2m are good if at least 95% of their events are; empty ones count as bad"],
        ),
        ("{sli: a, target: 99%, group_by: [route, zone]}", ["one objective for each route, zone"]),
        (
            "{sli: a, target: 99%, burn_rate: {tiers: [{name: own, severity: page, budget: 5%, long: 2h, short: 9m}]}}",
            ["own   critical  2h    9m     18"],
        ),
    ],
    ids=["guards", "calendar", "timeslices", "grouping", "policy"],
)
def test_what_else_holds(slo: str, words: list[str]) -> None:
    """Guards that are off say why; periods, slices, groups and tiers of its own are told."""
    text, found = told(slo)

    assert [word for word in words if word not in text] == []
    assert found["tiers"][0]["name"] in {"fast", "own"}


@pytest.mark.parametrize(
    ("bad", "total", "why"),
    [
        ("e_total{job='a'}", "r_total{job='a'}", ""),
        ("e_total{job='a'}", "r_total", ""),
        ("e_total{code='a'}", "r_total{code='b'}", ""),
        ("e_total{job='a'}", "r_total{job='b'}", 'bad events have job="a", all events job="b"'),
        ("e_total{pod=~'a|b'}", "r_total{pod=~'c|d'}", 'bad events have pod=~"a|b", all events pod=~"c|d"'),
        ("e_total{instance='a'}", "r_total{instance!~'a|b'}", "bad events have instance="),
        ("e_total", "r_total{instance=''}", "these series have none"),
    ],
)
def test_new_series_of_other_targets_have_no_guard(bad: str, total: str, why: str) -> None:
    """A series is told to be new by one of the same scrape; where there can be none, the guard is not on."""
    text = f'slis: {{a: {{ratio: {{bad: "{bad}", total: "{total}"}}}}}}\nslos:\n  up: {{sli: a, target: 99%}}'
    workspace, _ = read("Service", text, "shop")
    [guard] = [guard for guard in guards(workspace.services[0].slos[0]) if guard.name == "new_series"]

    assert guard.on == (not why)
    assert why in guard.why


@pytest.mark.real
def test_what_is_said_of_other_targets_is_what_the_rules_do() -> None:
    """Errors with which a series begins count where all events are of its job, and not where they are of another."""
    found = {}
    for job in "ab":
        text = f"slis: {{a: {{ratio: {{bad: \"e_total{{job='a'}}\", total: \"r_total{{job='{job}'}}\"}}}}}}\n"
        groups = groups_of(f"{text}slos:\n  up: {{sli: a, target: 99%}}")
        series = {
            f"r_total{{job='{job}',instance='i'}}": counter([600] * 100),
            "e_total{job='a',instance='i'}": [None] * 90 + [40.0] * 10,
        }
        [found[job]] = ask(groups, series, [("slo:bad:rate5m", 92 * 60)])

    assert [max(rows.values()) > 0 for rows in found.values()] == [True, False]


@pytest.mark.parametrize(
    ("ref", "kind", "key"),
    [
        ("be-camera/uptime", "objective", "guards"),
        ("be-camera/HighCpuUsage", "alert", "expressions"),
        ("journey", "journey", "combine"),
        ("sla", "contract", "measure"),
    ],
)
def test_everything_has_text_facts_and_perhaps_a_chart(
    ref: str, kind: str, key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Objectives, alerts, journeys and contracts; a chart is of what has tiers."""
    workspace = read_definitions([RULES]).workspace
    ref = {"journey": workspace.journeys[0].slos[0].ref, "sla": workspace.slas[0].ref}.get(ref, ref)

    assert run(["explain", ref, RULES]) == 0
    assert capsys.readouterr().out.startswith(f"{ref}: ")
    assert run(["explain", ref, RULES, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["kind"], found["ref"]) == (kind, ref)
    assert found[key]
    has_tiers = kind in {"objective", "journey"}
    assert run(["explain", ref, RULES, "--chart", str(tmp_path / "chart.svg")]) == (0 if has_tiers else 2)
    assert (tmp_path / "chart.svg").exists() is has_tiers
