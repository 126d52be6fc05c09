"""Compiled journeys: every slice and every burn rate is what the evaluator makes of the same slices (promtool)."""

import random
from collections.abc import Mapping

import pytest
from tests.oracle import ask, firing
from tests.reading import document, places, together

from tocsin.evaluate.journey import burn, composite, judge, rule
from tocsin.evaluate.model import Truth
from tocsin.plan import AlertingRule, RuleGroup, plan
from tocsin.plan.journey import MOST_CHOICES, beyond_promql
from tocsin.spec import JourneySlo

REFS = ("a", "b", "c")
SLICES = 60
SERVICE = """
slis: {ok: {ratio: {bad: bad_total, total: all_total}}}
slos: {up: {sli: ok, target: 99.9%}}
"""
Ratios = Mapping[str, Mapping[int, float]]
Idle = Mapping[str, set[int]]


def compiled(combine: str, more: str = "", services: str = "abcdef") -> tuple[JourneySlo, RuleGroup]:
    """One journey objective and its group."""
    text = f"slos: {{all: {{target: 99.5%, combine: {combine}{more}}}}}"
    workspace, misread = together(
        *(document("Service", SERVICE, name) for name in services), document("Journey", text, "path")
    )
    planned, findings = plan(workspace)
    assert (misread, [f for f in findings if f.code != "journey/evaluated"]) == ((), [])
    return workspace.journeys[0].slos[0], next(g for g in planned.groups if g.file == "path")


def slices(seed: int, gaps: float = 0.0) -> Ratios:
    """Good ratios of three members, at times none at all; an outage of two of them in the middle."""
    chance = random.Random(seed)
    found: dict[str, dict[int, float]] = {f"{name}/up": {} for name in REFS}
    for number in range(SLICES):
        for name in REFS:
            broken = 30 <= number < 40 and name != "c"
            ratio = chance.choice((0.0, 0.25, 0.5)) if broken else chance.choice((1.0, 1.0, 1.0, 0.998))
            if chance.random() >= gaps and number >= 3:
                found[f"{name}/up"][number] = ratio
    return found


def pauses(ratios: Ratios, *, idle: bool) -> Idle:
    """Half of the gaps are idle, and so are all members from the 15th slice to the 20th."""
    chance = random.Random(7)
    found: dict[str, set[int]] = {ref: set() for ref in ratios}
    for ref, known in ratios.items():
        for number in range(SLICES):
            if idle and (15 <= number < 20 or (number not in known and number > 1 and chance.random() < 0.5)):
                found[ref].add(number)
    return found


def recorded(ratios: Ratios, idle: Idle) -> dict[str, str]:
    """The same as series that an objective records."""
    series = {}
    for ref, known in ratios.items():
        service = ref.partition("/")[0]
        for kind in ("bad", "total"):
            values = [
                "0"
                if number in idle[ref]
                else "stale"
                if number not in known
                else repr((1 - known[number]) * 10 if kind == "bad" else 10.0)
                for number in range(SLICES)
            ]
            series[f'slo:{kind}:rate5m{{service="{service}",slo="up"}}'] = " ".join(values)
    return series


TREES = {
    "series": "{series: [a/up, b/up, c/up]}",
    "parallel": "{parallel: [a/up, b/up]}",
    "two of three": "{k_of_n: {need: 2, of: [a/up, b/up, c/up]}}",
    "weighted": "{weighted: {a/up: 1, b/up: 2, c/up: 0.5}}",
    "worst": "{worst_of: [a/up, {series: [b/up, c/up]}]}",
    "nested": "{series: [c/up, {parallel: [a/up, {weighted: {b/up: 3, c/up: 1}}]}, "
    "{k_of_n: {need: 1, of: [a/up, b/up]}}]}",
}
POLICIES = ("", ", missing: {after: 10m, count_as: bad}", ", missing: {after: 0s, count_as: good}")
IGNORE = ", missing: {after: 5m, count_as: ignore}"
CASES = [(name, policy) for name in TREES for policy in POLICIES] + [(name, IGNORE) for name in TREES]


@pytest.mark.real
@pytest.mark.parametrize(("name", "policy"), CASES)
def test_rules_and_evaluator_agree(name: str, policy: str) -> None:
    """Each slice, the burn rate and whether the alert fires, at every slice of five hours with gaps and an outage."""
    slo, group = compiled(TREES[name], policy)
    ratios = slices(len(name), gaps=0.15 if policy else 0.0)
    idle = pauses(ratios, idle=bool(policy))
    ratios = {ref: {k: ratio for k, ratio in known.items() if k not in idle[ref]} for ref, known in ratios.items()}
    last = group.rules[-1]
    assert isinstance(last, AlertingRule)
    times = [300 * number for number in range(SLICES)]
    questions = ("journey:slice:ratio", last.expr, firing("JourneyBudgetBurn"))
    asked = [(question, time) for question in questions for time in times]
    found = ask((group,), recorded(ratios, idle), asked, step=300)
    rows = [[next(iter(r.values()), None) for r in found[SLICES * n : SLICES * (n + 1)]] for n in range(3)]

    expected_burns, expected_fires = [], []
    for number in range(SLICES):
        seen = composite(slo, ratios, slo.slice, 0, number + 1, idle=idle)
        sample = burn(slo, seen, ratios, None)
        expected_burns.append(sample.value if sample.truth is Truth.TRUE else None)
        expected_fires.append(sample.truth is Truth.TRUE)
    whole = composite(slo, ratios, slo.slice, 0, SLICES, idle=idle)
    values = [None] * whole.first + list(whole.values)

    assert any(expected_fires)
    if name != "worst":
        assert rows[0] == [pytest.approx(v, abs=1e-12) if v is not None else None for v in values]
    assert rows[1] == [pytest.approx(v, rel=1e-9) if v is not None else None for v in expected_burns]
    assert [row is not None for row in rows[2]] == expected_fires


NIGHT = """
slis: {r: {ratio: {bad: 'requests_total{code="500"}', total: requests_total}}}
slos: {up: {sli: r, target: 99.9%, no_traffic: {alert: false, reason: business hours}}}
"""


@pytest.mark.real
@pytest.mark.parametrize(("gone", "pages"), [(False, [False, False, False, True]), (True, [False, True, True, True])])
def test_an_idle_night_is_no_outage(gone: bool, pages: list[bool]) -> None:
    """Counters that stand still page nobody, as the outage in the morning does; counters that are gone do."""
    api = document("Service", NIGHT, "api")
    probed = "slis: {u: {probe: {up: up}}}\nslos: {up: {sli: u, target: 99.9%}}"
    path = "slos: {all: {target: 99%, combine: {series: [api/up, db/up]}}}"
    workspace, misread = together(api, document("Service", probed, "db"), document("Journey", path, "buy"))
    planned, _ = plan(workspace)
    assert misread == ()
    still = " ".join(["stale", *["_"] * 239]) if gone else "10800x239"
    series = {
        'requests_total{code="200"}': f"0+60x179 {still} 10860+60x60",
        'requests_total{code="500"}': f"0x179 {still.replace('10800', '0')} 60+60x60",
        "up": "1x500",
    }
    times = [60 * minute for minute in (170, 300, 415, 440)]
    found = ask(planned.groups, series, [(firing("JourneyBudgetBurn"), time) for time in times])

    assert [bool(rows) for rows in found] == pages


def test_rule_and_evaluator_are_one_alert() -> None:
    """Both say the same name and the same labels, so that whoever hears both hears of one alert."""
    slo, group = compiled(TREES["series"])
    last = group.rules[-1]
    assert isinstance(last, AlertingRule)

    assert dict(rule(slo).labels) == {**dict(last.labels), "alertname": last.alert}


def test_the_group_is_evaluated_once_per_slice() -> None:
    """Every evaluation records one slice."""
    _, group = compiled(TREES["series"], ", slice: 1m")

    assert (group.name, str(group.interval)) == ("journey:path/all", "1m")
    assert "rate(bad_total[1m])" in group.rules[0].expr


@pytest.mark.parametrize(
    ("combine", "more", "why"),
    [
        ("{series: [a/up, {worst_of: [b/up, c/up]}]}", "", "worst_of inside"),
        ("{k_of_n: {need: 3, of: [a/up, b/up, c/up, d/up, e/up, f/up]}}", "", f"k_of_n of more than {MOST_CHOICES}"),
        ("{series: [a/up]}", ", slice: 1h", "slices of 1h are too long"),
    ],
)
def test_what_promql_cannot_say_is_marked(combine: str, more: str, why: str) -> None:
    """Members are recorded, a note in the rules and a finding say who evaluates the rest, and why."""
    slo, group = compiled(combine, more)

    assert beyond_promql(slo).startswith(why)
    assert group.note.startswith(f"combined and alerted on by `tocsin serve` alone: {why}")
    assert {getattr(rule, "record", "alert") for rule in group.rules} == {
        "journey:member:ratio",
        "journey:member:idle",
    }


def leaf(name: str) -> str:
    """A member."""
    return f"{name}/up"


A, B, C = ([int(bit) for bit in bits] for bits in ("0011111111", "1001111111", "1111111110"))


@pytest.mark.parametrize(
    ("combine", "expected"),
    [
        ("{parallel: [a/up, b/up]}", 0.9),
        ("{k_of_n: {need: 2, of: [a/up, b/up, c/up]}}", 0.9),
        ("{series: [a/up, b/up]}", 0.7),
        ("{series: [a/up, b/up, c/up]}", 0.6),
        ("{worst_of: [a/up, b/up, c/up]}", 0.8),
        ("{weighted: {a/up: 1, b/up: 2, c/up: 1}}", 0.825),
        ("{series: [{worst_of: [b/up, c/up]}, a/up]}", 0.7),
    ],
)
def test_vectors_per_slice(combine: str, expected: float) -> None:
    """Ten slices of which members miss different ones; averages combined afterwards would say something else."""
    slo, _ = compiled(combine)
    ratios = {leaf(n): {k: float(v) for k, v in enumerate(bits)} for n, bits in zip("abc", (A, B, C), strict=True)}
    sli = judge(slo, composite(slo, ratios, slo.slice, 0, 10), ratios, "").status.sli

    assert sli == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("combine", "values", "expected"),
    [
        ("{series: [a/up, b/up, c/up]}", (0.999, 0.9995, 0.99), 0.988515495),
        ("{parallel: [a/up, b/up]}", (0.995, 0.995), 0.999975),
        ("{parallel: [a/up, b/up, c/up]}", (0.99, 0.95, 0.9), 0.99995),
        ("{k_of_n: {need: 2, of: [a/up, b/up, c/up]}}", (0.99, 0.99, 0.99), 0.999702),
        ("{k_of_n: {need: 3, of: [a/up, b/up, c/up, d/up, e/up]}}", (0.99,) * 5, 0.9999901494),
        ("{k_of_n: {need: 2, of: [a/up, b/up, c/up]}}", (0.99, 0.98, 0.95), 0.99832),
        (
            "{series: [a/up, {k_of_n: {need: 2, of: [b/up, c/up, d/up]}}, e/up]}",
            (0.9999, 0.995, 0.995, 0.995, 0.9995),
            0.9993253448,
        ),
        ("{weighted: {a/up: 1, b/up: 4, c/up: 3}}", (0.99, 0.999, 0.95), 0.9795),
    ],
)
def test_vectors_of_one_slice(combine: str, values: tuple[float, ...], expected: float) -> None:
    """Independent parts within one slice."""
    slo, _ = compiled(combine)
    ratios = {leaf(name): {0: value} for name, value in zip("abcde", values, strict=False)}

    [value] = composite(slo, ratios, slo.slice, 0, 1).values
    assert value == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{k_of_n: {need: 3, of: [a/up, a/up]}}", "journey/need"),
        ("{k_of_n: {need: 0, of: [a/up]}}", "schema/value"),
        ("{parallel: []}", "schema/value"),
        ("{series: [a/up], parallel: [a/up]}", "schema/choice"),
    ],
)
def test_mistakes(text: str, code: str) -> None:
    """Each combination has parts, and no more are needed than there are."""
    _, findings = together(
        document("Service", SERVICE, "a"), document("Journey", f"slos: {{all: {{target: 99%, combine: {text}}}}}", "j")
    )

    assert code in [found for _, _, found in places(findings)]
